#pragma once

#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "api/alloc/pools.h"
#include "api/alloc/selectors.h"
#include "dray/api/alloc.h"

namespace dray::alloc {

using Nanos = api::Quantity::Nanos;

struct SliceInfo;

// A capacity of a device, its name resolved.
struct CapacityInfo {
  uint32_t name = 0;  // Names of the snapshot
  const std::string* text = nullptr;
  const api::DeviceCapacity* capacity = nullptr;
};

// A counter that a device consumes when it is allocated; see Ledger for the numbering.
struct CounterUse {
  uint32_t counter = 0;
  Nanos amount = 0;
};

struct DeviceInfo {
  const api::Device* device = nullptr;
  const SliceInfo* slice = nullptr;
  uint32_t index = 0;  // unique in the snapshot
  uint32_t key = 0;    // of (driver, pool, device): two generations of a pool may show the same device
  bool shared = false;  // allowMultipleAllocations
  std::vector<CapacityInfo> capacities;
  std::vector<CounterUse> counters;

  const cel::DeviceView& View() const;

 private:
  mutable std::once_flag viewed_;
  mutable std::optional<cel::DeviceView> view_;  // made when the first selector looks at the device
};

struct PoolInfo {
  std::string driver, name;
  uint32_t ledger = 0;                   // counters are kept by the name of the pool alone, as in Kubernetes
  std::vector<const SliceInfo*> slices;  // of every generation, in the order given
};

struct SliceInfo {
  std::shared_ptr<const api::ResourceSlice> slice;
  const PoolInfo* pool = nullptr;
  std::deque<DeviceInfo> devices;

  const api::ResourceSliceSpec& spec() const { return slice->spec; }
  bool per_device() const { return slice->spec.per_device_node_selection.value_or(false); }
};

// What existing allocations take of one device.
struct Usage {
  int exclusive = 0;
  int shares = 0;
  std::vector<std::pair<uint32_t, Nanos>> consumed;  // capacity name -> sum over the shares

  Nanos ConsumedOf(uint32_t name) const {
    for (const auto& [other, amount] : consumed) {
      if (other == name) return amount;
    }
    return 0;
  }
};

// Strings that are compared in the search, as small integers.
class Names {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;
  uint32_t Add(const std::string& text) {
    return ids_.try_emplace(text, static_cast<uint32_t>(ids_.size())).first->second;
  }
  uint32_t Find(const std::string& text) const {
    auto found = ids_.find(text);
    return found == ids_.end() ? kUnknown : found->second;
  }
  size_t size() const { return ids_.size(); }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
};

struct Snapshot::State {
  Features features;
  std::unordered_map<std::string, std::shared_ptr<const api::DeviceClass>> classes;
  std::map<std::pair<std::string, std::string>, PoolInfo> pools;  // by driver, pool
  std::deque<SliceInfo> slices;
  std::unordered_map<std::string, std::vector<const SliceInfo*>> on_node;  // slices of one node alone
  std::vector<const SliceInfo*> on_many;
  uint32_t devices = 0;

  Names capacity_names;
  Names device_keys;
  Names ledgers;                  // pool names
  std::deque<Names> counters;     // by ledger: "set/counter"
  std::vector<Usage> usage;       // by DeviceInfo::key

  mutable Selectors selectors;
  mutable std::mutex views_mutex;
  mutable std::unordered_map<std::string, std::shared_ptr<const NodeView>> views;  // by name of the node

  const Usage& UsageOf(const DeviceInfo& device) const { return usage[device.key]; }
  void AddSlice(std::shared_ptr<const api::ResourceSlice> slice);
  // Adds (`sign` 1) or takes away (-1) what an allocation uses.
  void Count(const api::AllocationResult& allocation, int sign);
};

}  // namespace dray::alloc
