#include "devcluster/workloads/deployment_reconciler.h"

#include <nlohmann/json.hpp>

#include "devcluster/workloads/owned_pods.h"
#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

constexpr char kRevision[] = "deployment.kubernetes.io/revision";
constexpr char kHashLabel[] = "pod-template-hash";

int64_t RevisionOf(const api::ReplicaSet& set) {
  auto found = set.metadata.annotations.find(kRevision);
  return found == set.metadata.annotations.end() ? 0
                                                 : std::strtoll(found->second.c_str(), nullptr, 10);
}

int Wanted(const api::ReplicaSet& set) {
  return set.spec.replicas.value_or(1);
}

struct Bounds {
  int surge = 0, unavailable = 0;
};

// maxSurge rounds up, maxUnavailable down; both 0 would never move, so one may then be unavailable.
Bounds BoundsOf(const api::Deployment& deployment, int replicas) {
  const api::IntOrString quarter{std::string("25%")};
  api::IntOrString surge = quarter, unavailable = quarter;
  if (deployment.spec.strategy.rolling_update) {
    surge = deployment.spec.strategy.rolling_update->max_surge.value_or(quarter);
    unavailable = deployment.spec.strategy.rolling_update->max_unavailable.value_or(quarter);
  }
  Bounds bounds{ScaledValue(surge, replicas, true), ScaledValue(unavailable, replicas, false)};
  if (bounds.surge == 0 && bounds.unavailable == 0) bounds.unavailable = 1;
  return bounds;
}

api::WorkloadCondition ConditionOf(const char* type, bool holds, const char* reason,
                                   std::string message) {
  api::WorkloadCondition condition;
  condition.type = type;
  condition.status = holds ? "True" : "False";
  condition.reason = reason;
  condition.message = std::move(message);
  condition.last_update_time = api::Time();  // Deployments have one; SetCondition fills it
  return condition;
}

}  // namespace

int ScaledValue(const api::IntOrString& value, int total, bool round_up) {
  if (const auto* number = std::get_if<int64_t>(&value.value)) return static_cast<int>(*number);
  const int percent = std::atoi(std::get<std::string>(value.value).c_str());
  return (total * percent + (round_up ? 99 : 0)) / 100;
}

Result<DeploymentReconciler::Sets> DeploymentReconciler::OwnSets(
    const Context& ctx, const api::Deployment& deployment) {
  runtime::ListOptions options;
  options.namespace_ = deployment.metadata.namespace_;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ReplicaSet> list,
                        client_.List<api::ReplicaSet>(ctx, options));
  Sets own;
  for (api::ReplicaSet& set : list.items) {
    const api::OwnerReference* owner = api::ControllerOf(set.metadata);
    if (owner != nullptr) {
      if (owner->uid == deployment.metadata.uid) own.push_back(std::move(set));
      continue;
    }
    // Left behind by a Deployment that was deleted with --cascade=orphan.
    if (set.metadata.deletion_timestamp ||
        !api::Matches(deployment.spec.selector, set.metadata.labels))
      continue;
    const Json patch = Adoption(
        {"apps/v1", "Deployment", deployment.metadata.name, deployment.metadata.uid, true, true},
        set.metadata.uid);
    Result<api::ReplicaSet> adopted = client_.Patch<api::ReplicaSet>(
        ctx, api::KeyOf(set), runtime::PatchType::kStrategic, patch.dump());
    if (adopted.ok())
      own.push_back(std::move(*adopted));
    else if (!adopted.Is(Reason::kNotFound) && !adopted.Is(Reason::kConflict))
      return adopted.status();
  }
  std::sort(own.begin(), own.end(), [](const api::ReplicaSet& a, const api::ReplicaSet& b) {
    return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
           std::tie(b.metadata.creation_timestamp, b.metadata.name);
  });
  return own;
}

Result<api::ReplicaSet> DeploymentReconciler::MakeNewSet(const Context& ctx,
                                                         const api::Deployment& deployment,
                                                         const std::string& hash,
                                                         const Json& pod_template,
                                                         const Sets& old_sets) {
  int64_t revision = 0;
  int old_replicas = 0;
  for (const api::ReplicaSet& set : old_sets) {
    revision = std::max(revision, RevisionOf(set));
    old_replicas += Wanted(set);
  }
  const int replicas = deployment.spec.replicas.value_or(1);
  int first = replicas;
  if (deployment.spec.strategy.type == "Recreate")
    first = old_sets.empty() ? replicas : 0;  // Roll waits for the old Pods
  else if (old_replicas > 0)
    first = std::clamp(replicas + BoundsOf(deployment, replicas).surge - old_replicas, 0, replicas);

  Json labelled = pod_template;
  labelled["metadata"]["labels"][kHashLabel] = hash;
  Json selector = api::ToJsonValue(deployment.spec.selector);
  selector["matchLabels"][kHashLabel] = hash;
  const Json set = {{"apiVersion", "apps/v1"},
                    {"kind", "ReplicaSet"},
                    {"metadata",
                     {{"name", deployment.metadata.name + "-" + hash},
                      {"labels", labelled["metadata"]["labels"]},
                      {"annotations", {{kRevision, std::to_string(revision + 1)}}},
                      {"ownerReferences",
                       {{{"apiVersion", "apps/v1"},
                         {"kind", "Deployment"},
                         {"name", deployment.metadata.name},
                         {"uid", deployment.metadata.uid},
                         {"controller", true},
                         {"blockOwnerDeletion", true}}}}}},
                    {"spec",
                     {{"replicas", first},
                      {"selector", selector},
                      {"template", labelled},
                      {"minReadySeconds", deployment.spec.min_ready_seconds}}}};
  DRAY_ASSIGN_OR_RETURN(std::string body,
                        client_.CreateRaw(ctx, api::KindOf<api::ReplicaSet>::value,
                                          deployment.metadata.namespace_, set.dump(), false));
  events_.Record(runtime::ReferenceTo(deployment), "Normal", "ScalingReplicaSet",
                 "Scaled up replica set " + deployment.metadata.name + "-" + hash + " from 0 to " +
                     std::to_string(first));
  return api::Decode<api::ReplicaSet>(body);
}

// The set of the present template carries the highest revision (a rollback makes an old set the
// newest), the Deployment the same.
Status DeploymentReconciler::Number(const Context& ctx, const api::Deployment& deployment,
                                    api::ReplicaSet& fresh, const Sets& old_sets) {
  int64_t revision = std::max<int64_t>(RevisionOf(fresh), 1);
  for (const api::ReplicaSet& set : old_sets) revision = std::max(revision, RevisionOf(set) + 1);
  const std::string text = std::to_string(revision);
  const Json patch = {{"metadata", {{"annotations", {{kRevision, text}}}}}};
  if (RevisionOf(fresh) != revision) {
    DRAY_ASSIGN_OR_RETURN(
        fresh, client_.Patch<api::ReplicaSet>(ctx, api::KeyOf(fresh), runtime::PatchType::kMerge,
                                              patch.dump()));
  }
  auto shown = deployment.metadata.annotations.find(kRevision);
  if (shown != deployment.metadata.annotations.end() && shown->second == text) return {};
  return client_
      .Patch<api::Deployment>(ctx, api::KeyOf(deployment), runtime::PatchType::kMerge, patch.dump())
      .status();
}

Status DeploymentReconciler::ScaleSet(const Context& ctx, const api::Deployment& deployment,
                                      api::ReplicaSet& set, int replicas) {
  if (Wanted(set) == replicas) return {};
  const int before = Wanted(set);
  const Json patch = {{"spec", {{"replicas", replicas}}}};
  DRAY_ASSIGN_OR_RETURN(set, client_.Patch<api::ReplicaSet>(
                                 ctx, api::KeyOf(set), runtime::PatchType::kMerge, patch.dump()));
  events_.Record(runtime::ReferenceTo(deployment), "Normal", "ScalingReplicaSet",
                 std::string("Scaled ") + (replicas > before ? "up" : "down") + " replica set " +
                     set.metadata.name + " from " + std::to_string(before) + " to " +
                     std::to_string(replicas));
  return {};
}

Result<bool> DeploymentReconciler::OldPodsRemain(const Context& ctx,
                                                 const api::Deployment& deployment,
                                                 const Sets& old_sets) {
  runtime::ListOptions options;
  options.namespace_ = deployment.metadata.namespace_;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> list, client_.List<api::Pod>(ctx, options));
  for (const api::Pod& pod : list.items) {
    const api::OwnerReference* owner = api::ControllerOf(pod.metadata);
    if (owner == nullptr || pod.status.phase == "Succeeded" || pod.status.phase == "Failed")
      continue;
    for (const api::ReplicaSet& set : old_sets)
      if (set.metadata.uid == owner->uid) return true;
  }
  return false;
}

Status DeploymentReconciler::Roll(const Context& ctx, const api::Deployment& deployment,
                                  api::ReplicaSet& fresh, Sets& old_sets) {
  const int replicas = deployment.spec.replicas.value_or(1);
  if (deployment.spec.strategy.type == "Recreate") {
    for (api::ReplicaSet& set : old_sets) DRAY_RETURN_IF_ERROR(ScaleSet(ctx, deployment, set, 0));
    // Also those that are still ending: they hold their devices to the last.
    DRAY_ASSIGN_OR_RETURN(const bool remain, OldPodsRemain(ctx, deployment, old_sets));
    return remain ? Ok() : ScaleSet(ctx, deployment, fresh, replicas);
  }
  const Bounds bounds = BoundsOf(deployment, replicas);
  int total = Wanted(fresh), available = fresh.status.available_replicas;
  for (const api::ReplicaSet& set : old_sets) {
    total += Wanted(set);
    available += set.status.available_replicas;
  }
  // 1. Up as far as the surge allows; a smaller count applies at once.
  int wanted = Wanted(fresh);
  if (wanted > replicas)
    wanted = replicas;
  else
    wanted = std::clamp(replicas + bounds.surge - total + wanted, wanted, replicas);
  total += wanted - Wanted(fresh);
  DRAY_RETURN_IF_ERROR(ScaleSet(ctx, deployment, fresh, wanted));
  // 2. Down, first what never became available. New replicas on their way count against the room
  // there is.
  const int least = replicas - bounds.unavailable;
  const int room = total - least - (Wanted(fresh) - fresh.status.available_replicas);
  int idle_room = room;
  for (api::ReplicaSet& set : old_sets) {
    const int idle = std::min(Wanted(set) - set.status.available_replicas, idle_room);
    if (idle <= 0) continue;
    idle_room -= idle;
    DRAY_RETURN_IF_ERROR(ScaleSet(ctx, deployment, set, Wanted(set) - idle));
  }
  int may_go = room <= 0 ? 0 : available - least;
  for (api::ReplicaSet& set : old_sets) {
    const int go = std::min(Wanted(set), may_go);
    if (go <= 0) continue;
    may_go -= go;
    DRAY_RETURN_IF_ERROR(ScaleSet(ctx, deployment, set, Wanted(set) - go));
  }
  return {};
}

Status DeploymentReconciler::DropHistory(const Context& ctx, const api::Deployment& deployment,
                                         const Sets& old_sets) {
  std::vector<const api::ReplicaSet*> empty;
  for (const api::ReplicaSet& set : old_sets)
    if (Wanted(set) == 0 && set.status.replicas == 0 && !set.metadata.deletion_timestamp)
      empty.push_back(&set);
  std::sort(empty.begin(), empty.end(),
            [](auto* a, auto* b) { return RevisionOf(*a) > RevisionOf(*b); });
  const size_t keep =
      static_cast<size_t>(std::max(0, deployment.spec.revision_history_limit.value_or(10)));
  for (size_t i = keep; i < empty.size(); ++i)
    DRAY_RETURN_IF_ERROR(
        IgnoreNotFound(client_.Delete<api::ReplicaSet>(ctx, api::KeyOf(*empty[i]))));
  return {};
}

Status DeploymentReconciler::ReportStatus(const Context& ctx, const api::Deployment& deployment,
                                          const api::ReplicaSet& fresh, const Sets& old_sets) {
  const int replicas = deployment.spec.replicas.value_or(1);
  api::DeploymentStatus status = deployment.status;
  status.observed_generation = deployment.metadata.generation;
  status.replicas = status.updated_replicas = fresh.status.replicas;
  status.ready_replicas = fresh.status.ready_replicas;
  status.available_replicas = fresh.status.available_replicas;
  for (const api::ReplicaSet& set : old_sets) {
    status.replicas += set.status.replicas;
    status.ready_replicas += set.status.ready_replicas;
    status.available_replicas += set.status.available_replicas;
  }
  status.unavailable_replicas =
      std::max(0, std::max(status.replicas, replicas) - status.available_replicas);

  const api::Time now = api::ToTime(ctx.clock().Now());
  const bool available =
      status.available_replicas >= replicas - BoundsOf(deployment, replicas).unavailable;
  SetCondition(status.conditions,
               ConditionOf("Available", available,
                           available ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                           available ? "Deployment has minimum availability."
                                     : "Deployment does not have minimum availability."),
               now);
  const bool complete = status.updated_replicas == replicas && status.replicas == replicas &&
                        status.available_replicas >= replicas;
  SetCondition(
      status.conditions,
      ConditionOf("Progressing", true, complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
                  "ReplicaSet \"" + fresh.metadata.name + "\" " +
                      (complete ? "has successfully progressed." : "is progressing.")),
      now);
  return PatchStatus(ctx, client_, api::KindOf<api::Deployment>::value, api::KeyOf(deployment),
                     api::ToJsonValue(deployment.status), api::ToJsonValue(status));
}

Result<runtime::Requeue> DeploymentReconciler::Reconcile(const Context& ctx,
                                                         const api::ObjectKey& key) {
  const auto cached = deployments_.Get(key);
  if (cached == nullptr || cached->metadata.deletion_timestamp) return runtime::Requeue{};
  // Untyped for the template, fresh for the decision.
  Result<std::string> body = client_.GetRaw(ctx, api::KindOf<api::Deployment>::value, key);
  if (!body.ok()) {
    if (body.Is(Reason::kNotFound)) return runtime::Requeue{};
    return body.status();
  }
  DRAY_ASSIGN_OR_RETURN(const api::Deployment deployment, api::Decode<api::Deployment>(*body));
  const Json pod_template = Json::parse(*body)["spec"]["template"];
  const std::string hash = TemplateHash(pod_template);

  DRAY_ASSIGN_OR_RETURN(Sets old_sets, OwnSets(ctx, deployment));
  std::optional<api::ReplicaSet> fresh;
  for (size_t i = 0; i < old_sets.size(); ++i) {
    auto label = old_sets[i].metadata.labels.find(kHashLabel);
    if (label == old_sets[i].metadata.labels.end() || label->second != hash) continue;
    fresh = std::move(old_sets[i]);
    old_sets.erase(old_sets.begin() + static_cast<long>(i));
    break;
  }
  if (!fresh) {
    if (deployment.spec.paused) return runtime::Requeue{};
    DRAY_ASSIGN_OR_RETURN(fresh, MakeNewSet(ctx, deployment, hash, pod_template, old_sets));
  }
  if (!deployment.spec.paused) {
    DRAY_RETURN_IF_ERROR(Number(ctx, deployment, *fresh, old_sets));
    DRAY_RETURN_IF_ERROR(Roll(ctx, deployment, *fresh, old_sets));
  } else if (std::all_of(old_sets.begin(), old_sets.end(),
                         [](const api::ReplicaSet& set) { return Wanted(set) == 0; })) {
    // A paused Deployment still scales.
    DRAY_RETURN_IF_ERROR(ScaleSet(ctx, deployment, *fresh, deployment.spec.replicas.value_or(1)));
  }
  DRAY_RETURN_IF_ERROR(DropHistory(ctx, deployment, old_sets));
  DRAY_RETURN_IF_ERROR(ReportStatus(ctx, deployment, *fresh, old_sets));
  return runtime::Requeue{};
}

}  // namespace dray::devcluster
