#pragma once

#include <bit>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "api/alloc/pools.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {

// One bit per node.
class NodeSet {
 public:
  explicit NodeSet(size_t nodes) : words_((nodes + 63) / 64) {}
  void Add(size_t node) { words_[node / 64] |= uint64_t{1} << (node % 64); }
  void Remove(size_t node) { words_[node / 64] &= ~(uint64_t{1} << (node % 64)); }
  void Clear() { words_.assign(words_.size(), 0); }
  // The first node from `from` on that is not in the set; some number from the number of nodes on
  // when there is none.
  size_t NextOutside(size_t from) const {
    for (size_t w = from / 64; w < words_.size(); ++w) {
      const uint64_t below = w == from / 64 ? (uint64_t{1} << (from % 64)) - 1 : 0;
      const uint64_t free = ~(words_[w] | below);
      if (free != 0) return w * 64 + static_cast<size_t>(std::countr_zero(free));
    }
    return words_.size() * 64;
  }

 private:
  std::vector<uint64_t> words_;
};

struct NodeOrder::State {
  State(const Snapshot::State& snapshot, std::span<const api::Node> nodes);

  // The nodes that refused claims of the shape, and would again.
  NodeSet& RefusedBy(uint64_t shape);
  const NodeView& View(size_t node);

  const Snapshot::State& snapshot;
  std::span<const api::Node> nodes;

 private:
  struct Refused {
    NodeSet nodes;
    uint64_t changes = 0;  // Snapshot::State::changes up to which they are known
  };
  // A shape costs a bit per node; beyond this many all are forgotten.
  static constexpr size_t kShapes = 1024;

  void BringUpToDate(Refused& refused) const;

  std::vector<std::shared_ptr<const NodeView>> views_;  // made when a node is first tried
  std::vector<std::vector<uint32_t>> nodes_of_pool_;    // of those with a view, by PoolInfo::index
  std::unordered_map<uint64_t, Refused> refused_;       // by shape
};

}  // namespace dray::alloc
