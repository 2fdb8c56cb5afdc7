#include "controllers/manager/controller_manager.h"

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "controllers/monitor/device_monitor.h"
#include "controllers/resourceclaim/resourceclaim_reconciler.h"
#include "controllers/webhook/admission_webhook.h"
#include "dray/base/log.h"
#include "dray/runtime/controller.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/real_clock.h"

namespace dray::controllers {
namespace {

using runtime::Informer;
using runtime::InformerOptions;
using runtime::Stage;

InformerOptions<api::Pod> PodOptions() {
  InformerOptions<api::Pod> options;
  options.indexes = {{"claim", ClaimsOfPod}, {"template", TemplatesOfPod}};
  // Only Pods with claims matter, but no selector says so: drop what is large and unread.
  options.transform = [](api::Pod& pod) {
    for (auto* list : {&pod.spec.containers, &pod.spec.init_containers})
      for (api::Container& container : *list) {
        container.env.clear();
        container.volume_mounts.clear();
        container.command.clear();
        container.args.clear();
      }
    pod.spec.volumes.clear();
  };
  return options;
}

// The caches that every replica keeps warm, so that a new leader starts at once.
struct Caches {
  explicit Caches(const runtime::Client& client)
      : pods(client, PodOptions()), nodes(client), claims(client), templates(client), slices(client), classes(client) {}

  Informer<api::Pod> pods;
  Informer<api::Node> nodes;
  Informer<api::ResourceClaim> claims;
  Informer<api::ResourceClaimTemplate> templates;
  Informer<api::ResourceSlice> slices;
  Informer<api::DeviceClass> classes;
};

// Everything one replica holds, in the order in which it must be destroyed last to first.
class Replica {
 public:
  Replica(ControllerManager::Options& options, std::shared_ptr<runtime::Transport> transport, Clock& clock)
      : options_(options),
        clock_(clock),
        client_(std::move(transport)),
        caches_(client_),
        events_(client_, clock, "dray-controller-manager"),
        webhook_({client_, &clock, &caches_.templates, &caches_.slices, options.cleanup_grace, &runtime::ProcessMetrics()},
                 std::move(options.device_config)),
        monitor_(caches_.slices, caches_.claims) {}

  Status Run(const Context& ctx) {
    MakeControllers();
    DRAY_RETURN_IF_ERROR(AddServers(ctx));
    runtime::AddCache(manager_, caches_.pods);
    runtime::AddCache(manager_, caches_.nodes);
    runtime::AddCache(manager_, caches_.claims);
    runtime::AddCache(manager_, caches_.templates);
    runtime::AddCache(manager_, caches_.slices);
    runtime::AddCache(manager_, caches_.classes);
    AddLeaderWork();
    return manager_.Run(ctx);
  }

 private:
  void MakeControllers();
  void Lead(const Context& ctx);
  void AddLeaderWork();
  Status AddServers(const Context& ctx);
  Status Serve(const char* name, runtime::HttpServerOptions options, runtime::HttpHandler handler);
  void AnswerHealth(const runtime::HttpRequest& request, runtime::HttpResponder& responder) const;

  ControllerManager::Options& options_;
  Clock& clock_;
  runtime::Client client_;
  Caches caches_;
  runtime::EventRecorder events_;
  AdmissionWebhook webhook_;
  DeviceMonitor monitor_;
  // The queues fill on every replica (they merge duplicates, so they stay as small as the cluster); only the leader takes.
  std::vector<std::unique_ptr<runtime::Controller>> controllers_;
  std::unique_ptr<runtime::Elector> elector_;
  std::vector<std::unique_ptr<runtime::HttpServer>> servers_;
  runtime::Manager manager_;
};

void Replica::MakeControllers() {
  runtime::Metrics& metrics = runtime::ProcessMetrics();
  auto add = [&](const char* name, std::unique_ptr<runtime::Reconciler> reconciler) {
    controllers_.push_back(std::make_unique<runtime::Controller>(clock_, name, std::move(reconciler)));
    return &controllers_.back()->queue;
  };
  auto* classes = add("deviceclass", std::make_unique<DeviceClassReconciler>(DeviceClassReconciler::Options{
                                         client_, &caches_.classes, &caches_.claims, &caches_.templates, &events_,
                                         &metrics, options_.classes}));
  auto* claims = add("resourceclaim", std::make_unique<ResourceClaimReconciler>(ResourceClaimReconciler::Options{
                                          client_, &caches_.claims, &caches_.pods, &caches_.slices, &caches_.classes,
                                          &caches_.nodes, &events_, &metrics}));
  CleanupOptions cleanup{client_, &caches_.pods, &metrics, options_.cleanup_grace, options_.cleanup_dry_run};
  auto* template_cleanup = add("template-cleanup", std::make_unique<TemplateCleanup>(cleanup, &caches_.templates));
  auto* claim_cleanup = add("claim-cleanup", std::make_unique<ClaimCleanup>(cleanup, &caches_.claims));

  for (const auto& [name, unused] : options_.classes) classes->Add({"", name});
  runtime::OnChange<api::DeviceClass>(caches_.classes, [=](const api::DeviceClass& object) { classes->Add(api::KeyOf(object)); });
  runtime::OnChange<api::ResourceClaim>(caches_.claims, [=](const api::ResourceClaim& object) {
    claims->Add(api::KeyOf(object));
    claim_cleanup->Add(api::KeyOf(object));
  });
  runtime::OnChange<api::ResourceClaimTemplate>(caches_.templates, [=](const api::ResourceClaimTemplate& object) {
    template_cleanup->Add(api::KeyOf(object));
  });
  runtime::OnChange<api::Pod>(caches_.pods, [=](const api::Pod& pod) {
    for (const std::string& key : ClaimsOfPod(pod)) {
      claims->Add(runtime::KeyFromText(key));
      claim_cleanup->Add(runtime::KeyFromText(key));
    }
    for (const std::string& key : TemplatesOfPod(pod)) template_cleanup->Add(runtime::KeyFromText(key));
  });
  // New devices change the reason why a claim waits.
  runtime::OnChange<api::ResourceSlice>(caches_.slices, [this, claims](const api::ResourceSlice&) {
    for (const auto& claim : caches_.claims.List())
      if (!claim->status.allocation) claims->Add(api::KeyOf(*claim));
  });
}

void Replica::Lead(const Context& ctx) {
  LOG(INFO) << "leading: controllers start";
  runtime::RunControllers(ctx, controllers_, options_.workers);
  LOG(INFO) << "controllers have stopped";
}

void Replica::AddLeaderWork() {
  if (!options_.elect) {
    manager_.Add(Stage::kLeader, {"controllers", [this](const Context& ctx) {
                                    Lead(ctx);
                                    return Ok();
                                  },
                                  nullptr});
    return;
  }
  runtime::Elector::Callbacks callbacks;
  callbacks.on_started_leading = [this](const Context& ctx) { Lead(ctx); };
  callbacks.on_new_leader = [](std::string_view identity) { LOG(INFO) << "leader is " << identity; };
  elector_ = std::make_unique<runtime::Elector>(client_, options_.election, std::move(callbacks));
  manager_.Add(Stage::kLeader, {"leader election", [this](const Context& ctx) { return elector_->Run(ctx); }, nullptr});
}

Status Replica::Serve(const char* name, runtime::HttpServerOptions options, runtime::HttpHandler handler) {
  Result<std::unique_ptr<runtime::HttpServer>> server = runtime::HttpServer::Listen(std::move(options), std::move(handler));
  // A taken port is the caller's mistake: one sentence and exit code 2.
  if (!server.ok()) return Status(Reason::kInvalid, std::string(name) + ": " + server.status().message());
  LOG(INFO) << name << " listens on port " << (*server)->port();
  runtime::HttpServer* listening = server->get();
  servers_.push_back(std::move(*server));
  manager_.Add(Stage::kServers, {name, [listening](const Context& ctx) { return listening->Run(ctx); }, nullptr});
  return {};
}

Status Replica::AddServers(const Context& ctx) {
  if (options_.health) {
    runtime::HttpServerOptions health;
    health.address = options_.health->address;
    health.port = options_.health->port;
    DRAY_RETURN_IF_ERROR(Serve("health", health, [this](runtime::HttpRequest request, auto responder) {
      AnswerHealth(request, *responder);
    }));
  }
  if (options_.metrics) {
    runtime::HttpServerOptions metrics;
    metrics.address = options_.metrics->address;
    metrics.port = options_.metrics->port;
    metrics.handler_threads = 1;
    DRAY_RETURN_IF_ERROR(Serve("metrics", metrics, [this](runtime::HttpRequest request, auto responder) {
      if (request.path() != "/metrics") return responder->Send({404, "want /metrics\n", "text/plain", {}});
      responder->Send({200, runtime::ProcessMetrics().Text() + monitor_.Text(), "text/plain; version=0.0.4", {}});
    }));
  }
  if (options_.webhook_cert_dir.empty()) {
    LOG(WARNING) << "no --webhook-cert-dir: the admission webhook is not served";
    return {};
  }
  runtime::HttpServerOptions webhook;
  webhook.address = options_.webhook_address;
  webhook.port = options_.webhook_port;
  webhook.tls = runtime::TlsFiles{options_.webhook_cert_dir + "/tls.crt", options_.webhook_cert_dir + "/tls.key", "", false};
  webhook.handler_threads = 4;  // a review may have to create a template
  const Context handler_ctx(clock_, ctx.stop());
  return Serve("webhook", webhook, [this, handler_ctx](runtime::HttpRequest request, auto responder) {
    webhook_.Handle(handler_ctx, request, *responder);
  });
}

void Replica::AnswerHealth(const runtime::HttpRequest& request, runtime::HttpResponder& responder) const {
  const std::string_view path = request.path();
  if (path == "/healthz" || path == "/livez") {
    const Status healthy = elector_ == nullptr ? Ok() : elector_->Healthy(clock_);
    if (healthy.ok()) return responder.Send({200, "ok", "text/plain", {}});
    return responder.Send({500, "[-]leaderElection failed: " + healthy.message() + "\n", "text/plain", {}});
  }
  if (path == "/readyz") {
    if (manager_.Ready()) return responder.Send({200, "ok", "text/plain", {}});
    return responder.Send({500, "waiting for: " + manager_.Waiting() + "\n", "text/plain", {}});
  }
  responder.Send({404, "want /healthz or /readyz\n", "text/plain", {}});
}

}  // namespace

Status ControllerManager::Run(const Context& ctx) {
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> transport, runtime::MakeRestTransport(options_.access));
  return Replica(options_, std::move(transport), ctx.clock()).Run(ctx);
}

}  // namespace dray::controllers
