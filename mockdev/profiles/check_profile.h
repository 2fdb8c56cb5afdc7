#pragma once

#include "mockdev/profiles/field_reader.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {

// What a well-formed profile may still get wrong: names and limits of the resource.k8s.io API,
// request policies, placeholders, the size of a device-plugin message.
void CheckProfile(const DeviceProfile& profile, FirstError& errors);

}  // namespace dray::mockdev
