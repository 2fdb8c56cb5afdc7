#include "devcluster/kubelet/pod_resources_server.h"

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <mutex>

#include "api/proto/pod_resources_v1.grpc.pb.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

namespace lister = ::v1;

constexpr double kCallsPerSecond = 100, kBurst = 10;

class Server : public PodResourcesServer, public lister::PodResourcesLister::CallbackService {
 public:
  Server(Clock& clock, const runtime::Lister<api::Pod>& pods, const NodeClaims& claims,
         const DevicePlugins& devices)
      : clock_(clock), pods_(pods), claims_(claims), devices_(devices), refilled_(clock.Steady()) {}
  ~Server() override {
    if (server_) server_->Shutdown(std::chrono::system_clock::time_point());
  }

  Status Start(const std::string& socket) {
    unlink(socket.c_str());
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    return server_ ? Ok() : Status(Reason::kUnavailable, "cannot listen on " + socket);
  }

  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const lister::ListPodResourcesRequest*,
                                 lister::ListPodResourcesResponse* response) override {
    return Answer(context, [&] {
      for (const auto& pod : pods_.List()) {
        if (Active(*pod)) Fill(*pod, *response->add_pod_resources());
      }
      return grpc::Status::OK;
    });
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const lister::GetPodResourcesRequest* request,
                                lister::GetPodResourcesResponse* response) override {
    return Answer(context, [&] {
      std::shared_ptr<const api::Pod> pod =
          pods_.Get({request->pod_namespace(), request->pod_name()});
      if (!pod) {
        return grpc::Status(grpc::StatusCode::NOT_FOUND,
                            "pod " + request->pod_name() + " in namespace " +
                                request->pod_namespace() + " not found");
      }
      Fill(*pod, *response->mutable_pod_resources());
      return grpc::Status::OK;
    });
  }

  grpc::ServerUnaryReactor* GetAllocatableResources(
      grpc::CallbackServerContext* context, const lister::AllocatableResourcesRequest*,
      lister::AllocatableResourcesResponse* response) override {
    return Answer(context, [&] {
      for (const auto& [resource, devices] : devices_.Healthy()) {
        for (const PluginDevice& device : devices) {
          lister::ContainerDevices* entry = response->add_devices();
          entry->set_resource_name(resource);
          entry->add_device_ids(device.id);
          for (int64_t node : device.numa_nodes)
            entry->mutable_topology()->add_nodes()->set_id(node);
        }
      }
      for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu) response->add_cpu_ids(cpu);
      return grpc::Status::OK;
    });
  }

 private:
  static bool Active(const api::Pod& pod) {
    return pod.status.phase != "Succeeded" && pod.status.phase != "Failed";
  }

  template <class Work>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, Work work) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(
        Admit() ? work()
                : grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "rejected by rate limit"));
    return reactor;
  }

  bool Admit() {
    std::lock_guard lock(mutex_);
    SteadyTime now = clock_.Steady();
    tokens_ = std::min(
        kBurst, tokens_ + std::chrono::duration<double>(now - refilled_).count() * kCallsPerSecond);
    refilled_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  void Fill(const api::Pod& pod, lister::PodResources& into) const {
    into.set_name(pod.metadata.name);
    into.set_namespace_(pod.metadata.namespace_);
    for (const api::Container& container : pod.spec.init_containers) {
      if (container.restart_policy == "Always") Fill(pod, container, *into.add_containers());
    }
    for (const api::Container& container : pod.spec.containers)
      Fill(pod, container, *into.add_containers());
  }

  void Fill(const api::Pod& pod, const api::Container& container,
            lister::ContainerResources& into) const {
    into.set_name(container.name);
    for (const auto& [resource, ids] : devices_.DevicesOf(pod.metadata.uid, container.name)) {
      lister::ContainerDevices* entry = into.add_devices();
      entry->set_resource_name(resource);
      for (const std::string& id : ids) entry->add_device_ids(id);
    }
    for (const ClaimInfo& claim : claims_.ClaimsOf(pod, container)) {
      lister::DynamicResource* entry = into.add_dynamic_resources();
      entry->set_claim_name(claim.name);
      entry->set_claim_namespace(claim.namespace_);
      for (const auto& [driver, devices] : claim.drivers) {
        for (const PreparedDevice& device : devices) {
          lister::ClaimResource* resource = entry->add_claim_resources();
          for (const std::string& id : device.cdi_ids) resource->add_cdi_devices()->set_name(id);
          resource->set_driver_name(driver);
          resource->set_pool_name(device.pool);
          resource->set_device_name(device.device);
          if (device.share_id) resource->set_share_id(*device.share_id);
        }
      }
    }
  }

  Clock& clock_;
  const runtime::Lister<api::Pod>& pods_;
  const NodeClaims& claims_;
  const DevicePlugins& devices_;
  std::mutex mutex_;  // guards the rate limit
  double tokens_ = kBurst;
  SteadyTime refilled_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

Result<std::unique_ptr<PodResourcesServer>> PodResourcesServer::Listen(
    Clock& clock, const std::string& directory, const runtime::Lister<api::Pod>& pods,
    const NodeClaims& claims, const DevicePlugins& devices) {
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(directory, 0750));
  auto server = std::make_unique<Server>(clock, pods, claims, devices);
  DRAY_RETURN_IF_ERROR(server->Start(directory + "/kubelet.sock"));
  return std::unique_ptr<PodResourcesServer>(std::move(server));
}

}  // namespace dray::devcluster
