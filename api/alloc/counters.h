#pragma once

#include <optional>
#include <vector>

#include "api/alloc/pools.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {

// The shared counters of the pools of one name, numbered by Snapshot::State::counters. Kubernetes
// keeps this book by the pool's name without its driver: two drivers that give their pools one name
// count into one book, whose limits are those of the pool that was asked for first. Answers depend
// on it, so it is the same here.
struct Ledger {
  bool opened = false;
  std::vector<std::optional<Nanos>> limits;  // less than zero: taken more than there is

  // Limits of `pool` minus what allocated devices consume. Once per cycle, at the first device that
  // needs it.
  void Open(const Snapshot::State& state, const PoolView& pool);
};

// What the present attempt consumes of one ledger.
class CounterTally {
 public:
  // Counts the device in if every counter of the ledger stays within its limit.
  bool Take(const Ledger& ledger, const DeviceInfo& device);
  void GiveBack(const DeviceInfo& device);

 private:
  std::vector<Nanos> taken_;
};

}  // namespace dray::alloc
