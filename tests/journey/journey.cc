#include "tests/journey/journey.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "controllers/deviceclass/deviceclass_reconciler.h"
#include "controllers/resourceclaim/pending_reasons.h"
#include "controllers/webhook/admission_webhook.h"
#include "devcluster/kubelet/kubelet.h"
#include "devcluster/scheduler/scheduler.h"
#include "devcluster/stamper/stamper.h"
#include "devcluster/workloads/workloads.h"
#include "dray/api/patch.h"
#include "dray/base/embedded.h"
#include "dray/base/log.h"
#include "dray/runtime/controller.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"
#include "mockdev/node/mock_driver.h"

namespace dray::journey {
namespace {

using namespace std::chrono_literals;
using runtime::Stage;

constexpr const char* kNode = "gpu-node";
constexpr Duration kPatience = 60s;  // for a machine that is very busy; a journey takes a second

const std::set<std::string> kKubernetes = {"workloads", "stamper", "scheduler", "kubelet"};

// Templates that nobody uses any more go at once: the journey starts the cleanup when it has let go
// of the Pod.
Status RunCleanup(const Context& ctx, const runtime::Client& client) {
  runtime::InformerOptions<api::Pod> pod_options;
  pod_options.indexes = {{"claim", controllers::ClaimsOfPod},
                         {"template", controllers::TemplatesOfPod}};
  runtime::Informer<api::Pod> pods(client, pod_options);
  runtime::Informer<api::ResourceClaimTemplate> templates(client);
  runtime::Informer<api::ResourceClaim> claims(client);
  controllers::CleanupOptions options{client};
  options.pods = &pods;
  options.metrics = &runtime::ProcessMetrics();
  options.grace = 0s;
  std::vector<std::unique_ptr<runtime::Controller>> controllers;
  controllers.push_back(std::make_unique<runtime::Controller>(
      ctx.clock(), "template-cleanup",
      std::make_unique<controllers::TemplateCleanup>(options, &templates)));
  controllers.push_back(std::make_unique<runtime::Controller>(
      ctx.clock(), "claim-cleanup", std::make_unique<controllers::ClaimCleanup>(options, &claims)));
  runtime::WorkQueue* template_queue = &controllers[0]->queue;
  runtime::WorkQueue* claim_queue = &controllers[1]->queue;
  runtime::OnChange<api::ResourceClaimTemplate>(
      templates,
      [=](const api::ResourceClaimTemplate& one) { template_queue->Add(api::KeyOf(one)); });
  runtime::OnChange<api::ResourceClaim>(
      claims, [=](const api::ResourceClaim& one) { claim_queue->Add(api::KeyOf(one)); });
  runtime::OnChange<api::Pod>(pods, [=](const api::Pod& pod) {
    for (const std::string& key : controllers::TemplatesOfPod(pod))
      template_queue->Add(runtime::KeyFromText(key));
    for (const std::string& key : controllers::ClaimsOfPod(pod))
      claim_queue->Add(runtime::KeyFromText(key));
  });
  runtime::Manager manager;
  runtime::AddCache(manager, pods);
  runtime::AddCache(manager, templates);
  runtime::AddCache(manager, claims);
  manager.Add(Stage::kLeader, {"controllers",
                               [&](const Context& inner) {
                                 runtime::RunControllers(inner, controllers, 1);
                                 return Ok();
                               },
                               nullptr});
  return manager.Run(ctx);
}

template <class T>
Part::Run ManagedPart() {
  return [](const Context& ctx, runtime::Client client) {
    T part(client, ctx.clock());
    runtime::Manager manager;
    part.AddTo(manager);
    return manager.Run(ctx);
  };
}

}  // namespace

Part::Part(std::string name, Clock& clock, std::shared_ptr<runtime::Transport> way, Run run)
    : name_(std::move(name)), clock_(clock), way_(std::move(way)), run_(std::move(run)) {}

Part::~Part() {
  Stop();
}

void Part::DieAfterWrite(int more) {
  die_after_ = more;
}

void Part::Start() {
  Stop();
  {
    std::lock_guard lock(mutex_);
    ended_ = {};
  }
  wire_ = std::make_shared<testing::Wire>(way_);
  if (die_after_ >= 0) wire_->CutAt(die_after_, testing::Wire::Cut::kAfterTheWrite);
  die_after_ = -1;
  wire_->RefuseWhere([this](const runtime::ApiRequest&) {
    if (on_write_) on_write_();
    return Ok();
  });
  thread_ = std::jthread([this, client = runtime::Client(wire_)](std::stop_token stop) {
    Status ended = run_(Context(clock_, stop), client);
    if (ended.ok() || stop.stop_requested()) return;
    {
      std::lock_guard lock(mutex_);
      ended_ = ended;
    }
    if (on_write_) on_write_();
  });
}

void Part::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

Status Part::ended() const {
  std::lock_guard lock(mutex_);
  return ended_;
}

Journey::Journey(const std::string& directory, std::optional<Weather> weather)
    : weather_(std::move(weather)),
      clock_(weather_ ? static_cast<Clock&>(hurried_) : runtime::RealClock()),
      directory_(directory),
      random_(weather_ ? static_cast<unsigned>(weather_->seed) : 1) {
  auto add = [&](std::string name, Part::Run run) {
    std::shared_ptr<runtime::Transport> way =
        api_.InProcess("system:dray:" + name, {"system:masters"});
    if (weather_) {
      ways_.push_back(std::make_shared<testing::FaultyTransport>(
          way, weather_->faults, weather_->seed * 100 + parts_.size()));
      way = ways_.back();
    }
    parts_.push_back(
        std::make_unique<Part>(std::move(name), clock_, std::move(way), std::move(run)));
    parts_.back()->OnWrite([this] {
      ++writes_;
      Notify();
    });
    return parts_.back().get();
  };
  add("workloads", ManagedPart<devcluster::Workloads>());
  add("stamper", ManagedPart<devcluster::Stamper>());
  add("scheduler", ManagedPart<devcluster::Scheduler>());
  add("kubelet", [this](const Context& ctx, runtime::Client client) {
    devcluster::KubeletOptions options;
    options.node_name = kNode;
    options.root_dir = directory_;
    options.cdi_dirs = {directory_ + "/cdi"};
    return devcluster::Kubelet(options, client, ctx.clock()).Run(ctx);
  });
  add("driver", [this](const Context& ctx, runtime::Client client) -> Status {
    mockdev::DriverOptions options;
    options.node_name = kNode;
    options.kubelet_dir = directory_;
    options.cdi_dir = directory_ + "/cdi";
    options.tools_dir = DRAY_BINARY_DIR "/bin/mock-tools";
    DRAY_ASSIGN_OR_RETURN(mockdev::DeviceProfile profile, mockdev::LoadProfile("nvidia-a100-80gb"));
    DRAY_ASSIGN_OR_RETURN(auto driver,
                          mockdev::MockDriver::Open(ctx, options, std::move(profile), client));
    return driver->Run(ctx);
  });
  // The webhook runs inside Admit(), as a call does; its part only holds the wire.
  webhook_ = add("webhook", [this](const Context& ctx, runtime::Client client) -> Status {
    controllers::AdmissionWebhook webhook(
        {client, &ctx.clock(), nullptr, &slices_, 10min, &runtime::ProcessMetrics()}, {});
    DRAY_ASSIGN_OR_RETURN(
        Json pod,
        runtime::ParseYaml(*EmbeddedFile("config/examples/hami-gpu-pod/pod.yaml"), "gpu-pod"));
    pod["metadata"]["namespace"] = "default";
    // Containers die with their kubelet: this one may run again.
    pod["spec"]["restartPolicy"] = "OnFailure";
    api::AdmissionRequest request;
    request.uid = "1";
    request.kind = request.request_kind = {"", "v1", "Pod"};
    request.resource = request.request_resource = {"", "v1", "pods"};
    request.namespace_ = "default";
    request.name = "gpu-pod";
    request.operation = "CREATE";
    request.object = pod.dump();
    const api::AdmissionResponse response = webhook.Review(ctx, request);
    if (!response.allowed) return response.denial;
    DRAY_ASSIGN_OR_RETURN(Json mutated, api::ApplyJsonPatch(pod, Json::parse(response.patch)));
    return client.CreateRaw(ctx, api::KindOf<api::Pod>::value, "default", mutated.dump(), false)
        .status();
  });
  cleanup_ = add("cleanup", RunCleanup);

  auto watch = [this]<class T>(runtime::Informer<T>& informer) {
    informer.AddHandler({[this](const auto&, const auto&) { Notify(); }});
    watchers_.emplace_back(
        [this, &informer] { (void)informer.Run(Context(clock_, stop_.get_token())); });
  };
  watch(pods_);
  watch(claims_);
  watch(templates_);
  watch(slices_);
}

Journey::~Journey() {
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) (*part)->Stop();
  stop_.request_stop();
}

void Journey::Kill(const std::string& part, int more) {
  for (const auto& one : parts_)
    if (one->name() == part) return one->DieAfterWrite(more);
  LOG(FATAL) << "no part is called " << part;
}

int Journey::faults() const {
  int sum = 0;
  for (const auto& way : ways_) sum += way->injected();
  return sum;
}

void Journey::Notify() {
  std::lock_guard lock(mutex_);
  ++news_;
  changed_.notify_all();
}

// Between a backup and the restart from it lie a few writes: what a journey does in all is about
// sixty. Kubernetes' own components are restarted with the server, as its documentation asks of
// whoever restores etcd: a scheduler that binds what it has allocated before is nobody's to repair.
// Ours run on.
void Journey::RestartWithOlderData() {
  if (!weather_ || restarts_ == weather_->restarts) return;
  auto within = [&](int most) { return std::uniform_int_distribution<int>(1, most)(random_); };
  if (restart_at_ == 0) {
    back_up_at_ = writes_ + within(25);
    restart_at_ = back_up_at_ + within(12);
  }
  if (restore_ == nullptr && writes_ >= back_up_at_) restore_ = api_.Backup();
  if (restore_ == nullptr || writes_ < restart_at_) return;
  ++restarts_;
  std::vector<Part*> stopped;
  for (const auto& part : parts_)
    if (kKubernetes.contains(part->name()) && part->running()) stopped.push_back(part.get());
  for (Part* part : stopped) part->Stop();
  restore_();
  for (Part* part : stopped) part->Start();
  restore_ = nullptr;
  restart_at_ = 0;
}

// What the server has lost of the user's wishes, the user says again.
void Journey::WantAgain() {
  webhook_->Stop();
  const bool there = PodNow().has_value();
  if (!deleted_ && !there) webhook_->Start();
  if (deleted_ && there)
    (void)client_.Delete<api::Pod>(Context(runtime::RealClock(), stop_.get_token()),
                                   {"default", "gpu-pod"});
}

template <class T>
std::vector<T> Journey::All() const {
  auto list = client_.List<T>(Context(runtime::RealClock(), stop_.get_token()));
  return list.ok() ? std::move(list->items) : std::vector<T>();
}

std::optional<api::Pod> Journey::PodNow() const {
  auto pod = client_.Get<api::Pod>(Context(runtime::RealClock(), stop_.get_token()),
                                   {"default", "gpu-pod"});
  return pod.ok() ? std::optional<api::Pod>(*std::move(pod)) : std::nullopt;
}

// Waits until it holds, and brings back to life what dies meanwhile. "" or what was missing.
std::string Journey::Await(const std::string& what, const std::function<bool()>& holds) {
  const Context ctx = Context(runtime::RealClock(), stop_.get_token()).WithTimeout(kPatience);
  while (true) {
    uint64_t seen;
    {
      std::lock_guard lock(mutex_);
      seen = news_;
    }
    for (const auto& part : parts_) {
      if (part->dead()) {
        killed_ = true;
        part->Start();
      } else if (weather_ && !part->ended().ok() && !(part.get() == webhook_ && admitted_)) {
        part->Start();
      }
    }
    const int restarts = restarts_;
    RestartWithOlderData();
    if (restarts_ != restarts) {
      if (asked_) WantAgain();
      continue;  // what is seen is of before
    }
    if (holds()) return "";
    std::unique_lock lock(mutex_);
    ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                          [&] { return news_ != seen; });
    if (ctx.expired()) {
      lock.unlock();
      std::string sentence = "not within the time: " + what;
      for (const auto& part : parts_)
        if (!part->ended().ok())
          sentence += "; " + part->name() + " ended: " + part->ended().message();
      if (auto pod = PodNow()) {
        sentence += "; the Pod is " + pod->status.phase + " on \"" + pod->spec.node_name + "\"";
        for (const api::PodCondition& one : pod->status.conditions)
          sentence += ", " + one.type + "=" + one.status + " " + one.reason + " " + one.message;
        for (const auto& one : pod->status.resource_claim_statuses)
          sentence += ", claim " + one.name + "=" + one.resource_claim_name.value_or("none");
      }
      for (const auto& claim : All<api::ResourceClaim>())
        sentence += "; claim " + claim.metadata.name +
                    (claim.status.allocation ? " is allocated" : " waits");
      return sentence;
    }
  }
}

std::string Journey::Travel() {
  const Context ctx(runtime::RealClock(), stop_.get_token());
  Result<controllers::ConfiguredClasses> classes = controllers::BuiltInDeviceClasses();
  if (!classes.ok()) return classes.status().message();
  for (const auto& [name, json] : *classes) {
    Status made =
        client_.CreateRaw(ctx, api::KindOf<api::DeviceClass>::value, "", json, false).status();
    if (!made.ok()) return made.message();
  }
  for (const auto& part : parts_)
    if (part.get() != cleanup_ && part.get() != webhook_) part->Start();
  std::string wrong = Await("the driver's ResourceSlices", [&] {
    return !slices_.List().empty() && !All<api::ResourceSlice>().empty();
  });
  if (!wrong.empty()) return wrong;

  // 1 to 7: the client repeats its create until the Pod is there, as kubectl's user does.
  webhook_->Start();
  asked_ = true;
  wrong = Await("the Pod is there", [&] { return PodNow().has_value(); });
  if (!wrong.empty()) return wrong;
  admitted_ = true;
  wrong = Await("the Pod has succeeded", [&] {
    auto pod = PodNow();
    return pod && pod->status.phase == "Succeeded";
  });
  if (!wrong.empty()) return wrong;
  if (wrong = Verify(); !wrong.empty()) return wrong;

  // 8: let go, and everything goes.
  Status deleted = client_.Delete<api::Pod>(ctx, {"default", "gpu-pod"});
  if (!deleted.ok()) return deleted.message();
  deleted_ = true;
  wrong = Await("the Pod is gone", [&] { return !PodNow(); });
  if (!wrong.empty()) return wrong;
  cleanup_->Start();
  wrong = Await("claims and templates are gone", [&] {
    return All<api::ResourceClaim>().empty() && All<api::ResourceClaimTemplate>().empty();
  });
  if (!wrong.empty()) return wrong;
  // The kubelet tidies up after the object has gone, and nothing in the API says when it is done.
  const Context patience = ctx.WithTimeout(kPatience);
  while (!(wrong = NothingLeft()).empty() && patience.Sleep(5ms).ok()) {
  }
  return wrong;
}

std::string Journey::Verify() {
  const auto claims = All<api::ResourceClaim>();
  const size_t templates = All<api::ResourceClaimTemplate>().size();
  // The claim of a Pod that is done is deleted: it may be gone by now.
  if (claims.size() > 1)
    return "want one claim at most, there are " + std::to_string(claims.size());
  if (templates != 1) return "want one template, there are " + std::to_string(templates);
  if (!claims.empty() && claims[0].status.allocation &&
      claims[0].status.allocation->devices.results.size() != 2)
    return "want two devices, there are " +
           std::to_string(claims[0].status.allocation->devices.results.size());
  // One log per attempt of the container: an attempt that was killed may have said half of it.
  std::string last = "no log";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ + "/pods")) {
    if (!entry.is_regular_file() || entry.path().extension() != ".log") continue;
    Result<std::string> log = runtime::ReadFile(entry.path().string());
    if (!log.ok()) return log.status().message();
    size_t found = 0;
    for (size_t at = log->find("4096MiB"); at != std::string::npos;
         at = log->find("4096MiB", at + 1))
      ++found;
    if (found == 2) return "";
    last = *std::move(log);
  }
  return "want two devices of 4096MiB in the log: " + last;
}

std::string Journey::NothingLeft() {
  namespace fs = std::filesystem;
  const std::string state = directory_ + "/plugins/hami-core-gpu.project-hami.io";
  for (const std::string& folder : {directory_ + "/pods", state + "/claims"}) {
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(folder, absent))
      return entry.path().string() + " is still there";
  }
  for (const auto& file : fs::directory_iterator(directory_ + "/cdi"))
    if (file.path().string().find("-claim_") != std::string::npos)
      return file.path().string() + " is still there";
  Result<std::string> ledger = runtime::ReadFile(state + "/ledger.json");
  if (!ledger.ok()) return ledger.status().message();
  if (!Json::parse(*ledger).at("data").at("claims").empty()) return "ledger entries: " + *ledger;
  return "";
}

}  // namespace dray::journey
