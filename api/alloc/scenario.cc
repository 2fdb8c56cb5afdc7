#include "dray/api/scenario.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"

namespace dray::alloc {
namespace {

template <class T>
Result<std::vector<T>> ReadObjects(const Json& document, const char* field) {
  std::vector<T> objects;
  const auto found = document.find(field);
  if (found == document.end() || found->is_null()) return objects;
  if (!found->is_array()) return Status(Reason::kInvalid, std::string(field) + ": want a list");
  for (const Json& item : *found) {
    Result<T> object = api::FromJson<T>(item);
    if (!object.ok()) {
      return object.status().Wrapped(std::string(field) + "[" + std::to_string(objects.size()) + "]");
    }
    objects.push_back(std::move(object).value());
  }
  return objects;
}

template <class T>
std::vector<std::shared_ptr<const T>> Share(std::vector<T> objects) {
  std::vector<std::shared_ptr<const T>> shared;
  for (T& object : objects) shared.push_back(std::make_shared<const T>(std::move(object)));
  return shared;
}

Result<std::vector<std::vector<std::string>>> ReadGroups(const Json& document, const Scenario& scenario) {
  std::vector<std::vector<std::string>> groups;
  const auto found = document.find("groups");
  if (found == document.end() || found->is_null()) return groups;
  std::set<std::string> known, grouped;
  for (const api::ResourceClaim& claim : scenario.claims) known.insert(claim.metadata.name);
  const Status malformed(Reason::kInvalid, "groups: want lists of claim names");
  if (!found->is_array()) return malformed;
  for (const Json& group : *found) {
    if (!group.is_array()) return malformed;
    std::vector<std::string>& names = groups.emplace_back();
    for (const Json& name : group) {
      if (!name.is_string()) return malformed;
      names.push_back(name.get<std::string>());
      if (!known.contains(names.back())) return Status(Reason::kInvalid, "groups: no claim " + names.back());
      if (!grouped.insert(names.back()).second) {
        return Status(Reason::kInvalid, "groups: claim " + names.back() + " is in two groups");
      }
    }
  }
  return groups;
}

}  // namespace

Result<Scenario> ReadScenario(std::string_view json) {
  Json document = Json::parse(json, nullptr, false);
  if (document.is_discarded()) return Status(Reason::kInvalid, "not JSON");
  if (!document.is_object()) return Status(Reason::kInvalid, "want an object with nodes, slices, classes and claims");
  Scenario scenario;
  DRAY_ASSIGN_OR_RETURN(scenario.nodes, ReadObjects<api::Node>(document, "nodes"));
  DRAY_ASSIGN_OR_RETURN(std::vector<api::ResourceSlice> slices, ReadObjects<api::ResourceSlice>(document, "slices"));
  DRAY_ASSIGN_OR_RETURN(std::vector<api::DeviceClass> classes, ReadObjects<api::DeviceClass>(document, "classes"));
  DRAY_ASSIGN_OR_RETURN(std::vector<api::ResourceClaim> allocated,
                        ReadObjects<api::ResourceClaim>(document, "allocated"));
  DRAY_ASSIGN_OR_RETURN(scenario.claims, ReadObjects<api::ResourceClaim>(document, "claims"));
  scenario.slices = Share(std::move(slices));
  scenario.classes = Share(std::move(classes));
  scenario.allocated = Share(std::move(allocated));
  DRAY_ASSIGN_OR_RETURN(scenario.groups, ReadGroups(document, scenario));
  return scenario;
}

std::vector<ClaimAnswer> RunScenario(const Scenario& scenario, const ScenarioOptions& options) {
  Snapshot snapshot({scenario.slices, scenario.classes, scenario.allocated, options.features});
  std::map<std::string, size_t> by_name;
  for (size_t i = 0; i < scenario.claims.size(); ++i) by_name[scenario.claims[i].metadata.name] = i;
  std::map<size_t, std::vector<size_t>> together;  // first claim of a group -> the group
  std::set<size_t> later;
  for (const std::vector<std::string>& group : scenario.groups) {
    std::vector<size_t> members;
    for (const std::string& name : group) members.push_back(by_name[name]);
    if (members.empty()) continue;
    const size_t first = *std::min_element(members.begin(), members.end());
    for (size_t member : members) {
      if (member != first) later.insert(member);
    }
    together[first] = std::move(members);
  }

  std::vector<ClaimAnswer> answers(scenario.claims.size());
  for (size_t i = 0; i < scenario.claims.size(); ++i) {
    if (later.contains(i)) continue;
    auto group = together.find(i);
    const std::vector<size_t> members = group != together.end() ? group->second : std::vector<size_t>{i};
    std::vector<const api::ResourceClaim*> claims;
    for (size_t member : members) claims.push_back(&scenario.claims[member]);

    Options allocate;
    allocate.new_share_id = options.new_share_id;
    Cycle cycle(snapshot, claims, allocate);
    std::vector<NodeAnswer> refusals;
    NodeAnswer answer;
    std::string node_name;
    int tried = 0;
    for (const api::Node& node : scenario.nodes) {
      ++tried;
      answer = cycle.Try(node);
      node_name = node.metadata.name;
      if (answer.outcome != Outcome::kUnsatisfiable) break;
      if (options.reasons) refusals.push_back(std::move(answer));
    }
    std::string reason = answer.error;
    if (answer.outcome == Outcome::kUnsatisfiable && options.reasons) {
      for (size_t n = 0; n < refusals.size(); ++n) cycle.Explain(scenario.nodes[n], refusals[n]);
      reason = "0/" + std::to_string(scenario.nodes.size()) + " nodes";
      if (!refusals.empty()) reason += ": " + Summarize(refusals);
    }
    for (size_t m = 0; m < members.size(); ++m) {
      ClaimAnswer& entry = answers[members[m]];
      entry.name = claims[m]->metadata.name;
      entry.outcome = answer.outcome;
      entry.reason = reason;
      if (answer.outcome != Outcome::kAllocated) continue;
      entry.node = node_name;
      entry.allocation = std::move(answer.allocations[m]);
      snapshot.AddAllocation(*entry.allocation);
    }
    if (options.after_each) options.after_each(tried);
  }
  return answers;
}

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAllocated: return "allocated";
    case Outcome::kUnsatisfiable: return "unsatisfiable";
    case Outcome::kError: return "error";
  }
  return "error";
}

}  // namespace dray::alloc
