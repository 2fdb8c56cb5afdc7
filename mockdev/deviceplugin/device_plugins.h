#pragma once

#include <functional>
#include <string>

#include "dray/base/context.h"
#include "mockdev/faults/device_inventory.h"
#include "mockdev/profiles/edits.h"

namespace dray::mockdev {

struct DevicePluginOptions {
  DeviceProfile profile;
  NodePaths paths;
  std::string directory;  // <kubelet dir>/device-plugins
};

// What would make RunDevicePlugins fail at once: kInvalid when the profile has no devicePlugin
// section or a socket's path would be too long. Touches nothing.
Status CheckDevicePlugins(const DevicePluginOptions& options);

// ok: the kubelet has registered all plugins and their sockets stand; else kUnavailable and why
// not. Called when that changes, on the thread of RunDevicePlugins.
using RegisteredHook = std::function<void(const Status& registered)>;

// The device-plugin view of a profile: one plugin (kubelet API v1beta1) per resource of
// `devicePlugin`, so that HAMi's classic resources appear in the Node's capacity. Registers with
// kubelet.sock, and again whenever that socket is made anew: a kubelet that starts removes every
// socket of the directory. `inventory` outlives the call. Blocks until ctx is stopped, or the
// directory is removed: kUnavailable.
Status RunDevicePlugins(const Context& ctx, const DevicePluginOptions& options,
                        DeviceInventory& inventory, const RegisteredHook& on_registered = nullptr);

}  // namespace dray::mockdev
