#include "devcluster/kubelet/device_plugin_connection.h"

#include <grpcpp/grpcpp.h>

#include <thread>

#include "api/proto/device_plugin_v1beta1.grpc.pb.h"
#include "devcluster/kubelet/plugin_channel.h"

namespace dray::devcluster {
namespace {

namespace wire = ::v1beta1;

}  // namespace

struct DevicePluginConnection::State {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<wire::DevicePlugin::Stub> stub;
  grpc::ClientContext watch;  // cancelled by the destructor
  std::jthread watcher;
};

DevicePluginConnection::DevicePluginConnection(std::string socket_path)
    : state_(std::make_unique<State>()) {
  state_->channel = OpenPluginChannel(socket_path);
  state_->stub = wire::DevicePlugin::NewStub(state_->channel);
}

DevicePluginConnection::~DevicePluginConnection() {
  state_->watcher.request_stop();
  state_->watch.TryCancel();
}

Result<DevicePluginOptions> DevicePluginConnection::Options(const Context& ctx) {
  wire::DevicePluginOptions options;
  DRAY_RETURN_IF_ERROR(CallPlugin(ctx, std::chrono::seconds(10), [&](grpc::ClientContext& call) {
    call.set_wait_for_ready(true);
    return state_->stub->GetDevicePluginOptions(&call, wire::Empty(), &options);
  }));
  return DevicePluginOptions{options.pre_start_required(),
                             options.get_preferred_allocation_available()};
}

void DevicePluginConnection::Watch(std::function<void(std::vector<PluginDevice>)> on_devices,
                                   std::function<void(const Status&)> on_end) {
  state_->watcher = std::jthread([state = state_.get(), on_devices = std::move(on_devices),
                                  on_end = std::move(on_end)](std::stop_token stop) {
    auto reader = state->stub->ListAndWatch(&state->watch, wire::Empty());
    wire::ListAndWatchResponse message;
    while (reader->Read(&message)) {
      std::vector<PluginDevice> devices;
      for (const wire::Device& device : message.devices()) {
        PluginDevice& entry =
            devices.emplace_back(PluginDevice{device.id(), device.health() == "Healthy"});
        for (const wire::NUMANode& node : device.topology().nodes())
          entry.numa_nodes.push_back(node.id());
      }
      on_devices(std::move(devices));
    }
    grpc::Status end = reader->Finish();
    if (stop.stop_requested()) return;
    on_end(end.ok() ? Status(Reason::kUnavailable, "the plugin ended its device list")
                    : Status(Reason::kUnavailable, end.error_message()));
  });
}

Result<std::string> DevicePluginConnection::Allocate(const Context& ctx,
                                                     const std::vector<std::string>& ids) {
  wire::AllocateRequest request;
  auto* container = request.add_container_requests();
  for (const std::string& id : ids) container->add_devices_ids(id);
  wire::AllocateResponse response;
  DRAY_RETURN_IF_ERROR(CallPlugin(ctx, Duration(0), [&](grpc::ClientContext& call) {
    return state_->stub->Allocate(&call, request, &response);
  }));
  if (response.container_responses_size() != 1) {
    return Status(Reason::kInternal, "the plugin answered for " +
                                         std::to_string(response.container_responses_size()) +
                                         " containers instead of one");
  }
  return response.container_responses(0).SerializeAsString();
}

Result<std::vector<std::string>> DevicePluginConnection::Preferred(
    const Context& ctx, const std::vector<std::string>& available,
    const std::vector<std::string>& must_include, int count) {
  wire::PreferredAllocationRequest request;
  auto* container = request.add_container_requests();
  for (const std::string& id : available) container->add_available_deviceids(id);
  for (const std::string& id : must_include) container->add_must_include_deviceids(id);
  container->set_allocation_size(count);
  wire::PreferredAllocationResponse response;
  DRAY_RETURN_IF_ERROR(CallPlugin(ctx, Duration(0), [&](grpc::ClientContext& call) {
    return state_->stub->GetPreferredAllocation(&call, request, &response);
  }));
  std::vector<std::string> ids;
  if (response.container_responses_size() > 0) {
    const auto& list = response.container_responses(0).deviceids();
    ids.assign(list.begin(), list.end());
  }
  return ids;
}

Status DevicePluginConnection::PreStart(const Context& ctx, const std::vector<std::string>& ids) {
  wire::PreStartContainerRequest request;
  for (const std::string& id : ids) request.add_devices_ids(id);
  wire::PreStartContainerResponse response;
  return CallPlugin(ctx, std::chrono::seconds(30), [&](grpc::ClientContext& call) {
    return state_->stub->PreStartContainer(&call, request, &response);
  });
}

Result<DeviceGrant> ParseDeviceGrant(const std::string& text) {
  wire::ContainerAllocateResponse response;
  if (!response.ParseFromString(text))
    return Status(Reason::kInvalid, "not a ContainerAllocateResponse");
  DeviceGrant grant;
  for (const auto& [name, value] : response.envs()) grant.env[name] = value;
  for (const auto& [name, value] : response.annotations()) grant.annotations[name] = value;
  for (const wire::Mount& mount : response.mounts()) {
    grant.mounts.push_back({mount.host_path(), mount.container_path(), mount.read_only()});
  }
  for (const wire::DeviceSpec& device : response.devices()) {
    grant.devices.push_back({device.container_path(), device.host_path()});
  }
  for (const wire::CDIDevice& device : response.cdi_devices())
    grant.cdi_devices.push_back(device.name());
  return grant;
}

}  // namespace dray::devcluster
