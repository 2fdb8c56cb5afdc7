#include "devcluster/workloads/replicaset_reconciler.h"

#include <nlohmann/json.hpp>

#include "devcluster/workloads/owned_pods.h"
#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

// Which Pods go first: those that do the least (kube-controller-manager's ranking, shortened to what differs here).
bool GoesFirst(const api::Pod& a, const api::Pod& b) {
  if (a.spec.node_name.empty() != b.spec.node_name.empty()) return a.spec.node_name.empty();
  if (Ready(a) != Ready(b)) return !Ready(a);
  return a.metadata.creation_timestamp > b.metadata.creation_timestamp;
}

}  // namespace

Result<std::vector<api::Pod>> ReplicaSetReconciler::OwnPods(const Context& ctx, const api::ReplicaSet& set) {
  runtime::ListOptions options;
  options.namespace_ = set.metadata.namespace_;
  options.label_selector = SelectorText(set.spec.selector);
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> list, client_.List<api::Pod>(ctx, options));
  std::vector<api::Pod> own;
  for (api::Pod& pod : list.items) {
    const api::OwnerReference* owner = api::ControllerOf(pod.metadata);
    if (owner == nullptr && Active(pod) && !set.metadata.deletion_timestamp) {
      const Json patch = {{"metadata",
                           {{"uid", pod.metadata.uid},
                            {"ownerReferences", PodFromTemplate(Json::object(), {"apps/v1", "ReplicaSet", set.metadata.name,
                                                                                 set.metadata.uid, true, true})["metadata"]
                                                               ["ownerReferences"]}}}};
      Result<api::Pod> adopted =
          client_.Patch<api::Pod>(ctx, api::KeyOf(pod), runtime::PatchType::kStrategic, patch.dump());
      if (adopted.ok()) own.push_back(std::move(*adopted));
    } else if (owner != nullptr && owner->uid == set.metadata.uid) {
      own.push_back(std::move(pod));
    }
  }
  return own;
}

Status ReplicaSetReconciler::Scale(const Context& ctx, const api::ReplicaSet& set, std::vector<api::Pod>& pods) {
  const int wanted = set.spec.replicas.value_or(1);
  std::vector<api::Pod> active;
  for (const api::Pod& pod : pods)
    if (Active(pod)) active.push_back(pod);
  const int missing = wanted - static_cast<int>(active.size());
  if (missing > 0) {
    // The template untyped: nothing that the user wrote may be lost on the way into the Pod.
    DRAY_ASSIGN_OR_RETURN(std::string body, client_.GetRaw(ctx, api::KindOf<api::ReplicaSet>::value, api::KeyOf(set)));
    const Json document = Json::parse(body);
    const Json pod = PodFromTemplate(document["spec"]["template"],
                                     {"apps/v1", "ReplicaSet", set.metadata.name, set.metadata.uid, true, true});
    for (int i = 0; i < missing; ++i) {
      Result<std::string> made =
          client_.CreateRaw(ctx, api::KindOf<api::Pod>::value, set.metadata.namespace_, pod.dump(), false);
      if (!made.ok()) {
        events_.Record(runtime::ReferenceTo(set), "Warning", "FailedCreate", "Error creating: " + made.status().message());
        return made.status();
      }
      DRAY_ASSIGN_OR_RETURN(api::Pod created, api::Decode<api::Pod>(*made));
      events_.Record(runtime::ReferenceTo(set), "Normal", "SuccessfulCreate", "Created pod: " + created.metadata.name);
      pods.push_back(std::move(created));
    }
  } else if (missing < 0) {
    std::sort(active.begin(), active.end(), GoesFirst);
    for (int i = 0; i < -missing; ++i) {
      runtime::DeleteOptions options;
      options.uid = active[static_cast<size_t>(i)].metadata.uid;
      DRAY_RETURN_IF_ERROR(
          IgnoreNotFound(client_.Delete<api::Pod>(ctx, api::KeyOf(active[static_cast<size_t>(i)]), options)));
      events_.Record(runtime::ReferenceTo(set), "Normal", "SuccessfulDelete",
                     "Deleted pod: " + active[static_cast<size_t>(i)].metadata.name);
      std::erase_if(pods, [&](const api::Pod& pod) { return pod.metadata.uid == *options.uid; });
    }
  }
  return {};
}

Result<runtime::Requeue> ReplicaSetReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto set = sets_.Get(key);
  if (set == nullptr) return runtime::Requeue{};
  DRAY_ASSIGN_OR_RETURN(std::vector<api::Pod> pods, OwnPods(ctx, *set));
  Status scaled;
  if (!set->metadata.deletion_timestamp) scaled = Scale(ctx, *set, pods);

  api::ReplicaSetStatus status = set->status;
  status.observed_generation = set->metadata.generation;
  status.replicas = status.ready_replicas = status.available_replicas = status.fully_labeled_replicas = 0;
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
    status.available_replicas += Ready(pod);
  }
  DRAY_RETURN_IF_ERROR(PatchStatus(ctx, client_, api::KindOf<api::ReplicaSet>::value, key, api::ToJsonValue(set->status),
                                   api::ToJsonValue(status)));
  if (!scaled.ok()) return scaled;
  return runtime::Requeue{};
}

}  // namespace dray::devcluster
