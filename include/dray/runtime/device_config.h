#pragma once

#include <string>

#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::runtime {

// HAMi's device configuration as users have it: the file device-config.yaml itself, or the
// ConfigMap hami-scheduler-device around it. Returns the inner document. `file` is for messages.
Result<Json> DeviceConfigDocument(Json document, const std::string& file);

}  // namespace dray::runtime
