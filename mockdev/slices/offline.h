#pragma once

#include <string>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {

// What a node with these profiles would publish, as `kubectl get resourceslices -o json` would show
// it: a v1 List, for who allocates without a cluster (dray allocate). No owner, since there is no
// Node. Pure.
Result<Json> SlicesOffline(const std::vector<DeviceProfile>& profiles, const std::string& node);

}  // namespace dray::mockdev
