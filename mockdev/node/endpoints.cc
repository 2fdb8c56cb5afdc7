#include "mockdev/node/endpoints.h"

#include <set>

#include "dray/runtime/http_server.h"
#include "dray/runtime/metrics.h"

namespace dray::mockdev {
namespace {

runtime::HttpResponse Text(int code, std::string body) {
  return {code, std::move(body), "text/plain; charset=utf-8", {}};
}

}  // namespace

Status AddEndpoints(runtime::Manager& manager, const EndpointOptions& options,
                    std::function<Status()> ready) {
  for (uint16_t port : std::set<uint16_t>{options.metrics_port, options.health_port}) {
    if (port == 0) continue;
    runtime::HttpServerOptions server_options;
    server_options.address = options.address;
    server_options.port = port;
    bool metrics = port == options.metrics_port, health = port == options.health_port;
    Result<std::unique_ptr<runtime::HttpServer>> listening = runtime::HttpServer::Listen(
        server_options, [=](runtime::HttpRequest request, auto responder) {
          std::string_view path = request.path();
          if (metrics && path == "/metrics") {
            responder->Send({200,
                             runtime::ProcessMetrics().Text(),
                             "text/plain; version=0.0.4; charset=utf-8",
                             {}});
          } else if (health && (path == "/healthz" || path == "/livez")) {
            responder->Send(Text(200, "ok"));
          } else if (health && path == "/readyz") {
            Status status = ready();
            responder->Send(status.ok() ? Text(200, "ok") : Text(503, status.message() + "\n"));
          } else {
            responder->Send(Text(404, "not found\n"));
          }
        });
    // Wrong use: the port is the user's choice.
    if (!listening.ok()) return Status(Reason::kInvalid, listening.status().message());
    std::shared_ptr<runtime::HttpServer> server = std::move(listening).value();
    manager.Add(runtime::Stage::kServers,
                {"port " + std::to_string(port),
                 [server](const Context& ctx) { return server->Run(ctx); }, nullptr});
  }
  return {};
}

}  // namespace dray::mockdev
