#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dray/api/cel.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// The Common Expression Language as matchConditions of webhook configurations use it: the
// environment that kube-apiserver 1.36 gives to webhooks[].matchConditions[].expression
// (k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions). Same functions as in selectors
// of devices, without cel.bind() and includes(). An `authorizer` does not exist here: an expression
// that names it is refused.
//
// Pure: no clock, no I/O. A Condition is immutable; any number of threads may use it at once.
namespace dray::cel {

// What one condition may cost in a run, and those of one webhook together
// (apiserver/pkg/apis/cel: PerCallLimit, RuntimeCELCostBudgetMatchConditions).
inline constexpr uint64_t kMaxConditionCost = 1'000'000;
inline constexpr uint64_t kMaxConditionsCost = 2'500'000;

// What conditions see of one write. Nothing is copied: the documents outlive the evaluation, and
// only the parts that an expression asks for are looked at.
struct ConditionVariables {
  // The variables of the same name; a null pointer and a JSON null give null.
  const Json* object = nullptr;
  const Json* old_object = nullptr;
  // The AdmissionRequest. Fields without a value are missing from it, as in Kubernetes.
  const Json* request = nullptr;
};

// One compiled condition.
class Condition {
 public:
  // kInvalid explains each mistake as Program::Compile does. The expression must be of type bool:
  // one whose type is only known at run time (object.spec.hostNetwork) is refused.
  static Result<std::shared_ptr<const Condition>> Compile(std::string_view expression);

  ~Condition();

  const std::string& expression() const { return expression_; }

  // kInvalid when there is no answer: "no such key: spec", or a cost above kMaxConditionCost.
  Evaluated Evaluate(const ConditionVariables& variables) const;

 private:
  Condition();

  std::string expression_;
  std::unique_ptr<const Plan> plan_;
};

}  // namespace dray::cel
