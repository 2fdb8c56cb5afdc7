#include "devcluster/kubelet/device_registration_server.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>

#include "api/proto/device_plugin_v1beta1.grpc.pb.h"
#include "dray/runtime/files.h"

namespace dray::devcluster {
namespace {

namespace wire = ::v1beta1;

class RegistrationServer : public DeviceRegistrationServer,
                           public wire::Registration::CallbackService {
 public:
  explicit RegistrationServer(std::function<Status(const DeviceRegistration&)> on_register)
      : on_register_(std::move(on_register)),
        worker_([this](std::stop_token stop) { Work(stop); }) {}

  ~RegistrationServer() override {
    // The worker first: it answers what waits, so that the shutdown has no call left to wait for.
    worker_.request_stop();
    worker_.join();
    if (server_) server_->Shutdown(std::chrono::system_clock::time_point());
  }

  Status Start(const std::string& socket) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    if (!server_) return Status(Reason::kUnavailable, "cannot listen on " + socket);
    return Ok();
  }

  // Registering calls the plugin back, so it must not run on a thread of gRPC's.
  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const wire::RegisterRequest* request, wire::Empty*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    std::lock_guard lock(mutex_);
    if (stopped_) {
      reactor->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the kubelet is stopping"));
      return reactor;
    }
    waiting_.push_back({{request->version(),
                         request->endpoint(),
                         request->resource_name(),
                         {request->options().pre_start_required(),
                          request->options().get_preferred_allocation_available()}},
                        reactor});
    changed_.notify_one();
    return reactor;
  }

 private:
  struct Waiting {
    DeviceRegistration registration;
    grpc::ServerUnaryReactor* reactor;
  };

  void Work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, stop, [&] { return !waiting_.empty(); });
      if (stop.stop_requested()) break;
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      Status status = on_register_(next.registration);
      next.reactor->Finish(
          status.ok() ? grpc::Status::OK
                      : grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, status.message()));
      lock.lock();
    }
    stopped_ = true;
    for (Waiting& left : waiting_) {
      left.reactor->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the kubelet is stopping"));
    }
  }

  const std::function<Status(const DeviceRegistration&)> on_register_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;
  bool stopped_ = false;
  std::unique_ptr<grpc::Server> server_;
  std::jthread worker_;
};

}  // namespace

Result<std::unique_ptr<DeviceRegistrationServer>> DeviceRegistrationServer::Listen(
    const std::string& directory, std::function<Status(const DeviceRegistration&)> on_register) {
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(directory, 0750));
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_socket(ignored)) std::filesystem::remove(at->path(), ignored);
  }
  auto server = std::make_unique<RegistrationServer>(std::move(on_register));
  DRAY_RETURN_IF_ERROR(server->Start(directory + "/kubelet.sock"));
  return std::unique_ptr<DeviceRegistrationServer>(std::move(server));
}

}  // namespace dray::devcluster
