// How the API server of a local cluster finds the managers' webhooks: a Service without selector,
// an EndpointSlice per replica, a certificate for the Service's name, and the configurations of
// config/webhook.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <nlohmann/json.hpp>

#include "cli/cluster/local_cluster.h"
#include "dray/api/types/admission.h"
#include "dray/api/types/core.h"
#include "dray/base/embedded.h"
#include "dray/runtime/files.h"
#include "dray/runtime/pki.h"
#include "dray/runtime/yaml.h"

namespace dray::cli {
namespace {

constexpr char kNamespace[] = "dray-system";
constexpr char kService[] = "dray-webhook";

Json ObjectOf(const api::KindInfo& kind, const std::string& name, Json labels) {
  Json object = {{"apiVersion", kind.ApiVersion()},
                 {"kind", std::string(kind.kind)},
                 {"metadata", {{"name", name}}}};
  if (kind.namespaced) object["metadata"]["namespace"] = kNamespace;
  labels["app.kubernetes.io/managed-by"] = "dray";
  object["metadata"]["labels"] = std::move(labels);
  return object;
}

// A port that was free a moment ago, for a process that must be told its port beforehand.
Result<uint16_t> FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = fd >= 0 &&
                     bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (!bound)
    return Status(Reason::kUnavailable,
                  std::string("no free port on 127.0.0.1: ") + strerror(error));
  return static_cast<uint16_t>(ntohs(address.sin_port));
}

Status Apply(const Context& ctx, const runtime::Client& client, const api::KindInfo& kind,
             const Json& object) {
  runtime::PatchOptions options;
  options.field_manager = "dray";
  options.force = true;
  const std::string name = object["metadata"]["name"];
  return client
      .PatchRaw(ctx, kind, {kind.namespaced ? kNamespace : "", name}, runtime::PatchType::kApply,
                object.dump(), options)
      .status()
      .Wrapped(std::string(kind.kind) + " " + name);
}

// The configurations of config/webhook with this CA, so that the webhooks of a local cluster are
// asked what those of a real one are.
Status ApplyWebhooks(const Context& ctx, const runtime::Client& client, const std::string& ca) {
  static constexpr std::string_view kFile = "config/webhook/base/webhook.yaml";
  DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents,
                        runtime::ParseYamlDocuments(*EmbeddedFile(kFile), kFile));
  for (Json& document : documents) {
    for (const api::KindInfo& kind : {api::KindOf<api::MutatingWebhookConfiguration>::value,
                                      api::KindOf<api::ValidatingWebhookConfiguration>::value}) {
      if (document["kind"] != kind.kind) continue;
      for (Json& webhook : document["webhooks"]) webhook["clientConfig"]["caBundle"] = ca;
      DRAY_RETURN_IF_ERROR(Apply(ctx, client, kind, document));
    }
  }
  return {};
}

}  // namespace

Status LocalCluster::ConnectAdmission(const Context& ctx) {
  const WallTime now = ctx.clock().Now();
  DRAY_ASSIGN_OR_RETURN(runtime::KeyPair ca, runtime::NewCa("dray-webhook-ca", now));
  runtime::LeafRequest leaf;
  leaf.common_name = std::string(kService) + "." + kNamespace + ".svc";
  leaf.dns_names = {leaf.common_name, std::string(kService) + "." + kNamespace, "localhost"};
  leaf.ips = {"127.0.0.1"};
  leaf.server = true;
  DRAY_ASSIGN_OR_RETURN(runtime::KeyPair server, runtime::IssueLeaf(ca, leaf, now));
  const std::string folder = options_.dir + "/webhook";
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(folder, 0700));
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(folder + "/tls.key", server.key_pem, 0600));
  DRAY_RETURN_IF_ERROR(runtime::WriteFileAtomically(folder + "/tls.crt", server.cert_pem));

  const runtime::Client& client = *client_;
  DRAY_RETURN_IF_ERROR(
      Apply(ctx, client, api::KindOf<api::Namespace>::value,
            ObjectOf(api::KindOf<api::Namespace>::value, kNamespace, Json::object())));
  Json service = ObjectOf(api::KindOf<api::Service>::value, kService, Json::object());
  service["spec"] = {{"ports", {{{"name", "https"}, {"port", 443}, {"protocol", "TCP"}}}}};
  DRAY_RETURN_IF_ERROR(Apply(ctx, client, api::KindOf<api::Service>::value, service));

  webhook_ports_.clear();
  for (int i = 0; i < options_.managers; ++i) {
    DRAY_ASSIGN_OR_RETURN(uint16_t port, FreePort());
    webhook_ports_.push_back(port);
    Json slice = ObjectOf(api::KindOf<api::EndpointSlice>::value,
                          std::string(kService) + "-" + std::to_string(i),
                          {{"kubernetes.io/service-name", kService}});
    slice["addressType"] = "IPv4";
    slice["endpoints"] = {{{"addresses", {"127.0.0.1"}}, {"conditions", {{"ready", true}}}}};
    slice["ports"] = {{{"name", "https"}, {"port", port}, {"protocol", "TCP"}}};
    DRAY_RETURN_IF_ERROR(Apply(ctx, client, api::KindOf<api::EndpointSlice>::value, slice));
  }

  return ApplyWebhooks(ctx, client, runtime::Base64Encode(ca.cert_pem));
}

}  // namespace dray::cli
