#include "mockdev/slices/plan.h"

#include <cstdlib>

#include "dray/api/validation.h"

namespace dray::mockdev {
namespace {

constexpr size_t kMaxDevices = 128;
constexpr size_t kMaxDevicesWithTaints = 64;

std::vector<std::vector<api::Device>> Split(const std::vector<api::Device>& devices) {
  bool taints =
      std::any_of(devices.begin(), devices.end(), [](const auto& d) { return !d.taints.empty(); });
  size_t most = taints ? kMaxDevicesWithTaints : kMaxDevices;
  std::vector<std::vector<api::Device>> parts(1);
  for (const api::Device& device : devices) {
    if (parts.back().size() == most) parts.emplace_back();
    parts.back().push_back(device);
  }
  return parts;
}

std::string NamePrefix(size_t index, const PoolDescription& pool) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string number(5, '0');
  for (int i = 4; i >= 0; --i, index >>= 4) number[i] = kDigits[index & 15];
  // The server cuts a base at 58 characters; a cut inside a label could end in a dot.
  std::string base = number + "-" + pool.driver + "-" + pool.node_name;
  if (base.size() > 57) base.resize(57);
  while (base.ends_with('.') || base.ends_with('-')) base.pop_back();
  return base + "-";
}

api::OwnerReference OwnerOf(const PoolDescription& pool) {
  api::OwnerReference owner;
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = pool.node_name;
  owner.uid = pool.node_uid;
  owner.controller = true;
  return owner;
}

// A taint that stays keeps its time: the server sets one where none is given.
void KeepTaintTimes(std::vector<api::Device>& devices, const std::vector<api::Device>& stored) {
  for (api::Device& device : devices) {
    for (const api::Device& old : stored) {
      if (old.name != device.name) continue;
      for (api::DeviceTaint& taint : device.taints) {
        for (const api::DeviceTaint& before : old.taints) {
          if (before.key == taint.key && before.value == taint.value &&
              before.effect == taint.effect) {
            taint.time_added = before.time_added;
          }
        }
      }
    }
  }
}

bool Carries(const api::ResourceSlice& stored, const std::string& prefix,
             const PoolDescription& pool) {
  return stored.metadata.name.starts_with(prefix) && stored.spec.pool.name == pool.pool &&
         stored.metadata.owner_references == std::vector{OwnerOf(pool)} &&
         !stored.metadata.deletion_timestamp;
}

}  // namespace

SlicePlan PlanSlices(const PoolDescription& wanted,
                     const std::vector<api::ResourceSlice>& existing) {
  SlicePlan plan;
  int64_t newest = 0;
  for (const api::ResourceSlice& slice : existing)
    newest = std::max(newest, slice.spec.pool.generation);

  // 1. Each part finds the stored slice that carries its number; a second one (a create that was
  // sent twice), one of an older
  //    generation, of another pool or of a Node that has been made anew is obsolete.
  std::vector<std::vector<api::Device>> parts = Split(wanted.devices);
  std::vector<const api::ResourceSlice*> carriers(parts.size(), nullptr);
  std::set<const api::ResourceSlice*> taken;
  for (size_t i = 0; i < parts.size(); ++i) {
    std::string prefix = NamePrefix(i, wanted);
    for (const api::ResourceSlice& slice : existing) {
      if (slice.spec.pool.generation != newest || !Carries(slice, prefix, wanted)) continue;
      if (carriers[i] == nullptr) {
        carriers[i] = &slice;
        taken.insert(&slice);
      }
    }
    if (carriers[i] != nullptr) KeepTaintTimes(parts[i], carriers[i]->spec.devices);
  }
  for (const api::ResourceSlice& slice : existing) {
    if (!taken.contains(&slice)) plan.remove.push_back(slice);
  }

  // 2. How much changes decides the generation.
  size_t changed = 0, missing = 0;
  bool count_differs = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (carriers[i] == nullptr) {
      ++missing;
    } else {
      if (carriers[i]->spec.devices != parts[i]) ++changed;
      count_differs |=
          carriers[i]->spec.pool.resource_slice_count != static_cast<int64_t>(parts.size());
    }
  }
  bool same_generation = missing == 0 && !count_differs && changed <= 1;
  int64_t generation = same_generation ? newest : newest + 1;

  // 3. What to write.
  for (size_t i = 0; i < parts.size(); ++i) {
    api::ResourceSlice slice;
    if (carriers[i] != nullptr) {
      if (same_generation && carriers[i]->spec.devices == parts[i]) continue;
      slice = *carriers[i];
    } else {
      slice.metadata.generate_name = NamePrefix(i, wanted);
      slice.metadata.owner_references = {OwnerOf(wanted)};
      slice.spec.driver = wanted.driver;
      slice.spec.node_name = wanted.node_name;
      slice.spec.pool.name = wanted.pool;
    }
    slice.spec.pool.generation = generation;
    slice.spec.pool.resource_slice_count = static_cast<int64_t>(parts.size());
    slice.spec.devices = std::move(parts[i]);
    (carriers[i] != nullptr ? plan.update : plan.create).push_back(std::move(slice));
  }
  return plan;
}

Status CheckPool(const PoolDescription& pool) {
  for (const api::ResourceSlice& slice : PlanSlices(pool, {}).create) {
    Status refused = api::ValidateResourceSlice(slice);
    if (refused.ok()) continue;
    if (refused.causes.empty()) return refused;
    std::string field = refused.causes[0].field;
    constexpr std::string_view kDevices = "spec.devices[";
    size_t position = slice.spec.devices.size();
    if (field.starts_with(kDevices)) {
      position = std::strtoul(field.c_str() + kDevices.size(), nullptr, 10);
      field.erase(0, std::min(field.find(']') + 2, field.size()));
    }
    if (position < slice.spec.devices.size())
      field = "device " + slice.spec.devices[position].name + (field.empty() ? "" : ": ") + field;
    return Status(Reason::kInvalid, field + ": " + refused.causes[0].message);
  }
  return {};
}

std::string DroppedFields(const api::ResourceSlice& sent, const api::ResourceSlice& stored) {
  std::set<std::string> dropped;
  for (size_t i = 0; i < sent.spec.devices.size() && i < stored.spec.devices.size(); ++i) {
    const api::Device& before = sent.spec.devices[i];
    const api::Device& after = stored.spec.devices[i];
    if (before.allow_multiple_allocations && !after.allow_multiple_allocations) {
      dropped.insert("allowMultipleAllocations (feature gate DRAConsumableCapacity)");
    }
    for (const auto& [name, capacity] : before.capacity) {
      auto kept = after.capacity.find(name);
      if (capacity.request_policy && kept != after.capacity.end() && !kept->second.request_policy) {
        dropped.insert("capacity.requestPolicy (feature gate DRAConsumableCapacity)");
      }
    }
    if (!before.taints.empty() && after.taints.empty())
      dropped.insert("taints (feature gate DRADeviceTaints)");
  }
  std::string names;
  for (const std::string& name : dropped) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace dray::mockdev
