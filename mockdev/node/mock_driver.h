#pragma once

#include <memory>
#include <string>

#include "dray/base/context.h"
#include "dray/base/guarded.h"
#include "dray/runtime/client.h"
#include "mockdev/deviceplugin/device_plugins.h"
#include "mockdev/ledger/claim_preparer.h"
#include "mockdev/plugin/claim_handler.h"
#include "mockdev/plugin/dra_server.h"
#include "mockdev/profiles/profile.h"
#include "mockdev/slices/slice_publisher.h"

namespace dray::mockdev {

struct DriverOptions {
  std::string node_name;
  std::string kubelet_dir = "/var/lib/kubelet";
  std::string cdi_dir = "/var/run/cdi";
  std::string state_dir;  // empty: <kubelet_dir>/plugins/<driver>
  std::string tools_dir;
  bool dra = true;
  bool device_plugin = false;
};

// One profile on one node: everything that a mock GPU node runs for one driver, put together.
class MockDriver {
 public:
  // Takes the state directory and reads the ledger; nothing is shown to anybody yet.
  static Result<std::unique_ptr<MockDriver>> Open(const Context& ctx, DriverOptions options,
                                                  DeviceProfile profile, runtime::Client client);
  ~MockDriver();

  // Serves the kubelet, publishes slices, applies the profile's faults; until ctx is stopped.
  // Sockets are gone afterwards, slices, CDI files and prepared claims stay.
  Status Run(const Context& ctx);

  // ok: the sockets listen and the slices are published, the kubelet knows the device plugins. Else
  // what is still missing, as a sentence.
  Status Ready() const;

  // The two ways in without gRPC, for tests in one process.
  ClaimHandler& handler() { return *handler_; }
  DeviceInventory& inventory() { return *inventory_; }
  const DeviceProfile& profile() const { return profile_; }

 private:
  MockDriver(DriverOptions options, DeviceProfile profile, runtime::Client client);
  DraServerOptions Sockets() const;
  DevicePluginOptions Plugins() const;
  Status RunDra(const Context& ctx);
  Status RunHousekeeping(const Context& ctx);

  const DriverOptions options_;
  const DeviceProfile profile_;
  const runtime::Client client_;
  std::unique_ptr<DeviceInventory> inventory_;
  std::unique_ptr<ClaimPreparer> preparer_;
  std::unique_ptr<ClaimHandler> handler_;
  std::unique_ptr<SlicePublisher> slices_;
  std::atomic<bool> listening_ = false;
  Guarded<Status> plugins_registered_{Status(Reason::kUnavailable, "not asked yet")};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool health_changed_ = false;  // protected by mutex_
};

}  // namespace dray::mockdev
