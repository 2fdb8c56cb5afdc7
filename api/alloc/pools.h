#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dray/api/alloc.h"

namespace dray::alloc {

struct DeviceInfo;
struct PoolInfo;
struct SliceInfo;

// A pool as one node sees it (facts: DRA, "Pools seen by one node"). Devices of an incomplete pool
// (slices are missing, or it is being replaced) or an invalid one (contradicts itself) are not
// handed out.
struct PoolView {
  const PoolInfo* pool = nullptr;
  bool incomplete = false;
  std::string invalid;                   // why, or empty
  std::vector<const SliceInfo*> slices;  // with devices for this node, by name
  std::vector<const SliceInfo*>
      elsewhere;  // of the same pool, for other nodes: they share its counters
  std::vector<const api::CounterSet*> counter_sets;
  size_t first = 0, end = 0;  // its devices in NodeView::candidates
};

// A device that a node may use, in the order in which Kubernetes tries them.
struct Candidate {
  enum class Fit : uint8_t { kYes, kNo, kUnreadable };
  const DeviceInfo* device = nullptr;
  const PoolView* pool = nullptr;
  Fit fit = Fit::kYes;  // of a selection per device: it is asked after the selectors
};

// Everything that one node offers. Does not depend on allocations.
struct NodeView {
  const Snapshot::State* state = nullptr;
  Status unreadable;  // a slice's node selector makes no sense: nothing can be allocated
  std::vector<PoolView> pools;
  std::vector<Candidate> candidates;
  bool invalid_pools = false;
  bool counters = false;   // some candidate consumes counters
  bool repeatable = true;  // the same claims get the same answer as long as Version() stays
  api::Labels labels;      // of the node for which it was made

  // Grows with every allocation that comes or goes in one of the pools.
  uint64_t Version() const;
};

std::shared_ptr<const NodeView> MakeView(const Snapshot::State& state, const api::Node& node);
// Kept by the snapshot per node; made anew when the node's labels changed.
std::shared_ptr<const NodeView> ViewOf(const Snapshot::State& state, const api::Node& node);

struct Visit {
  bool refused = false;  // the node has refused claims of this shape, and nothing has changed since
  bool invalid_pools = false;
  uint64_t version = 0;
  std::shared_ptr<const NodeView> view;  // unless refused
};
Visit VisitNode(const Snapshot::State& state, const api::Node& node, uint64_t shape);
// Remembers that claims of the shape do not fit on the visited node.
void NoteRefusal(const Snapshot::State& state, const api::Node& node, const Visit& visit,
                 uint64_t shape);

}  // namespace dray::alloc
