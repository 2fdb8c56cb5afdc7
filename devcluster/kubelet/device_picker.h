#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "devcluster/kubelet/device_plugin_connection.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// Which devices of a resource a container gets (kubelet's device manager). Pure but for
// `preferred`.
struct PickRequest {
  std::vector<PluginDevice> devices;  // all that the plugin lists
  std::set<std::string> in_use;       // by other containers
  std::set<std::string> reusable;     // of earlier init containers of the same Pod: taken first
  int count = 0;
  // The plugin's wish among `available`, which must hold `must_include`; null: it has none.
  std::function<Result<std::vector<std::string>>(const std::vector<std::string>& available,
                                                 const std::vector<std::string>& must_include)>
      preferred;
};

// `count` device ids. Devices of one NUMA node that has enough free ones come first, then the
// plugin's wish, then the order of ids. kInvalid "requested number of devices unavailable for
// <resource>. Requested: 2, Available: 1".
Result<std::vector<std::string>> PickDevices(const std::string& resource,
                                             const PickRequest& request);

}  // namespace dray::devcluster
