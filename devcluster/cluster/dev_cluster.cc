#include "devcluster/cluster/dev_cluster.h"

#include <regex>
#include <set>

#include "devcluster/apiserver/api_server.h"
#include "devcluster/cluster/credentials.h"
#include "devcluster/eviction/device_taint_eviction.h"
#include "devcluster/kubelet/kubelet.h"
#include "devcluster/scheduler/scheduler.h"
#include "devcluster/stamper/stamper.h"
#include "devcluster/workloads/workloads.h"
#include "dray/base/log.h"
#include "dray/runtime/files.h"
#include "dray/runtime/kubeconfig.h"

namespace dray::devcluster {
namespace {

constexpr int kHandlerThreads = 16;  // a create waits for webhooks, which may call back

Status CheckNodes(const std::vector<std::string>& nodes) {
  static const std::regex kName("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  if (nodes.empty()) return Status(Reason::kInvalid, "a cluster needs at least one node");
  std::set<std::string> seen;
  for (const std::string& node : nodes) {
    if (!std::regex_match(node, kName))
      return Status(
          Reason::kInvalid,
          "node name \"" + node + "\": want lower-case letters, digits and dashes, 63 at most");
    if (!seen.insert(node).second)
      return Status(Reason::kInvalid, "node name \"" + node + "\" is given twice");
  }
  return {};
}

LogOptions OptionsOf(const LogRequest& request) {
  LogOptions options;
  options.previous = request.previous;
  options.tail_lines = request.tail_lines;
  options.limit_bytes = request.limit_bytes;
  return options;
}

using Kubelets = std::map<std::string, std::unique_ptr<Kubelet>>;  // by node

// What the kubelets have of a container's log. They outlive the source.
LogSource LogsOf(const Kubelets& kubelets) {
  return [&kubelets](const LogRequest& request, std::shared_ptr<runtime::HttpResponder> responder) {
    auto found = kubelets.find(request.node);
    if (found == kubelets.end())
      return SendStatus(*responder, Status(Reason::kNotFound,
                                           "node \"" + request.node + "\" is not of this cluster"));
    const Kubelet& kubelet = *found->second;
    if (request.timestamps || request.since_seconds)
      return SendStatus(
          *responder, Status(Reason::kBadRequest,
                             "logs of this cluster carry no times: drop --timestamps and --since"));
    if (request.follow) {
      // Asked first without a stream, so that a container without a log still gets an error answer.
      Result<std::string> present =
          kubelet.ReadLog(request.namespace_, request.pod, request.container, OptionsOf(request));
      if (!present.ok())
        return SendStatus(*responder, Status(Reason::kBadRequest, present.status().message()));
      Status followed =
          kubelet.FollowLog(request.namespace_, request.pod, request.container, OptionsOf(request),
                            responder->StartStream(200, "text/plain"));
      if (!followed.ok()) LOG(WARNING) << "log of " << request.pod << ": " << followed;
      return;
    }
    Result<std::string> log =
        kubelet.ReadLog(request.namespace_, request.pod, request.container, OptionsOf(request));
    if (!log.ok())
      return SendStatus(*responder, Status(Reason::kBadRequest, log.status().message()));
    responder->Send({200, std::move(*log), "text/plain", {}});
  };
}

// One kubelet per node, each a client of its own.
Result<Kubelets> MakeKubelets(const DevClusterOptions& options, uint16_t api_port, Clock& clock,
                              const std::function<runtime::Client(const std::string&)>& client_of) {
  Kubelets kubelets;
  for (const std::string& node : options.nodes) {
    KubeletOptions own;
    own.node_name = node;
    own.root_dir = options.dir + "/nodes/" + node;
    own.cdi_dirs = {own.root_dir + "/cdi"};
    own.service_host = options.address;
    own.service_port = std::to_string(api_port);
    DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(own.cdi_dirs[0]));
    kubelets[node] =
        std::make_unique<Kubelet>(std::move(own), client_of("system:node:" + node), clock);
  }
  return kubelets;
}

// The way in for the administrator: <dir>/kubeconfig.
Status WriteAdminKubeconfig(const DevClusterOptions& options, uint16_t api_port,
                            const Credentials& credentials) {
  runtime::ClusterAccess access;
  access.server = "https://" + (options.address == "0.0.0.0" ? "127.0.0.1" : options.address) +
                  ":" + std::to_string(api_port);
  access.ca_pem = credentials.ca_pem;
  access.client_cert_pem = credentials.admin_cert_pem;
  access.client_key_pem = credentials.admin_key_pem;
  const std::string file = options.dir + "/kubeconfig";
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(
      file, runtime::WriteKubeconfig(access, "dray-devcluster"), 0600));
  LOG(INFO) << "API server at " << access.server << ", kubeconfig " << file;
  return {};
}

}  // namespace

Status DevCluster::Run(const Context& ctx) {
  DRAY_RETURN_IF_ERROR(CheckNodes(options_.nodes));
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(options_.dir, 0700));
  DRAY_ASSIGN_OR_RETURN(const Credentials credentials,
                        Credentials::Make(options_.dir, options_.address, ctx.clock().Now()));

  // 1. The API server, and a socket in front of it.
  ApiServer api({.clock = &ctx.clock()});
  runtime::HttpServerOptions serving;
  serving.address = options_.address;
  serving.port = options_.port;
  serving.tls = runtime::TlsFiles{credentials.server_cert_file, credentials.server_key_file,
                                  credentials.ca_file, false};
  serving.handler_threads = kHandlerThreads;
  Result<std::unique_ptr<runtime::HttpServer>> server =
      runtime::HttpServer::Listen(serving, [&api](runtime::HttpRequest request, auto responder) {
        api.Handle(std::move(request), std::move(responder));
      });
  if (!server.ok()) return Status(Reason::kInvalid, "API server: " + server.status().message());
  const uint16_t port = (*server)->port();

  runtime::Manager manager;
  manager.Add(runtime::Stage::kServers,
              {"API server", [&](const Context& inner) { return (*server)->Run(inner); }, nullptr});

  // 2. What kube-controller-manager and kube-scheduler do on a real cluster, as clients of the API.
  const auto client_of = [&](const std::string& user) {
    return runtime::Client(api.InProcess(user, {"system:authenticated"}));
  };
  Workloads workloads(client_of("system:kube-controller-manager"), ctx.clock());
  Stamper stamper(client_of("system:kube-controller-manager"), ctx.clock());
  DeviceTaintEviction eviction(client_of("system:kube-controller-manager"), ctx.clock());
  Scheduler scheduler(client_of("system:kube-scheduler"), ctx.clock());
  workloads.AddTo(manager);
  stamper.AddTo(manager);
  eviction.AddTo(manager);
  scheduler.AddTo(manager);

  // 3. The nodes.
  DRAY_ASSIGN_OR_RETURN(const Kubelets kubelets,
                        MakeKubelets(options_, port, ctx.clock(), client_of));
  for (const auto& [node, kubelet] : kubelets) {
    manager.Add(runtime::Stage::kEveryone,
                {"kubelet " + node,
                 [one = kubelet.get()](const Context& inner) { return one->Run(inner); }, nullptr});
  }
  api.SetLogSource(LogsOf(kubelets));

  // 4. The door: written last, so that whoever finds it finds a server behind it.
  DRAY_RETURN_IF_ERROR(WriteAdminKubeconfig(options_, port, credentials));
  Status ended = manager.Run(ctx);
  api.SetLogSource(nullptr);
  return ended;
}

}  // namespace dray::devcluster
