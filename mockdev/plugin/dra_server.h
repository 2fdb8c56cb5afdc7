#pragma once

#include <memory>
#include <string>

#include "dray/base/context.h"
#include "mockdev/faults/device_inventory.h"
#include "mockdev/plugin/claim_handler.h"

namespace dray::mockdev {

struct DraServerOptions {
  std::string driver;
  std::string socket;        // <state dir>/dra.sock, absolute
  std::string registration;  // <kubelet dir>/plugins_registry/<driver>-reg.sock, absolute
};

// The driver's side of the kubelet's DRA APIs over unix sockets: DRAPlugin v1 and v1beta1 and
// DRAResourceHealth v1alpha1 on one socket, pluginregistration.Registration on the other (facts:
// dra.md D.1 to D.4). Calls are worked on one after the other.
class DraServer {
 public:
  // Listens on both sockets, the DRA one first, so that the kubelet never finds a registration
  // without a service. `handler` and `inventory` outlive the server; `ctx` until Stop.
  static Result<std::unique_ptr<DraServer>> Start(const Context& ctx, DraServerOptions options,
                                                  ClaimHandler& handler,
                                                  DeviceInventory& inventory);
  ~DraServer();  // Stop

  // True once a kubelet has said that the driver is registered.
  bool Registered() const;
  // Sends the health of all devices to the kubelets that watch. Called at each change and at least
  // every 10 s: the kubelet calls a device unknown that it has not heard of for 30 s.
  void SendHealth();
  // Registration goes first, so that the kubelet stops calling; running calls end. Both sockets are
  // removed.
  void Stop();

 private:
  struct State;
  explicit DraServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dray::mockdev
