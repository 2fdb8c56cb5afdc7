#pragma once

#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>

#include "api/cel/ast.h"
#include "api/cel/cost_range.h"

namespace dray::cel {

// The worst case that Kubernetes computes for a checked expression before it accepts it, from the
// limits of the API: names of at most 63 and 32 characters, 32 attributes, values of 64 characters.
// Rules: cel-go's checker/cost.go with the estimators of k8s.io/apiserver and
// k8s.io/dynamic-resource-allocation. The number is part of the API, its oddities included.
uint64_t EstimateMaxCost(const Ast& ast);

// Where a value comes from: "device", "attributes", "@values"... Steps append like a slice of Go: a
// step added to a shared prefix may overwrite the step that another value added to it.
class Path {
 public:
  Path() = default;
  // Steps live in `memory`.
  explicit Path(std::pmr::memory_resource* memory) : memory_(memory) {}
  Path(std::string_view root, std::pmr::memory_resource* memory) : Path(memory) {
    *this = Then(root);
  }
  // Not for a path without memory.
  Path Then(std::string_view step) const;
  std::pmr::memory_resource* memory() const { return memory_; }
  bool empty() const { return length_ == 0; }
  size_t size() const { return length_; }
  std::string_view operator[](size_t index) const { return steps_[index]; }

 private:
  std::pmr::memory_resource* memory_ = nullptr;
  std::string_view* steps_ = nullptr;
  uint32_t length_ = 0, capacity_ = 0;
};

// What estimators see of an argument.
struct CostNode {
  Path path;
  const StaticType* type = nullptr;
  const Expr* expr = nullptr;
  std::optional<Range> size;  // when it follows from the expression
};

struct CallEstimate {
  Range cost;
  std::optional<Range> result_size;
};

// The largest size of what a path leads to.
std::optional<Range> SizeAt(const Path& path);
// The estimate of a library for one overload of a call, arguments not included; nothing when the
// general rules apply.
std::optional<CallEstimate> EstimateLibraryCall(std::string_view function,
                                                std::string_view overload, const CostNode* target,
                                                std::span<const CostNode> args);

}  // namespace dray::cel
