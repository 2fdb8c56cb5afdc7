#include "devcluster/kubelet/plugin_channel.h"

#include <grpcpp/grpcpp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace dray::devcluster {
namespace {

gpr_timespec DeadlineIn(Duration timeout) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(timeout.count(), GPR_TIMESPAN));
}

Reason ReasonOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return Reason::kOk;
    case grpc::StatusCode::CANCELLED:
      return Reason::kCancelled;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Reason::kTimeout;
    case grpc::StatusCode::UNAVAILABLE:
      return Reason::kUnavailable;
    case grpc::StatusCode::NOT_FOUND:
      return Reason::kNotFound;
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::OUT_OF_RANGE:
      return Reason::kInvalid;
    case grpc::StatusCode::UNIMPLEMENTED:
      return Reason::kMethodNotAllowed;
    case grpc::StatusCode::PERMISSION_DENIED:
      return Reason::kForbidden;
    default:
      return Reason::kInternal;
  }
}

}  // namespace

std::shared_ptr<grpc::Channel> OpenPluginChannel(const std::string& socket_path) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel("unix:" + socket_path, grpc::InsecureChannelCredentials(),
                                   arguments);
}

Status CheckListening(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() > kMaxSocketPath) {
    return Status(Reason::kInvalid, "socket path " + socket_path + " is longer than " +
                                        std::to_string(kMaxSocketPath) +
                                        " bytes: choose a shorter root directory");
  }
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size() + 1);
  int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0)
    return Status(Reason::kInternal, "socket: " + std::generic_category().message(errno));
  int failed = connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  int error = errno;
  close(file);
  if (failed != 0)
    return Status(Reason::kUnavailable,
                  socket_path + ": " + std::generic_category().message(error));
  return Ok();
}

Status CallPlugin(const Context& ctx, Duration timeout,
                  const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  DRAY_RETURN_IF_ERROR(ctx.Check());
  grpc::ClientContext context;
  if (timeout.count() > 0) context.set_deadline(DeadlineIn(timeout));
  std::stop_callback cancel(ctx.stop(), [&context] { context.TryCancel(); });
  grpc::Status status = call(context);
  if (status.ok()) return Ok();
  return Status(ReasonOf(status.error_code()), status.error_message());
}

bool AwaitChange(grpc::Channel& channel, int& last_state, Duration timeout) {
  if (last_state >= 0) {
    channel.WaitForStateChange(static_cast<grpc_connectivity_state>(last_state),
                               DeadlineIn(timeout));
  }
  last_state = channel.GetState(/*try_to_connect=*/true);
  return last_state == GRPC_CHANNEL_READY;
}

}  // namespace dray::devcluster
