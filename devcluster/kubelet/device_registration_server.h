#pragma once

#include <functional>
#include <memory>
#include <string>

#include "devcluster/kubelet/device_plugin_connection.h"
#include "dray/base/status.h"

namespace dray::devcluster {

struct DeviceRegistration {
  std::string version, endpoint, resource;
  DevicePluginOptions options;
};

// v1beta1.Registration on <directory>/kubelet.sock. Requests are worked on one after the other on a
// thread of the server's.
class DeviceRegistrationServer {
 public:
  // Removes every socket in the directory first (plugins watch for a new kubelet.sock and register
  // again), then listens.
  static Result<std::unique_ptr<DeviceRegistrationServer>> Listen(
      const std::string& directory, std::function<Status(const DeviceRegistration&)> on_register);
  virtual ~DeviceRegistrationServer() = default;  // stops and removes the socket
};

}  // namespace dray::devcluster
