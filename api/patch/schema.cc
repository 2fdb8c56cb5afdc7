#include "api/patch/schema.h"

#include <map>

namespace dray::api {
namespace {

constexpr FieldRule Child(std::string_view parent, std::string_view field, std::string_view type) {
  return {.parent = parent, .field = field, .type = type};
}
// A list that both know by one key.
constexpr FieldRule Keyed(std::string_view parent, std::string_view field, std::string_view key,
                          std::string_view type = "") {
  return {.parent = parent,
          .field = field,
          .type = type,
          .merge = ListRule::kKeyed,
          .merge_key = key,
          .apply = ListRule::kKeyed,
          .apply_keys = key};
}
constexpr FieldRule Keyed2(std::string_view parent, std::string_view field,
                           std::string_view merge_key, std::string_view apply_keys,
                           std::string_view type = "") {
  return {.parent = parent,
          .field = field,
          .type = type,
          .merge = ListRule::kKeyed,
          .merge_key = merge_key,
          .apply = ListRule::kKeyed,
          .apply_keys = apply_keys};
}
// A list that only apply knows by keys.
constexpr FieldRule ApplyKeyed(std::string_view parent, std::string_view field,
                               std::string_view keys, std::string_view type = "") {
  return {.parent = parent,
          .field = field,
          .type = type,
          .apply = ListRule::kKeyed,
          .apply_keys = keys};
}
constexpr FieldRule Set(std::string_view parent, std::string_view field) {
  return {.parent = parent, .field = field, .merge = ListRule::kSet, .apply = ListRule::kSet};
}
constexpr FieldRule Whole(std::string_view parent, std::string_view field) {
  return {.parent = parent, .field = field, .atomic = true};
}

constexpr FieldRule kRules[] = {
    Child("Object", "metadata", "ObjectMeta"),
    {.parent = "ObjectMeta",
     .field = "ownerReferences",
     .merge = ListRule::kKeyed,
     .merge_key = "uid",
     .apply = ListRule::kKeyed,
     .apply_keys = "uid",
     .atomic = true},
    Set("ObjectMeta", "finalizers"),

    Child("Pod", "metadata", "ObjectMeta"),
    Child("Pod", "spec", "PodSpec"),
    Child("Pod", "status", "PodStatus"),
    Child("PodTemplate", "metadata", "ObjectMeta"),
    Child("PodTemplate", "template", "PodTemplateSpec"),
    Child("PodTemplateSpec", "metadata", "ObjectMeta"),
    Child("PodTemplateSpec", "spec", "PodSpec"),
    Keyed("PodSpec", "volumes", "name", "Volume"),
    Keyed("PodSpec", "resourceClaims", "name"),
    Keyed("PodSpec", "containers", "name", "Container"),
    Keyed("PodSpec", "initContainers", "name", "Container"),
    Keyed("PodSpec", "ephemeralContainers", "name", "Container"),
    Keyed("PodSpec", "imagePullSecrets", "name"),
    Keyed("PodSpec", "schedulingGates", "name"),
    Keyed("PodSpec", "hostAliases", "ip"),
    Keyed2("PodSpec", "topologySpreadConstraints", "topologyKey", "topologyKey,whenUnsatisfiable",
           "TopologySpreadConstraint"),
    Whole("PodSpec", "nodeSelector"),
    Whole("TopologySpreadConstraint", "labelSelector"),
    Child("PodSpec", "affinity", "Affinity"),
    Child("Affinity", "nodeAffinity", "NodeAffinity"),
    Whole("NodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
    Keyed2("Container", "ports", "containerPort", "containerPort,protocol"),
    Keyed("Container", "env", "name", "EnvVar"),
    Keyed("Container", "volumeMounts", "mountPath"),
    Keyed("Container", "volumeDevices", "devicePath"),
    Child("Container", "resources", "ResourceRequirements"),
    ApplyKeyed("ResourceRequirements", "claims", "name"),
    Child("EnvVar", "valueFrom", "EnvVarSource"),
    Whole("EnvVarSource", "fieldRef"),
    Whole("EnvVarSource", "resourceFieldRef"),
    Whole("EnvVarSource", "configMapKeyRef"),
    Whole("EnvVarSource", "secretKeyRef"),
    Keyed("PodStatus", "conditions", "type"),
    Keyed("PodStatus", "podIPs", "ip"),
    Keyed("PodStatus", "hostIPs", "ip"),
    Keyed("PodStatus", "resourceClaimStatuses", "name"),

    Child("Node", "metadata", "ObjectMeta"),
    Child("Node", "spec", "NodeSpec"),
    Child("Node", "status", "NodeStatus"),
    Set("NodeSpec", "podCIDRs"),
    Keyed("NodeStatus", "conditions", "type"),
    Keyed("NodeStatus", "addresses", "type"),

    Child("Conditioned", "metadata", "ObjectMeta"),
    Child("Conditioned", "status", "Conditions"),
    Keyed("Conditions", "conditions", "type"),

    Child("Service", "metadata", "ObjectMeta"),
    Child("Service", "spec", "ServiceSpec"),
    Child("Service", "status", "Conditions"),
    Keyed2("ServiceSpec", "ports", "port", "port,protocol"),
    Whole("ServiceSpec", "selector"),
    Child("ServiceAccount", "metadata", "ObjectMeta"),
    Keyed("ServiceAccount", "secrets", "name"),
    {.parent = "ServiceAccount",
     .field = "imagePullSecrets",
     .merge = ListRule::kKeyed,
     .merge_key = "name"},
    Child("Event", "metadata", "ObjectMeta"),
    Whole("Event", "involvedObject"),

    Child("Workload", "metadata", "ObjectMeta"),
    Child("Workload", "spec", "WorkloadSpec"),
    Child("Workload", "status", "Conditions"),
    Child("WorkloadSpec", "template", "PodTemplateSpec"),
    Whole("WorkloadSpec", "selector"),
    Child("CronJob", "metadata", "ObjectMeta"),
    Child("CronJob", "spec", "CronJobSpec"),
    Child("CronJobSpec", "jobTemplate", "Workload"),

    Child("ResourceClaim", "metadata", "ObjectMeta"),
    Child("ResourceClaim", "status", "ResourceClaimStatus"),
    Keyed("ResourceClaimStatus", "reservedFor", "uid"),
    ApplyKeyed("ResourceClaimStatus", "devices", "driver,device,pool,shareID",
               "AllocatedDeviceStatus"),
    ApplyKeyed("AllocatedDeviceStatus", "conditions", "type"),
    Child("ResourceClaimStatus", "allocation", "AllocationResult"),
    Whole("AllocationResult", "nodeSelector"),
    Child("ResourceClaimTemplate", "metadata", "ObjectMeta"),
    Child("ResourceClaimTemplate", "spec", "ResourceClaimTemplateSpec"),
    Child("ResourceClaimTemplateSpec", "metadata", "ObjectMeta"),
    Child("ResourceSlice", "metadata", "ObjectMeta"),
    Child("ResourceSlice", "spec", "ResourceSliceSpec"),
    Whole("ResourceSliceSpec", "nodeSelector"),

    Child("WebhookConfiguration", "metadata", "ObjectMeta"),
    Keyed("WebhookConfiguration", "webhooks", "name", "Webhook"),
    Keyed("Webhook", "matchConditions", "name"),
    Whole("Webhook", "namespaceSelector"),
    Whole("Webhook", "objectSelector"),
};

constexpr struct {
  std::string_view group, kind, type;
} kRoots[] = {
    {"", "Pod", "Pod"},
    {"", "PodTemplate", "PodTemplate"},
    {"", "Node", "Node"},
    {"", "Namespace", "Conditioned"},
    {"", "Service", "Service"},
    {"", "ServiceAccount", "ServiceAccount"},
    {"", "Event", "Event"},
    {"", "ReplicationController", "Workload"},
    {"", "PersistentVolumeClaim", "Conditioned"},
    {"apps", "Deployment", "Workload"},
    {"apps", "ReplicaSet", "Workload"},
    {"apps", "DaemonSet", "Workload"},
    {"apps", "StatefulSet", "Workload"},
    {"batch", "Job", "Workload"},
    {"batch", "CronJob", "CronJob"},
    {"resource.k8s.io", "ResourceClaim", "ResourceClaim"},
    {"resource.k8s.io", "ResourceClaimTemplate", "ResourceClaimTemplate"},
    {"resource.k8s.io", "ResourceSlice", "ResourceSlice"},
    {"admissionregistration.k8s.io", "MutatingWebhookConfiguration", "WebhookConfiguration"},
    {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "WebhookConfiguration"},
};

}  // namespace

std::string_view RootType(std::string_view group, std::string_view kind) {
  for (const auto& root : kRoots)
    if (root.group == group && root.kind == kind) return root.type;
  bool built_in = group.find('.') == std::string_view::npos || group.ends_with(".k8s.io");
  return built_in ? "Object" : "";
}

const FieldRule& RuleOf(std::string_view type, std::string_view field) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const std::map<Key, const FieldRule*> index = [] {
    std::map<Key, const FieldRule*> rules;
    for (const FieldRule& rule : kRules) rules.emplace(Key(rule.parent, rule.field), &rule);
    return rules;
  }();
  static constexpr FieldRule kPlain{};
  if (type.empty()) return kPlain;
  auto found = index.find(Key(type, field));
  return found == index.end() ? kPlain : *found->second;
}

std::vector<std::string_view> SplitKeys(std::string_view keys) {
  std::vector<std::string_view> parts;
  while (!keys.empty()) {
    size_t comma = keys.find(',');
    parts.push_back(keys.substr(0, comma));
    keys = comma == std::string_view::npos ? "" : keys.substr(comma + 1);
  }
  return parts;
}

}  // namespace dray::api
