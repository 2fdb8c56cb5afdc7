#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/resource.h"
#include "dray/base/status.h"
#include "mockdev/ledger/claim_record.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {

// What this driver was allocated, as a record without slots, units and CDI ids. kInvalid: no
// allocation, a device of another pool, or opaque parameters that the profile does not accept.
// Pure.
Result<ClaimRecord> WantedOf(const DeviceProfile& profile, const std::vector<MockDevice>& devices,
                             std::string_view pool, const api::ResourceClaim& claim);

// True when both stand for the same results, in the same order.
bool SameAllocation(const ClaimRecord& a, const ClaimRecord& b);

// Gives the devices of `wanted` their slots, units and CDI ids beside what the other claims hold.
// kConflict when a device is held exclusively by another claim, or its capacity or units do not
// suffice: the scheduler thinks it free, we know that it is not. Pure.
Result<ClaimRecord> AssignDevices(const DeviceProfile& profile,
                                  const std::vector<MockDevice>& devices,
                                  const std::map<std::string, ClaimRecord>& claims,
                                  ClaimRecord wanted);

}  // namespace dray::mockdev
