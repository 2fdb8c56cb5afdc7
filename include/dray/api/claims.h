#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/core.h"
#include "dray/api/types/resource.h"
#include "dray/base/clock.h"
#include "dray/base/status.h"

// Where a claim stands, how it is made from a template, and what is to be released. Pure.
namespace dray::claims {

// ---- stop 2: stamp (kube-controller-manager's resourceclaim controller; facts of 1.36) ----

// The claim that a Pod entry with a template gets: generateName "<pod>-<entry>-" (both parts cut
// proportionally above 57 characters), labels and annotations of the template plus the
// pod-claim-name annotation, owned by the Pod (controller).
api::ResourceClaim ClaimFromTemplate(const api::Pod& pod, const api::PodResourceClaim& entry,
                                     const api::ResourceClaimTemplate& claim_template);

// The name of the claim behind an entry: resourceClaimName, or what the Pod's status says for a
// template. Unset: not generated yet. Empty string: no claim is needed.
std::optional<std::string> ClaimNameFor(const api::Pod& pod, const api::PodResourceClaim& entry);

// The claims that a Pod uses, in its order, as far as they have a name yet; last the one that the
// scheduler made for its extended resources (status.extendedResourceClaimStatus).
std::vector<api::ObjectKey> ClaimsOf(const api::Pod& pod);

bool OwnedBy(const api::ResourceClaim& claim,
             const api::Pod& pod);  // controller owner reference, by UID
bool ReservedFor(const api::ResourceClaim& claim, const api::Pod& pod);  // by UID
// Succeeded, Failed, or being deleted without ever having been bound: needs no claim any more.
bool Done(const api::Pod& pod);

// ---- stop 4: report ----

enum class Standing {
  kWaitingForClaim,  // the Pod's entry has no claim yet
  kPending,          // exists, unallocated
  kUnschedulable,    // unallocated, a Pod waits for it and no node can take it (only who has tried
                     // can say: not StandingOf)
  kAllocated,        // allocated, reserved by nobody
  kReserved,         // reserved, its devices not reported ready
  kPrepared,         // the driver reported the devices ready
  kRunning,          // a consumer's containers run
  kReleasing,        // being deleted, or only finished consumers are left
};
std::string_view StandingName(Standing standing);  // "waiting for claim", "pending", ...

// Condition types of ours in status.devices begin with this.
inline constexpr std::string_view kConditionPrefix = "dray.dev/";

struct ClaimView {
  const api::ResourceClaim* claim = nullptr;
  std::vector<const api::Pod*> pods;  // the Pods that name it, any phase
};
Standing StandingOf(const ClaimView& view);

// The device conditions that should stand in status.devices for an allocated claim, merged over
// what the driver wrote: only entries and condition types of ours are added, changed or removed.
//   dray.dev/Ready    True once a consumer can use the device (reasons Prepared, Running), else
//   False (Allocated, Reserved,
//                     Releasing); the message names the Pods that hold it
//   dray.dev/Healthy  False while a taint keeps claims away (reason Tainted, the message is the
//   taint), Unknown while no
//                     ResourceSlice shows the device (NotPublished), else True
struct DeviceReport {
  std::vector<api::AllocatedDeviceStatus> devices;  // the whole list as it should be
  bool changed = false;
};
// The published device behind a result, null when there is none.
using DeviceLookup = std::function<const api::Device*(const api::DeviceRequestAllocationResult&)>;
// Without `published` nothing is said of health.
DeviceReport ReportDevices(const ClaimView& view, api::Time now,
                           const DeviceLookup& published = nullptr);

// ---- stop 8: release ----

struct ReleasePlan {
  std::vector<std::string> drop_consumers;  // UIDs to take out of reservedFor
  bool deallocate = false;                  // clear status.allocation and then the finalizer
  bool delete_claim = false;                // generated, and its owner is done or gone
};
// `pods`: every Pod named in reservedFor or as owner that still exists, by UID.
ReleasePlan PlanRelease(const api::ResourceClaim& claim,
                        const std::map<std::string, const api::Pod*>& pods);

}  // namespace dray::claims
