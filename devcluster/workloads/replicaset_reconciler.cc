#include "devcluster/workloads/replicaset_reconciler.h"

#include <nlohmann/json.hpp>

#include "devcluster/workloads/owned_pods.h"
#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

// Which Pods go first: those that do the least; of equals the youngest (kube-controller-manager's
// ranking).
bool GoesFirst(const api::Pod& a, const api::Pod& b) {
  if (a.spec.node_name.empty() != b.spec.node_name.empty()) return a.spec.node_name.empty();
  if (Ready(a) != Ready(b)) return !Ready(a);
  return a.metadata.creation_timestamp > b.metadata.creation_timestamp;
}

}  // namespace

Result<std::vector<api::Pod>> ReplicaSetReconciler::OwnPods(const Context& ctx,
                                                            const api::ReplicaSet& set) {
  runtime::ListOptions options;
  options.namespace_ = set.metadata.namespace_;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> list, client_.List<api::Pod>(ctx, options));
  std::vector<api::Pod> own;
  auto patch = [&](const api::Pod& pod, const Json& change) -> Result<api::Pod> {
    return client_.Patch<api::Pod>(ctx, api::KeyOf(pod), runtime::PatchType::kStrategic,
                                   change.dump());
  };
  // Gone or replaced meanwhile: none of ours.
  auto lost = [](const Status& status) {
    return status.Is(Reason::kNotFound) || status.Is(Reason::kConflict);
  };
  for (api::Pod& pod : list.items) {
    const api::OwnerReference* owner = api::ControllerOf(pod.metadata);
    const bool matches = api::Matches(set.spec.selector, pod.metadata.labels);
    if (owner != nullptr && owner->uid == set.metadata.uid) {
      if (matches || set.metadata.deletion_timestamp) {
        own.push_back(std::move(pod));
        continue;
      }
      // Its labels were changed to take it out of service and look at it: it is its own master from
      // now on.
      Status released =
          patch(pod, {{"metadata",
                       {{"uid", pod.metadata.uid},
                        {"ownerReferences", {{{"$patch", "delete"}, {"uid", set.metadata.uid}}}}}}})
              .status();
      if (!released.ok() && !lost(released)) return released;
    } else if (owner == nullptr && matches && Active(pod) && !set.metadata.deletion_timestamp) {
      Result<api::Pod> adopted = patch(
          pod, Adoption({"apps/v1", "ReplicaSet", set.metadata.name, set.metadata.uid, true, true},
                        pod.metadata.uid));
      if (adopted.ok())
        own.push_back(std::move(*adopted));
      else if (!lost(adopted.status()))
        return adopted.status();
    }
  }
  return own;
}

Status ReplicaSetReconciler::Scale(const Context& ctx, const api::ReplicaSet& set,
                                   std::vector<api::Pod>& pods) {
  const int wanted = set.spec.replicas.value_or(1);
  std::vector<api::Pod> active;
  for (const api::Pod& pod : pods)
    if (Active(pod)) active.push_back(pod);
  const int missing = wanted - static_cast<int>(active.size());
  if (missing > 0) {
    // The template untyped: nothing that the user wrote may be lost on the way into the Pod.
    Result<std::string> body =
        client_.GetRaw(ctx, api::KindOf<api::ReplicaSet>::value, api::KeyOf(set));
    if (!body.ok()) return IgnoreNotFound(body.status());
    const Json document = Json::parse(*body);
    if (document["metadata"]["uid"] != set.metadata.uid) return {};
    const Json pod =
        PodFromTemplate(document["spec"]["template"],
                        {"apps/v1", "ReplicaSet", set.metadata.name, set.metadata.uid, true, true});
    for (int i = 0; i < missing; ++i) {
      Result<std::string> made = client_.CreateRaw(ctx, api::KindOf<api::Pod>::value,
                                                   set.metadata.namespace_, pod.dump(), false);
      if (!made.ok()) {
        events_.Record(runtime::ReferenceTo(set), "Warning", "FailedCreate",
                       "Error creating: " + made.status().message());
        return made.status();
      }
      DRAY_ASSIGN_OR_RETURN(api::Pod created, api::Decode<api::Pod>(*made));
      events_.Record(runtime::ReferenceTo(set), "Normal", "SuccessfulCreate",
                     "Created pod: " + created.metadata.name);
      pods.push_back(std::move(created));
    }
  } else if (missing < 0) {
    std::sort(active.begin(), active.end(), GoesFirst);
    for (int i = 0; i < -missing; ++i) {
      runtime::DeleteOptions options;
      options.uid = active[static_cast<size_t>(i)].metadata.uid;
      DRAY_RETURN_IF_ERROR(IgnoreNotFound(
          client_.Delete<api::Pod>(ctx, api::KeyOf(active[static_cast<size_t>(i)]), options)));
      events_.Record(runtime::ReferenceTo(set), "Normal", "SuccessfulDelete",
                     "Deleted pod: " + active[static_cast<size_t>(i)].metadata.name);
      std::erase_if(pods, [&](const api::Pod& pod) { return pod.metadata.uid == *options.uid; });
    }
  }
  return {};
}

Result<runtime::Requeue> ReplicaSetReconciler::Reconcile(const Context& ctx,
                                                         const api::ObjectKey& key) {
  const auto set = sets_.Get(key);
  if (set == nullptr) return runtime::Requeue{};
  DRAY_ASSIGN_OR_RETURN(std::vector<api::Pod> pods, OwnPods(ctx, *set));
  Status scaled;
  if (!set->metadata.deletion_timestamp) scaled = Scale(ctx, *set, pods);

  runtime::Requeue requeue;
  api::ReplicaSetStatus status = set->status;
  status.observed_generation = set->metadata.generation;
  status.replicas = status.ready_replicas = status.available_replicas =
      status.fully_labeled_replicas = 0;
  for (const api::Pod& pod : pods) {
    if (!Active(pod)) continue;
    ++status.replicas;
    bool labelled = true;
    for (const auto& [name, value] : set->spec.template_.metadata.labels) {
      auto label = pod.metadata.labels.find(name);
      labelled = labelled && label != pod.metadata.labels.end() && label->second == value;
    }
    status.fully_labeled_replicas += labelled;
    status.ready_replicas += Ready(pod);
    if (std::optional<WallTime> from = AvailableFrom(pod, set->spec.min_ready_seconds)) {
      const WallTime now = ctx.clock().Now();
      if (*from <= now)
        ++status.available_replicas;
      else
        requeue.after = std::min<Duration>(*from - now, requeue.after.value_or(*from - now));
    }
  }
  DRAY_RETURN_IF_ERROR(PatchStatus(ctx, client_, api::KindOf<api::ReplicaSet>::value, key,
                                   api::ToJsonValue(set->status), api::ToJsonValue(status)));
  if (!scaled.ok()) return scaled;
  return requeue;
}

}  // namespace dray::devcluster
