#pragma once

#include <string>

#include "dray/api/admission.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::runtime {

// HAMi's device configuration as users have it: the file device-config.yaml itself, or the
// ConfigMap hami-scheduler-device around it. Returns the inner document. `file` is for messages.
Result<Json> DeviceConfigDocument(Json document, const std::string& file);

// The configuration in a file; HAMi's defaults where `path` is empty. kInvalid: it cannot be read
// or used; the message names the file and the place.
Result<admission::DeviceConfig> LoadDeviceConfig(const std::string& path);

}  // namespace dray::runtime
