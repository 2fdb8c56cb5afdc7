#include "devcluster/admission/match_conditions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/admission/review.h"
#include "devcluster/apiserver/json_access.h"

namespace dray::devcluster {
namespace {

// `pods "name" is forbidden: why`.
Status RefusedWrite(const AdmissionCall& call, const std::string& why) {
  std::string resource = call.resource.name;
  if (!call.resource.group.empty()) resource += "." + call.resource.group;
  return Status(Reason::kForbidden, resource + " \"" + call.name + "\" is forbidden: " + why);
}

// One error as it is; several in brackets, each once.
std::string Joined(const std::vector<std::string>& errors) {
  std::vector<std::string> seen;
  for (const std::string& error : errors)
    if (std::find(seen.begin(), seen.end(), error) == seen.end()) seen.push_back(error);
  if (seen.size() == 1) return seen[0];
  std::string text = "[";
  for (const std::string& error : seen) text += (text.size() > 1 ? ", " : "") + error;
  return text + "]";
}

}  // namespace

Json ConditionRequest(const AdmissionCall& call) {
  Json request = ReviewRequest(call, "");
  // In an AdmissionRequest that is no message these are there, without a value.
  request["object"] = nullptr;
  request["oldObject"] = nullptr;
  Json& user = request["userInfo"];
  if (call.user.empty()) user.erase("username");
  if (call.groups.empty()) user.erase("groups");
  return request;
}

MatchConditions::MatchConditions(const Json& configuration, const MatchConditions* previous) {
  const Json* webhooks = FindArray(configuration, "webhooks");
  if (!webhooks) return;
  for (const Json& webhook : *webhooks) {
    Webhook& compiled = webhooks_.emplace_back();
    compiled.ignore_failure = StringAt(webhook, "failurePolicy") == "Ignore";
    if (const Json* conditions = FindArray(webhook, "matchConditions"))
      for (const Json& condition : *conditions)
        compiled.conditions.push_back(Compile(StringAt(condition, "expression"), previous));
  }
}

MatchConditions::Compiled MatchConditions::Compile(const std::string& expression,
                                                   const MatchConditions* previous) {
  if (previous)
    for (const Webhook& webhook : previous->webhooks_)
      for (const Compiled& known : webhook.conditions)
        if (known.expression == expression) return known;
  Result<std::shared_ptr<const cel::Condition>> condition = cel::Condition::Compile(expression);
  if (condition.ok()) return {expression, *std::move(condition), Ok()};
  return {expression, nullptr, condition.status()};
}

Result<bool> MatchConditions::Match(size_t index, const AdmissionCall& call,
                                    const Json& object) const {
  if (index >= webhooks_.size() || webhooks_[index].conditions.empty()) return true;
  const Webhook& webhook = webhooks_[index];
  const Json request = ConditionRequest(call);
  const cel::ConditionVariables variables{&object, call.old_object, &request};
  uint64_t left = cel::kMaxConditionsCost;
  bool matches = true;
  std::vector<std::string> errors;
  for (const Compiled& compiled : webhook.conditions) {
    if (!compiled.condition) {
      errors.push_back("compilation error: " + compiled.refusal.message());
      continue;
    }
    const cel::Evaluated evaluated = compiled.condition->Evaluate(variables);
    if (evaluated.cost > left) {
      // This ends the matter, also when a condition before was false.
      matches = true;
      errors = {
          "validation failed due to running out of cost budget, no further validation rules will "
          "be run"};
      break;
    }
    left -= evaluated.cost;
    if (evaluated.matches.ok()) {
      matches = matches && *evaluated.matches;
    } else {
      errors.push_back("expression '" + compiled.expression +
                       "' resulted in error: " + evaluated.matches.status().message());
    }
  }
  if (!matches) return false;
  if (errors.empty()) return true;
  if (webhook.ignore_failure) return false;
  return RefusedWrite(call, Joined(errors));
}

}  // namespace dray::devcluster
