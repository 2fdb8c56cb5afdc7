#include <algorithm>
#include <set>

#include "api/types/validation_rules.h"

namespace dray::api {
namespace {

std::string_view NameOf(const auto& named) {
  return named.name;
}

bool IsEnvName(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '='; });
}

// Resources that exist in whole units only.
bool IsWholeOnly(std::string_view name) {
  return name.find('/') != std::string_view::npos &&
         name.find("kubernetes.io/") == std::string_view::npos;
}

void CheckResourceName(FieldErrors& errors, const FieldPath& path, const std::string& name) {
  constexpr std::string_view kNative[] = {"cpu", "memory", "ephemeral-storage"};
  if (!IsQualifiedName(name))
    errors.Invalid(path, name, kWantQualifiedName);
  else if (name.find('/') == std::string::npos && !name.starts_with("hugepages-") &&
           std::ranges::find(kNative, name) == std::end(kNative))
    errors.Invalid(
        path, name,
        "must be a standard resource of containers or have a domain, as in example.com/gpu");
}

void CheckResources(FieldErrors& errors, const FieldPath& path,
                    const ResourceRequirements& resources,
                    const std::vector<PodResourceClaim>& pod_claims) {
  auto amounts = [&](const FieldPath& at, const ResourceList& list) {
    for (const auto& [name, amount] : list) {
      CheckResourceName(errors, at, name);
      if (amount < Quantity())
        errors.Invalid(at.Key(name), amount, "must be greater than or equal to 0");
      if (IsWholeOnly(name) && !amount.IsInteger())
        errors.Invalid(at.Key(name), amount, "must be an integer");
    }
  };
  amounts(path / "limits", resources.limits);
  amounts(path / "requests", resources.requests);
  for (const auto& [name, request] : resources.requests) {
    auto limit = resources.limits.find(name);
    FieldPath at = path / "requests";
    if (limit == resources.limits.end()) {
      if (IsWholeOnly(name))
        errors.Required((path / "limits").Key(name), "the limit must be set for such a resource");
    } else if (IsWholeOnly(name) && request != limit->second) {
      errors.Invalid(at.Key(name), request, "must be equal to the limit of " + name);
    } else if (request > limit->second) {
      errors.Invalid(
          at, request,
          "must be less than or equal to the limit of " + name + ", " + limit->second.ToString());
    }
  }

  FieldPath claims = path / "claims";
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (size_t i = 0; i < resources.claims.size(); ++i) {
    const ContainerClaim& claim = resources.claims[i];
    if (claim.name.empty()) {
      errors.Required(claims[i] / "name");
      continue;
    }
    if (std::ranges::find(pod_claims, claim.name, &PodResourceClaim::name) == pod_claims.end())
      errors.NotFound(claims[i] / "name", claim.name);
    // All of a claim, or parts of it, each once.
    bool all_seen = seen.contains({claim.name, ""});
    bool any_seen =
        std::ranges::any_of(seen, [&](const auto& pair) { return pair.first == claim.name; });
    if (all_seen || (claim.request.empty() && any_seen))
      errors.Duplicate(claims[i], claim.name);
    else if (!seen.insert({claim.name, claim.request}).second)
      errors.Duplicate(claims[i], claim.name + "/" + claim.request);
  }
}

void CheckContainers(FieldErrors& errors, const FieldPath& path,
                     const std::vector<Container>& containers, bool init, const PodSpec& spec,
                     std::set<std::string_view>& names) {
  for (size_t i = 0; i < containers.size(); ++i) {
    const Container& container = containers[i];
    CheckDnsLabel(errors, path[i] / "name", container.name);
    if (!container.name.empty() && !names.insert(container.name).second)
      errors.Duplicate(path[i] / "name", container.name);
    if (container.image.empty())
      errors.Required(path[i] / "image");
    else if (container.image.find_first_of(" \t\r\n") != std::string::npos)
      errors.Invalid(path[i] / "image", container.image, "must not have blanks");
    if (container.restart_policy && init)
      errors.OneOf(path[i] / "restartPolicy", *container.restart_policy, {"Always"});
    else if (container.restart_policy)
      errors.Forbidden(path[i] / "restartPolicy", "for init containers only");
    for (size_t k = 0; k < container.env.size(); ++k) {
      const EnvVar& variable = container.env[k];
      FieldPath at = (path[i] / "env")[k];
      if (variable.name.empty())
        errors.Required(at / "name");
      else if (!IsEnvName(variable.name))
        errors.Invalid(at / "name", variable.name,
                       "must be of printable ASCII characters other than '='");
      if (variable.value_from && !variable.value.empty())
        errors.Invalid(at / "valueFrom", variable.name, "may not be set together with value");
    }
    std::set<std::string_view> paths;
    for (size_t k = 0; k < container.volume_mounts.size(); ++k) {
      const VolumeMount& mount = container.volume_mounts[k];
      FieldPath at = (path[i] / "volumeMounts")[k];
      if (mount.name.empty())
        errors.Required(at / "name");
      else if (std::ranges::find(spec.volumes, mount.name, &Volume::name) == spec.volumes.end())
        errors.NotFound(at / "name", mount.name);
      if (mount.mount_path.empty())
        errors.Required(at / "mountPath");
      else if (!paths.insert(mount.mount_path).second)
        errors.Invalid(at / "mountPath", mount.mount_path, "must be unique");
    }
    CheckResources(errors, path[i] / "resources", container.resources, spec.resource_claims);
  }
}

void CheckVolumes(FieldErrors& errors, const FieldPath& path, const std::vector<Volume>& volumes) {
  for (size_t i = 0; i < volumes.size(); ++i) {
    const Volume& volume = volumes[i];
    CheckDnsLabel(errors, path[i] / "name", volume.name);
    if (volume.host_path) {
      if (volume.host_path->path.empty()) errors.Required(path[i] / "hostPath" / "path");
      if (("/" + volume.host_path->path + "/").find("/../") != std::string::npos)
        errors.Invalid(path[i] / "hostPath" / "path", volume.host_path->path,
                       "must not contain '..'");
    }
    if (volume.config_map && volume.config_map->name.empty())
      errors.Required(path[i] / "configMap" / "name");
  }
  CheckUnique(errors, path, volumes, NameOf<Volume>, "name");
}

void CheckPodClaims(FieldErrors& errors, const FieldPath& path,
                    const std::vector<PodResourceClaim>& claims) {
  for (size_t i = 0; i < claims.size(); ++i) {
    const PodResourceClaim& claim = claims[i];
    CheckDnsLabel(errors, path[i] / "name", claim.name);
    constexpr std::string_view kOneOf =
        "one of `resourceClaimName` and `resourceClaimTemplateName` is required";
    if (claim.resource_claim_name && claim.resource_claim_template_name)
      errors.Invalid(
          path[i], claim.name,
          "at most one of `resourceClaimName` and `resourceClaimTemplateName` may be set");
    else if (!claim.resource_claim_name && !claim.resource_claim_template_name)
      errors.Invalid(path[i], claim.name, kOneOf);
    if (claim.resource_claim_name)
      CheckDnsSubdomain(errors, path[i] / "resourceClaimName", *claim.resource_claim_name);
    if (claim.resource_claim_template_name)
      CheckDnsSubdomain(errors, path[i] / "resourceClaimTemplateName",
                        *claim.resource_claim_template_name);
  }
  CheckUnique(errors, path, claims, NameOf<PodResourceClaim>);
}

void CheckTolerations(FieldErrors& errors, const FieldPath& path,
                      const std::vector<Toleration>& tolerations) {
  for (size_t i = 0; i < tolerations.size(); ++i) {
    const Toleration& toleration = tolerations[i];
    if (!toleration.key.empty() && !IsQualifiedName(toleration.key))
      errors.Invalid(path[i] / "key", toleration.key, kWantQualifiedName);
    if (toleration.key.empty() && toleration.op != "Exists")
      errors.Invalid(path[i] / "operator", toleration.op, "must be Exists when the key is empty");
    if (toleration.op == "Exists" && !toleration.value.empty())
      errors.Invalid(path[i] / "operator", toleration.value,
                     "the value must be empty when the operator is Exists");
    if (!toleration.op.empty())
      errors.OneOf(path[i] / "operator", toleration.op, {"Equal", "Exists"});
    if (!toleration.effect.empty())
      errors.OneOf(path[i] / "effect", toleration.effect,
                   {"NoSchedule", "PreferNoSchedule", "NoExecute"});
    if (toleration.toleration_seconds && toleration.effect != "NoExecute")
      errors.Invalid(path[i] / "effect", toleration.effect,
                     "must be NoExecute when tolerationSeconds is set");
  }
}

void CheckPodSpec(FieldErrors& errors, const FieldPath& path, const PodSpec& spec) {
  CheckVolumes(errors, path / "volumes", spec.volumes);
  CheckPodClaims(errors, path / "resourceClaims", spec.resource_claims);
  std::set<std::string_view> names;
  if (spec.containers.empty()) errors.Required(path / "containers");
  CheckContainers(errors, path / "containers", spec.containers, false, spec, names);
  CheckContainers(errors, path / "initContainers", spec.init_containers, true, spec, names);
  if (!spec.restart_policy.empty())
    errors.OneOf(path / "restartPolicy", spec.restart_policy, {"Always", "OnFailure", "Never"});
  if (spec.termination_grace_period_seconds && *spec.termination_grace_period_seconds < 0)
    errors.Invalid(path / "terminationGracePeriodSeconds", *spec.termination_grace_period_seconds,
                   "must be greater than or equal to 0");
  if (spec.active_deadline_seconds && *spec.active_deadline_seconds < 1)
    errors.Invalid(path / "activeDeadlineSeconds", *spec.active_deadline_seconds,
                   "must be greater than 0");
  if (!spec.node_name.empty() && !IsDnsSubdomain(spec.node_name))
    errors.Invalid(path / "nodeName", spec.node_name, kWantDnsSubdomain);
  CheckLabels(errors, path / "nodeSelector", spec.node_selector);
  if (spec.affinity && spec.affinity->node_affinity && spec.affinity->node_affinity->required)
    CheckNodeSelector(
        errors,
        path / "affinity" / "nodeAffinity" / "requiredDuringSchedulingIgnoredDuringExecution",
        *spec.affinity->node_affinity->required);
  CheckTolerations(errors, path / "tolerations", spec.tolerations);
  CheckUnique(errors, path / "schedulingGates", spec.scheduling_gates, NameOf<PodSchedulingGate>);
  if (!spec.node_name.empty() && !spec.scheduling_gates.empty())
    errors.Forbidden(path / "nodeName", "a Pod with scheduling gates cannot be bound");
}

}  // namespace

Status ValidatePod(const Pod& pod) {
  FieldErrors errors;
  CheckMeta(errors, pod.metadata, KindOf<Pod>::value);
  CheckPodSpec(errors, FieldPath("spec"), pod.spec);
  return errors.For(KindOf<Pod>::value, pod.metadata);
}

Status ValidatePodUpdate(const Pod& updated, const Pod& old) {
  FieldErrors errors;
  FieldPath path("spec");
  CheckMetaUpdate(errors, updated.metadata, old.metadata, KindOf<Pod>::value);
  CheckPodSpec(errors, path, updated.spec);

  // What may change is taken over from `old` in a copy; anything left that differs is a forbidden
  // change.
  PodSpec rest = updated.spec;
  auto same_images = [](std::vector<Container>& containers, const std::vector<Container>& before) {
    for (size_t i = 0; i < containers.size() && containers.size() == before.size(); ++i)
      containers[i].image = before[i].image;
  };
  same_images(rest.containers, old.spec.containers);
  same_images(rest.init_containers, old.spec.init_containers);

  const auto& deadline = rest.active_deadline_seconds;
  const auto& old_deadline = old.spec.active_deadline_seconds;
  if (deadline != old_deadline) {
    if (!deadline || (old_deadline && *deadline > *old_deadline))
      errors.Invalid(path / "activeDeadlineSeconds", deadline.value_or(0),
                     "may be set or lowered, not removed or raised");
    rest.active_deadline_seconds = old_deadline;
  }
  for (const Toleration& toleration : old.spec.tolerations) {
    if (std::ranges::find(rest.tolerations, toleration) == rest.tolerations.end()) {
      errors.Forbidden(path / "tolerations",
                       "existing tolerations cannot be changed, only new ones added");
      break;
    }
  }
  rest.tolerations = old.spec.tolerations;
  for (const PodSchedulingGate& gate : rest.scheduling_gates)
    if (std::ranges::find(old.spec.scheduling_gates, gate) == old.spec.scheduling_gates.end())
      errors.Forbidden(path / "schedulingGates",
                       "gates can be removed, not added: \"" + gate.name + "\"");
  if (!old.spec.scheduling_gates.empty())
    rest.node_selector = old.spec.node_selector;  // a gated Pod may be narrowed
  rest.scheduling_gates = old.spec.scheduling_gates;
  if (rest != old.spec)
    errors.Forbidden(path,
                     "a Pod's spec may change only in container images, activeDeadlineSeconds, "
                     "tolerations (added) "
                     "and schedulingGates (removed)");
  return errors.For(KindOf<Pod>::value, updated.metadata);
}

}  // namespace dray::api
