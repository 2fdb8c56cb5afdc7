#include "dray/api/scenario.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "api/alloc/requests.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {
namespace {

struct Explained {
  std::string text;
  uint64_t changes = 0;  // of what is in use, when it was explained
};

std::string Explain(const Cycle& cycle, const std::vector<api::Node>& nodes) {
  std::vector<NodeAnswer> refusals(nodes.size());
  for (size_t n = 0; n < nodes.size(); ++n) cycle.Explain(nodes[n], refusals[n]);
  const std::string summary = Summarize(refusals);
  return "0/" + std::to_string(nodes.size()) + " nodes" + (summary.empty() ? "" : ": " + summary);
}

}  // namespace

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
  std::unordered_map<std::string, Explained> explained;  // by shape: claims that ask alike are refused alike
  for (size_t i = 0; i < scenario.claims.size(); ++i) {
    if (later.contains(i)) continue;
    auto group = together.find(i);
    const std::vector<size_t> members = group != together.end() ? group->second : std::vector<size_t>{i};
    std::vector<const api::ResourceClaim*> claims;
    for (size_t member : members) claims.push_back(&scenario.claims[member]);

    Options allocate;
    allocate.new_share_id = options.new_share_id;
    Cycle cycle(snapshot, claims, allocate);
    NodeAnswer answer;
    const api::Node* node = nullptr;  // the last one tried
    int tried = 0;
    for (const api::Node& next : scenario.nodes) {
      ++tried;
      answer = cycle.Try(next);
      node = &next;
      if (answer.outcome != Outcome::kUnsatisfiable) break;
    }
    std::string reason = answer.error;
    if (answer.outcome == Outcome::kUnsatisfiable && options.reasons) {
      Explained& known = explained[ShapeText(claims)];
      if (known.text.empty() || known.changes != snapshot.state().changes) {
        known = {Explain(cycle, scenario.nodes), snapshot.state().changes};
      }
      reason = known.text;
    }
    for (size_t m = 0; m < members.size(); ++m) {
      ClaimAnswer& entry = answers[members[m]];
      entry.name = claims[m]->metadata.name;
      entry.outcome = answer.outcome;
      entry.reason = reason;
      if (answer.outcome != Outcome::kAllocated) continue;
      entry.node = node->metadata.name;
      entry.allocation = std::move(answer.allocations[m]);
      snapshot.AddAllocation(*entry.allocation, api::KeyOf(*claims[m]).ToString());
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
