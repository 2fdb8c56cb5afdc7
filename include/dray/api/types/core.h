#pragma once

#include <variant>

#include "dray/api/quantity.h"
#include "dray/api/types/meta.h"

// core/v1, discovery.k8s.io/v1: the fields that the pipeline reads or writes.
namespace dray::api {

struct IntOrString {
  std::variant<int64_t, std::string> value = int64_t{0};
  bool operator==(const IntOrString&) const = default;
};

using ResourceList = std::map<std::string, Quantity>;

struct ContainerClaim {  // core/v1 ResourceClaim in resources.claims
  std::string name, request;
  bool operator==(const ContainerClaim&) const = default;
};
struct ResourceRequirements {
  ResourceList limits, requests;
  std::vector<ContainerClaim> claims;
  bool operator==(const ResourceRequirements&) const = default;
};

struct ObjectFieldSelector {
  std::string api_version, field_path;
  bool operator==(const ObjectFieldSelector&) const = default;
};
struct KeySelector {
  std::string name, key;
  std::optional<bool> optional;
  bool operator==(const KeySelector&) const = default;
};
struct EnvVarSource {
  std::optional<ObjectFieldSelector> field_ref;
  std::optional<KeySelector> config_map_key_ref, secret_key_ref;
  bool operator==(const EnvVarSource&) const = default;
};
struct EnvVar {
  std::string name, value;
  std::optional<EnvVarSource> value_from;
  bool operator==(const EnvVar&) const = default;
};

struct VolumeMount {
  std::string name, mount_path, sub_path;
  bool read_only = false;
  bool operator==(const VolumeMount&) const = default;
};

struct SecurityContext {
  std::optional<bool> privileged;
  bool operator==(const SecurityContext&) const = default;
};

struct Container {
  std::string name, image, working_dir;
  std::vector<std::string> command, args;
  std::vector<EnvVar> env;
  ResourceRequirements resources;
  std::vector<VolumeMount> volume_mounts;
  std::optional<std::string> restart_policy;  // init containers: Always makes it a sidecar
  std::optional<SecurityContext> security_context;
  bool operator==(const Container&) const = default;
};

struct KeyToPath {
  std::string key, path;
  bool operator==(const KeyToPath&) const = default;
};
struct ConfigMapVolumeSource {
  std::string name;
  std::vector<KeyToPath> items;
  std::optional<bool> optional;
  bool operator==(const ConfigMapVolumeSource&) const = default;
};
struct HostPathVolumeSource {
  std::string path, type;
  bool operator==(const HostPathVolumeSource&) const = default;
};
struct EmptyDirVolumeSource {
  std::string medium;
  bool operator==(const EmptyDirVolumeSource&) const = default;
};
struct Volume {
  std::string name;
  std::optional<HostPathVolumeSource> host_path;
  std::optional<EmptyDirVolumeSource> empty_dir;
  std::optional<ConfigMapVolumeSource> config_map;
  bool operator==(const Volume&) const = default;
};

struct PodResourceClaim {
  std::string name;
  std::optional<std::string> resource_claim_name, resource_claim_template_name;
  bool operator==(const PodResourceClaim&) const = default;
};

struct Toleration {
  std::string key, op, value, effect;
  std::optional<int64_t> toleration_seconds;
  bool operator==(const Toleration&) const = default;
};
struct Taint {
  std::string key, value, effect;
  std::optional<Time> time_added;
  bool operator==(const Taint&) const = default;
};

struct NodeSelectorRequirement {
  std::string key, op;  // In NotIn Exists DoesNotExist Gt Lt
  std::vector<std::string> values;
  bool operator==(const NodeSelectorRequirement&) const = default;
};
struct NodeSelectorTerm {
  std::vector<NodeSelectorRequirement> match_expressions, match_fields;
  bool operator==(const NodeSelectorTerm&) const = default;
};
struct NodeSelector {
  std::vector<NodeSelectorTerm> node_selector_terms;
  bool operator==(const NodeSelector&) const = default;
};
struct NodeAffinity {
  std::optional<NodeSelector> required;  // requiredDuringSchedulingIgnoredDuringExecution
  bool operator==(const NodeAffinity&) const = default;
};
struct Affinity {
  std::optional<NodeAffinity> node_affinity;
  bool operator==(const Affinity&) const = default;
};

struct PodSchedulingGate {
  std::string name;
  bool operator==(const PodSchedulingGate&) const = default;
};

struct PodSpec {
  std::vector<Container> init_containers, containers;
  std::vector<Volume> volumes;
  std::string node_name, scheduler_name, service_account_name, runtime_class_name,
      priority_class_name;
  std::string restart_policy;  // Always (default) OnFailure Never
  std::optional<int64_t> termination_grace_period_seconds, active_deadline_seconds;
  Labels node_selector;
  std::optional<Affinity> affinity;
  std::vector<Toleration> tolerations;
  std::vector<PodResourceClaim> resource_claims;
  std::vector<PodSchedulingGate> scheduling_gates;
  std::optional<int32_t> priority;
  bool host_network = false;
  bool operator==(const PodSpec&) const = default;
};

struct PodCondition {
  std::string type, status;
  std::optional<Time> last_probe_time, last_transition_time;
  std::string reason, message;
  bool operator==(const PodCondition&) const = default;
};
struct ContainerStateWaiting {
  std::string reason, message;
  bool operator==(const ContainerStateWaiting&) const = default;
};
struct ContainerStateRunning {
  std::optional<Time> started_at;
  bool operator==(const ContainerStateRunning&) const = default;
};
struct ContainerStateTerminated {
  int32_t exit_code = 0, signal = 0;
  std::string reason, message, container_id;
  std::optional<Time> started_at, finished_at;
  bool operator==(const ContainerStateTerminated&) const = default;
};
struct ContainerState {
  std::optional<ContainerStateWaiting> waiting;
  std::optional<ContainerStateRunning> running;
  std::optional<ContainerStateTerminated> terminated;
  bool operator==(const ContainerState&) const = default;
};
struct ResourceHealth {
  std::string resource_id, health, message;
  bool operator==(const ResourceHealth&) const = default;
};
struct ResourceStatus {
  std::string name;
  std::vector<ResourceHealth> resources;
  bool operator==(const ResourceStatus&) const = default;
};
struct ContainerStatus {
  std::string name, image, image_id, container_id;
  ContainerState state, last_state;
  bool ready = false;
  std::optional<bool> started;
  int32_t restart_count = 0;
  std::vector<ResourceStatus> allocated_resources_status;
  bool operator==(const ContainerStatus&) const = default;
};
struct PodResourceClaimStatus {
  std::string name;
  std::optional<std::string> resource_claim_name;  // absent: no claim needed
  bool operator==(const PodResourceClaimStatus&) const = default;
};
struct ContainerExtendedResourceRequest {
  std::string container_name, resource_name, request_name;
  bool operator==(const ContainerExtendedResourceRequest&) const = default;
};
struct PodExtendedResourceClaimStatus {
  std::vector<ContainerExtendedResourceRequest> request_mappings;
  std::string resource_claim_name;
  bool operator==(const PodExtendedResourceClaimStatus&) const = default;
};
struct PodStatus {
  std::string phase, reason, message, host_ip, pod_ip, nominated_node_name, qos_class;
  std::vector<PodCondition> conditions;
  std::optional<Time> start_time;
  std::vector<ContainerStatus> init_container_statuses, container_statuses;
  std::vector<PodResourceClaimStatus> resource_claim_statuses;
  std::optional<PodExtendedResourceClaimStatus> extended_resource_claim_status;
  bool operator==(const PodStatus&) const = default;
};
struct Pod {
  ObjectMeta metadata;
  PodSpec spec;
  PodStatus status;
  bool operator==(const Pod&) const = default;
};
DRAY_KIND(Pod, "", "v1", "pods", true);

struct PodTemplateSpec {
  ObjectMeta metadata;
  PodSpec spec;
  bool operator==(const PodTemplateSpec&) const = default;
};

struct NodeAddress {
  std::string type, address;
  bool operator==(const NodeAddress&) const = default;
};
struct NodeCondition {
  std::string type, status;
  std::optional<Time> last_heartbeat_time, last_transition_time;
  std::string reason, message;
  bool operator==(const NodeCondition&) const = default;
};
struct NodeSystemInfo {
  std::string machine_id, system_uuid, boot_id, kernel_version, os_image, container_runtime_version,
      kubelet_version, operating_system, architecture;
  bool operator==(const NodeSystemInfo&) const = default;
};
struct NodeSpec {
  bool unschedulable = false;
  std::vector<Taint> taints;
  std::string provider_id;
  bool operator==(const NodeSpec&) const = default;
};
struct NodeStatus {
  ResourceList capacity, allocatable;
  std::vector<NodeCondition> conditions;
  std::vector<NodeAddress> addresses;
  NodeSystemInfo node_info;
  bool operator==(const NodeStatus&) const = default;
};
struct Node {
  ObjectMeta metadata;
  NodeSpec spec;
  NodeStatus status;
  bool operator==(const Node&) const = default;
};
DRAY_KIND(Node, "", "v1", "nodes", false);

struct NamespaceStatus {
  std::string phase;
  bool operator==(const NamespaceStatus&) const = default;
};
struct Namespace {
  ObjectMeta metadata;
  NamespaceStatus status;
  bool operator==(const Namespace&) const = default;
};
DRAY_KIND(Namespace, "", "v1", "namespaces", false);

struct ConfigMap {
  ObjectMeta metadata;
  std::map<std::string, std::string> data;
  bool operator==(const ConfigMap&) const = default;
};
DRAY_KIND(ConfigMap, "", "v1", "configmaps", true);

struct ObjectReference {
  std::string api_version, kind, namespace_, name, uid, resource_version, field_path;
  bool operator==(const ObjectReference&) const = default;
};
struct EventSource {
  std::string component, host;
  bool operator==(const EventSource&) const = default;
};
struct EventSeries {
  int32_t count = 0;
  std::optional<MicroTime> last_observed_time;
  bool operator==(const EventSeries&) const = default;
};
struct Event {
  ObjectMeta metadata;
  ObjectReference involved_object;
  std::string reason, message, type;  // Normal | Warning
  EventSource source;
  std::optional<Time> first_timestamp, last_timestamp;
  std::optional<MicroTime> event_time;
  int32_t count = 0;
  std::optional<EventSeries> series;
  std::string action, reporting_component, reporting_instance;
  bool operator==(const Event&) const = default;
};
DRAY_KIND(Event, "", "v1", "events", true);

struct ServicePort {
  std::string name, protocol;
  int32_t port = 0;
  std::optional<IntOrString> target_port;
  bool operator==(const ServicePort&) const = default;
};
struct ServiceSpec {
  Labels selector;
  std::vector<ServicePort> ports;
  std::string type, cluster_ip;
  bool operator==(const ServiceSpec&) const = default;
};
struct Service {
  ObjectMeta metadata;
  ServiceSpec spec;
  bool operator==(const Service&) const = default;
};
DRAY_KIND(Service, "", "v1", "services", true);

struct Endpoint {
  std::vector<std::string> addresses;
  std::optional<bool> ready;
  bool operator==(const Endpoint&) const = default;
};
struct EndpointPort {
  std::string name, protocol;
  std::optional<int32_t> port;
  bool operator==(const EndpointPort&) const = default;
};
struct EndpointSlice {  // labelled kubernetes.io/service-name
  ObjectMeta metadata;
  std::string address_type;
  std::vector<Endpoint> endpoints;
  std::vector<EndpointPort> ports;
  bool operator==(const EndpointSlice&) const = default;
};
DRAY_KIND(EndpointSlice, "discovery.k8s.io", "v1", "endpointslices", true);

}  // namespace dray::api
