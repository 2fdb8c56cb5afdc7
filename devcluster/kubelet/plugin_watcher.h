#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "devcluster/kubelet/registration_client.h"
#include "dray/base/context.h"

namespace dray::devcluster {

// What a kind of plugin ("DRAPlugin", "DevicePlugin") does with a registration. Any thread.
class PluginHandler {
 public:
  virtual ~PluginHandler() = default;
  // `info.endpoint` is a full path.
  virtual Status Validate(const PluginInfo& info) = 0;
  virtual Status Register(const Context& ctx, const PluginInfo& info) = 0;
  virtual void Deregister(const PluginInfo& info) = 0;
};

// Watches <root>/plugins_registry and its subdirectories, and does the registration handshake of
// kubelet's plugin manager for each socket that appears: GetInfo, Validate, Register,
// NotifyRegistrationStatus. A failed handshake is tried again after 0.5 s, doubling up to 122 s; a
// socket that was made anew counts as new. A socket that disappears is deregistered; nothing is
// told to the plugin. Names beginning with a dot and files that are no sockets are ignored.
class PluginWatcher {
 public:
  // The handlers, by plugin type, outlive the watcher.
  PluginWatcher(Clock& clock, std::string directory,
                std::map<std::string, PluginHandler*> handlers);
  ~PluginWatcher();

  // Until ctx is stopped. The directory exists.
  Status Run(const Context& ctx);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
