// Life of a claim, stop 4 of 8
#include <algorithm>

#include "dray/api/claims.h"

namespace dray::claims {
namespace {

constexpr std::string_view kReady = "dray.dev/Ready";
constexpr std::string_view kHealthy = "dray.dev/Healthy";
constexpr size_t kMaxConditions = 8;   // of one device, by the API
constexpr size_t kNamedConsumers = 3;  // in a message, which must stay short

const api::AllocatedDeviceStatus* Find(const std::vector<api::AllocatedDeviceStatus>& devices,
                                       const api::DeviceRequestAllocationResult& result) {
  for (const api::AllocatedDeviceStatus& device : devices) {
    if (device.driver == result.driver && device.pool == result.pool &&
        device.device == result.device && device.share_id == result.share_id) {
      return &device;
    }
  }
  return nullptr;
}

bool Ready(const api::AllocatedDeviceStatus& device) {
  return std::any_of(
      device.conditions.begin(), device.conditions.end(),
      [](const api::Condition& c) { return c.type == "Ready" && c.status == "True"; });
}

bool DevicesReady(const api::ResourceClaim& claim) {
  for (const api::DeviceRequestAllocationResult& result :
       claim.status.allocation->devices.results) {
    const api::AllocatedDeviceStatus* device = Find(claim.status.devices, result);
    if (device == nullptr || !Ready(*device)) return false;
  }
  return true;
}

// The consumers that still need the claim. Kinds other than Pods cannot be judged from here and
// count as needing it.
struct Consumers {
  std::vector<const api::Pod*> pods;
  bool others = false;
  bool any() const { return others || !pods.empty(); }
};

Consumers Needing(const ClaimView& view) {
  Consumers consumers;
  for (const api::ResourceClaimConsumerReference& reference : view.claim->status.reserved_for) {
    if (!reference.api_group.empty() || reference.resource != "pods") {
      consumers.others = true;
      continue;
    }
    for (const api::Pod* pod : view.pods) {
      if (pod->metadata.uid == reference.uid && !Done(*pod)) consumers.pods.push_back(pod);
    }
  }
  return consumers;
}

api::Condition ReadyFor(const ClaimView& view, Standing standing) {
  api::Condition condition;
  condition.type = kReady;
  switch (standing) {
    case Standing::kRunning:
      condition.reason = "Running";
      break;
    case Standing::kPrepared:
      condition.reason = "Prepared";
      break;
    case Standing::kReserved:
      condition.reason = "Reserved";
      break;
    case Standing::kReleasing:
      condition.reason = "Releasing";
      break;
    default:
      condition.reason = "Allocated";
      break;
  }
  const Consumers consumers = Needing(view);
  condition.status =
      standing == Standing::kRunning || standing == Standing::kPrepared ? "True" : "False";
  if (!consumers.any()) {
    condition.message = "no consumer";
    return condition;
  }
  std::vector<std::string> names;
  for (const api::Pod* pod : consumers.pods) names.push_back(pod->metadata.name);
  std::sort(names.begin(), names.end());
  for (size_t i = 0; i < names.size() && i < kNamedConsumers; ++i) {
    condition.message += (i == 0 ? "used by pod " : ", ") + names[i];
  }
  if (names.size() > kNamedConsumers) {
    condition.message += " and " + std::to_string(names.size() - kNamedConsumers) + " more";
  }
  if (names.empty()) condition.message = "used by a consumer that is not a pod";
  return condition;
}

api::Condition HealthOf(const api::Device* device) {
  api::Condition condition;
  condition.type = kHealthy;
  condition.status = device == nullptr ? "Unknown" : "True";
  condition.reason = device == nullptr ? "NotPublished" : "NoTaint";
  if (device == nullptr) condition.message = "no ResourceSlice shows the device";
  for (const api::DeviceTaint& taint :
       device == nullptr ? std::vector<api::DeviceTaint>() : device->taints) {
    if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
    condition.status = "False";
    condition.reason = "Tainted";
    condition.message += (condition.message.empty() ? "" : ", ") + taint.key +
                         (taint.value.empty() ? "" : "=" + taint.value) + ":" + taint.effect;
  }
  return condition;
}

bool Same(const api::Condition& a, const api::Condition& b) {
  return a.status == b.status && a.reason == b.reason && a.message == b.message;
}

// Puts `wanted` where it belongs. False: it stands there already, or there is no room left.
bool Merge(std::vector<api::Condition>& conditions, api::Condition wanted, api::Time now) {
  auto standing = std::find_if(conditions.begin(), conditions.end(),
                               [&](const api::Condition& c) { return c.type == wanted.type; });
  if (standing == conditions.end() && conditions.size() >= kMaxConditions)
    return false;  // all the driver's
  if (standing != conditions.end() && Same(*standing, wanted)) return false;
  const bool turned = standing == conditions.end() || standing->status != wanted.status;
  wanted.last_transition_time =
      turned ? std::optional<api::Time>(now) : standing->last_transition_time;
  if (standing == conditions.end())
    conditions.push_back(std::move(wanted));
  else
    *standing = std::move(wanted);
  return true;
}

}  // namespace

std::string_view StandingName(Standing standing) {
  switch (standing) {
    case Standing::kWaitingForClaim:
      return "waiting for claim";
    case Standing::kPending:
      return "pending";
    case Standing::kUnschedulable:
      return "unschedulable";
    case Standing::kAllocated:
      return "allocated";
    case Standing::kReserved:
      return "reserved";
    case Standing::kPrepared:
      return "prepared";
    case Standing::kRunning:
      return "running";
    case Standing::kReleasing:
      return "releasing";
  }
  return "unknown";
}

Standing StandingOf(const ClaimView& view) {
  if (view.claim == nullptr) return Standing::kWaitingForClaim;
  if (view.claim->metadata.deletion_timestamp) return Standing::kReleasing;
  if (!view.claim->status.allocation) return Standing::kPending;
  if (view.claim->status.reserved_for.empty()) return Standing::kAllocated;
  const Consumers consumers = Needing(view);
  if (!consumers.any()) return Standing::kReleasing;
  for (const api::Pod* pod : consumers.pods) {
    if (pod->status.phase == "Running") return Standing::kRunning;
  }
  return DevicesReady(*view.claim) ? Standing::kPrepared : Standing::kReserved;
}

DeviceReport ReportDevices(const ClaimView& view, api::Time now, const DeviceLookup& published) {
  DeviceReport report;
  if (view.claim == nullptr) return report;
  report.devices = view.claim->status.devices;
  if (!view.claim->status.allocation) return report;
  const api::Condition ready = ReadyFor(view, StandingOf(view));
  for (const api::DeviceRequestAllocationResult& result :
       view.claim->status.allocation->devices.results) {
    auto* device = const_cast<api::AllocatedDeviceStatus*>(Find(report.devices, result));
    if (device == nullptr) {
      device = &report.devices.emplace_back();
      device->driver = result.driver;
      device->pool = result.pool;
      device->device = result.device;
      device->share_id = result.share_id;
    }
    report.changed |= Merge(device->conditions, ready, now);
    if (published) report.changed |= Merge(device->conditions, HealthOf(published(result)), now);
  }
  return report;
}

}  // namespace dray::claims
