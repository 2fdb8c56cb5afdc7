// Life of a claim, stop 3 of 8
#include "api/alloc/node_order.h"
#include "api/alloc/reasons.h"
#include "api/alloc/result.h"
#include "api/alloc/search.h"

namespace dray::alloc {

struct Cycle::State {
  const Snapshot::State& snapshot;
  Options options;
  Result<std::shared_ptr<const Plan>> plan;
  // When there is a plan.
  std::vector<PreparedClaim> claims;
  std::optional<Search> search;

  // Without reasons. Only when there is a plan.
  void Judge(const api::Node& node, const NodeView& view, NodeAnswer& answer);
};

void Cycle::State::Judge(const api::Node& node, const NodeView& view, NodeAnswer& answer) {
  const Search::End end = search->Run(view);
  if (end == Search::End::kNone) return;
  if (end == Search::End::kFound) {
    auto results = MakeResults(*search, claims, node, options);
    if (results.ok()) {
      answer.outcome = Outcome::kAllocated;
      answer.allocations = std::move(results).value();
      return;
    }
    answer.error = results.status().message();
  } else {
    answer.error = search->error();
  }
  answer.outcome = Outcome::kError;
}

Cycle::Cycle(const Snapshot& snapshot, std::span<const api::ResourceClaim* const> claims,
             Options options)
    : state_(new State{
          snapshot.state(), std::move(options), PlanFor(snapshot.state(), claims), {}, {}}) {
  if (!state_->plan.ok()) return;
  for (size_t c = 0; c < claims.size(); ++c)
    state_->claims.push_back({claims[c], (*state_->plan)->requests[c]});
  state_->search.emplace(state_->snapshot, state_->claims, state_->options);
}

Cycle::~Cycle() = default;

NodeAnswer Cycle::Try(const api::Node& node) {
  NodeAnswer answer;
  if (!state_->plan.ok()) {
    answer.outcome = Outcome::kError;
    answer.error = state_->plan.status().message();
    return answer;
  }
  const Visit visit = VisitNode(state_->snapshot, node, (*state_->plan)->shape);
  if (!visit.refused) {
    state_->Judge(node, *visit.view, answer);
    if (answer.outcome != Outcome::kUnsatisfiable) return answer;
    NoteRefusal(state_->snapshot, node, visit, (*state_->plan)->shape);
  }
  if (state_->options.reasons) Explain(node, answer);
  if (visit.invalid_pools && answer.reason.empty())
    answer.reason = "invalid resource pools were encountered";
  return answer;
}

Placement Cycle::FirstFit(NodeOrder& order) {
  Placement placement;
  NodeOrder::State& nodes = *order.state_;
  const size_t count = nodes.nodes.size();
  placement.tried = static_cast<int>(count);
  if (count == 0) return placement;
  if (!state_->plan.ok()) return {&nodes.nodes[0], 1, Try(nodes.nodes[0])};
  NodeSet& refused = nodes.RefusedBy((*state_->plan)->shape);
  for (size_t n = refused.NextOutside(0); n < count; n = refused.NextOutside(n + 1)) {
    const NodeView& view = nodes.View(n);
    state_->Judge(nodes.nodes[n], view, placement.answer);
    if (placement.answer.outcome != Outcome::kUnsatisfiable) {
      placement.node = &nodes.nodes[n];
      placement.tried = static_cast<int>(n + 1);
      break;
    }
    if (view.repeatable) refused.Add(n);
  }
  return placement;
}

void Cycle::Explain(const api::Node& node, NodeAnswer& answer) const {
  if (answer.outcome != Outcome::kUnsatisfiable || !state_->plan.ok()) return;
  answer.reason.clear();
  answer.reasons.clear();
  ExplainNode(state_->snapshot, *ViewOf(state_->snapshot, node), state_->claims, answer);
}

NodeAnswer Allocate(const Snapshot& snapshot, const api::Node& node,
                    std::span<const api::ResourceClaim* const> claims, const Options& options) {
  return Cycle(snapshot, claims, options).Try(node);
}

}  // namespace dray::alloc
