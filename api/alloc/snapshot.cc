#include "api/alloc/snapshot.h"

namespace dray::alloc {
namespace {

std::string DeviceKey(const std::string& driver, const std::string& pool, const std::string& device) {
  return driver + "\n" + pool + "\n" + device;
}

}  // namespace

const cel::DeviceView& DeviceInfo::View() const {
  std::call_once(viewed_, [this] { view_.emplace(*device, slice->slice->spec.driver); });
  return *view_;
}

void Snapshot::State::AddSlice(std::shared_ptr<const api::ResourceSlice> slice) {
  const api::ResourceSliceSpec& spec = slice->spec;
  PoolInfo& pool = pools[{spec.driver, spec.pool.name}];
  if (pool.slices.empty()) {
    pool.driver = spec.driver;
    pool.name = spec.pool.name;
    pool.ledger = ledgers.Add(pool.name);
    if (pool.ledger >= counters.size()) counters.emplace_back();
  }
  Names& counter_names = counters[pool.ledger];
  SliceInfo& info = slices.emplace_back();
  info.slice = std::move(slice);
  info.pool = &pool;
  for (const api::Device& device : spec.devices) {
    DeviceInfo& entry = info.devices.emplace_back();
    entry.device = &device;
    entry.slice = &info;
    entry.index = devices++;
    entry.key = device_keys.Add(DeviceKey(spec.driver, spec.pool.name, device.name));
    entry.shared = device.allow_multiple_allocations.value_or(false);
    for (const auto& [name, capacity] : device.capacity) {
      entry.capacities.push_back({capacity_names.Add(name), &name, &capacity});
    }
    for (const api::DeviceCounterConsumption& consumption : device.consumes_counters) {
      for (const auto& [name, counter] : consumption.counters) {
        entry.counters.push_back({counter_names.Add(consumption.counter_set + "/" + name), counter.value.nanos()});
      }
    }
  }
  for (const api::CounterSet& set : spec.shared_counters) {
    for (const auto& [name, counter] : set.counters) counter_names.Add(set.name + "/" + name);
  }
  pool.slices.push_back(&info);
  const std::string node = spec.node_name.value_or("");
  if (node.empty() || !spec.shared_counters.empty()) {
    on_many.push_back(&info);
  } else {
    on_node[node].push_back(&info);
  }
}

void Snapshot::State::Count(const api::AllocationResult& allocation, int sign) {
  for (const api::DeviceRequestAllocationResult& result : allocation.devices.results) {
    if (result.admin_access.value_or(false)) continue;  // looks on, takes nothing
    const uint32_t key = device_keys.Add(DeviceKey(result.driver, result.pool, result.device));
    if (key >= usage.size()) usage.resize(key + 1);
    Usage& used = usage[key];
    if (!result.share_id) {
      used.exclusive += sign;
      continue;
    }
    used.shares += sign;
    for (const auto& [name, amount] : result.consumed_capacity) {
      const uint32_t id = capacity_names.Add(name);
      auto entry = std::find_if(used.consumed.begin(), used.consumed.end(), [id](auto& e) { return e.first == id; });
      if (entry == used.consumed.end()) entry = used.consumed.insert(entry, {id, 0});
      entry->second += sign * amount.nanos();
    }
  }
}

Snapshot::Snapshot(Input input) : state_(std::make_unique<State>()) {
  state_->features = input.features;
  for (std::shared_ptr<const api::DeviceClass>& device_class : input.classes) {
    std::string name = device_class->metadata.name;
    state_->classes[std::move(name)] = std::move(device_class);
  }
  for (std::shared_ptr<const api::ResourceSlice>& slice : input.slices) state_->AddSlice(std::move(slice));
  state_->usage.resize(state_->device_keys.size());
  for (const std::shared_ptr<const api::ResourceClaim>& claim : input.allocated) {
    if (claim->status.allocation) AddAllocation(*claim->status.allocation);
  }
}

Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;

void Snapshot::AddAllocation(const api::AllocationResult& allocation) { state_->Count(allocation, 1); }
void Snapshot::RemoveAllocation(const api::AllocationResult& allocation) { state_->Count(allocation, -1); }

}  // namespace dray::alloc
