#include "mockdev/node/mock_driver.h"

#include "dray/base/log.h"

#include <filesystem>

#include "mockdev/plugin/sockets.h"
#include "mockdev/slices/plan.h"

namespace dray::mockdev {
namespace {

constexpr Duration kHealthInterval = std::chrono::seconds(10);
constexpr Duration kSweepInterval = std::chrono::minutes(10);

std::string Absolute(const std::string& path) {
  if (path.empty()) return path;  // the standard library throws
  return std::filesystem::absolute(path).lexically_normal().string();
}

DriverOptions Resolve(DriverOptions options, const std::string& driver) {
  if (options.state_dir.empty()) options.state_dir = options.kubelet_dir + "/plugins/" + driver;
  for (std::string* path :
       {&options.kubelet_dir, &options.cdi_dir, &options.state_dir, &options.tools_dir}) {
    *path = Absolute(*path);
  }
  return options;
}

}  // namespace

MockDriver::MockDriver(DriverOptions options, DeviceProfile profile, runtime::Client client)
    : options_(Resolve(std::move(options), profile.driver)),
      profile_(std::move(profile)),
      client_(std::move(client)) {}

MockDriver::~MockDriver() = default;

Result<std::unique_ptr<MockDriver>> MockDriver::Open(const Context& ctx, DriverOptions options,
                                                     DeviceProfile profile,
                                                     runtime::Client client) {
  std::unique_ptr<MockDriver> driver(
      new MockDriver(std::move(options), std::move(profile), std::move(client)));
  const DriverOptions& settled = driver->options_;
  // What the user got wrong is said before anything is made.
  if (settled.dra) {
    for (const std::string& path : {driver->Sockets().socket, driver->Sockets().registration}) {
      DRAY_RETURN_IF_ERROR(CheckSocketPath(path));
    }
  }
  if (settled.device_plugin) DRAY_RETURN_IF_ERROR(CheckDevicePlugins(driver->Plugins()));
  DRAY_ASSIGN_OR_RETURN(std::vector<MockDevice> devices,
                        EnumerateDevices(driver->profile_, settled.node_name));
  // The profile was checked, but not for the name of this node.
  PoolDescription pool{driver->profile_.driver, settled.node_name, settled.node_name, "uid", {}};
  for (const MockDevice& device : devices) pool.devices.push_back(device.device);
  DRAY_RETURN_IF_ERROR(CheckPool(pool).Wrapped("profile " + driver->profile_.name + " on node " +
                                               settled.node_name));
  driver->inventory_ = std::make_unique<DeviceInventory>(settled.node_name, std::move(devices));
  DRAY_ASSIGN_OR_RETURN(
      driver->preparer_,
      ClaimPreparer::Open(
          ctx, {driver->profile_, {settled.state_dir, settled.cdi_dir}, settled.tools_dir, nullptr},
          *driver->inventory_));
  driver->handler_ =
      std::make_unique<ClaimHandler>(driver->client_, *driver->preparer_, driver->profile_.driver);
  if (settled.dra) {
    driver->slices_ =
        std::make_unique<SlicePublisher>(driver->client_, ctx.clock(), driver->profile_.driver,
                                         settled.node_name, *driver->inventory_);
  }
  driver->inventory_->OnChange([self = driver.get()] {
    std::lock_guard lock(self->mutex_);
    self->health_changed_ = true;
    self->changed_.notify_all();
  });
  return driver;
}

DraServerOptions MockDriver::Sockets() const {
  return {profile_.driver, options_.state_dir + "/dra.sock",
          options_.kubelet_dir + "/plugins_registry/" + profile_.driver + "-reg.sock"};
}

DevicePluginOptions MockDriver::Plugins() const {
  return {
      profile_, {options_.state_dir, options_.cdi_dir}, options_.kubelet_dir + "/device-plugins"};
}

Status MockDriver::Ready() const {
  std::string who = "driver " + profile_.driver;
  if (options_.dra && !listening_)
    return Status(Reason::kUnavailable, who + " does not listen yet");
  if (options_.device_plugin) {
    Status registered = plugins_registered_.Copy();
    if (!registered.ok()) {
      return registered.Wrapped("the kubelet has not registered the device plugins of " + who);
    }
  }
  return slices_ != nullptr ? slices_->Published() : Status();
}

Status MockDriver::RunDra(const Context& ctx) {
  DRAY_ASSIGN_OR_RETURN(std::unique_ptr<DraServer> server,
                        DraServer::Start(ctx, Sockets(), *handler_, *inventory_));
  listening_ = true;
  while (!ctx.stopped()) {
    {
      std::unique_lock lock(mutex_);
      ctx.clock().WaitUntil(lock, changed_, ctx.clock().Steady() + kHealthInterval, ctx.stop(),
                            [this] { return health_changed_; });
      health_changed_ = false;
    }
    if (!ctx.stopped()) server->SendHealth();
  }
  listening_ = false;
  server->Stop();
  return {};
}

Status MockDriver::RunHousekeeping(const Context& ctx) {
  while (!ctx.stopped()) {
    Result<int> gone = handler_->SweepGoneClaims(ctx);
    if (!gone.ok() && !ctx.stopped()) {
      LOG(WARNING) << "looking for claims that are gone: " << gone.status().message();
    }
    if (!ctx.Sleep(kSweepInterval).ok()) break;
  }
  return {};
}

Status MockDriver::Run(const Context& outer) {
  // The first part that fails stops the others.
  std::stop_source source;
  std::stop_callback forward(outer.stop(), [&] { source.request_stop(); });
  Context ctx = outer.WithStop(source.get_token());
  Guarded<Status> first;
  auto part = [&](auto run) {
    return std::jthread([&, run] {
      Status outcome = run();
      if (outcome.ok() || ctx.stopped()) return;
      first.With([&](Status& status) {
        if (status.ok()) status = outcome;
      });
      source.request_stop();
    });
  };
  {
    std::vector<std::jthread> parts;
    if (options_.dra) {
      parts.push_back(part([&] { return RunDra(ctx); }));
      parts.push_back(part([&] { return slices_->Run(ctx); }));
      parts.push_back(part([&] { return RunHousekeeping(ctx); }));
    }
    if (options_.device_plugin) {
      parts.push_back(part([&] {
        return RunDevicePlugins(ctx, Plugins(), *inventory_, [this](const Status& registered) {
          plugins_registered_.With([&](Status& now) { now = registered; });
        });
      }));
    }
    parts.push_back(part([&] { return RunFaults(ctx, profile_.faults, *inventory_); }));
    // Nothing to do here but wait for the stop; joining the parts is that.
  }
  return first.Copy();
}

}  // namespace dray::mockdev
