#include <vector>

#include "dray/api/alloc.h"

namespace dray::alloc {

std::string WhyPending(const Snapshot& snapshot, std::span<const api::Node* const> nodes,
                       std::span<const api::ResourceClaim* const> claims,
                       std::span<const api::NodeSelector> places, Options how) {
  how.reasons = false;  // what can be taken needs none
  const std::string head = "0/" + std::to_string(nodes.size()) + " nodes: ";
  if (nodes.empty()) return head + "there is no node";
  Cycle cycle(snapshot, claims, how);
  std::vector<NodeAnswer> answers;
  for (const api::Node* node : nodes) {
    NodeAnswer& answer = answers.emplace_back();
    for (const api::NodeSelector& place : places)
      if (!Matches(place, *node))
        answer.reason = "lay outside the allocation of another claim of the Pod";
    if (!answer.reason.empty()) continue;
    answer = cycle.Try(*node);
    if (answer.outcome == Outcome::kAllocated) return "";
  }
  if (how.stop.stop_requested()) return "";
  for (size_t i = 0; i < nodes.size(); ++i)
    if (answers[i].outcome == Outcome::kUnsatisfiable && answers[i].reason.empty())
      cycle.Explain(*nodes[i], answers[i]);
  return head + Summarize(answers);
}

}  // namespace dray::alloc
