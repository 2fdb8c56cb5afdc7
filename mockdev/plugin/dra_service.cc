#include "mockdev/plugin/dra_service.h"

#include <grpcpp/grpcpp.h>

#include "api/proto/dra_v1.grpc.pb.h"
#include "api/proto/dra_v1beta1.grpc.pb.h"

namespace dray::mockdev {
namespace {

// Below the 45 s that a kubelet waits for an answer. Of a whole call, from its arrival: the
// kubelet's counts the wait for earlier calls, and every claim.
constexpr Duration kCallTimeout = std::chrono::seconds(40);

struct V1 {
  using Service = k8s::io::kubelet::pkg::apis::dra::v1::DRAPlugin::CallbackService;
  using PrepareRequest = k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesRequest;
  using PrepareResponse = k8s::io::kubelet::pkg::apis::dra::v1::NodePrepareResourcesResponse;
  using UnprepareRequest = k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesRequest;
  using UnprepareResponse = k8s::io::kubelet::pkg::apis::dra::v1::NodeUnprepareResourcesResponse;
  static void SetShare(k8s::io::kubelet::pkg::apis::dra::v1::Device& device,
                       const std::string& share) {
    device.set_share_id(share);
  }
};

struct V1beta1 {
  using Service = k8s::io::kubelet::pkg::apis::dra::v1beta1::DRAPlugin::CallbackService;
  using PrepareRequest = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesRequest;
  using PrepareResponse = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodePrepareResourcesResponse;
  using UnprepareRequest = k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesRequest;
  using UnprepareResponse =
      k8s::io::kubelet::pkg::apis::dra::v1beta1::NodeUnprepareResourcesResponse;
  static void SetShare(k8s::io::kubelet::pkg::apis::dra::v1beta1::Device&, const std::string&) {}
};

template <class Claim>
ClaimName NameOf(const Claim& claim) {
  return {claim.namespace_(), claim.name(), claim.uid()};
}

template <class Api>
class DraService final : public Api::Service {
 public:
  DraService(const Context& ctx, ClaimHandler& handler, SerialWorker& worker)
      : ctx_(ctx), handler_(handler), worker_(worker) {}

  grpc::ServerUnaryReactor* NodePrepareResources(grpc::CallbackServerContext* call,
                                                 const typename Api::PrepareRequest* request,
                                                 typename Api::PrepareResponse* response) override {
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    worker_.Post([this, request, response, reactor, ctx = ctx_.WithTimeout(kCallTimeout)] {
      for (const auto& claim : request->claims()) {
        auto& answer = (*response->mutable_claims())[claim.uid()];
        Result<ClaimRecord> prepared = handler_.Prepare(ctx, NameOf(claim));
        if (!prepared.ok()) {
          answer.set_error(prepared.status().message());
          continue;
        }
        for (const PreparedDevice& given : prepared->devices) {
          auto* device = answer.add_devices();
          device->add_request_names(ParentRequest(given.request));
          device->set_pool_name(given.pool);
          device->set_device_name(given.device);
          device->add_cdi_device_ids(given.cdi_id);
          if (given.share_id) Api::SetShare(*device, *given.share_id);
        }
      }
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

  grpc::ServerUnaryReactor* NodeUnprepareResources(
      grpc::CallbackServerContext* call, const typename Api::UnprepareRequest* request,
      typename Api::UnprepareResponse* response) override {
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    worker_.Post([this, request, response, reactor, ctx = ctx_.WithTimeout(kCallTimeout)] {
      for (const auto& claim : request->claims()) {
        auto& answer = (*response->mutable_claims())[claim.uid()];
        Status outcome = handler_.Unprepare(ctx, NameOf(claim));
        if (!outcome.ok()) answer.set_error(outcome.message());
      }
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

 private:
  const Context ctx_;
  ClaimHandler& handler_;
  SerialWorker& worker_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDraServiceV1(const Context& ctx, ClaimHandler& handler,
                                                SerialWorker& worker) {
  return std::make_unique<DraService<V1>>(ctx, handler, worker);
}

std::unique_ptr<grpc::Service> MakeDraServiceV1beta1(const Context& ctx, ClaimHandler& handler,
                                                     SerialWorker& worker) {
  return std::make_unique<DraService<V1beta1>>(ctx, handler, worker);
}

}  // namespace dray::mockdev
