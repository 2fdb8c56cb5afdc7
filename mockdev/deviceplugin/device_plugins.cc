#include "mockdev/deviceplugin/device_plugins.h"

#include <grpcpp/grpcpp.h>
#include "dray/base/log.h"

#include <filesystem>

#include "api/proto/device_plugin_v1beta1.grpc.pb.h"
#include "dray/runtime/files.h"
#include "mockdev/deviceplugin/allocate.h"
#include "mockdev/deviceplugin/directory_watch.h"
#include "mockdev/plugin/sockets.h"
#include "mockdev/plugin/stream_hub.h"

namespace dray::mockdev {
namespace {

constexpr char kKubeletSocket[] = "kubelet.sock";
// A kubelet that was killed leaves its socket behind, and Pods wait for the resources of one that
// is back.
constexpr Duration kFirstBackOff = std::chrono::milliseconds(500);
constexpr Duration kLongestBackOff = std::chrono::seconds(5);

std::string SocketNameOf(const DevicePluginResource& resource) {
  std::string name = "dray-" + resource.name + ".sock";
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

// One resource, from the socket on which it is served to its registration.
class ResourcePlugin final : public ::v1beta1::DevicePlugin::CallbackService {
 public:
  ResourcePlugin(const DevicePluginOptions& options, const DevicePluginResource& resource,
                 const DeviceInventory& inventory)
      : options_(options),
        resource_(resource),
        inventory_(inventory),
        socket_name_(SocketNameOf(resource)),
        hub_([this] { return List(); }) {}

  const std::string& socket_name() const { return socket_name_; }

  Status Serve() {
    std::string path = options_.directory + "/" + socket_name_;
    DRAY_RETURN_IF_ERROR(PrepareSocketPath(path));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return Status(Reason::kUnavailable, "cannot listen on socket " + path);
    return {};
  }

  // The kubelet calls back while this call is under way (10 s at most, its rule): no deadline of
  // ours.
  Status Register(const Context& ctx) {
    auto channel = grpc::CreateChannel("unix:" + options_.directory + "/" + kKubeletSocket,
                                       grpc::InsecureChannelCredentials());
    auto stub = ::v1beta1::Registration::NewStub(channel);
    ::v1beta1::RegisterRequest request;
    request.set_version("v1beta1");
    request.set_endpoint(socket_name_);
    request.set_resource_name(resource_.name);
    Describe(*request.mutable_options());
    ::v1beta1::Empty empty;
    grpc::ClientContext call;
    std::stop_callback cancel(ctx.stop(), [&] { call.TryCancel(); });
    grpc::Status outcome = stub->Register(&call, request, &empty);
    if (outcome.ok()) return {};
    return Status(Reason::kUnavailable,
                  "register resource " + resource_.name + ": " + outcome.error_message());
  }

  void Send() { hub_.Send(); }

  void Stop(const Context& ctx) {
    hub_.Close();
    if (server_ == nullptr) return;
    server_->Shutdown(ctx.clock().Now() + std::chrono::seconds(2));
    server_.reset();
    Status gone = runtime::RemoveFile(options_.directory + "/" + socket_name_);
    if (!gone.ok()) LOG(WARNING) << gone.message();
  }

 private:
  // Of an amount (memory, cores) one piece is as good as another, and there are thousands of them.
  void Describe(::v1beta1::DevicePluginOptions& options) const {
    options.set_get_preferred_allocation_available(resource_.slots_per_device > 0);
  }

  ::v1beta1::ListAndWatchResponse List() const {
    ::v1beta1::ListAndWatchResponse response;
    std::vector<DeviceState> states;
    for (size_t i = 0; i < inventory_.devices().size(); ++i)
      states.push_back(inventory_.StateOf(i));
    for (PluginDevice& device : ListDevices(resource_, inventory_.devices())) {
      const DeviceState& state = states[device.position];
      if (!state.present) continue;
      ::v1beta1::Device* out = response.add_devices();
      out->set_id(std::move(device.id));
      out->set_health(state.healthy ? "Healthy" : "Unhealthy");
    }
    return response;
  }

  template <class Fill>
  static grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* call, Fill fill) {
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(fill());
    return reactor;
  }

  grpc::ServerUnaryReactor* GetDevicePluginOptions(
      grpc::CallbackServerContext* call, const ::v1beta1::Empty*,
      ::v1beta1::DevicePluginOptions* options) override {
    Describe(*options);
    return Answer(call, [] { return grpc::Status::OK; });
  }

  grpc::ServerWriteReactor<::v1beta1::ListAndWatchResponse>* ListAndWatch(
      grpc::CallbackServerContext*, const ::v1beta1::Empty*) override {
    return hub_.Open();
  }

  grpc::ServerUnaryReactor* GetPreferredAllocation(
      grpc::CallbackServerContext* call, const ::v1beta1::PreferredAllocationRequest* request,
      ::v1beta1::PreferredAllocationResponse* response) override {
    return Answer(call, [&] {
      for (const auto& container : request->container_requests()) {
        auto& answer = *response->add_container_responses();
        for (std::string& id : PreferDevices(
                 resource_, inventory_.devices(),
                 {container.available_deviceids().begin(), container.available_deviceids().end()},
                 {container.must_include_deviceids().begin(),
                  container.must_include_deviceids().end()},
                 static_cast<size_t>(std::max(container.allocation_size(), 0)))) {
          answer.add_deviceids(std::move(id));
        }
      }
      return grpc::Status::OK;
    });
  }

  grpc::ServerUnaryReactor* PreStartContainer(grpc::CallbackServerContext* call,
                                              const ::v1beta1::PreStartContainerRequest*,
                                              ::v1beta1::PreStartContainerResponse*) override {
    return Answer(call, [] { return grpc::Status::OK; });
  }

  grpc::ServerUnaryReactor* Allocate(grpc::CallbackServerContext* call,
                                     const ::v1beta1::AllocateRequest* request,
                                     ::v1beta1::AllocateResponse* response) override {
    return Answer(call, [&] {
      for (const auto& container : request->container_requests()) {
        Status filled = Fill({container.devices_ids().begin(), container.devices_ids().end()},
                             *response->add_container_responses());
        if (!filled.ok()) return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, filled.message());
      }
      return grpc::Status::OK;
    });
  }

  Status Fill(const std::vector<std::string>& ids,
              ::v1beta1::ContainerAllocateResponse& answer) const {
    DRAY_ASSIGN_OR_RETURN(
        AllocateEdits given,
        EditsForAllocate(options_.profile, resource_, inventory_.devices(), options_.paths, ids));
    for (const HostFile& file : given.files) {
      Result<std::string> present = runtime::ReadFile(file.path);
      if (present.ok() && *present == file.content) continue;
      DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(file.path, file.content));
    }
    for (const std::string& env : given.edits.env) {
      size_t equals = env.find('=');
      (*answer.mutable_envs())[env.substr(0, equals)] = env.substr(equals + 1);
    }
    for (const cdi::DeviceNode& node : given.edits.device_nodes) {
      auto* device = answer.add_devices();
      device->set_container_path(node.path);
      device->set_host_path(node.host_path);
      device->set_permissions(node.permissions);
    }
    for (const cdi::Mount& mount : given.edits.mounts) {
      auto* out = answer.add_mounts();
      out->set_container_path(mount.container_path);
      out->set_host_path(mount.host_path);
      out->set_read_only(true);
    }
    return {};
  }

  const DevicePluginOptions& options_;
  const DevicePluginResource& resource_;
  const DeviceInventory& inventory_;
  const std::string socket_name_;
  StreamHub<grpc::ServerWriteReactor, ::v1beta1::ListAndWatchResponse> hub_;
  std::unique_ptr<grpc::Server> server_;
};

// One life of the kubelet: serve, register all, wait until its socket is made anew or one of ours
// is removed.
Status ServeOnce(const Context& ctx, const DevicePluginOptions& options,
                 const DeviceInventory& inventory, DirectoryWatch& watch,
                 Guarded<std::vector<ResourcePlugin*>>& live, const RegisteredHook& tell) {
  std::vector<std::unique_ptr<ResourcePlugin>> plugins;
  for (const DevicePluginResource& resource : options.profile.device_plugin) {
    plugins.push_back(std::make_unique<ResourcePlugin>(options, resource, inventory));
  }
  auto run = [&]() -> Status {
    for (auto& plugin : plugins) DRAY_RETURN_IF_ERROR(plugin->Serve());
    // Before they register: a kubelet reads the list as soon as it knows of a plugin, and must hear
    // of every change from then on.
    live.With([&](auto& list) {
      for (auto& plugin : plugins) list.push_back(plugin.get());
    });
    for (auto& plugin : plugins) DRAY_RETURN_IF_ERROR(plugin->Register(ctx));
    LOG(INFO) << "registered " << plugins.size() << " device plugins with the kubelet";
    tell(Ok());
    while (!ctx.stopped()) {
      DRAY_ASSIGN_OR_RETURN(std::set<std::string> names, watch.Wait(ctx.stop()));
      bool again = names.contains(kKubeletSocket);
      for (auto& plugin : plugins) {
        again |= names.contains(plugin->socket_name()) &&
                 !std::filesystem::exists(options.directory + "/" + plugin->socket_name());
      }
      if (again) return {};
    }
    return {};
  };
  Status outcome = run();
  tell(outcome.ok() ? Status(Reason::kUnavailable, "the kubelet is starting anew") : outcome);
  live.With([](auto& list) { list.clear(); });
  for (auto& plugin : plugins) plugin->Stop(ctx);
  return outcome;
}

}  // namespace

Status CheckDevicePlugins(const DevicePluginOptions& options) {
  if (options.profile.device_plugin.empty()) {
    return Status(Reason::kInvalid, "profile " + options.profile.name +
                                        " has no devicePlugin section; want --mode=dra");
  }
  for (const DevicePluginResource& resource : options.profile.device_plugin) {
    DRAY_RETURN_IF_ERROR(CheckSocketPath(options.directory + "/" + SocketNameOf(resource)));
  }
  return {};
}

Status RunDevicePlugins(const Context& ctx, const DevicePluginOptions& options,
                        DeviceInventory& inventory, const RegisteredHook& on_registered) {
  const RegisteredHook tell = on_registered ? on_registered : [](const Status&) {};
  DRAY_RETURN_IF_ERROR(CheckDevicePlugins(options));
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(options.directory, 0750));
  DRAY_ASSIGN_OR_RETURN(std::unique_ptr<DirectoryWatch> watch,
                        DirectoryWatch::Open(options.directory));
  // Shared with the watcher, which the inventory keeps for longer than this call.
  auto live = std::make_shared<Guarded<std::vector<ResourcePlugin*>>>();
  inventory.OnChange([live] {
    live->With([](auto& plugins) {
      for (ResourcePlugin* plugin : plugins) plugin->Send();
    });
  });

  Duration back_off = kFirstBackOff;
  while (!ctx.stopped()) {
    if (!std::filesystem::exists(options.directory + "/" + kKubeletSocket)) {
      tell(Status(Reason::kUnavailable,
                  "there is no " + options.directory + "/" + kKubeletSocket + " yet"));
      DRAY_ASSIGN_OR_RETURN(std::set<std::string> names, watch->Wait(ctx.stop()));
      continue;
    }
    Status outcome = ServeOnce(ctx, options, inventory, *watch, *live, tell);
    if (ctx.stopped()) break;
    if (outcome.ok()) {
      back_off = kFirstBackOff;
      continue;
    }
    if (watch->lost()) return outcome;
    LOG(WARNING) << outcome.message() << "; trying again";
    if (!ctx.Sleep(back_off).ok()) break;
    back_off = std::min(back_off * 2, kLongestBackOff);
  }
  return {};
}

}  // namespace dray::mockdev
