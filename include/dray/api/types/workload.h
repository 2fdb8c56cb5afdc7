#pragma once

#include "dray/api/types/core.h"

// apps/v1 and batch/v1: the workload kinds whose Pods dray converts and devcluster runs.
namespace dray::api {

struct RollingUpdateDeployment {
  std::optional<IntOrString> max_unavailable, max_surge;
  bool operator==(const RollingUpdateDeployment&) const = default;
};
struct DeploymentStrategy {
  std::string type;  // RollingUpdate (default) | Recreate
  std::optional<RollingUpdateDeployment> rolling_update;
  bool operator==(const DeploymentStrategy&) const = default;
};
struct DeploymentSpec {
  std::optional<int32_t> replicas;
  LabelSelector selector;
  PodTemplateSpec template_;
  DeploymentStrategy strategy;
  int32_t min_ready_seconds = 0;
  std::optional<int32_t> revision_history_limit, progress_deadline_seconds;
  bool paused = false;
  bool operator==(const DeploymentSpec&) const = default;
};
struct WorkloadCondition {  // DeploymentCondition, ReplicaSetCondition, JobCondition
  std::string type, status;
  std::optional<Time> last_probe_time, last_update_time, last_transition_time;
  std::string reason, message;
  bool operator==(const WorkloadCondition&) const = default;
};
struct DeploymentStatus {
  int64_t observed_generation = 0;
  int32_t replicas = 0, updated_replicas = 0, ready_replicas = 0, available_replicas = 0,
          unavailable_replicas = 0;
  std::vector<WorkloadCondition> conditions;
  bool operator==(const DeploymentStatus&) const = default;
};
struct Deployment {
  ObjectMeta metadata;
  DeploymentSpec spec;
  DeploymentStatus status;
  bool operator==(const Deployment&) const = default;
};
DRAY_KIND(Deployment, "apps", "v1", "deployments", true);

struct ReplicaSetSpec {
  std::optional<int32_t> replicas;
  int32_t min_ready_seconds = 0;
  LabelSelector selector;
  PodTemplateSpec template_;
  bool operator==(const ReplicaSetSpec&) const = default;
};
struct ReplicaSetStatus {
  int32_t replicas = 0, fully_labeled_replicas = 0, ready_replicas = 0, available_replicas = 0;
  int64_t observed_generation = 0;
  std::vector<WorkloadCondition> conditions;
  bool operator==(const ReplicaSetStatus&) const = default;
};
struct ReplicaSet {
  ObjectMeta metadata;
  ReplicaSetSpec spec;
  ReplicaSetStatus status;
  bool operator==(const ReplicaSet&) const = default;
};
DRAY_KIND(ReplicaSet, "apps", "v1", "replicasets", true);

struct JobSpec {
  std::optional<int32_t> parallelism, completions, backoff_limit, ttl_seconds_after_finished;
  std::optional<int64_t> active_deadline_seconds;
  std::optional<LabelSelector> selector;
  std::optional<bool> manual_selector, suspend;
  PodTemplateSpec template_;
  bool operator==(const JobSpec&) const = default;
};
struct JobStatus {
  std::vector<WorkloadCondition> conditions;
  std::optional<Time> start_time, completion_time;
  int32_t active = 0, succeeded = 0, failed = 0;
  std::optional<int32_t> ready;
  bool operator==(const JobStatus&) const = default;
};
struct Job {
  ObjectMeta metadata;
  JobSpec spec;
  JobStatus status;
  bool operator==(const Job&) const = default;
};
DRAY_KIND(Job, "batch", "v1", "jobs", true);

}  // namespace dray::api
