#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "devcluster/kubelet/device_checkpoint.h"
#include "devcluster/kubelet/device_plugin_connection.h"
#include "devcluster/kubelet/plugin_watcher.h"
#include "dray/api/types/core.h"

namespace dray::devcluster {

// The device plugins of a node and who holds their devices (kubelet's device manager, v1beta1).
// Plugins register on <directory>/kubelet.sock or through the plugin watcher as "DevicePlugin".
// Remembered in <directory>/kubelet_internal_checkpoint. Any thread.
class DevicePlugins : public PluginHandler {
 public:
  struct Count {
    int64_t capacity = 0, allocatable = 0;
  };

  // `on_change`: the node's resources are not what they were. `on_register` failures go to the
  // plugin.
  DevicePlugins(Clock& clock, std::string directory, std::function<void()> on_change);
  ~DevicePlugins() override;

  // Reads the checkpoint, removes old sockets, listens.
  Status Start();
  // Ends the server and the connections.
  void Stop();

  Status Validate(const PluginInfo& info) override;
  Status Register(const Context& ctx, const PluginInfo& info) override;
  void Deregister(const PluginInfo& info) override;

  // What the node offers: capacity = all devices, allocatable = healthy ones. A resource whose
  // plugin has been away for five minutes is left out.
  std::map<std::string, Count> Resources() const;

  // Gives each container of the Pod the devices that its limits ask for, once: a Pod that holds
  // them keeps them. Resources that no plugin offers and those that DRA serves are passed over.
  // kInvalid or the plugin's error: the Pod must be rejected; it holds nothing then.
  Status Allocate(const Context& ctx, const api::Pod& pod);
  // What the container gets, merged over its resources.
  DeviceGrant GrantOf(const std::string& pod_uid, const std::string& container) const;
  // PreStartContainer where the plugin asked for it.
  Status PreStart(const Context& ctx, const std::string& pod_uid, const std::string& container);
  void Release(const std::string& pod_uid);
  std::set<std::string> PodUids() const;  // of Pods that hold devices

  std::map<std::string, std::vector<std::string>> DevicesOf(const std::string& pod_uid,
                                                            const std::string& container) const;
  // Healthy devices by resource.
  std::map<std::string, std::vector<PluginDevice>> Healthy() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
