#pragma once

#include "api/types/core_fields.h"
#include "dray/api/types/workload.h"

// JSON names of apps/v1 and batch/v1.
namespace dray::api {

template <>
struct FieldsOf<RollingUpdateDeployment> {
  using S = RollingUpdateDeployment;
  static constexpr std::array fields = {
      Field<&S::max_unavailable>("maxUnavailable"),
      Field<&S::max_surge>("maxSurge"),
  };
};

template <>
struct FieldsOf<DeploymentStrategy> {
  using S = DeploymentStrategy;
  static constexpr std::array fields = {
      Field<&S::type>("type"),
      Field<&S::rolling_update>("rollingUpdate"),
  };
};

template <>
struct FieldsOf<DeploymentSpec> {
  using S = DeploymentSpec;
  static constexpr std::array fields = {
      Field<&S::replicas>("replicas"),
      Field<&S::selector>("selector", Emit::kAlways),
      Field<&S::template_>("template", Emit::kAlways),
      Field<&S::strategy>("strategy"),
      Field<&S::min_ready_seconds>("minReadySeconds"),
      Field<&S::revision_history_limit>("revisionHistoryLimit"),
      Field<&S::paused>("paused"),
      Field<&S::progress_deadline_seconds>("progressDeadlineSeconds"),
  };
};

template <>
struct FieldsOf<WorkloadCondition> {
  using S = WorkloadCondition;
  static constexpr std::array fields = {
      Field<&S::type>("type", Emit::kAlways),
      Field<&S::status>("status", Emit::kAlways),
      Field<&S::last_probe_time>("lastProbeTime"),
      Field<&S::last_update_time>("lastUpdateTime"),
      Field<&S::last_transition_time>("lastTransitionTime"),
      Field<&S::reason>("reason"),
      Field<&S::message>("message"),
  };
};

template <>
struct FieldsOf<DeploymentStatus> {
  using S = DeploymentStatus;
  static constexpr std::array fields = {
      Field<&S::observed_generation>("observedGeneration"),
      Field<&S::replicas>("replicas"),
      Field<&S::updated_replicas>("updatedReplicas"),
      Field<&S::ready_replicas>("readyReplicas"),
      Field<&S::available_replicas>("availableReplicas"),
      Field<&S::unavailable_replicas>("unavailableReplicas"),
      Field<&S::conditions>("conditions"),
  };
};

template <>
struct FieldsOf<Deployment> {
  using S = Deployment;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
      Field<&S::status>("status"),
  };
};

template <>
struct FieldsOf<ReplicaSetSpec> {
  using S = ReplicaSetSpec;
  static constexpr std::array fields = {
      Field<&S::replicas>("replicas"),
      Field<&S::min_ready_seconds>("minReadySeconds"),
      Field<&S::selector>("selector", Emit::kAlways),
      Field<&S::template_>("template"),
  };
};

template <>
struct FieldsOf<ReplicaSetStatus> {
  using S = ReplicaSetStatus;
  static constexpr std::array fields = {
      Field<&S::replicas>("replicas", Emit::kAlways),
      Field<&S::fully_labeled_replicas>("fullyLabeledReplicas"),
      Field<&S::ready_replicas>("readyReplicas"),
      Field<&S::available_replicas>("availableReplicas"),
      Field<&S::observed_generation>("observedGeneration"),
      Field<&S::conditions>("conditions"),
  };
};

template <>
struct FieldsOf<ReplicaSet> {
  using S = ReplicaSet;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
      Field<&S::status>("status"),
  };
};

template <>
struct FieldsOf<JobSpec> {
  using S = JobSpec;
  static constexpr std::array fields = {
      Field<&S::parallelism>("parallelism"),
      Field<&S::completions>("completions"),
      Field<&S::active_deadline_seconds>("activeDeadlineSeconds"),
      Field<&S::backoff_limit>("backoffLimit"),
      Field<&S::selector>("selector"),
      Field<&S::manual_selector>("manualSelector"),
      Field<&S::template_>("template", Emit::kAlways),
      Field<&S::ttl_seconds_after_finished>("ttlSecondsAfterFinished"),
      Field<&S::suspend>("suspend"),
  };
};

template <>
struct FieldsOf<JobStatus> {
  using S = JobStatus;
  static constexpr std::array fields = {
      Field<&S::conditions>("conditions"),
      Field<&S::start_time>("startTime"),
      Field<&S::completion_time>("completionTime"),
      Field<&S::active>("active"),
      Field<&S::succeeded>("succeeded"),
      Field<&S::failed>("failed"),
      Field<&S::ready>("ready"),
  };
};

template <>
struct FieldsOf<Job> {
  using S = Job;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
      Field<&S::status>("status"),
  };
};

}  // namespace dray::api
