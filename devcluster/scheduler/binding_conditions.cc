#include "devcluster/scheduler/binding_conditions.h"

#include <algorithm>

namespace dray::devcluster {
namespace {

bool IsTrue(const api::AllocatedDeviceStatus* status, const std::string& type) {
  return status != nullptr &&
         std::any_of(status->conditions.begin(), status->conditions.end(),
                     [&](const api::Condition& c) { return c.type == type && c.status == "True"; });
}

const api::AllocatedDeviceStatus* StatusOf(const api::ResourceClaim& claim,
                                           const api::DeviceRequestAllocationResult& result) {
  for (const api::AllocatedDeviceStatus& status : claim.status.devices) {
    if (status.driver == result.driver && status.pool == result.pool &&
        status.device == result.device && status.share_id == result.share_id) {
      return &status;
    }
  }
  return nullptr;
}

}  // namespace

Bindability BindabilityOf(const api::ResourceClaim& claim, api::Time now) {
  Bindability bindability;
  if (!claim.status.allocation) return bindability;
  const api::AllocationResult& allocation = *claim.status.allocation;
  for (const api::DeviceRequestAllocationResult& result : allocation.devices.results) {
    const api::AllocatedDeviceStatus* status = StatusOf(claim, result);
    for (const std::string& failure : result.binding_failure_conditions) {
      if (IsTrue(status, failure))
        return {Bindability::kFailed, "device " + result.device + " reports " + failure, {}};
    }
    for (const std::string& condition : result.binding_conditions) {
      if (IsTrue(status, condition) || bindability.state != Bindability::kReady) continue;
      bindability.state = Bindability::kPending;
      bindability.why = "device " + result.device + " has not reported " + condition;
    }
  }
  if (bindability.state != Bindability::kPending) return bindability;
  const api::Time since = allocation.allocation_timestamp.value_or(now);
  bindability.left = kBindingTimeout - (now - since);
  if (bindability.left <= std::chrono::seconds(0)) {
    bindability.state = Bindability::kFailed;
    bindability.why += " within " + std::to_string(kBindingTimeout.count()) + " s";
  }
  return bindability;
}

}  // namespace dray::devcluster
