#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "dray/api/alloc.h"
#include "dray/api/cel.h"

namespace dray::alloc {

struct DeviceInfo;

// One CEL expression with its answer for every device of a snapshot, found at most once each. Any
// thread.
class Selector {
 public:
  enum class Answer : uint8_t { kUnknown, kNo, kYes, kError };

  Selector(const std::string& expression, const Features& features, size_t devices);

  Answer On(const DeviceInfo& device) const;
  // After kError: "CEL compile error: ..." or "CEL runtime error: ...".
  std::string ErrorOn(const DeviceInfo& device) const;
  const std::string& expression() const { return expression_; }
  // After kNo: the part of the expression that says no, when it is a conjunction ("a && b"), else
  // all of it.
  const std::string& Failing(const DeviceInfo& device) const;

 private:
  struct Part {
    std::string text;
    std::shared_ptr<const cel::Program> program;
  };
  void Split() const;

  std::string expression_;
  Result<std::shared_ptr<const cel::Program>> program_;
  std::unique_ptr<std::atomic<Answer>[]> answers_;  // by DeviceInfo::index
  bool list_attributes_ = false;
  mutable std::once_flag split_;
  mutable std::vector<Part> parts_;  // made when somebody asks why
};

// The operands of the outermost && of an expression, or the expression itself.
std::vector<std::string> Conjuncts(const std::string& expression);

// The selectors of a snapshot by their text. Any thread.
class Selectors {
 public:
  // Shared with the cache, so that an answer is found once for all claims that ask alike.
  std::shared_ptr<const Selector> Get(const std::string& expression, const Features& features,
                                      size_t devices);
  // How often the cache started afresh.
  uint64_t generation() const { return generation_; }

 private:
  // A claim may bring expressions that no other claim has: beyond this many the cache starts
  // afresh.
  static constexpr size_t kKept = 512;
  std::atomic<uint64_t> generation_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Selector>> kept_;
};

}  // namespace dray::alloc
