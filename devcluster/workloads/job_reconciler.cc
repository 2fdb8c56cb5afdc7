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

Result<runtime::Requeue> JobReconciler::RunJob(const Context& ctx, const api::Job& job,
                                               const Json& document) {
  const WallTime now = ctx.clock().Now();
  const std::string selector = job.spec.selector ? SelectorText(*job.spec.selector) : "";
  DRAY_ASSIGN_OR_RETURN(std::vector<api::Pod> pods, LivePods(ctx, client_, job.metadata.namespace_,
                                                             selector, job.metadata.uid));
  api::JobStatus status = job.status;
  const bool suspended = job.spec.suspend.value_or(false);
  if (suspended)
    status.start_time.reset();  // the deadline counts from the time it is resumed
  else if (!status.start_time)
    status.start_time = api::ToTime(now);
  status.active = status.succeeded = status.failed = 0;
  int ready = 0, restarts = 0;
  for (const api::Pod& pod : pods) {
    restarts += RestartsOf(pod);
    status.succeeded += pod.status.phase == "Succeeded";
    status.failed += pod.status.phase == "Failed";
    status.active += Active(pod);
    ready += Active(pod) && Ready(pod);
  }
  status.ready = ready;

  runtime::Requeue requeue;
  const int parallelism = job.spec.parallelism.value_or(1);
  // Without completions the Job is a work queue: done when one Pod succeeded and none runs.
  const bool queue = !job.spec.completions;
  const int completions = job.spec.completions.value_or(1);
  const bool complete =
      queue ? status.succeeded > 0 && status.active == 0 : status.succeeded >= completions;
  std::optional<Duration> left;
  if (job.spec.active_deadline_seconds && status.start_time && !suspended)
    left = *status.start_time + std::chrono::seconds(*job.spec.active_deadline_seconds) - now;

  const std::string mode = document.value(Json::json_pointer("/spec/completionMode"), "NonIndexed");
  std::optional<api::WorkloadCondition> end;
  if (mode == "Indexed") {
    end = Ended("Failed", "CompletionModeNotSupported",
                "this development cluster runs only Jobs of completionMode NonIndexed");
  } else if (complete) {
    end = Ended("Complete", "CompletionsReached", "Reached expected number of succeeded pods");
    status.completion_time = api::ToTime(now);
  } else if (const int limit = job.spec.backoff_limit.value_or(6);
             status.failed > limit || (restarts > 0 && restarts >= limit &&
                                       job.spec.template_.spec.restart_policy == "OnFailure")) {
    end = Ended("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  } else if (left && *left <= Duration::zero()) {
    end = Ended("Failed", "DeadlineExceeded", "Job was active longer than specified deadline");
  }

  Status moved;
  if (end) {
    // It has only ended when nothing of it runs any more: a finished Job is not looked at again.
    DRAY_RETURN_IF_ERROR(DeletePods(ctx, job, pods, pods.size()));
    status.active = 0;
    status.ready = 0;
    events_.Record(runtime::ReferenceTo(job), end->type == "Complete" ? "Normal" : "Warning",
                   end->type == "Complete" ? "Completed" : end->reason, end->message);
    SetCondition(status.conditions, std::move(*end), api::ToTime(now));
  } else if (suspended) {
    DRAY_RETURN_IF_ERROR(DeletePods(ctx, job, pods, pods.size()));
    status.active = 0;
    status.ready = 0;
    SetCondition(status.conditions, Suspension(true), api::ToTime(now));
  } else {
    for (const api::WorkloadCondition& condition : job.status.conditions)
      if (condition.type == "Suspended")
        SetCondition(status.conditions, Suspension(false), api::ToTime(now));
    int wanted = queue ? (status.succeeded > 0 ? status.active : parallelism)
                       : std::min(parallelism, completions - status.succeeded);
    if (status.active > wanted)
      moved = DeletePods(ctx, job, pods, static_cast<size_t>(status.active - wanted));
    const Json pod =
        PodFromTemplate(document["spec"]["template"],
                        {"batch/v1", "Job", job.metadata.name, job.metadata.uid, true, true});
    for (; moved.ok() && status.active < wanted; ++status.active) {
      Result<std::string> made = client_.CreateRaw(ctx, api::KindOf<api::Pod>::value,
                                                   job.metadata.namespace_, pod.dump(), false);
      if (!made.ok()) {
        events_.Record(runtime::ReferenceTo(job), "Warning", "FailedCreate",
                       "Error creating: " + made.status().message());
        moved = made.status();
        break;
      }
      DRAY_ASSIGN_OR_RETURN(api::Pod created, api::Decode<api::Pod>(*made));
      events_.Record(runtime::ReferenceTo(job), "Normal", "SuccessfulCreate",
                     "Created pod: " + created.metadata.name);
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
