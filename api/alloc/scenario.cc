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
  std::shared_ptr<const Explanation> explanation;
  std::vector<std::string> claims;  // that were explained
  uint64_t changes = 0;             // of what is in use, when it was explained
};

// The explanation of claims that ask as those did that were explained.
std::shared_ptr<const Explanation> ExplanationFor(
    const Explained& known, const std::vector<const api::ResourceClaim*>& claims) {
  if (known.explanation == nullptr) return nullptr;
  auto renamed = std::make_shared<Explanation>(*known.explanation);
  for (RequestReason& reason : renamed->requests) {
    for (size_t c = 0; c < claims.size(); ++c) {
      if (known.claims[c] != reason.claim) continue;
      reason.claim = claims[c]->metadata.name;
      break;
    }
  }
  return renamed;
}

void AddUp(const RequestReason& reason, std::vector<RequestReason>& sums) {
  auto known = std::find_if(sums.begin(), sums.end(), [&](const RequestReason& sum) {
    return sum.claim == reason.claim && sum.request == reason.request;
  });
  if (known == sums.end()) {
    sums.push_back(reason);
    return;
  }
  known->wanted = std::max(known->wanted, reason.wanted);
  known->devices += reason.devices;
  for (const auto& [rule, devices] : reason.ruled_out) known->ruled_out[rule] += devices;
  for (const auto& [name, amounts] : reason.short_of) {
    auto [entry, added] = known->short_of.try_emplace(name, amounts);
    entry->second.first = std::max(entry->second.first, amounts.first);
    entry->second.second = std::max(entry->second.second, amounts.second);
  }
  for (const std::string& holder : reason.holders) {
    if (known->holders.size() >= RequestReason::kHolders) break;
    if (std::find(known->holders.begin(), known->holders.end(), holder) == known->holders.end()) {
      known->holders.push_back(holder);
    }
  }
}

void Bound(RequestReason& reason) {
  while (reason.ruled_out.size() > Explanation::kRules) {
    auto rarest = reason.ruled_out.end();
    for (auto rule = reason.ruled_out.begin(); rule != reason.ruled_out.end(); ++rule) {
      if (rule->first != "other" &&
          (rarest == reason.ruled_out.end() || rule->second < rarest->second))
        rarest = rule;
    }
    const int devices = rarest->second;
    reason.ruled_out.erase(rarest);
    reason.ruled_out["other"] += devices;
  }
}

Explained Explain(const Cycle& cycle, const std::vector<api::Node>& nodes, bool figures) {
  std::vector<NodeAnswer> refusals(nodes.size());
  auto explanation = std::make_shared<Explanation>();
  for (size_t n = 0; n < nodes.size(); ++n) {
    cycle.Explain(nodes[n], refusals[n]);
    if (!figures) continue;
    for (const RequestReason& reason : refusals[n].reasons) AddUp(reason, explanation->requests);
    if (n < Explanation::kNodes)
      explanation->nodes.emplace_back(nodes[n].metadata.name, refusals[n].reason);
    refusals[n].reasons.clear();
  }
  for (RequestReason& reason : explanation->requests) Bound(reason);
  const std::string summary = Summarize(refusals);
  return {"0/" + std::to_string(nodes.size()) + " nodes" + (summary.empty() ? "" : ": " + summary),
          figures ? std::move(explanation) : nullptr,
          {},
          0};
}

}  // namespace

std::vector<ClaimAnswer> RunScenario(const Scenario& scenario, const ScenarioOptions& options) {
  Snapshot snapshot({scenario.slices, scenario.classes, scenario.allocated, options.features});
  NodeOrder nodes(snapshot, scenario.nodes);
  std::map<std::string, size_t> by_name;
  for (size_t i = 0; i < scenario.claims.size() && !scenario.groups.empty(); ++i)
    by_name[scenario.claims[i].metadata.name] = i;
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
  std::unordered_map<std::string, Explained>
      explained;  // by shape: claims that ask alike are refused alike
  for (size_t i = 0; i < scenario.claims.size(); ++i) {
    if (later.contains(i)) continue;
    auto group = together.find(i);
    const std::vector<size_t> members =
        group != together.end() ? group->second : std::vector<size_t>{i};
    std::vector<const api::ResourceClaim*> claims;
    for (size_t member : members) claims.push_back(&scenario.claims[member]);

    Options allocate;
    allocate.new_share_id = options.new_share_id;
    Cycle cycle(snapshot, claims, allocate);
    auto [node, tried, answer] = cycle.FirstFit(nodes);
    std::string reason = answer.error;
    std::shared_ptr<const Explanation> explanation;
    if (answer.outcome == Outcome::kUnsatisfiable && options.reasons) {
      Explained& known = explained[ShapeText(claims)];
      if (known.text.empty() || known.changes != snapshot.state().changes) {
        known = Explain(cycle, scenario.nodes, options.explanations);
        known.changes = snapshot.state().changes;
        for (const api::ResourceClaim* claim : claims) known.claims.push_back(claim->metadata.name);
      }
      reason = known.text;
      explanation = ExplanationFor(known, claims);
    }
    for (size_t m = 0; m < members.size(); ++m) {
      ClaimAnswer& entry = answers[members[m]];
      entry.name = claims[m]->metadata.name;
      entry.outcome = answer.outcome;
      entry.reason = reason;
      entry.explanation = explanation;
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
    case Outcome::kAllocated:
      return "allocated";
    case Outcome::kUnsatisfiable:
      return "unsatisfiable";
    case Outcome::kError:
      return "error";
  }
  return "error";
}

}  // namespace dray::alloc
