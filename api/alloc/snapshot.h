#pragma once

#include <array>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "api/alloc/pools.h"
#include "api/alloc/selectors.h"
#include "dray/api/alloc.h"

namespace dray::alloc {

using Nanos = api::Quantity::Nanos;

struct Plan;
struct SliceInfo;

// A capacity of a device, its name resolved.
struct CapacityInfo {
  uint32_t name = 0;  // Names of the snapshot
  const std::string* text = nullptr;
  const api::DeviceCapacity* capacity = nullptr;
  Nanos value = 0;
  std::optional<Nanos>
      unasked;  // what a request that does not name it consumes, if its policy grants that

  CapacityInfo(uint32_t name, const std::string& text, const api::DeviceCapacity& capacity);
};

// A counter that a device consumes when it is allocated; see Ledger for the numbering.
struct CounterUse {
  uint32_t counter = 0;
  Nanos amount = 0;
};

// What existing allocations take of one device.
struct Usage {
  int exclusive = 0;
  const std::string* holder =
      nullptr;  // of an exclusive one, the latest claim, if known; in State::holders
  int shares = 0;
  int measured = 0;  // of the shares, those that say what they consume
  std::vector<std::pair<uint32_t, Nanos>> consumed;  // capacity name -> sum over the shares

  Nanos ConsumedOf(uint32_t name) const {
    for (const auto& [other, amount] : consumed) {
      if (other == name) return amount;
    }
    return 0;
  }
};

struct DeviceInfo {
  const api::Device* device = nullptr;
  const SliceInfo* slice = nullptr;
  uint32_t index = 0;  // unique in the snapshot
  uint32_t key =
      0;  // of (driver, pool, device): two generations of a pool may show the same device
  const Usage* usage = nullptr;
  bool shared = false;  // allowMultipleAllocations
  std::vector<CapacityInfo> capacities;
  std::vector<CounterUse> counters;

  const cel::DeviceView& View() const;

 private:
  mutable std::once_flag viewed_;
  mutable std::optional<cel::DeviceView> view_;  // made when the first selector looks at the device
};

struct PoolInfo {
  struct Named {
    std::string_view name;  // of a device
    Usage usage;
  };
  std::string driver, name;
  uint32_t index = 0;        // unique in the snapshot
  bool open = false;         // see Snapshot::State::Open
  uint32_t first = 0;        // of its devices, DeviceInfo::index
  std::vector<Named> named;  // sorted; as soon as it is open
  uint32_t ledger = 0;       // counters are kept by the name of the pool alone, as in Kubernetes
  std::vector<SliceInfo*> slices;                // of every generation, in the order given
  std::vector<const SliceInfo*> counter_slices;  // of them, those with shared counters
  uint64_t changes = 0;                          // of what is in use of the pool
};

struct SliceInfo {
  std::shared_ptr<const api::ResourceSlice> slice;
  const PoolInfo* pool = nullptr;
  uint32_t index = 0;  // its place in the order given
  // As soon as its pool is open.
  std::vector<DeviceInfo> devices;
  bool binds = false;     // some device has binding conditions
  bool consumes = false;  // some device consumes counters

  const api::ResourceSliceSpec& spec() const { return slice->spec; }
  // Has devices, and they are for one node.
  bool of_one_node() const {
    return spec().shared_counters.empty() && spec().node_name && !spec().node_name->empty();
  }
  bool per_device() const { return slice->spec.per_device_node_selection.value_or(false); }
};

// Strings that are compared in the search, as small integers.
class Names {
 public:
  static constexpr uint32_t kUnknown = UINT32_MAX;
  uint32_t Add(const std::string& text) {
    return ids_.try_emplace(text, static_cast<uint32_t>(ids_.size())).first->second;
  }
  // Of a text that was added.
  uint32_t Find(const std::string& text) const {
    auto found = ids_.find(text);
    return found == ids_.end() ? kUnknown : found->second;
  }
  size_t size() const { return ids_.size(); }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
};

// A node as far as it is known: what it offers, and which shapes of claims it refused when.
struct NodeSlot {
  struct Refusal {
    uint64_t shape = 0, version = 0;
  };
  std::shared_ptr<const NodeView> view;
  std::array<Refusal, 16> refusals;  // by shape, the latest that fell on the entry
};

struct Snapshot::State {
  Features features;
  std::unordered_map<std::string, std::shared_ptr<const api::DeviceClass>> classes;
  std::deque<PoolInfo> pools;
  std::unordered_map<std::string_view, std::vector<PoolInfo*>> pools_by_name;  // of every driver
  std::deque<SliceInfo> slices;
  std::unordered_map<std::string, std::vector<const SliceInfo*>>
      on_node;  // slices with devices of one node alone
  std::vector<const SliceInfo*> on_many;
  uint32_t devices = 0;

  uint32_t ledgers = 0;              // as many as there are pool names
  std::vector<int> pools_of_ledger;  // by ledger: how many pools count into it
  std::unordered_set<std::string> holders;
  uint64_t changes = 0;  // how many devices were counted in or out
  static constexpr size_t kRecent = 4096;
  std::vector<uint32_t> recent;  // PoolInfo::index of the latest changes, change n at n % kRecent

  mutable Selectors selectors;
  mutable std::mutex nodes_mutex;  // also of what follows
  mutable Names capacity_names;
  mutable std::deque<Names> counters;  // by ledger: "set/counter"
  mutable std::unordered_map<std::string, NodeSlot> nodes;
  mutable std::unordered_map<std::string, std::shared_ptr<const Plan>> plans;  // by ShapeText()
  mutable uint64_t last_shape = 0, selectors_of_plans = 0;
  mutable std::optional<std::vector<PoolView>> doubts;  // see DoubtsElsewhere()

  const Usage& UsageOf(const DeviceInfo& device) const { return *device.usage; }
  void AddSlice(std::shared_ptr<const api::ResourceSlice> slice);
  // After the last slice.
  void NumberPools();
  // Makes the devices of the pool known, and of every other pool of its name, when somebody first
  // asks for them: in a large cluster most cycles see a few nodes. Under the lock.
  void Open(const PoolInfo& pool) const;
  uint32_t CapacityName(const std::string& text) const;
  PoolInfo* FindPool(std::string_view driver, std::string_view name);
  // Adds (`sign` 1) or takes away (-1) what an allocation uses.
  void Count(const api::AllocationResult& allocation, int sign, std::string_view holder);
  std::shared_ptr<const Plan> FindPlan(const std::string& text) const;
  // Gives the plan its shape. Returns the one to use: another thread may have been first.
  std::shared_ptr<const Plan> KeepPlan(std::string text, std::shared_ptr<Plan> plan) const;
};

}  // namespace dray::alloc
