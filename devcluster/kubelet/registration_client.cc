#include "devcluster/kubelet/registration_client.h"

#include <grpcpp/grpcpp.h>

#include "api/proto/plugin_registration_v1.grpc.pb.h"
#include "devcluster/kubelet/plugin_channel.h"

namespace dray::devcluster {

using pluginregistration::Registration;

Result<PluginInfo> AskPluginInfo(const Context& ctx, const std::string& socket_path) {
  DRAY_RETURN_IF_ERROR(CheckListening(socket_path));
  auto stub = Registration::NewStub(OpenPluginChannel(socket_path));
  pluginregistration::PluginInfo answer;
  DRAY_RETURN_IF_ERROR(CallPlugin(ctx, std::chrono::seconds(1), [&](grpc::ClientContext& call) {
                         call.set_wait_for_ready(true);
                         return stub->GetInfo(&call, pluginregistration::InfoRequest(), &answer);
                       }).Wrapped("GetInfo"));
  return PluginInfo{answer.type(),
                    answer.name(),
                    answer.endpoint(),
                    {answer.supported_versions().begin(), answer.supported_versions().end()}};
}

Status TellPlugin(const Context& ctx, const std::string& socket_path, const Status& outcome) {
  auto stub = Registration::NewStub(OpenPluginChannel(socket_path));
  pluginregistration::RegistrationStatus status;
  status.set_plugin_registered(outcome.ok());
  status.set_error(outcome.message());
  pluginregistration::RegistrationStatusResponse answer;
  return CallPlugin(ctx, std::chrono::seconds(5),
                    [&](grpc::ClientContext& call) {
                      call.set_wait_for_ready(true);
                      return stub->NotifyRegistrationStatus(&call, status, &answer);
                    })
      .Wrapped("NotifyRegistrationStatus");
}

}  // namespace dray::devcluster
