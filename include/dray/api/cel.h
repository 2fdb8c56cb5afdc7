#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dray/api/types/resource.h"
#include "dray/base/status.h"

// The Common Expression Language as DRA uses it to select devices: the environment that
// kube-scheduler 1.36 gives to spec.devices.requests[].selectors[].cel.expression and to
// DeviceClass selectors (k8s.io/dynamic-resource-allocation/cel over cel-go v0.26). Same functions,
// same accept and reject, same results, same costs.
//
// Pure: no clock, no I/O. A Program and a DeviceView are immutable; any number of threads may use
// them at once.
namespace dray::cel {

// Limits of the API (resource/v1/types.go).
inline constexpr size_t kMaxExpressionLength = 10 * 1024;  // bytes
inline constexpr uint64_t kMaxSelectorCost = 1'000'000;    // CELSelectorExpressionMaxCost

struct Options {
  bool consumable_capacity = true;  // DRAConsumableCapacity: device.allowMultipleAllocations exists
  bool list_attributes = false;  // DRAListTypeAttributes (alpha): lists as attributes, includes()
  // As the API server checks an expression that somebody writes. What is stored already, so all
  // that the scheduler sees, may use every field and function, whatever the gates
  // (apiserver/pkg/cel/environment: StoredExpressions).
  bool new_expression = false;
  uint64_t cost_limit =
      kMaxSelectorCost;  // an evaluation that costs more ends with a runtime error
};

struct DeviceData;

// What an expression sees of one device, read once. Build it once per device and keep it: an
// evaluation against it allocates nothing on the usual paths. Refers to the device and the driver's
// name (no string or quantity is copied), which must outlive it.
class DeviceView {
 public:
  // Names without a domain are filed under `driver`. A malformed attribute (a version that is no
  // semantic version, no value at all) does not fail here but every evaluation against this view,
  // as in Kubernetes.
  DeviceView(const api::Device& device, std::string_view driver);

  const DeviceData& data() const { return *data_; }

 private:
  std::shared_ptr<const DeviceData> data_;
};

// The outcome of one evaluation.
struct Evaluated {
  // The selector's answer, or kInvalid with why it has none ("no such key: model"). In Kubernetes
  // such a runtime error does not mean "no match": it ends the scheduling attempt.
  Result<bool> matches;
  uint64_t cost = 0;  // what the evaluation cost, in CEL's units
};

struct Plan;

// One compiled expression.
class Program {
 public:
  // kInvalid explains each mistake with line, column and a caret under the place:
  //   ERROR: <input>:1:8: undefined field 'nonexistent'
  //    | device.nonexistent == 1
  //    | .......^
  // The result type must be bool or only known at run time. Nothing is too deep or too big for it:
  // nesting beyond 250 levels and text beyond kMaxExpressionLength are refused.
  static Result<std::shared_ptr<const Program>> Compile(std::string_view expression,
                                                        const Options& options = {});

  ~Program();

  // Worst case over every device that the API admits. Above kMaxSelectorCost, the API server
  // refuses the expression ("too complex, exceeds cost limit"); the scheduler runs it all the same,
  // within Options::cost_limit.
  uint64_t max_cost() const { return max_cost_; }
  const std::string& expression() const { return expression_; }

  Evaluated Evaluate(const DeviceView& device) const;
  // The same without the cost.
  Result<bool> Matches(const DeviceView& device) const { return Evaluate(device).matches; }

 private:
  Program();

  std::string expression_;
  uint64_t cost_limit_ = 0;
  uint64_t max_cost_ = 0;
  bool list_attributes_ = false;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace dray::cel
