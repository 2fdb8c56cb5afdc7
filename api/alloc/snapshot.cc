#include "api/alloc/snapshot.h"

#include "api/alloc/capacity.h"

namespace dray::alloc {
namespace {

std::string DeviceKey(const std::string& driver, const std::string& pool, const std::string& device) {
  return driver + "\n" + pool + "\n" + device;
}

}  // namespace

CapacityInfo::CapacityInfo(uint32_t name, const std::string& text, const api::DeviceCapacity& capacity)
    : name(name), text(&text), capacity(&capacity), value(capacity.value.nanos()) {
  if (std::optional<api::Quantity> amount = Consumption(nullptr, capacity)) unasked = amount->nanos();
}

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
    if (pool.ledger >= counters.size()) {
      counters.emplace_back();
      pools_of_ledger.push_back(0);
    }
    ++pools_of_ledger[pool.ledger];
  }
  Names& counter_names = counters[pool.ledger];
  SliceInfo& info = slices.emplace_back();
  info.index = static_cast<uint32_t>(slices.size());
  info.slice = std::move(slice);
  info.pool = &pool;
  for (const api::Device& device : spec.devices) {
    DeviceInfo& entry = info.devices.emplace_back();
    entry.device = &device;
    entry.slice = &info;
    entry.index = devices++;
    entry.key = device_keys.Add(DeviceKey(spec.driver, spec.pool.name, device.name));
    if (entry.key >= pool_of_key.size()) pool_of_key.resize(entry.key + 1);
    pool_of_key[entry.key] = &pool;
    entry.shared = device.allow_multiple_allocations.value_or(false);
    for (const auto& [name, capacity] : device.capacity) {
      entry.capacities.emplace_back(capacity_names.Add(name), name, capacity);
    }
    info.binds |= !device.binding_conditions.empty();
    info.consumes |= !device.consumes_counters.empty();
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
  if (!spec.shared_counters.empty()) {
    pool.counter_slices.push_back(&info);
  } else if (info.of_one_node()) {
    on_node[*spec.node_name].push_back(&info);
  } else {
    on_many.push_back(&info);
  }
}

void Snapshot::State::Count(const api::AllocationResult& allocation, int sign) {
  for (const api::DeviceRequestAllocationResult& result : allocation.devices.results) {
    if (result.admin_access.value_or(false)) continue;  // looks on, takes nothing
    const uint32_t key = device_keys.Add(DeviceKey(result.driver, result.pool, result.device));
    if (key >= usage.size()) usage.resize(key + 1);
    if (key < pool_of_key.size() && pool_of_key[key] != nullptr) ++pool_of_key[key]->changes;
    Usage& used = usage[key];
    if (!result.share_id) {
      used.exclusive += sign;
      continue;
    }
    used.shares += sign;
    if (!result.consumed_capacity.empty()) used.measured += sign;
    for (const auto& [name, amount] : result.consumed_capacity) {
      const uint32_t id = capacity_names.Add(name);
      auto entry = std::find_if(used.consumed.begin(), used.consumed.end(), [id](auto& e) { return e.first == id; });
      if (entry == used.consumed.end()) entry = used.consumed.insert(entry, {id, 0});
      entry->second += sign * amount.nanos();
    }
  }
}

uint64_t Snapshot::State::ShapeOf(const std::string& text) const {
  constexpr size_t kKept = 4096;
  std::lock_guard lock(nodes_mutex);
  if (shapes.size() >= kKept) shapes.clear();  // numbers are not given twice
  uint64_t& shape = shapes[text];
  if (shape == 0) shape = ++last_shape;
  return shape;
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
