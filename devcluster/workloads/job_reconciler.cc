#include "devcluster/workloads/job_reconciler.h"

#include <nlohmann/json.hpp>

#include "devcluster/workloads/owned_pods.h"
#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

bool Finished(const api::JobStatus& status) {
  for (const api::WorkloadCondition& condition : status.conditions)
    if ((condition.type == "Complete" || condition.type == "Failed") && condition.status == "True")
      return true;
  return false;
}

api::WorkloadCondition Ended(const char* type, const char* reason, std::string message) {
  api::WorkloadCondition condition;
  condition.type = type;
  condition.status = "True";
  condition.reason = reason;
  condition.message = std::move(message);
  return condition;
}

api::WorkloadCondition Suspension(bool suspended) {
  api::WorkloadCondition condition;
  condition.type = "Suspended";
  condition.status = suspended ? "True" : "False";
  condition.reason = suspended ? "JobSuspended" : "JobResumed";
  condition.message = suspended ? "Job suspended" : "Job resumed";
  return condition;
}

// Pods of restartPolicy OnFailure start their containers again themselves: those restarts count
// instead of failed Pods.
int RestartsOf(const api::Pod& pod) {
  if (pod.status.phase != "Running" && pod.status.phase != "Pending") return 0;
  int restarts = 0;
  for (const auto* list : {&pod.status.init_container_statuses, &pod.status.container_statuses})
    for (const api::ContainerStatus& container : *list) restarts += container.restart_count;
  return restarts;
}

// What the Pods of a Job amount to.
struct Tally {
  int active = 0, ready = 0, succeeded = 0, failed = 0, restarts = 0;
};

Tally TallyOf(const std::vector<api::Pod>& pods) {
  Tally tally;
  for (const api::Pod& pod : pods) {
    tally.restarts += RestartsOf(pod);
    tally.succeeded += pod.status.phase == "Succeeded";
    tally.failed += pod.status.phase == "Failed";
    tally.active += devcluster::Active(pod);
    tally.ready += devcluster::Active(pod) && devcluster::Ready(pod);
  }
  return tally;
}

// Without completions a Job is a work queue: done when one Pod succeeded and none runs.
bool IsQueue(const api::Job& job) {
  return !job.spec.completions;
}

bool HasCompleted(const api::Job& job, const Tally& tally) {
  return IsQueue(job) ? tally.succeeded > 0 && tally.active == 0
                      : tally.succeeded >= *job.spec.completions;
}

// Why the Job is over; nothing while it goes on. `left`: of its deadline.
std::optional<api::WorkloadCondition> JobEnd(const api::Job& job, const std::string& mode,
                                             const Tally& tally, std::optional<Duration> left) {
  if (mode == "Indexed")
    return Ended("Failed", "CompletionModeNotSupported",
                 "this development cluster runs only Jobs of completionMode NonIndexed");
  if (HasCompleted(job, tally))
    return Ended("Complete", "CompletionsReached", "Reached expected number of succeeded pods");
  const int limit = job.spec.backoff_limit.value_or(6);
  const bool restarted = tally.restarts > 0 && tally.restarts >= limit &&
                         job.spec.template_.spec.restart_policy == "OnFailure";
  if (tally.failed > limit || restarted)
    return Ended("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  if (left && *left <= Duration::zero())
    return Ended("Failed", "DeadlineExceeded", "Job was active longer than specified deadline");
  return std::nullopt;
}

// How many Pods are to run now.
int WantedPods(const api::Job& job, const Tally& tally) {
  const int parallelism = job.spec.parallelism.value_or(1);
  if (IsQueue(job)) return tally.succeeded > 0 ? tally.active : parallelism;
  return std::min(parallelism, *job.spec.completions - tally.succeeded);
}

}  // namespace

Status JobReconciler::DeletePods(const Context& ctx, const api::Job& job,
                                 const std::vector<api::Pod>& pods, size_t count) {
  for (const api::Pod& pod : pods) {
    if (count == 0) break;
    if (!Active(pod)) continue;
    runtime::DeleteOptions options;
    options.uid = pod.metadata.uid;
    DRAY_RETURN_IF_ERROR(IgnoreNotFound(client_.Delete<api::Pod>(ctx, api::KeyOf(pod), options)));
    events_.Record(runtime::ReferenceTo(job), "Normal", "SuccessfulDelete",
                   "Deleted pod: " + pod.metadata.name);
    --count;
  }
  return {};
}

Result<int> JobReconciler::MakePods(const Context& ctx, const api::Job& job,
                                    const Json& pod_template, int count, Status& refused) {
  const Json pod = PodFromTemplate(
      pod_template, {"batch/v1", "Job", job.metadata.name, job.metadata.uid, true, true});
  int made = 0;
  for (; made < count; ++made) {
    Result<std::string> body = client_.CreateRaw(ctx, api::KindOf<api::Pod>::value,
                                                 job.metadata.namespace_, pod.dump(), false);
    if (!body.ok()) {
      events_.Record(runtime::ReferenceTo(job), "Warning", "FailedCreate",
                     "Error creating: " + body.status().message());
      refused = body.status();
      break;
    }
    DRAY_ASSIGN_OR_RETURN(api::Pod created, api::Decode<api::Pod>(*body));
    events_.Record(runtime::ReferenceTo(job), "Normal", "SuccessfulCreate",
                   "Created pod: " + created.metadata.name);
  }
  return made;
}

Result<runtime::Requeue> JobReconciler::RunJob(const Context& ctx, const api::Job& job,
                                               const Json& document) {
  const WallTime now = ctx.clock().Now();
  const std::string selector = job.spec.selector ? SelectorText(*job.spec.selector) : "";
  DRAY_ASSIGN_OR_RETURN(std::vector<api::Pod> pods, LivePods(ctx, client_, job.metadata.namespace_,
                                                             selector, job.metadata.uid));
  const Tally tally = TallyOf(pods);
  api::JobStatus status = job.status;
  status.active = tally.active;
  status.ready = tally.ready;
  status.succeeded = tally.succeeded;
  status.failed = tally.failed;
  const bool suspended = job.spec.suspend.value_or(false);
  if (suspended)
    status.start_time.reset();  // the deadline counts from the time it is resumed
  else if (!status.start_time)
    status.start_time = api::ToTime(now);
  std::optional<Duration> left;
  if (job.spec.active_deadline_seconds && status.start_time && !suspended)
    left = *status.start_time + std::chrono::seconds(*job.spec.active_deadline_seconds) - now;

  const std::string mode = document.value(Json::json_pointer("/spec/completionMode"), "NonIndexed");
  std::optional<api::WorkloadCondition> end = JobEnd(job, mode, tally, left);
  runtime::Requeue requeue;
  Status moved;
  if (end || suspended) {
    // It has only ended when nothing of it runs any more: a finished Job is not looked at again.
    DRAY_RETURN_IF_ERROR(DeletePods(ctx, job, pods, pods.size()));
    status.active = 0;
    status.ready = 0;
  }
  if (end) {
    const bool complete = end->type == "Complete";
    if (complete) status.completion_time = api::ToTime(now);
    events_.Record(runtime::ReferenceTo(job), complete ? "Normal" : "Warning",
                   complete ? "Completed" : end->reason, end->message);
    SetCondition(status.conditions, std::move(*end), api::ToTime(now));
  } else if (suspended) {
    SetCondition(status.conditions, Suspension(true), api::ToTime(now));
  } else {
    for (const api::WorkloadCondition& condition : job.status.conditions)
      if (condition.type == "Suspended")
        SetCondition(status.conditions, Suspension(false), api::ToTime(now));
    const int wanted = WantedPods(job, tally);
    if (tally.active > wanted) {
      moved = DeletePods(ctx, job, pods, static_cast<size_t>(tally.active - wanted));
    } else {
      DRAY_ASSIGN_OR_RETURN(
          int made, MakePods(ctx, job, document["spec"]["template"], wanted - tally.active, moved));
      status.active += made;
    }
    requeue.after = left;
  }
  DRAY_RETURN_IF_ERROR(PatchStatus(ctx, client_, api::KindOf<api::Job>::value, api::KeyOf(job),
                                   api::ToJsonValue(job.status), api::ToJsonValue(status)));
  if (!moved.ok()) return moved;
  return requeue;
}

Result<runtime::Requeue> JobReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto cached = jobs_.Get(key);
  if (cached == nullptr || cached->metadata.deletion_timestamp) return runtime::Requeue{};
  Result<std::string> body = client_.GetRaw(ctx, api::KindOf<api::Job>::value, key);
  if (!body.ok()) {
    if (body.Is(Reason::kNotFound)) return runtime::Requeue{};
    return body.status();
  }
  DRAY_ASSIGN_OR_RETURN(const api::Job job, api::Decode<api::Job>(*body));
  if (!Finished(job.status)) return RunJob(ctx, job, Json::parse(*body));

  if (!job.spec.ttl_seconds_after_finished) return runtime::Requeue{};
  WallTime ended = job.status.completion_time ? WallTime(*job.status.completion_time) : WallTime();
  for (const api::WorkloadCondition& condition : job.status.conditions)
    if (condition.last_transition_time)
      ended = std::max(ended, WallTime(*condition.last_transition_time));
  const Duration left =
      ended + std::chrono::seconds(*job.spec.ttl_seconds_after_finished) - ctx.clock().Now();
  if (left > Duration::zero()) return runtime::Requeue{left};
  runtime::DeleteOptions options;
  options.uid = job.metadata.uid;
  options.propagation_policy = "Background";
  DRAY_RETURN_IF_ERROR(IgnoreNotFound(client_.Delete<api::Job>(ctx, key, options)));
  return runtime::Requeue{};
}

}  // namespace dray::devcluster
