#include "mockdev/plugin/health_service.h"

#include <grpcpp/grpcpp.h>

#include "api/proto/dra_health_v1alpha1.grpc.pb.h"
#include "mockdev/plugin/stream_hub.h"

namespace dray::mockdev {
namespace {

using Response = ::v1alpha1::NodeWatchResourcesResponse;

constexpr size_t kLongestMessage = 1024;

Response Describe(const DeviceInventory& inventory, WallTime now) {
  Response response;
  for (size_t i = 0; i < inventory.devices().size(); ++i) {
    DeviceState state = inventory.StateOf(i);
    ::v1alpha1::DeviceHealth* health = response.add_devices();
    health->mutable_device()->set_pool_name(inventory.pool());
    health->mutable_device()->set_device_name(inventory.devices()[i].device.name);
    bool good = state.present && state.healthy;
    health->set_health(good ? ::v1alpha1::HEALTHY : ::v1alpha1::UNHEALTHY);
    health->set_last_updated_time(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
    if (!good) {
      health->set_message((state.present ? state.message : "the device has disappeared")
                              .substr(0, kLongestMessage));
    }
  }
  return response;
}

}  // namespace

struct HealthService::State final : ::v1alpha1::DRAResourceHealth::CallbackService {
  State(const DeviceInventory& inventory, Clock& clock)
      : hub([&inventory, &clock] { return Describe(inventory, clock.Now()); }) {}

  grpc::ServerWriteReactor<Response>* NodeWatchResources(
      grpc::CallbackServerContext*, const ::v1alpha1::NodeWatchResourcesRequest*) override {
    return hub.Open();
  }

  StreamHub<grpc::ServerWriteReactor, Response> hub;
};

HealthService::HealthService(const DeviceInventory& inventory, Clock& clock)
    : state_(std::make_unique<State>(inventory, clock)) {}

HealthService::~HealthService() = default;

grpc::Service& HealthService::service() {
  return *state_;
}

void HealthService::Send() {
  state_->hub.Send();
}

void HealthService::Close() {
  state_->hub.Close();
}

}  // namespace dray::mockdev
