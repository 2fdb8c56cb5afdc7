// Life of a claim, stop 5 of 8: prepare, what the claim gets beside the others.
#include "mockdev/ledger/assign.h"

#include <nlohmann/json.hpp>

#include "mockdev/cdi/spec.h"
#include "mockdev/ledger/claim_ledger.h"
#include "mockdev/profiles/edits.h"

namespace dray::mockdev {
namespace {

// "driver/name" is the same capacity as "name".
std::string WithoutDomain(const std::string& driver, const std::string& name) {
  return name.starts_with(driver + "/") ? name.substr(driver.size() + 1) : name;
}

Status CheckParameters(const DeviceProfile& profile, const api::OpaqueDeviceConfiguration& opaque) {
  std::string known;
  for (const auto& [version, kind] : profile.accepted_configs)
    known += (known.empty() ? "" : ", ") + kind;
  if (known.empty()) known = "none";
  Json parameters = Json::parse(opaque.parameters, nullptr, /*allow_exceptions=*/false);
  if (!parameters.is_object()) {
    return Status(Reason::kInvalid,
                  "the parameters for driver " + profile.driver + " are not a JSON object");
  }
  auto text = [&](const char* key) {
    auto found = parameters.find(key);
    return found != parameters.end() && found->is_string() ? found->get<std::string>()
                                                           : std::string();
  };
  std::pair<std::string, std::string> type(text("apiVersion"), text("kind"));
  if (std::find(profile.accepted_configs.begin(), profile.accepted_configs.end(), type) ==
      profile.accepted_configs.end()) {
    return Status(Reason::kInvalid, "driver " + profile.driver + " accepts parameters of kind " +
                                        known + ", not \"" + type.second + "\" of \"" + type.first +
                                        "\"");
  }
  for (const auto& [key, value] : parameters.items()) {
    if (key == "apiVersion" || key == "kind") continue;
    auto members = profile.accepted_members.find(type.second);
    if (members != profile.accepted_members.end() &&
        std::find(members->second.begin(), members->second.end(), key) != members->second.end())
      continue;
    return Status(Reason::kInvalid, "driver " + profile.driver + " cannot do \"" + key + "\" of " +
                                        type.second + ": its devices are shared by capacity");
  }
  return {};
}

// What is held already of the device that one result wants.
struct DeviceUse {
  explicit DeviceUse(const PreparedDevice& result) : wanted(result) {}

  const PreparedDevice& wanted;
  bool exclusively = false;
  bool shared = false;
  std::map<std::string, api::Quantity> consumed;
  std::set<int> units;
  std::set<std::string> shares;
  std::string by;  // "namespace/name" of one of the claims

  void Add(const ClaimRecord& record, const PreparedDevice& held) {
    if (held.pool != wanted.pool || held.device != wanted.device || held.admin_access) return;
    by = record.namespace_ + "/" + record.name;
    (held.share_id ? shared : exclusively) = true;
    if (held.share_id) shares.insert(*held.share_id);
    for (const auto& [name, quantity] : held.consumed) consumed[name] += quantity;
    units.insert(held.units.begin(), held.units.end());
  }
};

Status CheckUse(const DeviceProfile& profile, const MockDevice& device, const DeviceUse& use) {
  const PreparedDevice& wanted = use.wanted;
  std::string prefix = "device " + wanted.device + " ";
  if (use.exclusively)
    return Status(Reason::kConflict, prefix + "is held as a whole by claim " + use.by);
  if (!wanted.share_id && use.shared) {
    return Status(Reason::kConflict,
                  prefix + "is wanted as a whole, but claim " + use.by + " holds a share of it");
  }
  if (wanted.share_id && use.shares.contains(*wanted.share_id)) {
    return Status(Reason::kConflict,
                  prefix + "has its share " + *wanted.share_id + " held by claim " + use.by);
  }
  for (const auto& [name, quantity] : wanted.consumed) {
    auto capacity = device.device.capacity.find(name);
    if (capacity == device.device.capacity.end()) {
      return Status(Reason::kInvalid,
                    prefix + "of driver " + profile.driver + " has no capacity " + name);
    }
    auto used = use.consumed.find(name);
    api::Quantity sum = quantity + (used == use.consumed.end() ? api::Quantity() : used->second);
    if (sum > capacity->second.value) {
      return Status(Reason::kConflict, prefix + "has " + capacity->second.value.ToString() +
                                           " of " + name + "; " + quantity.ToString() +
                                           " beside what others hold makes " + sum.ToString());
    }
  }
  return {};
}

}  // namespace

Result<ClaimRecord> WantedOf(const DeviceProfile& profile, const std::vector<MockDevice>& devices,
                             std::string_view pool, const api::ResourceClaim& claim) {
  ClaimRecord record;
  record.uid = claim.metadata.uid;
  record.namespace_ = claim.metadata.namespace_;
  record.name = claim.metadata.name;
  if (!claim.status.allocation) return Status(Reason::kInvalid, "the claim is not allocated");
  const api::DeviceAllocationResult& allocation = claim.status.allocation->devices;
  for (const api::DeviceAllocationConfiguration& config : allocation.config) {
    if (config.opaque && config.opaque->driver == profile.driver) {
      DRAY_RETURN_IF_ERROR(CheckParameters(profile, *config.opaque));
    }
  }
  for (const api::DeviceRequestAllocationResult& result : allocation.results) {
    if (result.driver != profile.driver) continue;
    const MockDevice* device = FindDevice(devices, result.device);
    if (result.pool != pool || device == nullptr) {
      return Status(Reason::kInvalid, "device " + result.device + " of pool " + result.pool +
                                          " is not on this node (pool " + std::string(pool) + ")");
    }
    PreparedDevice prepared;
    prepared.request = result.request;
    prepared.pool = result.pool;
    prepared.device = result.device;
    prepared.share_id = result.share_id;
    prepared.admin_access = result.admin_access.value_or(false);
    prepared.consumed = FullCapacity(device->device);
    for (const auto& [name, quantity] : result.consumed_capacity) {
      prepared.consumed[WithoutDomain(profile.driver, name)] = quantity;
    }
    record.devices.push_back(std::move(prepared));
  }
  if (record.devices.empty()) {
    return Status(Reason::kInvalid, "the claim has no device of driver " + profile.driver);
  }
  return record;
}

bool SameAllocation(const ClaimRecord& a, const ClaimRecord& b) {
  auto bare = [](ClaimRecord record) {
    for (PreparedDevice& device : record.devices) {
      device.slot = 0;
      device.units.clear();
      device.cdi_id.clear();
    }
    return record.devices;
  };
  return a.uid == b.uid && bare(a) == bare(b);
}

Result<ClaimRecord> AssignDevices(const DeviceProfile& profile,
                                  const std::vector<MockDevice>& devices,
                                  const std::map<std::string, ClaimRecord>& claims,
                                  ClaimRecord wanted) {
  std::set<int64_t> slots;
  for (const auto& [uid, record] : claims) {
    if (uid == wanted.uid) continue;
    for (const PreparedDevice& device : record.devices) slots.insert(device.slot);
  }
  for (size_t i = 0; i < wanted.devices.size(); ++i) {
    PreparedDevice& prepared = wanted.devices[i];
    const MockDevice* device = FindDevice(devices, prepared.device);
    if (device == nullptr)
      return Status(Reason::kNotFound, "device " + prepared.device + " is not on this node");
    prepared.cdi_id = cdi::DeviceId(profile.driver, wanted, i);
    while (slots.contains(prepared.slot)) ++prepared.slot;
    slots.insert(prepared.slot);
    if (prepared.admin_access) continue;

    DeviceUse use(prepared);
    for (const auto& [uid, record] : claims) {
      if (uid == wanted.uid) continue;
      for (const PreparedDevice& held : record.devices) use.Add(record, held);
    }
    // The claim's own earlier results count like another claim's: two shares of one card add up.
    for (size_t k = 0; k < i; ++k) use.Add(wanted, wanted.devices[k]);
    DRAY_RETURN_IF_ERROR(CheckUse(profile, *device, use));

    if (profile.assign_units.empty()) continue;
    int64_t total = device->device.capacity.at(profile.assign_units).value.Value();
    int64_t need = prepared.consumed.at(profile.assign_units).Value();
    for (int unit = 0; unit < total && static_cast<int64_t>(prepared.units.size()) < need; ++unit) {
      if (!use.units.contains(unit)) prepared.units.push_back(unit);
    }
    if (static_cast<int64_t>(prepared.units.size()) < need) {
      return Status(Reason::kConflict, "device " + prepared.device + " has fewer than " +
                                           std::to_string(need) + " free units of " +
                                           profile.assign_units);
    }
  }
  return wanted;
}

}  // namespace dray::mockdev
