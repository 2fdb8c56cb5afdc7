#pragma once

#include <optional>
#include <span>
#include <vector>

#include "api/alloc/requests.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {

// What lets a long search leave out branches without changing its answer: devices that are alike as
// far as the claims can tell, and values of a matchAttribute that too few devices have.
//
// Only for claims whose search has no memory: once a device is given back, everything is as before.
// Kubernetes' search has one with counters, with mode All, with constraints on lists (MatchLists),
// and with distinctAttribute over requests for several devices (see Search::Take and
// DistinctAttribute); and only where no selector fails and no claim may get too many results,
// because then some branches would end in an error.
class Shortcuts {
 public:
  // The candidates (by their place in NodeView::candidates) that each alternative may take, by
  // claim, request, alternative.
  using Lists = std::vector<std::vector<size_t>>;

  // Could the search of these claims have shortcuts? Says nothing about the node.
  static bool Apply(const std::vector<PreparedClaim>& claims, const Features& features);

  Shortcuts(const NodeView& view, const std::vector<PreparedClaim>& claims, const Lists& lists);

  // No combination of devices satisfies some constraint.
  bool hopeless() const { return hopeless_; }
  // Devices of one kind: as long as neither is taken, one is as good as the other.
  uint32_t KindOf(size_t candidate) const { return kinds_[candidate]; }
  // Can the candidate not be part of a solution for this request?
  bool IsDead(size_t claim, size_t request, size_t candidate) const {
    return dead_[claim][request][candidate];
  }

 private:
  void FindKinds(const NodeView& view, const std::vector<PreparedClaim>& claims,
                 const Lists& lists);
  void FindDead(const NodeView& view, const std::vector<PreparedClaim>& claims, const Lists& lists);

  bool hopeless_ = false;
  std::vector<uint32_t> kinds_;
  std::vector<std::vector<std::vector<bool>>> dead_;  // by claim, request, candidate
};

}  // namespace dray::alloc
