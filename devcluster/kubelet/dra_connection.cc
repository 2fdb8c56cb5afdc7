#include "devcluster/kubelet/dra_connection.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <thread>

#include "api/proto/dra_health_v1alpha1.grpc.pb.h"
#include "api/proto/dra_v1.grpc.pb.h"
#include "api/proto/dra_v1beta1.grpc.pb.h"
#include "devcluster/kubelet/plugin_channel.h"

namespace dray::devcluster {
namespace {

namespace v1 = ::k8s::io::kubelet::pkg::apis::dra::v1;
namespace v1beta1 = ::k8s::io::kubelet::pkg::apis::dra::v1beta1;

namespace health = ::v1alpha1;

constexpr std::chrono::seconds kCallTimeout(45);
constexpr std::chrono::seconds kHealthRetry(5);
// gRPC's wait for a state change cannot be woken, so it is sliced: this bounds how long a stop
// takes.
constexpr std::chrono::milliseconds kSlice(200);

std::vector<HealthReport> ReportsOf(const health::NodeWatchResourcesResponse& message) {
  std::vector<HealthReport> reports;
  for (const health::DeviceHealth& device : message.devices()) {
    HealthReport& report = reports.emplace_back();
    report.pool = device.device().pool_name();
    report.device = device.device().device_name();
    report.health.message = device.message();
    if (device.health() == health::HEALTHY) report.health.health = "Healthy";
    if (device.health() == health::UNHEALTHY) report.health.health = "Unhealthy";
    report.timeout = std::chrono::seconds(device.health_check_timeout_seconds());
  }
  return reports;
}

template <class Request>
Request WithClaims(const std::vector<DraClaim>& claims) {
  Request request;
  for (const DraClaim& claim : claims) {
    auto* entry = request.add_claims();
    entry->set_namespace_(claim.namespace_);
    entry->set_name(claim.name);
    entry->set_uid(claim.uid);
  }
  return request;
}

std::optional<std::string> ShareId(const v1::Device& device) {
  return device.has_share_id() ? std::optional(device.share_id()) : std::nullopt;
}
std::optional<std::string> ShareId(const v1beta1::Device&) {
  return std::nullopt;
}

// Both versions have the same shape; only their C++ types differ.
template <class Request, class Response, class Stub>
Result<std::map<std::string, PrepareAnswer>> PrepareBy(const Context& ctx, Stub& stub,
                                                       const std::vector<DraClaim>& claims) {
  Response response;
  DRAY_RETURN_IF_ERROR(CallPlugin(ctx, kCallTimeout, [&](grpc::ClientContext& call) {
    return stub.NodePrepareResources(&call, WithClaims<Request>(claims), &response);
  }));
  std::map<std::string, PrepareAnswer> answers;
  for (const auto& [uid, entry] : response.claims()) {
    PrepareAnswer& answer = answers[uid];
    answer.error = entry.error();
    for (const auto& device : entry.devices()) {
      answer.devices.push_back({{device.request_names().begin(), device.request_names().end()},
                                device.pool_name(),
                                device.device_name(),
                                {device.cdi_device_ids().begin(), device.cdi_device_ids().end()},
                                ShareId(device)});
    }
  }
  return answers;
}

template <class Request, class Response, class Stub>
Result<std::map<std::string, std::string>> UnprepareBy(const Context& ctx, Stub& stub,
                                                       const std::vector<DraClaim>& claims) {
  Response response;
  DRAY_RETURN_IF_ERROR(CallPlugin(ctx, kCallTimeout, [&](grpc::ClientContext& call) {
    return stub.NodeUnprepareResources(&call, WithClaims<Request>(claims), &response);
  }));
  std::map<std::string, std::string> answers;
  for (const auto& [uid, entry] : response.claims()) answers[uid] = entry.error();
  return answers;
}

}  // namespace

struct DraConnection::State {
  std::string endpoint, service;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::DRAPlugin::Stub> stub_v1;
  std::unique_ptr<v1beta1::DRAPlugin::Stub> stub_v1beta1;
  std::unique_ptr<health::DRAResourceHealth::Stub> stub_health;
  Hooks hooks;
  std::atomic<bool> connected = false;
  std::jthread monitor, listener;

  void Watch(const std::stop_token& stop) {
    int last = -1;
    while (!stop.stop_requested()) {
      bool now = AwaitChange(*channel, last, kSlice);
      if (now == connected.exchange(now)) continue;
      hooks.on_change(now);
    }
  }

  void Listen(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      ListenOnce(stop);
      int last = channel->GetState(/*try_to_connect=*/true);
      for (auto left = std::chrono::milliseconds(kHealthRetry);
           left.count() > 0 && !stop.stop_requested(); left -= kSlice) {
        AwaitChange(*channel, last, kSlice);
      }
    }
  }
  void ListenOnce(const std::stop_token& stop) {
    grpc::ClientContext call;
    call.set_wait_for_ready(true);
    std::stop_callback cancel(stop, [&call] { call.TryCancel(); });
    auto stream = stub_health->NodeWatchResources(&call, health::NodeWatchResourcesRequest());
    health::NodeWatchResourcesResponse message;
    while (stream->Read(&message)) hooks.on_health(ReportsOf(message));
    (void)stream->Finish();  // why does not matter: it is asked for again
    hooks.on_health(std::nullopt);
  }
};

DraConnection::DraConnection(std::string endpoint, std::string service, Hooks hooks)
    : state_(std::make_unique<State>()) {
  state_->endpoint = std::move(endpoint);
  state_->service = std::move(service);
  state_->channel = OpenPluginChannel(state_->endpoint);
  state_->stub_v1 = v1::DRAPlugin::NewStub(state_->channel);
  state_->stub_v1beta1 = v1beta1::DRAPlugin::NewStub(state_->channel);
  state_->stub_health = health::DRAResourceHealth::NewStub(state_->channel);
  state_->hooks = std::move(hooks);
  state_->monitor =
      std::jthread([state = state_.get()](std::stop_token stop) { state->Watch(stop); });
  state_->listener =
      std::jthread([state = state_.get()](std::stop_token stop) { state->Listen(stop); });
}
DraConnection::~DraConnection() {
  // Both at once: each may take a slice to notice.
  state_->monitor.request_stop();
  state_->listener.request_stop();
}

const std::string& DraConnection::endpoint() const {
  return state_->endpoint;
}
bool DraConnection::connected() const {
  return state_->connected;
}

Result<std::map<std::string, PrepareAnswer>> DraConnection::Prepare(
    const Context& ctx, const std::vector<DraClaim>& claims) {
  if (state_->service == kDraV1) {
    return PrepareBy<v1::NodePrepareResourcesRequest, v1::NodePrepareResourcesResponse>(
        ctx, *state_->stub_v1, claims);
  }
  return PrepareBy<v1beta1::NodePrepareResourcesRequest, v1beta1::NodePrepareResourcesResponse>(
      ctx, *state_->stub_v1beta1, claims);
}

Result<std::map<std::string, std::string>> DraConnection::Unprepare(
    const Context& ctx, const std::vector<DraClaim>& claims) {
  if (state_->service == kDraV1) {
    return UnprepareBy<v1::NodeUnprepareResourcesRequest, v1::NodeUnprepareResourcesResponse>(
        ctx, *state_->stub_v1, claims);
  }
  return UnprepareBy<v1beta1::NodeUnprepareResourcesRequest,
                     v1beta1::NodeUnprepareResourcesResponse>(ctx, *state_->stub_v1beta1, claims);
}

}  // namespace dray::devcluster
