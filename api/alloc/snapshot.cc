#include "api/alloc/snapshot.h"

#include <algorithm>

#include "api/alloc/capacity.h"
#include "api/alloc/requests.h"

namespace dray::alloc {
CapacityInfo::CapacityInfo(uint32_t name, const std::string& text,
                           const api::DeviceCapacity& capacity)
    : name(name), text(&text), capacity(&capacity), value(capacity.value.nanos()) {
  if (!capacity.request_policy) {
    unasked = value;
  } else if (std::optional<api::Quantity> amount = Consumption(nullptr, capacity)) {
    unasked = amount->nanos();
  }
}

const cel::DeviceView& DeviceInfo::View() const {
  std::call_once(viewed_, [this] { view_.emplace(*device, slice->slice->spec.driver); });
  return *view_;
}

PoolInfo* Snapshot::State::FindPool(std::string_view driver, std::string_view name) {
  auto found = pools_by_name.find(name);
  if (found == pools_by_name.end()) return nullptr;
  for (PoolInfo* pool : found->second) {
    if (pool->driver == driver) return pool;
  }
  return nullptr;
}

void Snapshot::State::AddSlice(std::shared_ptr<const api::ResourceSlice> slice) {
  const api::ResourceSliceSpec& spec = slice->spec;
  PoolInfo* found = FindPool(spec.driver, spec.pool.name);
  if (found == nullptr) {
    found = &pools.emplace_back();
    found->index = static_cast<uint32_t>(pools.size() - 1);
    found->driver = spec.driver;
    found->name = spec.pool.name;
    std::vector<PoolInfo*>& of_name = pools_by_name[found->name];
    if (of_name.empty()) {
      found->ledger = ledgers++;
      pools_of_ledger.push_back(0);
    } else {
      found->ledger = of_name.front()->ledger;
    }
    of_name.push_back(found);
    ++pools_of_ledger[found->ledger];
  }
  PoolInfo& pool = *found;
  SliceInfo& info = slices.emplace_back();
  info.index = static_cast<uint32_t>(slices.size());
  info.slice = std::move(slice);
  info.pool = &pool;
  pool.slices.push_back(&info);
  if (!spec.shared_counters.empty()) {
    pool.counter_slices.push_back(&info);
  } else if (info.of_one_node()) {
    on_node[*spec.node_name].push_back(&info);
  } else {
    on_many.push_back(&info);
  }
}

void Snapshot::State::NumberPools() {
  for (PoolInfo& pool : pools) {
    pool.first = devices;
    for (const SliceInfo* slice : pool.slices)
      devices += static_cast<uint32_t>(slice->spec().devices.size());
  }
  counters.resize(ledgers);
}

namespace {

// Fills the slice's devices; their names are left to NameDevices().
void OpenSlice(SliceInfo& info, uint32_t first, Names& capacity_names, Names& counter_names) {
  const api::ResourceSliceSpec& spec = info.spec();
  info.devices = std::vector<DeviceInfo>(spec.devices.size());
  const std::vector<CapacityInfo>* before =
      nullptr;  // of the device before: mostly of the same names
  for (size_t d = 0; d < spec.devices.size(); ++d) {
    const api::Device& device = spec.devices[d];
    DeviceInfo& entry = info.devices[d];
    entry.device = &device;
    entry.slice = &info;
    entry.index = first++;
    entry.shared = device.allow_multiple_allocations.value_or(false);
    entry.capacities.reserve(device.capacity.size());
    for (const auto& [name, capacity] : device.capacity) {
      const size_t place = entry.capacities.size();
      const bool same =
          before != nullptr && place < before->size() && *(*before)[place].text == name;
      entry.capacities.emplace_back(same ? (*before)[place].name : capacity_names.Add(name), name,
                                    capacity);
    }
    before = &entry.capacities;
    info.binds |= !device.binding_conditions.empty();
    info.consumes |= !device.consumes_counters.empty();
    for (const api::DeviceCounterConsumption& consumption : device.consumes_counters) {
      for (const auto& [name, counter] : consumption.counters) {
        entry.counters.push_back(
            {counter_names.Add(consumption.counter_set + "/" + name), counter.value.nanos()});
      }
    }
  }
  for (const api::CounterSet& set : spec.shared_counters) {
    for (const auto& [name, counter] : set.counters) counter_names.Add(set.name + "/" + name);
  }
}

void NameDevices(PoolInfo& pool) {
  std::vector<std::pair<std::string_view, DeviceInfo*>> sorted;
  for (SliceInfo* slice : pool.slices) {
    for (DeviceInfo& device : slice->devices) sorted.emplace_back(device.device->name, &device);
  }
  auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  if (!std::is_sorted(sorted.begin(), sorted.end(), by_name))
    std::sort(sorted.begin(), sorted.end(), by_name);
  pool.named.reserve(sorted.size());
  for (const auto& [name, device] : sorted) {
    if (pool.named.empty() || pool.named.back().name != name) pool.named.push_back({name, {}});
    device->key = pool.first + static_cast<uint32_t>(pool.named.size() - 1);
    device->usage = &pool.named.back().usage;
  }
}

}  // namespace

void Snapshot::State::Open(const PoolInfo& asked) const {
  if (asked.open) return;
  for (PoolInfo* pool : pools_by_name.at(asked.name)) {
    uint32_t first = pool->first;
    for (SliceInfo* slice : pool->slices) {
      OpenSlice(*slice, first, capacity_names, counters[pool->ledger]);
      first += static_cast<uint32_t>(slice->devices.size());
    }
    NameDevices(*pool);
    pool->open = true;
  }
}

uint32_t Snapshot::State::CapacityName(const std::string& text) const {
  std::lock_guard lock(nodes_mutex);
  return capacity_names.Add(text);
}

void Snapshot::State::Count(const api::AllocationResult& allocation, int sign,
                            std::string_view holder) {
  const std::string* name = nullptr;
  for (const api::DeviceRequestAllocationResult& result : allocation.devices.results) {
    if (result.admin_access.value_or(false)) continue;  // looks on, takes nothing
    PoolInfo* pool = FindPool(result.driver, result.pool);
    if (pool == nullptr) continue;  // nobody can ask for it
    Open(*pool);
    auto named = std::lower_bound(
        pool->named.begin(), pool->named.end(), result.device,
        [](const auto& entry, const std::string& name) { return entry.name < name; });
    if (named == pool->named.end() || named->name != result.device) continue;
    ++pool->changes;
    recent.resize(kRecent);
    recent[changes++ % kRecent] = pool->index;
    Usage& used = named->usage;
    if (!result.share_id) {
      used.exclusive += sign;
      if (name == nullptr && !holder.empty()) name = &*holders.emplace(holder).first;
      used.holder = used.exclusive > 0 ? name : nullptr;
      continue;
    }
    used.shares += sign;
    if (!result.consumed_capacity.empty()) used.measured += sign;
    for (const auto& [name, amount] : result.consumed_capacity) {
      const uint32_t id = capacity_names.Add(name);
      auto entry = std::find_if(used.consumed.begin(), used.consumed.end(),
                                [id](auto& e) { return e.first == id; });
      if (entry == used.consumed.end()) entry = used.consumed.insert(entry, {id, 0});
      entry->second += sign * amount.nanos();
    }
  }
}

std::shared_ptr<const Plan> Snapshot::State::FindPlan(const std::string& text) const {
  std::lock_guard lock(nodes_mutex);
  auto known = plans.find(text);
  return known == plans.end() ? nullptr : known->second;
}

std::shared_ptr<const Plan> Snapshot::State::KeepPlan(std::string text,
                                                      std::shared_ptr<Plan> plan) const {
  // Claims may all ask differently: beyond this many the cache starts afresh, and so it does with
  // the cache of selectors, which plans hold on to. Shapes are not given twice.
  constexpr size_t kKept = 1024;
  std::lock_guard lock(nodes_mutex);
  if (plans.size() >= kKept || selectors_of_plans != selectors.generation()) plans.clear();
  selectors_of_plans = selectors.generation();
  auto [kept, added] = plans.try_emplace(std::move(text), plan);
  if (added) plan->shape = ++last_shape;
  return kept->second;
}

Snapshot::Snapshot(Input input) : state_(std::make_unique<State>()) {
  state_->features = input.features;
  for (std::shared_ptr<const api::DeviceClass>& device_class : input.classes) {
    std::string name = device_class->metadata.name;
    state_->classes[std::move(name)] = std::move(device_class);
  }
  for (std::shared_ptr<const api::ResourceSlice>& slice : input.slices)
    state_->AddSlice(std::move(slice));
  state_->NumberPools();
  for (const std::shared_ptr<const api::ResourceClaim>& claim : input.allocated) {
    if (claim->status.allocation)
      AddAllocation(*claim->status.allocation, api::KeyOf(*claim).ToString());
  }
}

Snapshot::~Snapshot() = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;

void Snapshot::AddAllocation(const api::AllocationResult& allocation, std::string_view holder) {
  state_->Count(allocation, 1, holder);
}
void Snapshot::RemoveAllocation(const api::AllocationResult& allocation) {
  state_->Count(allocation, -1, {});
}

}  // namespace dray::alloc
