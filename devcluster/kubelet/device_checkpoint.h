#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/status.h"

namespace dray::devcluster {

// Devices of one resource that a container holds, and what the plugin answered
// (ContainerAllocateResponse, wire bytes).
struct DeviceHold {
  std::vector<std::string> ids;
  std::string grant;
};
// Pod UID -> container -> resource.
using DeviceHolds = std::map<std::string, std::map<std::string, std::map<std::string, DeviceHold>>>;

struct DeviceMemory {
  DeviceHolds holds;
  std::map<std::string, std::vector<std::string>> registered;  // healthy ids by resource
};

// The file <root>/device-plugins/kubelet_internal_checkpoint, in the layout of kubelet's device
// manager; the checksum is ours (CRC-32 of the canonical Data). Pure.
std::string EncodeDeviceCheckpoint(const DeviceMemory& memory);
Result<DeviceMemory> DecodeDeviceCheckpoint(std::string_view text);

}  // namespace dray::devcluster
