#include "mockdev/plugin/dra_server.h"

#include <grpcpp/grpcpp.h>
#include "dray/base/log.h"

#include "api/proto/plugin_registration_v1.grpc.pb.h"
#include "dray/runtime/files.h"
#include "mockdev/plugin/dra_service.h"
#include "mockdev/plugin/health_service.h"
#include "mockdev/plugin/sockets.h"

namespace dray::mockdev {
namespace {

// The kubelet takes the first name that it knows: newest first.
constexpr const char* kServices[] = {"v1.DRAPlugin", "v1beta1.DRAPlugin",
                                     "v1alpha1.DRAResourceHealth"};

class Registration final : public pluginregistration::Registration::CallbackService {
 public:
  Registration(std::string driver, std::string endpoint)
      : driver_(std::move(driver)), endpoint_(std::move(endpoint)) {}

  grpc::ServerUnaryReactor* GetInfo(grpc::CallbackServerContext* call,
                                    const pluginregistration::InfoRequest*,
                                    pluginregistration::PluginInfo* info) override {
    info->set_type("DRAPlugin");
    info->set_name(driver_);
    info->set_endpoint(endpoint_);
    for (const char* service : kServices) info->add_supported_versions(service);
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* NotifyRegistrationStatus(
      grpc::CallbackServerContext* call, const pluginregistration::RegistrationStatus* status,
      pluginregistration::RegistrationStatusResponse*) override {
    registered_ = status->plugin_registered();
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    if (status->plugin_registered()) {
      LOG(INFO) << "the kubelet has registered driver " << driver_;
      reactor->Finish(grpc::Status::OK);
    } else {
      // The kubelet tries again with back-off; there is nothing else for us to do.
      LOG(ERROR) << "the kubelet refused driver " << driver_ << ": " << status->error();
      reactor->Finish(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, status->error()));
    }
    return reactor;
  }

  bool registered() const { return registered_; }

 private:
  const std::string driver_, endpoint_;
  std::atomic<bool> registered_ = false;
};

Result<std::unique_ptr<grpc::Server>> Listen(const std::string& socket,
                                             const std::vector<grpc::Service*>& services) {
  DRAY_RETURN_IF_ERROR(PrepareSocketPath(socket));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return Status(Reason::kUnavailable, "cannot listen on socket " + socket);
  return server;
}

}  // namespace

struct DraServer::State {
  State(const Context& ctx_in, DraServerOptions options_in, ClaimHandler& handler,
        DeviceInventory& inventory)
      : options(std::move(options_in)),
        stop(std::make_unique<std::stop_source>()),
        forward(ctx_in.stop(), [this] { stop->request_stop(); }),
        ctx(ctx_in.WithStop(stop->get_token())),
        v1(MakeDraServiceV1(ctx, handler, worker)),
        v1beta1(MakeDraServiceV1beta1(ctx, handler, worker)),
        health(inventory, ctx_in.clock()),
        registration(options.driver, options.socket) {}

  const DraServerOptions options;
  std::unique_ptr<std::stop_source> stop;
  std::stop_callback<std::function<void()>> forward;
  const Context ctx;
  SerialWorker worker;
  std::unique_ptr<grpc::Service> v1, v1beta1;
  HealthService health;
  Registration registration;
  std::unique_ptr<grpc::Server> dra, registry;
};

DraServer::DraServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

DraServer::~DraServer() {
  Stop();
}

Result<std::unique_ptr<DraServer>> DraServer::Start(const Context& ctx, DraServerOptions options,
                                                    ClaimHandler& handler,
                                                    DeviceInventory& inventory) {
  std::unique_ptr<DraServer> server(
      new DraServer(std::make_unique<State>(ctx, std::move(options), handler, inventory)));
  State& state = *server->state_;
  DRAY_ASSIGN_OR_RETURN(
      state.dra,
      Listen(state.options.socket, {state.v1.get(), state.v1beta1.get(), &state.health.service()}));
  DRAY_ASSIGN_OR_RETURN(state.registry, Listen(state.options.registration, {&state.registration}));
  return server;
}

bool DraServer::Registered() const {
  return state_->registration.registered();
}

void DraServer::SendHealth() {
  state_->health.Send();
}

void DraServer::Stop() {
  State& state = *state_;
  auto soon = [&] { return state.ctx.clock().Now() + std::chrono::seconds(5); };
  if (state.registry != nullptr) {
    state.registry->Shutdown(soon());
    state.registry.reset();
    Status gone = runtime::RemoveFile(state.options.registration);
    if (!gone.ok()) LOG(WARNING) << gone.message();
  }
  // Calls that wait for the API server end now; what has begun on the disk is finished.
  state.stop->request_stop();
  state.health.Close();
  if (state.dra != nullptr) {
    state.dra->Shutdown(soon());
    state.dra.reset();
    Status gone = runtime::RemoveFile(state.options.socket);
    if (!gone.ok()) LOG(WARNING) << gone.message();
  }
}

}  // namespace dray::mockdev
