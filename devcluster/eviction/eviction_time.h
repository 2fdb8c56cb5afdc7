#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dray/api/types/resource.h"

namespace dray::devcluster {

// Taints of one allocated device, as the newest generation of its pool shows it; none for a device
// that is not published any more.
using TaintsOf = std::function<std::vector<api::DeviceTaint>(
    const std::string& driver, const std::string& pool, const std::string& device)>;

// When the Pods of an allocated claim must go because of NoExecute taints: the earliest over its
// devices and their taints; nothing when every one of them is tolerated (facts: dra.md B.6). Only
// tolerations whose effect is NoExecute count, an empty one does not. Pure.
std::optional<api::Time> EvictionTime(const api::AllocationResult& allocation,
                                      const TaintsOf& taints_of);

// Taints of a device in these slices of its pool; slices of an older generation do not count. Pure.
std::vector<api::DeviceTaint> TaintsIn(
    const std::vector<std::shared_ptr<const api::ResourceSlice>>& slices,
    const std::string& device);

}  // namespace dray::devcluster
