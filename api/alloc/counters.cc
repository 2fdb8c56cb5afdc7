#include "api/alloc/counters.h"

namespace dray::alloc {

void Ledger::Open(const Snapshot::State& state, const PoolView& pool) {
  opened = true;
  const Names& names = state.counters[pool.pool->ledger];
  limits.assign(names.size(), std::nullopt);
  for (const api::CounterSet* set : pool.counter_sets) {
    for (const auto& [name, counter] : set->counters) {
      limits[names.Find(set->name + "/" + name)] = counter.value.nanos();
    }
  }
  for (const std::vector<const SliceInfo*>* slices : {&pool.slices, &pool.elsewhere}) {
    for (const SliceInfo* slice : *slices) {
      for (const DeviceInfo& device : slice->devices) {
        const Usage& used = state.UsageOf(device);
        if (used.exclusive <= 0 && used.shares <= 0) continue;
        // However many shares: a shared device pays once.
        for (const CounterUse& use : device.counters) {
          if (limits[use.counter]) *limits[use.counter] -= use.amount;
        }
      }
    }
  }
}

bool CounterTally::Take(const Ledger& ledger, const DeviceInfo& device) {
  if (taken_.size() < ledger.limits.size()) taken_.resize(ledger.limits.size());
  for (const CounterUse& use : device.counters) taken_[use.counter] += use.amount;
  // All counters, not only the device's: one that existing allocations overdrew closes the whole
  // pool.
  for (size_t i = 0; i < ledger.limits.size(); ++i) {
    if (ledger.limits[i] && *ledger.limits[i] < taken_[i]) {
      GiveBack(device);
      return false;
    }
  }
  return true;
}

void CounterTally::GiveBack(const DeviceInfo& device) {
  for (const CounterUse& use : device.counters) taken_[use.counter] -= use.amount;
}

}  // namespace dray::alloc
