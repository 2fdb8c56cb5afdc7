#pragma once

#include <string>
#include <vector>

#include "mockdev/cdi/container_edits.h"
#include "mockdev/profiles/edits.h"

namespace dray::mockdev {

// One kubelet device of a resource: "<index of the device>-<number>".
struct PluginDevice {
  std::string id;
  size_t position = 0;  // of the device in the inventory
};

// Every kubelet device of a resource, in order. Pure.
std::vector<PluginDevice> ListDevices(const DevicePluginResource& resource,
                                      const std::vector<MockDevice>& devices);

// Which `count` of the `available` ids a container should get, `must` among them: of a resource
// that counts devices as many different ones as there are, the least used first, so that "two GPUs"
// are two cards and not two slots of one (the kubelet alone would draw lots). Ids that the resource
// does not have are passed over. Pure.
std::vector<std::string> PreferDevices(const DevicePluginResource& resource,
                                       const std::vector<MockDevice>& devices,
                                       const std::vector<std::string>& available,
                                       const std::vector<std::string>& must, size_t count);

// What a container gets for these ids. kInvalid names an id that the resource does not have. Pure:
// `files` must be written before the answer goes out.
struct AllocateEdits {
  cdi::ContainerEdits edits;
  std::vector<HostFile> files;
};
Result<AllocateEdits> EditsForAllocate(const DeviceProfile& profile,
                                       const DevicePluginResource& resource,
                                       const std::vector<MockDevice>& devices,
                                       const NodePaths& paths, const std::vector<std::string>& ids);

}  // namespace dray::mockdev
