#pragma once

#include <optional>
#include <string>

#include "dray/api/types/resource.h"
#include "dray/runtime/client.h"

// What the scheduler writes about claims and Pods (facts: DRA, B.4, PreBind and Unreserve).
// Everything is a patch.
namespace dray::devcluster {

// Writes finalizer, `allocation` (when given) and the reservation for the Pod, in that order;
// repeatable. The answer is the claim as stored. kConflict: it was allocated, replaced or marked
// for deletion meanwhile; look again.
Result<api::ResourceClaim> ReserveClaim(const Context& ctx, const runtime::Client& client,
                                        api::ResourceClaim claim,
                                        const std::optional<api::AllocationResult>& allocation,
                                        const api::Pod& pod);

// Takes the Pod's reservation back, and nothing else.
Result<api::ResourceClaim> UnreserveClaim(const Context& ctx, const runtime::Client& client,
                                          const api::ResourceClaim& claim, const api::Pod& pod);

// Clears allocation and reservations; kConflict when the claim changed meanwhile.
Result<api::ResourceClaim> ReleaseAllocation(const Context& ctx, const runtime::Client& client,
                                             const api::ResourceClaim& claim);

Status BindPod(const Context& ctx, const runtime::Client& client, const api::Pod& pod,
               const std::string& node);

// Condition PodScheduled=False; nothing is sent when it stands already.
Status ReportUnscheduled(const Context& ctx, const runtime::Client& client, const api::Pod& pod,
                         const std::string& reason, const std::string& message);

}  // namespace dray::devcluster
