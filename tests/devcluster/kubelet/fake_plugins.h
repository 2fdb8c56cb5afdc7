#pragma once

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/proto/device_plugin_v1beta1.grpc.pb.h"
#include "api/proto/dra_health_v1alpha1.grpc.pb.h"
#include "api/proto/dra_v1.grpc.pb.h"
#include "api/proto/dra_v1beta1.grpc.pb.h"
#include "api/proto/plugin_registration_v1.grpc.pb.h"
#include "devcluster/kubelet/dra_connection.h"

// Plugins as a driver's author would write them, for tests: real gRPC over unix sockets, scripted
// answers, recorded calls.
namespace dray::devcluster {

// Something that happened, to be waited for.
class CallLog {
 public:
  void Add(std::string line) {
    std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  std::vector<std::string> Lines() const {
    std::lock_guard lock(mutex_);
    return lines_;
  }
  // True once `line` has been added `times` times; waits up to 20 s.
  bool Await(const std::string& line, int times = 1) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::count(lines_.begin(), lines_.end(), line) >= times;
    });
  }
  int Count(const std::string& line) const {
    std::lock_guard lock(mutex_);
    return static_cast<int>(std::count(lines_.begin(), lines_.end(), line));
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<std::string> lines_;
};

class FakeRegistration : public pluginregistration::Registration::CallbackService {
 public:
  pluginregistration::PluginInfo info;
  CallLog log;

  grpc::ServerUnaryReactor* GetInfo(grpc::CallbackServerContext* context,
                                    const pluginregistration::InfoRequest*,
                                    pluginregistration::PluginInfo* answer) override {
    *answer = info;
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* NotifyRegistrationStatus(
      grpc::CallbackServerContext* context, const pluginregistration::RegistrationStatus* status,
      pluginregistration::RegistrationStatusResponse*) override {
    log.Add(status->plugin_registered() ? "registered" : "refused: " + status->error());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

// DRAResourceHealth with a message that the test changes. The stream stays open until End().
class FakeHealth : public v1alpha1::DRAResourceHealth::Service {
 public:
  // Device of pool "pool" -> its health and message.
  void Say(const std::map<std::string, std::pair<v1alpha1::HealthStatus, std::string>>& devices) {
    std::lock_guard lock(mutex_);
    message_.Clear();
    for (const auto& [name, health] : devices) {
      auto* device = message_.add_devices();
      device->mutable_device()->set_pool_name("pool");
      device->mutable_device()->set_device_name(name);
      device->set_health(health.first);
      device->set_message(health.second);
    }
    ++version_;
    changed_.notify_all();
  }
  void End() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  grpc::Status NodeWatchResources(
      grpc::ServerContext*, const v1alpha1::NodeWatchResourcesRequest*,
      grpc::ServerWriter<v1alpha1::NodeWatchResourcesResponse>* writer) override {
    std::unique_lock lock(mutex_);
    int seen = 0;
    while (!stopped_) {
      if (seen != version_) {
        seen = version_;
        writer->Write(message_);
      }
      changed_.wait(lock, [&] { return stopped_ || seen != version_; });
    }
    return grpc::Status::OK;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  v1alpha1::NodeWatchResourcesResponse message_;
  int version_ = 0;
  bool stopped_ = false;
};

// A DRA driver that offers both versions on its socket. Prepares every claim with one device named
// by the claim, unless `fail` says otherwise.
class FakeDraPlugin {
 public:
  struct Script {
    std::function<std::string(const std::string& claim)> prepare_error = [](const std::string&) {
      return "";
    };
    std::function<std::string(const std::string& claim)> unprepare_error = [](const std::string&) {
      return "";
    };
    std::vector<std::string> request_names;                     // of every device
    std::function<std::string(const std::string& uid)> cdi_id;  // one id per device
    bool leave_out = false;                                     // answers nothing
  };

  FakeDraPlugin(const std::string& root, const std::string& driver,
                std::vector<std::string> versions, const std::string& suffix = "")
      : v1_(this), v1beta1_(this) {
    registration_.info.set_type("DRAPlugin");
    registration_.info.set_name(driver);
    endpoint_ = root + "/plugins/" + driver + suffix + ".sock";
    registration_.info.set_endpoint(endpoint_);
    for (const std::string& version : versions) registration_.info.add_supported_versions(version);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + endpoint_, grpc::InsecureServerCredentials());
    builder.AddListeningPort("unix:" + root + "/plugins_registry/" + driver + suffix + "-reg.sock",
                             grpc::InsecureServerCredentials());
    builder.RegisterService(&registration_);
    builder.RegisterService(&v1_);
    builder.RegisterService(&v1beta1_);
    builder.RegisterService(&health_);
    server_ = builder.BuildAndStart();
  }
  ~FakeDraPlugin() {
    health_.End();
    server_->Shutdown(std::chrono::system_clock::time_point());
  }

  CallLog& log() { return registration_.log; }
  const std::string& endpoint() const { return endpoint_; }
  FakeHealth& health() { return health_; }
  void Set(Script script) {
    std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }

 private:
  template <class Service, class PrepareRequest, class PrepareResponse, class UnprepareRequest,
            class UnprepareResponse>
  class ServiceOf : public Service {
   public:
    ServiceOf(FakeDraPlugin* plugin, std::string version)
        : plugin_(plugin), version_(std::move(version)) {}
    grpc::ServerUnaryReactor* NodePrepareResources(grpc::CallbackServerContext* context,
                                                   const PrepareRequest* request,
                                                   PrepareResponse* response) override {
      std::string names;
      Script script = plugin_->ScriptCopy();
      for (const auto& claim : request->claims()) {
        names += " " + claim.namespace_() + "/" + claim.name();
        if (script.leave_out) continue;
        auto& entry = (*response->mutable_claims())[claim.uid()];
        entry.set_error(script.prepare_error(claim.name()));
        if (!entry.error().empty()) continue;
        auto* device = entry.add_devices();
        device->set_pool_name("pool");
        device->set_device_name("dev-" + claim.name());
        for (const std::string& name : script.request_names) device->add_request_names(name);
        if (script.cdi_id) device->add_cdi_device_ids(script.cdi_id(claim.uid()));
      }
      plugin_->log().Add(version_ + " prepare" + names);
      auto* reactor = context->DefaultReactor();
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }
    grpc::ServerUnaryReactor* NodeUnprepareResources(grpc::CallbackServerContext* context,
                                                     const UnprepareRequest* request,
                                                     UnprepareResponse* response) override {
      std::string names;
      Script script = plugin_->ScriptCopy();
      for (const auto& claim : request->claims()) {
        names += " " + claim.namespace_() + "/" + claim.name();
        if (!script.leave_out)
          (*response->mutable_claims())[claim.uid()].set_error(
              script.unprepare_error(claim.name()));
      }
      plugin_->log().Add(version_ + " unprepare" + names);
      auto* reactor = context->DefaultReactor();
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }

   private:
    FakeDraPlugin* plugin_;
    std::string version_;
  };
#define DRAY_DRA(version) ::k8s::io::kubelet::pkg::apis::dra::version
  struct V1
      : ServiceOf<
            DRAY_DRA(v1)::DRAPlugin::CallbackService, DRAY_DRA(v1)::NodePrepareResourcesRequest,
            DRAY_DRA(v1)::NodePrepareResourcesResponse, DRAY_DRA(v1)::NodeUnprepareResourcesRequest,
            DRAY_DRA(v1)::NodeUnprepareResourcesResponse> {
    explicit V1(FakeDraPlugin* plugin) : ServiceOf(plugin, "v1") {}
  };
  struct V1Beta1 : ServiceOf<DRAY_DRA(v1beta1)::DRAPlugin::CallbackService,
                             DRAY_DRA(v1beta1)::NodePrepareResourcesRequest,
                             DRAY_DRA(v1beta1)::NodePrepareResourcesResponse,
                             DRAY_DRA(v1beta1)::NodeUnprepareResourcesRequest,
                             DRAY_DRA(v1beta1)::NodeUnprepareResourcesResponse> {
    explicit V1Beta1(FakeDraPlugin* plugin) : ServiceOf(plugin, "v1beta1") {}
  };
#undef DRAY_DRA

  Script ScriptCopy() const {
    std::lock_guard lock(mutex_);
    return script_;
  }

  FakeRegistration registration_;
  V1 v1_;
  V1Beta1 v1beta1_;
  FakeHealth health_;
  std::string endpoint_;
  mutable std::mutex mutex_;
  Script script_;
  std::unique_ptr<grpc::Server> server_;
};

// A device plugin with a list that the test changes. The stream stays open until the plugin ends.
class FakeDevicePlugin : public v1beta1::DevicePlugin::Service {
 public:
  struct Options {
    bool pre_start = false, preferred = false;
    std::string allocate_error;
  };

  FakeDevicePlugin(const std::string& directory, const std::string& resource, Options options)
      : directory_(directory), resource_(resource), options_(options) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + directory + "/fake.sock", grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeDevicePlugin() override {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    server_->Shutdown(std::chrono::system_clock::time_point());
  }

  // Calls the kubelet's Register.
  grpc::Status Announce(const std::string& version = "v1beta1") {
    auto channel = grpc::CreateChannel("unix:" + directory_ + "/kubelet.sock",
                                       grpc::InsecureChannelCredentials());
    auto stub = v1beta1::Registration::NewStub(channel);
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1beta1::RegisterRequest request;
    request.set_version(version);
    request.set_endpoint("fake.sock");
    request.set_resource_name(resource_);
    v1beta1::Empty answer;
    return stub->Register(&context, request, &answer);
  }
  void SetDevices(std::map<std::string, std::string> health) {
    std::lock_guard lock(mutex_);
    devices_ = std::move(health);
    ++version_;
    changed_.notify_all();
  }
  CallLog log;

  grpc::Status GetDevicePluginOptions(grpc::ServerContext*, const v1beta1::Empty*,
                                      v1beta1::DevicePluginOptions* answer) override {
    answer->set_pre_start_required(options_.pre_start);
    answer->set_get_preferred_allocation_available(options_.preferred);
    return grpc::Status::OK;
  }
  grpc::Status ListAndWatch(grpc::ServerContext*, const v1beta1::Empty*,
                            grpc::ServerWriter<v1beta1::ListAndWatchResponse>* writer) override {
    std::unique_lock lock(mutex_);
    int seen = -1;
    while (!stopped_) {
      if (seen != version_) {
        seen = version_;
        v1beta1::ListAndWatchResponse list;
        for (const auto& [id, health] : devices_) {
          auto* device = list.add_devices();
          device->set_id(id);
          device->set_health(health);
        }
        writer->Write(list);
      }
      changed_.wait(lock, [&] { return stopped_ || seen != version_; });
    }
    return grpc::Status::OK;
  }
  grpc::Status GetPreferredAllocation(grpc::ServerContext*,
                                      const v1beta1::PreferredAllocationRequest* request,
                                      v1beta1::PreferredAllocationResponse* response) override {
    // The last of the available ones.
    const auto& wanted = request->container_requests(0);
    auto* answer = response->add_container_responses();
    for (int i = 0; i < wanted.allocation_size(); ++i) {
      answer->add_deviceids(wanted.available_deviceids(wanted.available_deviceids_size() - 1 - i));
    }
    return grpc::Status::OK;
  }
  grpc::Status Allocate(grpc::ServerContext*, const v1beta1::AllocateRequest* request,
                        v1beta1::AllocateResponse* response) override {
    std::string ids;
    for (const std::string& id : request->container_requests(0).devices_ids())
      ids += (ids.empty() ? "" : ",") + id;
    log.Add("allocate " + ids);
    if (!options_.allocate_error.empty())
      return grpc::Status(grpc::StatusCode::INTERNAL, options_.allocate_error);
    (*response->add_container_responses()->mutable_envs())["FAKE_DEVICES"] = ids;
    return grpc::Status::OK;
  }
  grpc::Status PreStartContainer(grpc::ServerContext*,
                                 const v1beta1::PreStartContainerRequest* request,
                                 v1beta1::PreStartContainerResponse*) override {
    log.Add("prestart " +
            (request->devices_ids_size() > 0 ? request->devices_ids(0) : std::string()));
    return grpc::Status::OK;
  }

 private:
  const std::string directory_, resource_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> devices_;
  int version_ = 0;
  bool stopped_ = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace dray::devcluster
