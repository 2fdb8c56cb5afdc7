#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devcluster/kubelet/dra_connection.h"
#include "devcluster/kubelet/plugin_watcher.h"
#include "dray/runtime/client.h"

namespace dray::devcluster {

// The DRA drivers of a node, as kubelet's DRA plugin manager keeps them: several instances per
// driver, in the order of registration; calls go to the youngest that is connected, or the youngest
// of all. When the last connected instance of a driver has been away for 30 s, the node's
// ResourceSlices of that driver are deleted. What drivers say about the health of their devices is
// kept. Any thread.
class DraPlugins : public PluginHandler {
 public:
  // `on_registered(driver)`: Pods that wait for the driver may go on. `on_health()`: devices fare
  // otherwise than before; called on a thread of a connection's, never after Stop().
  DraPlugins(Clock& clock, runtime::Client client, std::string node_name,
             std::function<void(const std::string&)> on_registered,
             std::function<void()> on_health = nullptr);
  ~DraPlugins() override;

  Status Validate(const PluginInfo& info) override;
  Status Register(const Context& ctx, const PluginInfo& info) override;
  void Deregister(const PluginInfo& info) override;

  // kUnavailable "DRA driver <x> is not registered".
  Result<std::shared_ptr<DraConnection>> Find(const std::string& driver) const;
  DeviceHealth HealthOf(const std::string& driver, const std::string& pool,
                        const std::string& device) const;

  // Deletes the node's slices of every driver, until it succeeds or ctx stops. Before plugins can
  // register.
  Status WipeSlices(const Context& ctx);
  // Wipes the slices of drivers that stay away. Until ctx is stopped.
  void Run(const Context& ctx);
  // Ends every connection; nothing is registered afterwards.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
