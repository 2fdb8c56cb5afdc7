#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "devcluster/kubelet/container_plan.h"
#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::devcluster {

struct PluginDevice {
  std::string id;
  bool healthy = false;
  std::vector<int64_t> numa_nodes;
};
struct DevicePluginOptions {
  bool pre_start_required = false, preferred_allocation = false;
};
// What a device plugin wants a container to have.
struct DeviceGrant {
  Environment env;
  std::vector<MountRequest> mounts;
  std::vector<DeviceRequest> devices;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> cdi_devices;
};
// The wire bytes of ContainerAllocateResponse, as kept in the checkpoint, and what they mean.
// kInvalid: not such a message.
Result<DeviceGrant> ParseDeviceGrant(const std::string& wire);

// The connection to one device plugin (v1beta1.DevicePlugin). Any thread.
class DevicePluginConnection {
 public:
  explicit DevicePluginConnection(std::string socket_path);
  ~DevicePluginConnection();  // ends the watch

  Result<DevicePluginOptions> Options(const Context& ctx);
  // Starts ListAndWatch on a thread of the connection's: `on_devices` gets each complete list,
  // `on_end` comes once, when the stream has ended (not from the destructor).
  void Watch(std::function<void(std::vector<PluginDevice>)> on_devices,
             std::function<void(const Status&)> on_end);
  // The wire bytes of the one container answer. No deadline but ctx's.
  Result<std::string> Allocate(const Context& ctx, const std::vector<std::string>& ids);
  Result<std::vector<std::string>> Preferred(const Context& ctx,
                                             const std::vector<std::string>& available,
                                             const std::vector<std::string>& must_include,
                                             int count);
  Status PreStart(const Context& ctx, const std::vector<std::string>& ids);  // within 30 s

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
