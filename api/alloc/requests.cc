#include "api/alloc/requests.h"

namespace dray::alloc {
namespace {

Result<std::vector<std::shared_ptr<const Selector>>> Resolve(
    const Snapshot::State& state, const std::vector<api::DeviceSelector>& selectors) {
  std::vector<std::shared_ptr<const Selector>> resolved;
  for (const api::DeviceSelector& selector : selectors) {
    if (!selector.cel) {
      return Status(Reason::kInvalid,
                    "selector #" + std::to_string(resolved.size()) + ": no CEL expression");
    }
    resolved.push_back(
        state.selectors.Get(selector.cel->expression, state.features, state.devices));
  }
  return resolved;
}

// Fills what ExactDeviceRequest and DeviceSubRequest have in common.
template <class Request>
Status Fill(const Snapshot::State& state, const Request& request, Alternative& alternative) {
  DRAY_ASSIGN_OR_RETURN(alternative.selectors, Resolve(state, request.selectors));
  if (request.device_class_name.empty())
    return Status(Reason::kInvalid, "missing device class name");
  auto found = state.classes.find(request.device_class_name);
  if (found == state.classes.end()) {
    return Status(Reason::kInvalid,
                  "device class " + request.device_class_name + " does not exist");
  }
  alternative.device_class = found->second;
  Result<std::vector<std::shared_ptr<const Selector>>> of_class =
      Resolve(state, alternative.device_class->spec.selectors);
  if (!of_class.ok()) return of_class.status().Wrapped("class " + request.device_class_name);
  alternative.class_selectors = std::move(of_class).value();
  if (request.allocation_mode == "All") {
    alternative.all = true;
  } else if (request.allocation_mode.empty() || request.allocation_mode == "ExactCount") {
    alternative.count = request.count == 0 ? 1 : request.count;
  } else {
    return Status(Reason::kInvalid, "unsupported allocation mode " + request.allocation_mode);
  }
  if (alternative.count < 0)
    return Status(Reason::kInvalid, "a count of " + std::to_string(alternative.count));
  alternative.tolerations = &request.tolerations;
  if (request.capacity) {
    for (const auto& [name, amount] : request.capacity->requests) {
      alternative.capacities.emplace_back(state.CapacityName(name), &name, &amount);
    }
  }
  return Ok();
}

Result<PreparedRequest> PrepareRequest(const Snapshot::State& state,
                                       const api::DeviceRequest& request) {
  PreparedRequest prepared;
  prepared.prioritized = !request.first_available.empty();
  for (const api::DeviceSubRequest& sub : request.first_available) {
    Alternative& alternative = prepared.alternatives.emplace_back();
    alternative.request = &request.name;
    alternative.alternative = &sub.name;
    if (Status status = Fill(state, sub, alternative); !status.ok())
      return status.Wrapped("request " + sub.name);
  }
  if (prepared.prioritized) return prepared;
  if (!request.exactly) {
    return Status(Reason::kInvalid,
                  "request " + request.name + ": neither exactly nor firstAvailable");
  }
  Alternative& alternative = prepared.alternatives.emplace_back();
  alternative.request = &request.name;
  alternative.admin = request.exactly->admin_access.value_or(false);
  if (Status status = Fill(state, *request.exactly, alternative); !status.ok()) {
    return status.Wrapped("request " + request.name);
  }
  return prepared;
}

}  // namespace

std::string Describe(const api::ResourceClaim& claim) {
  return "claim " + api::KeyOf(claim).ToString();
}

Result<std::shared_ptr<const Plan>> PlanFor(const Snapshot::State& state,
                                            std::span<const api::ResourceClaim* const> claims) {
  std::string text = ShapeText(claims);
  if (std::shared_ptr<const Plan> known = state.FindPlan(text)) return known;
  auto plan = std::make_shared<Plan>();
  for (const api::ResourceClaim* claim : claims)
    plan->asked.emplace_back().requests = claim->spec.devices.requests;
  for (size_t c = 0; c < claims.size(); ++c) {
    std::vector<PreparedRequest>& requests = plan->requests.emplace_back();
    for (const api::DeviceRequest& request : plan->asked[c].requests) {
      Result<PreparedRequest> made = PrepareRequest(state, request);
      if (!made.ok()) return made.status().Wrapped(Describe(*claims[c]));
      requests.push_back(std::move(made).value());
    }
  }
  return state.KeepPlan(std::move(text), std::move(plan));
}

Selector::Answer Select(const Alternative& alternative, const DeviceInfo& device) {
  for (const auto* selectors : {&alternative.class_selectors, &alternative.selectors}) {
    for (const std::shared_ptr<const Selector>& selector : *selectors) {
      Selector::Answer answer = selector->On(device);
      if (answer != Selector::Answer::kYes) return answer;
    }
  }
  return Selector::Answer::kYes;
}

std::string SelectError(const api::ResourceClaim& claim, const Alternative& alternative,
                        const DeviceInfo& device) {
  for (const auto* selectors : {&alternative.class_selectors, &alternative.selectors}) {
    for (size_t i = 0; i < selectors->size(); ++i) {
      const Selector& selector = *(*selectors)[i];
      if (selector.On(device) != Selector::Answer::kError) continue;
      std::string whose = selectors == &alternative.class_selectors
                              ? "class " + alternative.device_class->metadata.name
                              : Describe(claim);
      return whose + ": selector #" + std::to_string(i) + ": " + selector.ErrorOn(device);
    }
  }
  return "";
}

}  // namespace dray::alloc
