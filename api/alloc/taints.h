#pragma once

#include <vector>

#include "dray/api/types/resource.h"

namespace dray::alloc {

// The taint that keeps a request with these tolerations off the device, or null. Only NoSchedule
// and NoExecute do.
const api::DeviceTaint* BlockingTaint(const api::Device& device,
                                      const std::vector<api::DeviceToleration>& tolerations);

}  // namespace dray::alloc
