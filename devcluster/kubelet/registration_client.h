#pragma once

#include <string>
#include <vector>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// What a plugin says about itself.
struct PluginInfo {
  std::string type, name, endpoint;  // endpoint "" : the registration socket itself
  std::vector<std::string> versions;
};

// pluginregistration.Registration, with the kubelet as the client.
Result<PluginInfo> AskPluginInfo(const Context& ctx, const std::string& socket_path);  // within 1 s
Status TellPlugin(const Context& ctx, const std::string& socket_path,
                  const Status& outcome);  // within 5 s

}  // namespace dray::devcluster
