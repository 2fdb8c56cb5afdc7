#pragma once

#include "api/types/meta_fields.h"
#include "dray/api/types/core.h"

// JSON names of core/v1: the Pod and what it is made of.
namespace dray::api {

template <>
struct FieldsOf<ContainerClaim> {
  using S = ContainerClaim;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::request>("request"),
  };
};

template <>
struct FieldsOf<ResourceRequirements> {
  using S = ResourceRequirements;
  static constexpr std::array fields = {
      Field<&S::limits>("limits"),
      Field<&S::requests>("requests"),
      Field<&S::claims>("claims"),
  };
};

template <>
struct FieldsOf<ObjectFieldSelector> {
  using S = ObjectFieldSelector;
  static constexpr std::array fields = {
      Field<&S::api_version>("apiVersion"),
      Field<&S::field_path>("fieldPath", Emit::kAlways),
  };
};

template <>
struct FieldsOf<KeySelector> {
  using S = KeySelector;
  static constexpr std::array fields = {
      Field<&S::name>("name"),
      Field<&S::key>("key", Emit::kAlways),
      Field<&S::optional>("optional"),
  };
};

template <>
struct FieldsOf<EnvVarSource> {
  using S = EnvVarSource;
  static constexpr std::array fields = {
      Field<&S::field_ref>("fieldRef"),
      Field<&S::config_map_key_ref>("configMapKeyRef"),
      Field<&S::secret_key_ref>("secretKeyRef"),
  };
};

template <>
struct FieldsOf<EnvVar> {
  using S = EnvVar;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::value>("value"),
      Field<&S::value_from>("valueFrom"),
  };
};

template <>
struct FieldsOf<VolumeMount> {
  using S = VolumeMount;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::read_only>("readOnly"),
      Field<&S::mount_path>("mountPath", Emit::kAlways),
      Field<&S::sub_path>("subPath"),
  };
};

template <>
struct FieldsOf<SecurityContext> {
  using S = SecurityContext;
  static constexpr std::array fields = {
      Field<&S::privileged>("privileged"),
  };
};

template <>
struct FieldsOf<Container> {
  using S = Container;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::image>("image"),
      Field<&S::command>("command"),
      Field<&S::args>("args"),
      Field<&S::working_dir>("workingDir"),
      Field<&S::env>("env"),
      Field<&S::resources>("resources"),
      Field<&S::volume_mounts>("volumeMounts"),
      Field<&S::restart_policy>("restartPolicy"),
      Field<&S::security_context>("securityContext"),
  };
};

template <>
struct FieldsOf<KeyToPath> {
  using S = KeyToPath;
  static constexpr std::array fields = {
      Field<&S::key>("key", Emit::kAlways),
      Field<&S::path>("path", Emit::kAlways),
  };
};

template <>
struct FieldsOf<ConfigMapVolumeSource> {
  using S = ConfigMapVolumeSource;
  static constexpr std::array fields = {
      Field<&S::name>("name"),
      Field<&S::items>("items"),
      Field<&S::optional>("optional"),
  };
};

template <>
struct FieldsOf<HostPathVolumeSource> {
  using S = HostPathVolumeSource;
  static constexpr std::array fields = {
      Field<&S::path>("path", Emit::kAlways),
      Field<&S::type>("type"),
  };
};

template <>
struct FieldsOf<EmptyDirVolumeSource> {
  using S = EmptyDirVolumeSource;
  static constexpr std::array fields = {
      Field<&S::medium>("medium"),
  };
};

template <>
struct FieldsOf<Volume> {
  using S = Volume;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::host_path>("hostPath"),
      Field<&S::empty_dir>("emptyDir"),
      Field<&S::config_map>("configMap"),
  };
};

template <>
struct FieldsOf<PodResourceClaim> {
  using S = PodResourceClaim;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::resource_claim_name>("resourceClaimName"),
      Field<&S::resource_claim_template_name>("resourceClaimTemplateName"),
  };
};

template <>
struct FieldsOf<Toleration> {
  using S = Toleration;
  static constexpr std::array fields = {
      Field<&S::key>("key"),
      Field<&S::op>("operator"),
      Field<&S::value>("value"),
      Field<&S::effect>("effect"),
      Field<&S::toleration_seconds>("tolerationSeconds"),
  };
};

template <>
struct FieldsOf<Taint> {
  using S = Taint;
  static constexpr std::array fields = {
      Field<&S::key>("key", Emit::kAlways),
      Field<&S::value>("value"),
      Field<&S::effect>("effect", Emit::kAlways),
      Field<&S::time_added>("timeAdded"),
  };
};

template <>
struct FieldsOf<NodeSelectorRequirement> {
  using S = NodeSelectorRequirement;
  static constexpr std::array fields = {
      Field<&S::key>("key", Emit::kAlways),
      Field<&S::op>("operator", Emit::kAlways),
      Field<&S::values>("values"),
  };
};

template <>
struct FieldsOf<NodeSelectorTerm> {
  using S = NodeSelectorTerm;
  static constexpr std::array fields = {
      Field<&S::match_expressions>("matchExpressions"),
      Field<&S::match_fields>("matchFields"),
  };
};

template <>
struct FieldsOf<NodeSelector> {
  using S = NodeSelector;
  static constexpr std::array fields = {
      Field<&S::node_selector_terms>("nodeSelectorTerms", Emit::kAlways),
  };
};

template <>
struct FieldsOf<NodeAffinity> {
  using S = NodeAffinity;
  static constexpr std::array fields = {
      Field<&S::required>("requiredDuringSchedulingIgnoredDuringExecution"),
  };
};

template <>
struct FieldsOf<Affinity> {
  using S = Affinity;
  static constexpr std::array fields = {
      Field<&S::node_affinity>("nodeAffinity"),
  };
};

template <>
struct FieldsOf<PodSchedulingGate> {
  using S = PodSchedulingGate;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
  };
};

template <>
struct FieldsOf<PodSpec> {
  using S = PodSpec;
  static constexpr std::array fields = {
      Field<&S::volumes>("volumes"),
      Field<&S::init_containers>("initContainers"),
      Field<&S::containers>("containers", Emit::kAlways),
      Field<&S::restart_policy>("restartPolicy"),
      Field<&S::termination_grace_period_seconds>("terminationGracePeriodSeconds"),
      Field<&S::active_deadline_seconds>("activeDeadlineSeconds"),
      Field<&S::node_selector>("nodeSelector"),
      Field<&S::service_account_name>("serviceAccountName"),
      Field<&S::node_name>("nodeName"),
      Field<&S::host_network>("hostNetwork"),
      Field<&S::affinity>("affinity"),
      Field<&S::scheduler_name>("schedulerName"),
      Field<&S::tolerations>("tolerations"),
      Field<&S::priority_class_name>("priorityClassName"),
      Field<&S::priority>("priority"),
      Field<&S::runtime_class_name>("runtimeClassName"),
      Field<&S::scheduling_gates>("schedulingGates"),
      Field<&S::resource_claims>("resourceClaims"),
  };
};

template <>
struct FieldsOf<PodCondition> {
  using S = PodCondition;
  static constexpr std::array fields = {
      Field<&S::type>("type", Emit::kAlways),
      Field<&S::status>("status", Emit::kAlways),
      Field<&S::last_probe_time>("lastProbeTime"),
      Field<&S::last_transition_time>("lastTransitionTime"),
      Field<&S::reason>("reason"),
      Field<&S::message>("message"),
  };
};

template <>
struct FieldsOf<ContainerStateWaiting> {
  using S = ContainerStateWaiting;
  static constexpr std::array fields = {
      Field<&S::reason>("reason"),
      Field<&S::message>("message"),
  };
};

template <>
struct FieldsOf<ContainerStateRunning> {
  using S = ContainerStateRunning;
  static constexpr std::array fields = {
      Field<&S::started_at>("startedAt"),
  };
};

template <>
struct FieldsOf<ContainerStateTerminated> {
  using S = ContainerStateTerminated;
  static constexpr std::array fields = {
      Field<&S::exit_code>("exitCode", Emit::kAlways),
      Field<&S::signal>("signal"),
      Field<&S::reason>("reason"),
      Field<&S::message>("message"),
      Field<&S::started_at>("startedAt"),
      Field<&S::finished_at>("finishedAt"),
      Field<&S::container_id>("containerID"),
  };
};

template <>
struct FieldsOf<ContainerState> {
  using S = ContainerState;
  static constexpr std::array fields = {
      Field<&S::waiting>("waiting"),
      Field<&S::running>("running"),
      Field<&S::terminated>("terminated"),
  };
};

template <>
struct FieldsOf<ResourceHealth> {
  using S = ResourceHealth;
  static constexpr std::array fields = {
      Field<&S::resource_id>("resourceID", Emit::kAlways),
      Field<&S::health>("health"),
      Field<&S::message>("message"),
  };
};

template <>
struct FieldsOf<ResourceStatus> {
  using S = ResourceStatus;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::resources>("resources"),
  };
};

template <>
struct FieldsOf<ContainerStatus> {
  using S = ContainerStatus;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::state>("state"),
      Field<&S::last_state>("lastState"),
      Field<&S::ready>("ready", Emit::kAlways),
      Field<&S::restart_count>("restartCount", Emit::kAlways),
      Field<&S::image>("image", Emit::kAlways),
      Field<&S::image_id>("imageID", Emit::kAlways),
      Field<&S::container_id>("containerID"),
      Field<&S::started>("started"),
      Field<&S::allocated_resources_status>("allocatedResourcesStatus"),
  };
};

template <>
struct FieldsOf<PodResourceClaimStatus> {
  using S = PodResourceClaimStatus;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::resource_claim_name>("resourceClaimName"),
  };
};

template <>
struct FieldsOf<ContainerExtendedResourceRequest> {
  using S = ContainerExtendedResourceRequest;
  static constexpr std::array fields = {
      Field<&S::container_name>("containerName", Emit::kAlways),
      Field<&S::resource_name>("resourceName", Emit::kAlways),
      Field<&S::request_name>("requestName", Emit::kAlways),
  };
};

template <>
struct FieldsOf<PodExtendedResourceClaimStatus> {
  using S = PodExtendedResourceClaimStatus;
  static constexpr std::array fields = {
      Field<&S::request_mappings>("requestMappings", Emit::kAlways),
      Field<&S::resource_claim_name>("resourceClaimName", Emit::kAlways),
  };
};

template <>
struct FieldsOf<PodStatus> {
  using S = PodStatus;
  static constexpr std::array fields = {
      Field<&S::phase>("phase"),
      Field<&S::conditions>("conditions"),
      Field<&S::message>("message"),
      Field<&S::reason>("reason"),
      Field<&S::nominated_node_name>("nominatedNodeName"),
      Field<&S::host_ip>("hostIP"),
      Field<&S::pod_ip>("podIP"),
      Field<&S::start_time>("startTime"),
      Field<&S::init_container_statuses>("initContainerStatuses"),
      Field<&S::container_statuses>("containerStatuses"),
      Field<&S::qos_class>("qosClass"),
      Field<&S::resource_claim_statuses>("resourceClaimStatuses"),
      Field<&S::extended_resource_claim_status>("extendedResourceClaimStatus"),
  };
};

template <>
struct FieldsOf<Pod> {
  using S = Pod;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
      Field<&S::status>("status"),
  };
};

template <>
struct FieldsOf<PodTemplateSpec> {
  using S = PodTemplateSpec;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
  };
};

}  // namespace dray::api
