// The demo: one pass of every kind of claim through all eight stops of its life, each step verified
// through the API, the logs and the nodes' disks.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <set>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/demo/demo_cluster.h"
#include "dray/runtime/files.h"

namespace dray::cli {
namespace {

constexpr Flag kDemoFlags[] = {
    {"dir", 'd', "DIR",
     "where the cluster lives meanwhile; default: a folder of your own under /tmp or "
     "$XDG_RUNTIME_DIR"},
    {"keep", 0, "", "leave logs and kubeconfig behind also when all went well"},
    {"help", 'h', "", "this text"},
};

// Prints one line per step: what, how long, and what was seen.
class Narrator {
 public:
  Narrator(Clock& clock, std::ostream& out)
      : clock_(clock), out_(out), start_(clock.Steady()), step_(start_) {}

  void Note(const std::string& line) { out_ << "      " << line << std::endl; }

  // Runs a step; `what` becomes its line.
  Status Step(const std::string& what, const std::function<Status()>& step) {
    ++number_;
    step_ = clock_.Steady();
    Status status = step();
    char line[64];
    std::snprintf(line, sizeof line, "%s %2d  %5.2f s  ", status.ok() ? "  ok" : "FAIL", number_,
                  Since(step_));
    out_ << line << what << std::endl;
    return status.Wrapped(what);
  }
  double Since(SteadyTime from) const {
    return std::chrono::duration<double>(clock_.Steady() - from).count();
  }
  double Total() const { return Since(start_); }

 private:
  Clock& clock_;
  std::ostream& out_;
  SteadyTime start_, step_;
  int number_ = 0;
};

Status Expect(bool holds, const std::string& what) {
  return holds ? Ok() : Status(Reason::kInternal, "should hold and does not: " + what);
}

class Demo {
 public:
  Demo(DemoCluster& cluster, Narrator& narrator) : cluster_(cluster), say_(narrator) {}

  Status Run(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(
        say_.Step("a Pod in HAMi's words: 2 GPUs of 4096 MiB and 80 cores; nvidia-smi shows them",
                  [&] { return HamiPod(ctx); }));
    DRAY_RETURN_IF_ERROR(
        say_.Step("two containers share the claim double-gpu: 30 cores and 4Gi, 60 cores and 8Gi",
                  [&] { return SharedClaim(ctx); }));
    DRAY_RETURN_IF_ERROR(say_.Step("a Pod through a ResourceClaimTemplate: half an A100",
                                   [&] { return FromTemplate(ctx); }));
    DRAY_RETURN_IF_ERROR(say_.Step("a Hygon DCU Pod: 16384 MiB and half of the compute units",
                                   [&] { return Dcu(ctx); }));
    DRAY_RETURN_IF_ERROR(
        say_.Step("a Huawei Ascend Pod: 12288 MiB, rounded up to template vir05_1c_16g",
                  [&] { return Ascend(ctx); }));
    DRAY_RETURN_IF_ERROR(say_.Step("a Deployment of 3 replicas: 3 claims from one template",
                                   [&] { return Replicas(ctx); }));
    DRAY_RETURN_IF_ERROR(say_.Step("a Pod that cannot fit stays Pending and says why",
                                   [&] { return TooLarge(ctx); }));
    DRAY_RETURN_IF_ERROR(
        say_.Step("kill -9 of the leader: the other replica takes over, a Pod made meanwhile runs",
                  [&] { return Takeover(ctx); }));
    return say_.Step(
        "everything deleted: no claim, template, CDI file, ledger entry or directory is left",
        [&] { return Clean(ctx); });
  }

 private:
  Status HamiPod(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "hami-gpu-pod"));
    DRAY_ASSIGN_OR_RETURN(api::Pod created, cluster_.GetPod(ctx, "gpu-pod"));
    DRAY_RETURN_IF_ERROR(Expect(created.spec.containers[0].resources.limits.empty(),
                                "nvidia.com/* is gone from the Pod"));
    DRAY_RETURN_IF_ERROR(
        Expect(created.spec.resource_claims.size() == 1, "the Pod has one claim entry"));
    DRAY_RETURN_IF_ERROR(cluster_.WaitForPhase(ctx, "gpu-pod", "Succeeded").status());
    return cluster_.WaitForLog(ctx, "gpu-pod", "cuda", "4096MiB", 2);
  }

  Status SharedClaim(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "shared-claim"));
    DRAY_ASSIGN_OR_RETURN(api::Pod pod, cluster_.WaitForPhase(ctx, "double-gpu-pod", "Running"));
    DRAY_ASSIGN_OR_RETURN(auto claims, cluster_.ClaimsOf(ctx, pod));
    DRAY_RETURN_IF_ERROR(
        Expect(claims.size() == 1 && claims[0].status.allocation, "the claim is allocated"));
    std::set<std::string> consumed;
    for (const auto& result : claims[0].status.allocation->devices.results)
      consumed.insert(result.request + " " + result.consumed_capacity.at("cores").ToString() +
                      " cores " + result.consumed_capacity.at("memory").ToString());
    DRAY_RETURN_IF_ERROR(
        Expect(consumed == std::set<std::string>{"small 30 cores 4Gi", "large 60 cores 8Gi"},
               "the allocation holds 30 cores 4Gi and 60 cores 8Gi"));
    DRAY_RETURN_IF_ERROR(cluster_.WaitForLog(ctx, "double-gpu-pod", "small", "4096MiB", 1));
    return cluster_.WaitForLog(ctx, "double-gpu-pod", "large", "8192MiB", 1);
  }

  Status FromTemplate(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "claim-template"));
    DRAY_ASSIGN_OR_RETURN(api::Pod pod, cluster_.WaitForPhase(ctx, "half-gpu-pod", "Running"));
    DRAY_ASSIGN_OR_RETURN(auto claims, cluster_.ClaimsOf(ctx, pod));
    const api::OwnerReference* owner =
        claims.size() == 1 ? api::ControllerOf(claims[0].metadata) : nullptr;
    DRAY_RETURN_IF_ERROR(Expect(owner != nullptr && owner->uid == pod.metadata.uid,
                                "the claim is owned by its Pod"));
    return cluster_.WaitForLog(ctx, "half-gpu-pod", "cuda", "40960MiB", 1);
  }

  Status Dcu(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "dcu-pod"));
    DRAY_RETURN_IF_ERROR(RunsOn(ctx, "dcu-pod", "dra.hygon.com"));
    return cluster_.WaitForLog(ctx, "dcu-pod", "rocm", "16384", 1);
  }

  Status Ascend(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "ascend-pod"));
    DRAY_RETURN_IF_ERROR(RunsOn(ctx, "ascend-pod", "ascend.project-hami.io"));
    return cluster_.WaitForLog(ctx, "ascend-pod", "cann", "16384", 1);
  }

  Status RunsOn(const Context& ctx, const std::string& name, const std::string& driver) {
    DRAY_ASSIGN_OR_RETURN(api::Pod pod, cluster_.WaitForPhase(ctx, name, "Running"));
    DRAY_ASSIGN_OR_RETURN(auto claims, cluster_.ClaimsOf(ctx, pod));
    return Expect(claims.size() == 1 && claims[0].status.allocation &&
                      claims[0].status.allocation->devices.results.size() == 1 &&
                      claims[0].status.allocation->devices.results[0].driver == driver,
                  "the claim of Pod " + name + " holds one device of " + driver);
  }

  Status Replicas(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "gpu-deployment"));
    std::vector<api::Pod> pods;
    DRAY_RETURN_IF_ERROR(Eventually(ctx, std::chrono::seconds(20), [&]() -> Status {
      DRAY_ASSIGN_OR_RETURN(pods, cluster_.PodsWithLabel(ctx, "app=gpu-deployment"));
      int running = 0;
      for (const api::Pod& pod : pods) running += pod.status.phase == "Running";
      return Expect(pods.size() == 3 && running == 3, "3 Pods run; there are " +
                                                          std::to_string(pods.size()) + ", " +
                                                          std::to_string(running) + " run");
    }));
    std::set<std::string> claims, templates;
    for (const api::Pod& pod : pods) {
      DRAY_ASSIGN_OR_RETURN(auto of_pod, cluster_.ClaimsOf(ctx, pod));
      for (const api::ResourceClaim& claim : of_pod) claims.insert(claim.metadata.uid);
      for (const auto& entry : pod.spec.resource_claims)
        templates.insert(entry.resource_claim_template_name.value_or(""));
      DRAY_RETURN_IF_ERROR(cluster_.WaitForLog(ctx, pod.metadata.name, "cuda", "4000MiB", 1));
    }
    return Expect(claims.size() == 3 && templates.size() == 1, "3 claims from 1 template");
  }

  Status TooLarge(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.Create(ctx, "pod-too-large"));
    DRAY_ASSIGN_OR_RETURN(std::string event, cluster_.WaitForEvent(ctx, "too-large", "0/3 nodes"));
    DRAY_ASSIGN_OR_RETURN(api::Pod pod, cluster_.GetPod(ctx, "too-large"));
    DRAY_RETURN_IF_ERROR(
        Expect(pod.status.phase == "Pending" && pod.spec.node_name.empty(), "the Pod is Pending"));
    say_.Note(event);
    return {};
  }

  Status Takeover(const Context& ctx) {
    LocalCluster& local = cluster_.local();
    DRAY_ASSIGN_OR_RETURN(LocalCluster::Member * leader, local.Leader(ctx));
    DRAY_RETURN_IF_ERROR(Expect(leader != nullptr, "one of the managers leads"));
    const std::string old = leader->name;
    const SteadyTime killed = ctx.clock().Steady();
    DRAY_RETURN_IF_ERROR(leader->process->Signal(SIGKILL));
    leader->process.reset();

    // Meanwhile: the API server finds the other replica's webhook.
    DRAY_RETURN_IF_ERROR(
        cluster_.CreateManifest(ctx,
                                "apiVersion: v1\nkind: Pod\nmetadata: {name: "
                                "made-meanwhile}\nspec:\n  containers:\n  - name: cuda\n"
                                "    image: any\n    command: [sh, -c, nvidia-smi && sleep 3600]\n "
                                "   resources:\n      limits:\n"
                                "        nvidia.com/gpu: 1\n        nvidia.com/gpumem: 2000\n"));
    DRAY_RETURN_IF_ERROR(cluster_.WaitForPhase(ctx, "made-meanwhile", "Running").status());
    const double pod_after = say_.Since(killed);
    DRAY_RETURN_IF_ERROR(cluster_.WaitForLog(ctx, "made-meanwhile", "cuda", "2000MiB", 1));

    std::string heir;
    DRAY_RETURN_IF_ERROR(Eventually(ctx, std::chrono::seconds(20), [&]() -> Status {
      DRAY_ASSIGN_OR_RETURN(LocalCluster::Member * now, local.Leader(ctx));
      heir = now == nullptr ? "nobody" : now->name;
      return Expect(now != nullptr && now->name != old,
                    "another replica than " + old + " leads, " + heir + " does");
    }));
    char line[160];
    std::snprintf(line, sizeof line,
                  "%s killed; the Pod ran after %.2f s; %s led after %.2f s (lease duration %s)",
                  old.c_str(), pod_after, heir.c_str(), say_.Since(killed),
                  local.options().lease_duration.c_str());
    say_.Note(line);
    return {};
  }

  Status Clean(const Context& ctx) {
    DRAY_RETURN_IF_ERROR(cluster_.DeleteAll(ctx));
    return Eventually(ctx, std::chrono::seconds(25), [&] { return cluster_.NothingLeft(ctx); });
  }

  DemoCluster& cluster_;
  Narrator& say_;
};

Status RunOn(const Context& ctx, LocalCluster& local, Narrator& narrator) {
  DemoCluster cluster(local);
  DRAY_RETURN_IF_ERROR(
      local.client()
          .CreateRaw(ctx, api::KindOf<api::Namespace>::value, "",
                     R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"demo"}})", false)
          .status());
  Status demo = Demo(cluster, narrator).Run(ctx);
  // A part that crashed is the first thing that went wrong, whatever was noticed after it.
  if (Status running = local.CheckRunning(); !running.ok()) return running;
  DRAY_RETURN_IF_ERROR(demo);
  return narrator.Step("every process ends in order on SIGTERM",
                       [&] { return local.StopAll(ctx); });
}

}  // namespace

Status RunDemo(const Context& ctx, std::span<const std::string> words, Streams streams) {
  DRAY_ASSIGN_OR_RETURN(Args args, Args::Parse(words, kDemoFlags));
  if (args.Given("help")) {
    streams.out
        << "Takes every kind of claim through all eight stops of its life on a cluster of its own "
           "(2 managers, 3 mock\n"
           "nodes), kills the leader, cleans up. Exit code 0 only if every step held.\n\nFlags:\n"
        << FlagHelp(kDemoFlags);
    return {};
  }
  if (!args.words().empty())
    return Status(Reason::kBadRequest, "unexpected argument \"" + args.words().front() +
                                           "\": dray demo takes only flags");
  LocalClusterOptions options;
  options.dir = args.Given("dir") ? args.Get("dir") : DefaultClusterDir("demo");
  const std::string dir = options.dir;

  Narrator narrator(ctx.clock(), streams.out);
  std::unique_ptr<LocalCluster> local;
  Status outcome = narrator.Step(
      "a cluster: API server, 2 managers, 3 mock nodes, TLS everywhere", [&]() -> Status {
        DRAY_ASSIGN_OR_RETURN(
            local, LocalCluster::Start(ctx, std::move(options), [&](const std::string& line) {
              narrator.Note("starting " + line);
            }));
        narrator.Note("look inside meanwhile: kubectl --kubeconfig " + local->kubeconfig() +
                      " get pods -A");
        return {};
      });
  if (outcome.ok()) outcome = RunOn(ctx, *local, narrator);
  local.reset();
  if (!outcome.ok()) {
    if (outcome.Is(Reason::kBadRequest) || outcome.Is(Reason::kInvalid)) return outcome;
    return Status(outcome.reason(), outcome.message() + "\nThe logs are in " + dir + "/logs");
  }
  if (!args.Given("keep")) DRAY_RETURN_IF_ERROR(runtime::RemoveTree(dir));
  char line[96];
  std::snprintf(line, sizeof line, "All held, in %.1f s.\n", narrator.Total());
  streams.out << line;
  return {};
}

}  // namespace dray::cli
