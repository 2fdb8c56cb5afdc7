// Life of a claim, stop 3 of 8
#include "devcluster/scheduler/scheduler.h"

#include <algorithm>

#include "devcluster/scheduler/claim_writer.h"
#include "devcluster/scheduler/cluster_state.h"
#include "devcluster/scheduler/decision.h"
#include "dray/base/guarded.h"
#include "dray/base/log.h"
#include "dray/runtime/controller.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/pki.h"

namespace dray::devcluster {
namespace {

constexpr char kName[] = "default-scheduler";
constexpr std::chrono::milliseconds kBetweenQuestions{50};

bool Ours(const api::Pod& pod) {
  return (pod.spec.scheduler_name.empty() || pod.spec.scheduler_name == kName) &&
         pod.spec.node_name.empty() && !pod.metadata.deletion_timestamp &&
         pod.status.phase != "Succeeded" && pod.status.phase != "Failed";
}

bool Uses(const api::Pod& pod) {
  return !pod.spec.node_name.empty() && pod.status.phase != "Succeeded" &&
         pod.status.phase != "Failed";
}

// Did anything change that the decision looks at? Conditions are what the scheduler itself writes.
bool MayFitNow(const api::Pod& before, const api::Pod& after) {
  return before.metadata.uid != after.metadata.uid || before.spec != after.spec ||
         before.metadata.labels != after.metadata.labels ||
         before.status.resource_claim_statuses != after.status.resource_claim_statuses;
}

std::string ReadyStatus(const api::Node& node) {
  for (const api::NodeCondition& condition : node.status.conditions) {
    if (condition.type == "Ready") return condition.status;
  }
  return "";
}

// Heartbeats change nothing.
bool OffersAnother(const api::Node& before, const api::Node& after) {
  return before.metadata.labels != after.metadata.labels || before.spec != after.spec ||
         before.status.allocatable != after.status.allocatable ||
         ReadyStatus(before) != ReadyStatus(after);
}

}  // namespace

struct Scheduler::State {
  State(runtime::Client api, Clock& time, SchedulerOptions options)
      : client(std::move(api)),
        clock(time),
        look_up_after(options.look_up_after),
        queue(time, options.queue),
        events(client, time, kName),
        nodes(client),
        pods(client),
        claims(client),
        slices(client),
        classes(client) {
    Follow(nodes, &State::OnNode);
    Follow(pods, &State::OnPod);
    Follow(claims, &State::OnClaim);
    Follow(slices, &State::OnSlice);
    Follow(classes, &State::OnClass);
  }

  // On the informers' threads: remember the change, then wake whom it may help.
  template <class T>
  void Follow(runtime::Informer<T>& informer, void (State::*wake)(const ObjectChange<T>&)) {
    informer.AddHandler({[this, wake](const std::shared_ptr<const T>& before,
                                      const std::shared_ptr<const T>& after) {
      const ObjectChange<T> change{before, after};
      changes.With([&](std::vector<AnyChange>& all) { all.emplace_back(change); });
      (this->*wake)(change);
    }});
  }
  void OnNode(const ObjectChange<api::Node>& change) {
    if (change.after != nullptr &&
        (change.before == nullptr || OffersAnother(*change.before, *change.after))) {
      queue.Wake(kNodesChanged);
    }
  }
  void OnPod(const ObjectChange<api::Pod>& change) {
    const bool used = change.before != nullptr && Uses(*change.before);
    if (used && (change.after == nullptr || !Uses(*change.after))) queue.Wake(kPodsGone);
    if (change.after == nullptr || !Ours(*change.after)) {
      queue.Remove(api::KeyOf(change.after != nullptr ? *change.after : *change.before));
    } else if (change.before == nullptr || !Ours(*change.before) ||
               MayFitNow(*change.before, *change.after)) {
      queue.Add(api::KeyOf(*change.after), change.after->spec.priority.value_or(0));
    }
  }
  void OnClaim(const ObjectChange<api::ResourceClaim>& change) {
    const bool held = change.before != nullptr && change.before->status.allocation.has_value();
    const bool holds = change.after != nullptr && change.after->status.allocation.has_value();
    if (held && !holds) queue.Wake(kDevicesChanged);
    queue.WakeFor(api::KeyOf(change.after != nullptr ? *change.after : *change.before));
  }
  void OnSlice(const ObjectChange<api::ResourceSlice>& change) {
    if (change.before == nullptr || change.after == nullptr ||
        change.before->spec != change.after->spec) {
      queue.Wake(kDevicesChanged);
    }
  }
  void OnClass(const ObjectChange<api::DeviceClass>& change) {
    if (change.before == nullptr || change.after == nullptr ||
        change.before->spec != change.after->spec) {
      queue.Wake(kDevicesChanged);
    }
  }

  // On the scheduler's thread.
  Status Run(const Context& ctx) {
    while (std::optional<api::ObjectKey> key = queue.Take(ctx)) {
      std::vector<AnyChange> news;
      changes.With([&](std::vector<AnyChange>& all) { news.swap(all); });
      for (const AnyChange& change : news) cluster.Apply(change);
      LookUpClaims(ctx);
      std::shared_ptr<const api::Pod> pod = pods.Get(*key);
      if (pod == nullptr || !Ours(*pod)) {
        queue.Done(*key);
      } else if (MayBeBound(ctx, *pod)) {
        AwaitBinding(*key, pod->metadata.uid);
      } else {
        Schedule(ctx, *key, pod);
      }
    }
    return {};
  }

  // The Pod leaves the queue with the event of its binding; without one it is looked up.
  void AwaitBinding(const api::ObjectKey& key, const std::string& uid) {
    WaitFor wait;
    wait.deadline = cluster.AssumedSince(uid).value_or(clock.Steady()) + look_up_after;
    queue.Hold(key, std::move(wait));
  }

  // False for a Pod that we have not bound, or whose binding the server has lost.
  bool MayBeBound(const Context& ctx, const api::Pod& pod) {
    const std::string& uid = pod.metadata.uid;
    std::optional<SteadyTime> since = cluster.AssumedSince(uid);
    if (!since) return false;
    if (clock.Steady() < *since + look_up_after) return true;
    auto stored = Settle<api::Pod>(ctx, api::KeyOf(pod));
    if (!ctx.stopped() && stored && stored->metadata.uid == uid && stored->spec.node_name.empty()) {
      LOG(WARNING) << "pod " << api::KeyOf(pod).ToString()
                   << " was bound and is not any more: the API server has older data";
      cluster.ForgetPod(uid);
      return false;
    }
    cluster.RenewPod(uid, clock.Steady());
    return true;
  }

  void LookUpClaims(const Context& ctx) {
    for (const api::ObjectKey& key : cluster.ClaimsAssumedSince(clock.Steady() - look_up_after)) {
      Result<api::ResourceClaim> found = client.Get<api::ResourceClaim>(ctx, key);
      if (!found.ok() && !found.Is(Reason::kNotFound)) return;  // asked again at the next Pod
      std::optional<api::ResourceClaim> stored;
      if (found.ok()) stored = std::move(found).value();
      if (!cluster.CorrectClaim(key, std::move(stored), clock.Steady())) continue;
      LOG(WARNING) << "claim " << key.ToString()
                   << " is not as it was written: the API server has older data";
      queue.Wake(kDevicesChanged);
    }
  }

  void Schedule(const Context& ctx, const api::ObjectKey& key,
                const std::shared_ptr<const api::Pod>& pod) {
    DecisionOptions options{api::ToTime(clock.Now()), clock.Steady(), ctx.stop(), runtime::NewUuid};
    Decision decision = Decide(cluster, *pod, options);
    switch (decision.kind) {
      case Decision::Kind::kBind:
        return Bind(ctx, key, pod, decision);
      case Decision::Kind::kPrepare:
        if (!WriteClaims(ctx, *pod, decision)) return queue.Retry(key);
        events.Record(runtime::ReferenceTo(*pod), "Normal", "BindingConditionsPending",
                      decision.message);
        return queue.Park(key, decision.wait);
      case Decision::Kind::kHold:
        if (!decision.quiet) Report(ctx, *pod, "Unschedulable", decision.message);
        return queue.Hold(key, decision.wait);
      case Decision::Kind::kUnschedulable:
        Report(ctx, *pod, "Unschedulable", decision.message);
        return queue.Park(key, decision.wait);
      case Decision::Kind::kError:
        Report(ctx, *pod, "SchedulerError", decision.message);
        return queue.Park(key, decision.wait);
      case Decision::Kind::kRelease:
        Report(ctx, *pod, "Unschedulable", decision.message);
        for (const Decision::ClaimWrite& write : decision.claims) {
          Result<api::ResourceClaim> released = ReleaseAllocation(ctx, client, *write.claim);
          if (released.ok()) cluster.AssumeClaim(std::move(released).value(), clock.Steady());
          // Otherwise the claim has changed, and its event says so; at worst its devices count as
          // used a little longer.
        }
        return queue.Retry(key);
    }
  }

  void Bind(const Context& ctx, const api::ObjectKey& key,
            const std::shared_ptr<const api::Pod>& pod, const Decision& decision) {
    if (!WriteClaims(ctx, *pod, decision)) return queue.Retry(key);
    if (Status bound = BindPod(ctx, client, *pod, decision.node); !bound.ok()) {
      // The answer may have been lost on the way: a Pod that runs must keep its claims.
      auto stored = Settle<api::Pod>(ctx, key);
      const bool there = stored && stored->metadata.uid == pod->metadata.uid;
      if (!there || stored->spec.node_name.empty()) {
        if (there) LOG(WARNING) << "bind pod " << key.ToString() << ": " << bound;
        if (!ctx.stopped()) Unreserve(ctx, *pod, decision);
        return queue.Retry(key);
      }
      if (stored->spec.node_name != decision.node)
        return queue.Done(key);  // somebody else was faster
    }
    cluster.AssumePod(pod, decision.node, clock.Steady());
    events.Record(runtime::ReferenceTo(*pod), "Normal", "Scheduled",
                  "Successfully assigned " + key.ToString() + " to " + decision.node);
    AwaitBinding(key, pod->metadata.uid);
  }

  // All or nothing, as far as that is possible.
  bool WriteClaims(const Context& ctx, const api::Pod& pod, const Decision& decision) {
    for (const Decision::ClaimWrite& write : decision.claims) {
      std::optional<api::AllocationResult> allocation = write.allocation;
      if (allocation) allocation->allocation_timestamp = api::ToTime(clock.Now());
      Result<api::ResourceClaim> written = ReserveClaim(ctx, client, *write.claim, allocation, pod);
      if (!written.ok()) {
        const Status status = written.status();
        if (status.Is(Reason::kConflict) || status.Is(Reason::kNotFound) ||
            status.Is(Reason::kCancelled)) {
          VLOG(1) << "claim " << write.claim->metadata.name << ": " << status;
        } else {
          LOG(WARNING) << "claim " << api::KeyOf(*write.claim).ToString() << ": " << status;
          Report(ctx, pod, "SchedulerError",
                 "ResourceClaim " + write.claim->metadata.name + ": " + status.message());
        }
        // Whatever was stored: its devices must not be handed out again.
        if (auto stored = Settle<api::ResourceClaim>(ctx, api::KeyOf(*write.claim))) {
          cluster.AssumeClaim(std::move(*stored), clock.Steady());
        }
        Unreserve(ctx, pod, decision);
        return false;
      }
      cluster.AssumeClaim(std::move(written).value(), clock.Steady());
    }
    return true;
  }

  // The object as it is stored, after a write that may or may not have happened; nothing when it is
  // gone. While the server does not answer there is nothing else to do either, so this waits for
  // it.
  template <api::ApiObject T>
  std::optional<T> Settle(const Context& ctx, const api::ObjectKey& key) {
    while (!ctx.stopped()) {
      Result<T> stored = client.Get<T>(ctx, key);
      if (stored.ok()) return std::move(stored).value();
      if (!Retryable(stored.status())) break;
      if (!ctx.Sleep(kBetweenQuestions).ok()) break;
    }
    return std::nullopt;
  }

  // Claims of the decision that are reserved by now; those that were not written are passed over.
  void Unreserve(const Context& ctx, const api::Pod& pod, const Decision& decision) {
    for (const Decision::ClaimWrite& write : decision.claims) {
      auto claim = cluster.Claim(api::KeyOf(*write.claim));
      if (claim == nullptr ||
          !std::any_of(claim->status.reserved_for.begin(), claim->status.reserved_for.end(),
                       [&](const auto& c) { return c.uid == pod.metadata.uid; })) {
        continue;
      }
      Result<api::ResourceClaim> freed = UnreserveClaim(ctx, client, *claim, pod);
      if (freed.ok()) cluster.AssumeClaim(std::move(freed).value(), clock.Steady());
    }
  }

  void Report(const Context& ctx, const api::Pod& pod, const std::string& reason,
              const std::string& message) {
    Status reported = IgnoreNotFound(ReportUnscheduled(ctx, client, pod, reason, message));
    if (!reported.ok() && !reported.Is(Reason::kCancelled) && !reported.Is(Reason::kConflict)) {
      LOG(WARNING) << "report on pod " << api::KeyOf(pod).ToString() << ": " << reported;
    }
    events.Record(runtime::ReferenceTo(pod), "Warning", "FailedScheduling", message);
  }

  const runtime::Client client;
  Clock& clock;
  const Duration look_up_after;
  SchedulingQueue queue;
  runtime::EventRecorder events;
  Guarded<std::vector<AnyChange>> changes;
  ClusterState cluster;  // of the scheduler's thread

  runtime::Informer<api::Node> nodes;
  runtime::Informer<api::Pod> pods;
  runtime::Informer<api::ResourceClaim> claims;
  runtime::Informer<api::ResourceSlice> slices;
  runtime::Informer<api::DeviceClass> classes;
};

Scheduler::Scheduler(runtime::Client client, Clock& clock, SchedulerOptions options)
    : state_(std::make_unique<State>(std::move(client), clock, options)) {}

Scheduler::~Scheduler() = default;

void Scheduler::AddTo(runtime::Manager& manager) {
  runtime::AddCache(manager, state_->nodes);
  runtime::AddCache(manager, state_->pods);
  runtime::AddCache(manager, state_->claims);
  runtime::AddCache(manager, state_->slices);
  runtime::AddCache(manager, state_->classes);
  manager.Add(runtime::Stage::kEveryone,
              {"scheduler", [this](const Context& ctx) { return state_->Run(ctx); }, nullptr});
}

}  // namespace dray::devcluster
