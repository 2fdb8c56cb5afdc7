#include "api/alloc/node_order.h"

namespace dray::alloc {

NodeOrder::NodeOrder(const Snapshot& snapshot, std::span<const api::Node> nodes)
    : state_(std::make_unique<State>(snapshot.state(), nodes)) {}

NodeOrder::~NodeOrder() = default;

NodeOrder::State::State(const Snapshot::State& snapshot, std::span<const api::Node> nodes)
    : snapshot(snapshot),
      nodes(nodes),
      views_(nodes.size()),
      nodes_of_pool_(snapshot.pools.size()) {}

const NodeView& NodeOrder::State::View(size_t node) {
  if (views_[node] == nullptr) {
    views_[node] = ViewOf(snapshot, nodes[node]);
    for (const PoolView& pool : views_[node]->pools)
      nodes_of_pool_[pool.pool->index].push_back(static_cast<uint32_t>(node));
  }
  return *views_[node];
}

NodeSet& NodeOrder::State::RefusedBy(uint64_t shape) {
  if (refused_.size() >= kShapes && !refused_.contains(shape)) refused_.clear();
  Refused& refused =
      refused_.try_emplace(shape, Refused{NodeSet(nodes.size()), snapshot.changes}).first->second;
  BringUpToDate(refused);
  return refused.nodes;
}

void NodeOrder::State::BringUpToDate(Refused& refused) const {
  // More work than to try every node again would be in vain.
  size_t work = 0;
  bool forget = snapshot.changes - refused.changes > Snapshot::State::kRecent;
  for (uint64_t n = refused.changes; n < snapshot.changes && !forget; ++n) {
    const auto& seen_by = nodes_of_pool_[snapshot.recent[n % Snapshot::State::kRecent]];
    for (uint32_t node : seen_by) refused.nodes.Remove(node);
    work += seen_by.size();
    forget = work > nodes.size();
  }
  if (forget) refused.nodes.Clear();
  refused.changes = snapshot.changes;
}

}  // namespace dray::alloc
