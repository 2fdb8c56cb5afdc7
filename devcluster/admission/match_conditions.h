#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devcluster/admission/webhooks.h"
#include "dray/api/cel_condition.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// The AdmissionRequest that conditions see as `request`: all of it but the objects, which are
// variables of their own.
Json ConditionRequest(const AdmissionCall& call);

// The matchConditions of one configuration's webhooks, compiled once for as long as they are the
// same. Immutable: any thread.
class MatchConditions {
 public:
  // `previous` may be null: what it has compiled already is taken over.
  MatchConditions(const Json& configuration, const MatchConditions* previous);

  // Whether webhooks[index] is to be asked
  // (apiserver/pkg/admission/plugin/webhook/matchconditions): false when one condition is, whatever
  // the others give; true when all are. With an error among them its failurePolicy decides: Ignore
  // is false, Fail is kForbidden. `object` is null for DELETE.
  Result<bool> Match(size_t index, const AdmissionCall& call, const Json& object) const;

 private:
  struct Compiled {
    std::string expression;
    std::shared_ptr<const cel::Condition> condition;  // null: `refusal` says why
    Status refusal;
  };
  struct Webhook {
    bool ignore_failure = false;
    std::vector<Compiled> conditions;
  };
  static Compiled Compile(const std::string& expression, const MatchConditions* previous);

  std::vector<Webhook> webhooks_;
};

}  // namespace dray::devcluster
