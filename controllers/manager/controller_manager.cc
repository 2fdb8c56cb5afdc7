#include "controllers/manager/controller_manager.h"

#include <set>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "controllers/manager/caches.h"
#include "controllers/monitor/device_monitor.h"
#include "controllers/monitor/exposition.h"
#include "controllers/resourceclaim/resourceclaim_reconciler.h"
#include "controllers/webhook/admission_webhook.h"
#include "controllers/webhook/certificates.h"
#include "controllers/webhook/device_config_file.h"
#include "controllers/webhook/review_threads.h"
#include "dray/base/log.h"
#include "dray/runtime/controller.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/lease_candidate.h"
#include "dray/runtime/memory.h"
#include "dray/runtime/program.h"
#include "dray/runtime/real_clock.h"

namespace dray::controllers {
namespace {

using runtime::Stage;

// A burst of changes of devices is looked at once.
constexpr Duration kSettle = std::chrono::seconds(2);
constexpr Duration kExplainAfter = std::chrono::seconds(1),
                   kExplainEvery = std::chrono::seconds(10);

// After devices have changed: the claims that hold or want some are looked at, in one pass over all
// of them.
class DeviceChanges final : public runtime::Reconciler {
 public:
  DeviceChanges(Guarded<std::set<std::string>>& pools,
                const runtime::Informer<api::ResourceClaim>& claims, runtime::WorkQueue& queue)
      : pools_(pools), claims_(claims), queue_(queue) {}
  Result<runtime::Requeue> Reconcile(const Context&, const api::ObjectKey&) override {
    const std::set<std::string> pools =
        pools_.With([](auto& changed) { return std::exchange(changed, {}); });
    for (const api::ObjectKey& key : claims_.KeysBy("waits", "yes")) queue_.Add(key);
    if (pools.empty()) return runtime::Requeue{};
    claims_.ForEach([&](const api::ResourceClaim& claim) {
      const std::vector<std::string> held = PoolsOfClaim(claim);
      if (std::any_of(held.begin(), held.end(),
                      [&](const std::string& pool) { return pools.contains(pool); }))
        queue_.Add(api::KeyOf(claim));
    });
    return runtime::Requeue{};
  }

 private:
  Guarded<std::set<std::string>>& pools_;
  const runtime::Informer<api::ResourceClaim>& claims_;
  runtime::WorkQueue& queue_;
};

// Everything one replica holds, in the order in which it must be destroyed last to first.
class Replica {
 public:
  // `admission`: without the client-side limit of the controllers. For the webhook's writes: a
  // Pod's creation waits for them.
  Replica(ControllerManager::Options& options, std::shared_ptr<runtime::Transport> transport,
          std::shared_ptr<runtime::Transport> admission, Clock& clock)
      : options_(options),
        clock_(clock),
        client_(transport),
        leader_client_(options.elect ? runtime::Client(runtime::FenceWrites(
                                           transport, [this] { return elector_->LeadsUntil(); }))
                                     : client_),
        prompt_client_(std::move(admission)),
        caches_(client_),
        events_(client_, clock, "dray-controller-manager"),
        webhook_({prompt_client_, &clock, &caches_.templates, &caches_.slices,
                  options.cleanup_grace, &runtime::ProcessMetrics(), &caches_.classes},
                 std::move(options.device_config)),
        monitor_(caches_.slices, caches_.claims, options.legacy_metrics) {}

  Status Run(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(AskForCoordination(ctx));
    MakeControllers();
    DRAY_RETURN_IF_ERROR(AddServers(ctx));
    caches_.AddTo(manager_);
    // What the first lists were read through goes back to the system.
    manager_.Add(Stage::kEveryone, {"memory", runtime::KeepMemorySmall, nullptr});
    AddLeaderWork();
    return manager_.Run(ctx);
  }

 private:
  void MakeControllers();
  void HearChanges();
  void Enqueue(const api::ResourceClaim& claim);
  void EnqueueAll();
  void Lead(const Context& ctx);
  void AddLeaderWork();
  Status AskForCoordination(const Context& ctx);
  void Announce(const std::string& what);
  Status AddServers(const Context& ctx);
  Status AddWebhook(const Context& ctx);
  Status Serve(const char* name, runtime::HttpServerOptions options, runtime::HttpHandler handler);
  void AnswerHealth(const runtime::HttpRequest& request, runtime::HttpResponder& responder) const;
  void AnswerMetrics(const runtime::HttpRequest& request, runtime::HttpResponder& responder) const;

  ControllerManager::Options& options_;
  Clock& clock_;
  const runtime::Client client_;
  const runtime::Client leader_client_;  // writes only while the Lease is ours
  // Never behind the controllers' requests: a renewal that has to wait for its turn costs the
  // Lease.
  const runtime::Client prompt_client_;
  Caches caches_;
  runtime::EventRecorder events_;
  AdmissionWebhook webhook_;
  ReviewThreads review_threads_{4};
  std::unique_ptr<WebhookCertificateKeeper> certificates_;
  std::unique_ptr<DeviceConfigFile> config_file_;
  DeviceMonitor monitor_;
  std::vector<std::unique_ptr<runtime::Controller>> controllers_;
  runtime::WorkQueue *classes_ = nullptr, *claims_ = nullptr, *template_cleanup_ = nullptr,
                     *claim_cleanup_ = nullptr, *reservation_cleanup_ = nullptr,
                     *slice_cleanup_ = nullptr, *node_cleanup_ = nullptr,
                     *device_changes_ = nullptr;
  Guarded<std::set<std::string>> changed_pools_;
  std::atomic<bool> leads_ = false;  // followers hear and forget: a new leader looks at everything
  std::unique_ptr<runtime::LeaseCandidate> candidate_;  // in a coordinated election
  std::unique_ptr<runtime::Elector> elector_;
  std::vector<std::unique_ptr<runtime::HttpServer>> servers_;
  runtime::Manager manager_;
};

void Replica::MakeControllers() {
  runtime::Metrics& metrics = runtime::ProcessMetrics();
  auto add = [&](const char* name, std::unique_ptr<runtime::Reconciler> reconciler) {
    controllers_.push_back(
        std::make_unique<runtime::Controller>(clock_, name, std::move(reconciler)));
    return &controllers_.back()->queue;
  };
  classes_ =
      add("deviceclass", std::make_unique<DeviceClassReconciler>(DeviceClassReconciler::Options{
                             leader_client_, &caches_.classes, &caches_.claims, &caches_.templates,
                             &events_, &metrics, options_.classes, &caches_.slices}));
  ResourceClaimReconciler::Options claim_options{leader_client_,  &caches_.claims,  &caches_.pods,
                                                 &caches_.slices, &caches_.classes, &caches_.nodes,
                                                 &events_,        &metrics};
  claim_options.stuck_after = options_.stuck_after;
  claim_options.explain_after = kExplainAfter;
  claim_options.explain_every = kExplainEvery;
  claim_options.devices_fresh = kSettle;
  claims_ =
      add("resourceclaim", std::make_unique<ResourceClaimReconciler>(std::move(claim_options)));
  const CleanupOptions cleanup{leader_client_,
                               &caches_.pods,
                               &metrics,
                               options_.cleanup_grace,
                               options_.cleanup_dry_run,
                               std::make_shared<DeletionBudget>(options_.cleanup_per_minute)};
  template_cleanup_ =
      add("template-cleanup", std::make_unique<TemplateCleanup>(cleanup, &caches_.templates));
  claim_cleanup_ =
      add("claim-cleanup",
          std::make_unique<ClaimCleanup>(cleanup, &caches_.claims, options_.cleanup_hami_claims));
  reservation_cleanup_ =
      add("reservation-cleanup", std::make_unique<ReservationCleanup>(cleanup, &caches_.claims));
  slice_cleanup_ = add("resourceslice-cleanup",
                       std::make_unique<SliceCleanup>(cleanup, &caches_.slices, &caches_.nodes));
  node_cleanup_ =
      add("node-cleanup", std::make_unique<NodeCleanup>(cleanup, &caches_.nodes, &caches_.slices));
  device_changes_ = add("device-changes",
                        std::make_unique<DeviceChanges>(changed_pools_, caches_.claims, *claims_));
  HearChanges();
}

void Replica::HearChanges() {
  const auto leads = [this] { return leads_.load(); };
  runtime::OnChange<api::DeviceClass>(
      caches_.classes,
      [this](const api::DeviceClass& object) { classes_->Add(api::KeyOf(object)); }, leads);
  runtime::OnChange<api::ResourceClaim>(
      caches_.claims, [this](const api::ResourceClaim& object) { Enqueue(object); }, leads);
  runtime::OnChange<api::ResourceClaimTemplate>(
      caches_.templates,
      [this](const api::ResourceClaimTemplate& object) {
        template_cleanup_->Add(api::KeyOf(object));
      },
      leads);
  runtime::OnChange<api::Pod>(
      caches_.pods,
      [this](const api::Pod& pod) {
        for (const std::string& key : ClaimsOfPod(pod))
          for (runtime::WorkQueue* queue : {claims_, claim_cleanup_, reservation_cleanup_})
            queue->Add(runtime::KeyFromText(key));
        for (const std::string& key : TemplatesOfPod(pod))
          template_cleanup_->Add(runtime::KeyFromText(key));
      },
      leads);
  // Devices that come, go or get a taint: who holds them is told, who waits for some is explained
  // anew, classes are counted.
  auto devices = [this](const api::ResourceSlice& slice) {
    for (const std::string& pool : PoolOfSlice(slice)) {
      changed_pools_.With([&](auto& pools) { pools.insert(pool); });
      for (const api::ObjectKey& key : caches_.slices.KeysBy("pool", pool))
        slice_cleanup_->AddAfter(key, kSettle);
    }
    device_changes_->AddAfter({"", "all"}, kSettle);
    for (const auto& one : caches_.classes.List()) classes_->AddAfter(api::KeyOf(*one), kSettle);
    if (slice.spec.node_name) node_cleanup_->AddAfter({"", *slice.spec.node_name}, kSettle);
  };
  runtime::OnChange<api::ResourceSlice>(caches_.slices, std::move(devices), leads);
  auto nodes = [this](const api::Node& node) {
    node_cleanup_->Add(api::KeyOf(node));
    if (caches_.nodes.Get(api::KeyOf(node)) != nullptr) return;
    for (const api::ObjectKey& key : caches_.slices.KeysBy("node", node.metadata.name))
      slice_cleanup_->Add(key);
  };
  runtime::OnChange<api::Node>(caches_.nodes, std::move(nodes), leads);
}

void Replica::Enqueue(const api::ResourceClaim& claim) {
  const api::ObjectKey key = api::KeyOf(claim);
  claims_->Add(key);
  // Most claims are held by Pods that are there; those of a Pod that goes away are enqueued by its
  // own event.
  if (claim.status.reserved_for.empty()) {
    if (HasLeftFinalizer(claim)) reservation_cleanup_->Add(key);
    return claim_cleanup_->Add(key);
  }
  for (const api::ResourceClaimConsumerReference& consumer : claim.status.reserved_for) {
    const auto pod = caches_.pods.Get({key.namespace_, consumer.name});
    if (pod == nullptr || pod->metadata.uid != consumer.uid) return reservation_cleanup_->Add(key);
  }
}

void Replica::EnqueueAll() {
  for (const auto& [name, unused] : options_.classes) classes_->Add({"", name});
  for (const auto& object : caches_.classes.List()) classes_->Add(api::KeyOf(*object));
  caches_.claims.ForEach([this](const api::ResourceClaim& claim) { Enqueue(claim); });
  caches_.pods.ForEach([this](const api::Pod& pod) {
    for (const std::string& key : ClaimsOfPod(pod))
      claims_->Add(runtime::KeyFromText(key));  // also of claims that are not there
  });
  const auto every_key = [](const auto& cache, runtime::WorkQueue& queue) {
    cache.ForEachIf(
        [&](const runtime::ObjectVersion& one) {
          queue.Add({std::string(one.namespace_), std::string(one.name)});
          return false;
        },
        nullptr);
  };
  every_key(caches_.templates, *template_cleanup_);
  every_key(caches_.slices, *slice_cleanup_);
  every_key(caches_.nodes, *node_cleanup_);
}

void Replica::Lead(const Context& ctx) {
  LOG(INFO) << "leading: controllers start";
  leads_ = true;  // before everything is listed: what changes from now on is heard
  EnqueueAll();
  runtime::RunControllers(ctx, controllers_, options_.workers);
  leads_ = false;
  LOG(INFO) << "controllers have stopped";
}

Status Replica::AskForCoordination(const Context& ctx) {
  if (!options_.elect || !options_.elect_coordinated) return {};
  std::string version(runtime::Version());
  version.erase(0, version.rfind(' ') + 1);
  auto candidate = std::make_unique<runtime::LeaseCandidate>(runtime::LeaseCandidate::Options{
      client_, options_.election.lease, options_.election.identity, version});
  Result<bool> served = candidate->Served(ctx.WithTimeout(std::chrono::seconds(30)));
  if (!served.ok()) return served.status().Wrapped("--leader-elect-coordinated");
  if (*served)
    candidate_ = std::move(candidate);
  else
    LOG(WARNING) << "--leader-elect-coordinated: the API server takes no LeaseCandidates (feature "
                    "gate CoordinatedLeaderElection): electing as usual";
  return {};
}

void Replica::AddLeaderWork() {
  if (!options_.elect) {
    manager_.Add(Stage::kLeader, {"controllers",
                                  [this](const Context& ctx) {
                                    Lead(ctx);
                                    return Ok();
                                  },
                                  nullptr});
    return;
  }
  runtime::Elector::Callbacks callbacks;
  callbacks.on_started_leading = [this](const Context& ctx) {
    Announce("became leader");
    Lead(ctx);
    Announce("stopped leading");
  };
  callbacks.on_new_leader = [](std::string_view identity) {
    LOG(INFO) << "leader is " << identity;
  };
  if (candidate_ != nullptr) {
    options_.election.coordinated = true;
    manager_.Add(
        Stage::kLeader,
        {"lease candidate", [this](const Context& ctx) { return candidate_->Run(ctx); }, nullptr});
  }
  elector_ =
      std::make_unique<runtime::Elector>(prompt_client_, options_.election, std::move(callbacks));
  manager_.Add(
      Stage::kLeader,
      {"leader election", [this](const Context& ctx) { return elector_->Run(ctx); }, nullptr});
}

// As client-go's electors: an event on the Lease.
void Replica::Announce(const std::string& what) {
  const api::KindInfo& kind = api::KindOf<api::Lease>::value;
  const api::ObjectReference lease{kind.ApiVersion(),
                                   std::string(kind.kind),
                                   options_.election.lease.namespace_,
                                   options_.election.lease.name,
                                   "",
                                   "",
                                   ""};
  events_.Record(lease, "Normal", "LeaderElection", options_.election.identity + " " + what);
}

Status Replica::Serve(const char* name, runtime::HttpServerOptions options,
                      runtime::HttpHandler handler) {
  Result<std::unique_ptr<runtime::HttpServer>> server =
      runtime::HttpServer::Listen(std::move(options), std::move(handler));
  // A taken port is the caller's mistake: one sentence and exit code 2.
  if (!server.ok())
    return Status(Reason::kInvalid, std::string(name) + ": " + server.status().message());
  LOG(INFO) << name << " listens on port " << (*server)->port();
  runtime::HttpServer* listening = server->get();
  servers_.push_back(std::move(*server));
  manager_.Add(Stage::kServers,
               {name, [listening](const Context& ctx) { return listening->Run(ctx); }, nullptr});
  return {};
}

Status Replica::AddServers(const Context& ctx) {
  if (options_.health) {
    runtime::HttpServerOptions health;
    health.address = options_.health->address;
    health.port = options_.health->port;
    DRAY_RETURN_IF_ERROR(
        Serve("health", health, [this](runtime::HttpRequest request, auto responder) {
          AnswerHealth(request, *responder);
        }));
  }
  if (options_.metrics) {
    runtime::HttpServerOptions metrics;
    metrics.address = options_.metrics->address;
    metrics.port = options_.metrics->port;
    metrics.handler_threads = 1;
    DRAY_RETURN_IF_ERROR(
        Serve("metrics", metrics, [this](runtime::HttpRequest request, auto responder) {
          if (request.path() != "/metrics")
            return responder->Send({404, "want /metrics\n", "text/plain", {}});
          AnswerMetrics(request, *responder);
        }));
  }
  return AddWebhook(ctx);
}

Status Replica::AddWebhook(const Context& ctx) {
  if (options_.webhook_cert_dir.empty()) {
    LOG(WARNING) << "no --webhook-cert-dir: the admission webhook is not served";
    return {};
  }
  if (options_.webhook_self_managed) {
    certificates_ = std::make_unique<WebhookCertificateKeeper>(
        ControllerManager::CertificateOptions(options_, prompt_client_));
    // The server can't listen without them.
    if (Status made = certificates_->Fetch(ctx.WithTimeout(std::chrono::seconds(60))); !made.ok())
      return made.Wrapped("--webhook-self-managed");
    manager_.Add(Stage::kEveryone, {"webhook certificates",
                                    [this](const Context& run) {
                                      return certificates_->Run(run,
                                                                [this] { return leads_.load(); });
                                    },
                                    nullptr});
  }
  if (!options_.device_config_path.empty()) {
    config_file_ = std::make_unique<DeviceConfigFile>(DeviceConfigFile::Options{
        options_.device_config_path, runtime::LoadDeviceConfig,
        [this](admission::DeviceConfig config) { webhook_.SetConfig(std::move(config)); },
        &runtime::ProcessMetrics()});
    manager_.Add(Stage::kEveryone,
                 {"device configuration",
                  [this](const Context& run) { return config_file_->Run(run); }, nullptr});
  }
  runtime::HttpServerOptions webhook;
  webhook.address = options_.webhook_address;
  webhook.port = options_.webhook_port;
  webhook.tls = runtime::TlsFiles{options_.webhook_cert_dir + "/tls.crt",
                                  options_.webhook_cert_dir + "/tls.key", "", false};
  webhook.io_threads = 2;
  return Serve("webhook", webhook, [this](runtime::HttpRequest request, auto responder) {
    if (webhook_.TryHandle(request, *responder)) return;
    // A template has to be made. The caller's patience began when it asked, and it is answered also
    // while this replica stops: its time is the only bound.
    auto held = std::make_shared<const runtime::HttpRequest>(std::move(request));
    const Context bounded = Context(clock_, {}).WithTimeout(AdmissionWebhook::TimeFor(*held));
    review_threads_.Run(
        [this, bounded, held, responder] { webhook_.Handle(bounded, *held, *responder); });
  });
}

void Replica::AnswerMetrics(const runtime::HttpRequest& request,
                            runtime::HttpResponder& responder) const {
  constexpr char kType[] = "text/plain; version=0.0.4";
  const std::string process =
      runtime::ProcessMetrics().Text() + BuildInfoText() + caches_.Text(clock_.Steady());
  const auto accepts = request.headers.find("accept-encoding");
  if (accepts == request.headers.end() || !TakesGzip(accepts->second))
    return responder.Send({200, process + monitor_.Text(), kType, {{"Vary", "Accept-Encoding"}}});
  const DeflatedText pieces[] = {Deflate(process), *monitor_.Deflated()};
  responder.Send(
      {200, GzipOf(pieces), kType, {{"Content-Encoding", "gzip"}, {"Vary", "Accept-Encoding"}}});
}

void Replica::AnswerHealth(const runtime::HttpRequest& request,
                           runtime::HttpResponder& responder) const {
  const std::string_view path = request.path();
  if (path == "/healthz" || path == "/livez") {
    const Status healthy = elector_ == nullptr ? Ok() : elector_->Healthy(clock_);
    if (healthy.ok() && request.target.find("?verbose") != std::string::npos)
      return responder.Send(
          {200,
           "[+]leaderElection ok\n" + std::string(path.substr(1)) + " check passed\n",
           "text/plain",
           {}});
    if (healthy.ok()) return responder.Send({200, "ok", "text/plain", {}});
    return responder.Send(
        {500, "[-]leaderElection failed: " + healthy.message() + "\n", "text/plain", {}});
  }
  if (path == "/readyz") {
    if (manager_.Ready()) return responder.Send({200, "ok", "text/plain", {}});
    return responder.Send({500, "waiting for: " + manager_.Waiting() + "\n", "text/plain", {}});
  }
  responder.Send({404, "want /healthz or /readyz\n", "text/plain", {}});
}

}  // namespace

Status ControllerManager::Run(const Context& ctx) {
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> transport,
                        runtime::MakeRestTransport(options_.access));
  runtime::ClusterAccess unlimited = options_.access;
  unlimited.qps = 0;
  DRAY_ASSIGN_OR_RETURN(std::shared_ptr<runtime::Transport> admission,
                        runtime::MakeRestTransport(unlimited));
  return Replica(options_, std::move(transport), std::move(admission), ctx.clock()).Run(ctx);
}

}  // namespace dray::controllers
