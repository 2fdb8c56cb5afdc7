#include "devcluster/workloads/garbage_collector.h"

#include <nlohmann/json.hpp>

#include "dray/base/log.h"

namespace dray::devcluster {
namespace {

constexpr char kForeground[] = "foregroundDeletion";
constexpr char kOrphan[] = "orphan";

bool HasFinalizer(const OwnedObject& object, const char* finalizer) {
  const auto& all = object.metadata.finalizers;
  return std::find(all.begin(), all.end(), finalizer) != all.end();
}

bool BlocksOwner(const OwnedObject& object, const std::string& owner_uid) {
  for (const api::OwnerReference& owner : object.metadata.owner_references)
    if (owner.uid == owner_uid) return owner.block_owner_deletion.value_or(false);
  return false;
}

}  // namespace

std::vector<std::string> GarbageCollector::Seen(OwnedObject object) {
  // A change may concern the object itself, those below it and an owner that waits for it.
  std::vector<std::string> affected = {object.metadata.uid};
  for (const api::OwnerReference& owner : object.metadata.owner_references)
    affected.push_back(owner.uid);
  graph_.With([&](OwnershipGraph& graph) {
    const bool leaving = object.metadata.deletion_timestamp.has_value();
    if (leaving)
      for (std::string& uid : graph.DependentsOf(object.metadata.uid))
        affected.push_back(std::move(uid));
    graph.Put(std::move(object));
  });
  return affected;
}

std::vector<std::string> GarbageCollector::Gone(const api::ObjectMeta& metadata) {
  std::vector<std::string> affected;
  for (const api::OwnerReference& owner : metadata.owner_references) affected.push_back(owner.uid);
  graph_.With([&](OwnershipGraph& graph) {
    for (std::string& uid : graph.DependentsOf(metadata.uid)) affected.push_back(std::move(uid));
    graph.Remove(metadata.uid);
  });
  return affected;
}

std::vector<OwnedObject> GarbageCollector::Dependents(const std::string& uid) const {
  return graph_.With([&](const OwnershipGraph& graph) {
    std::vector<OwnedObject> dependents;
    for (const std::string& dependent : graph.DependentsOf(uid))
      if (const OwnedObject* found = graph.Find(dependent)) dependents.push_back(*found);
    return dependents;
  });
}

Result<runtime::Requeue> GarbageCollector::Reconcile(const Context& ctx,
                                                     const api::ObjectKey& key) {
  const std::optional<OwnedObject> object = graph_.With([&](const OwnershipGraph& graph) {
    const OwnedObject* found = graph.Find(key.name);
    return found == nullptr ? std::nullopt : std::optional<OwnedObject>(*found);
  });
  if (!object) return runtime::Requeue{};
  if (object->metadata.deletion_timestamp) {
    if (HasFinalizer(*object, kOrphan))
      DRAY_RETURN_IF_ERROR(Orphan(ctx, *object));
    else if (HasFinalizer(*object, kForeground))
      DRAY_RETURN_IF_ERROR(FinishForeground(ctx, *object));
    return runtime::Requeue{};
  }
  if (!object->metadata.owner_references.empty())
    DRAY_RETURN_IF_ERROR(CollectIfOrphaned(ctx, *object));
  return runtime::Requeue{};
}

Result<GarbageCollector::OwnerState> GarbageCollector::StateOf(const Context& ctx,
                                                               const OwnedObject& object,
                                                               const api::OwnerReference& owner) {
  const std::optional<OwnedObject> known = graph_.With([&](const OwnershipGraph& graph) {
    const OwnedObject* found = graph.Find(owner.uid);
    return found == nullptr ? std::nullopt : std::optional<OwnedObject>(*found);
  });
  if (known)
    return known->metadata.deletion_timestamp && HasFinalizer(*known, kForeground)
               ? OwnerState::kWaitsForDependents
               : OwnerState::kThere;
  // Not seen: our cache may lag behind. Only the API can say that the owner is gone.
  for (const api::KindInfo& kind : kinds_) {
    if (kind.kind != owner.kind || kind.ApiVersion() != owner.api_version) continue;
    // A cluster-scoped object can't be owned by one in a namespace: there is no telling which.
    if (kind.namespaced && object.key.namespace_.empty()) return OwnerState::kThere;
    Result<std::string> body =
        client_.GetRaw(ctx, kind, {kind.namespaced ? object.key.namespace_ : "", owner.name});
    if (body.Is(Reason::kNotFound)) return OwnerState::kGone;
    if (!body.ok()) return body.status();
    const Json found = Json::parse(*body, nullptr, false);
    const bool same = found.value(Json::json_pointer("/metadata/uid"), "") == owner.uid;
    return same ? OwnerState::kThere : OwnerState::kGone;
  }
  return OwnerState::kThere;  // an owner of a kind that this cluster does not collect by
}

Status GarbageCollector::CollectIfOrphaned(const Context& ctx, const OwnedObject& object) {
  bool waiting_owner = false;
  for (const api::OwnerReference& owner : object.metadata.owner_references) {
    DRAY_ASSIGN_OR_RETURN(OwnerState state, StateOf(ctx, object, owner));
    if (state == OwnerState::kThere) return {};
    waiting_owner = waiting_owner || state == OwnerState::kWaitsForDependents;
  }
  runtime::DeleteOptions options;
  options.uid = object.metadata.uid;
  // An owner that waits wants to wait for the dependents' dependents too.
  options.propagation_policy =
      waiting_owner && !Dependents(object.metadata.uid).empty() ? "Foreground" : "Background";
  VLOG(1) << "garbage collector: " << object.kind.kind << " " << object.key.ToString()
          << ": no owner is left";
  Status deleted = client_.DeleteRaw(ctx, object.kind, object.key, options);
  return deleted.Is(Reason::kConflict) ? Ok() : IgnoreNotFound(std::move(deleted));
}

Status GarbageCollector::FinishForeground(const Context& ctx, const OwnedObject& owner) {
  bool blocked = false;
  for (const OwnedObject& dependent : Dependents(owner.metadata.uid)) {
    if (!dependent.metadata.deletion_timestamp)
      DRAY_RETURN_IF_ERROR(CollectIfOrphaned(ctx, dependent));
    blocked = blocked || BlocksOwner(dependent, owner.metadata.uid);
  }
  return blocked ? Ok() : DropFinalizer(ctx, owner, kForeground);
}

Status GarbageCollector::Orphan(const Context& ctx, const OwnedObject& owner) {
  for (const OwnedObject& dependent : Dependents(owner.metadata.uid)) {
    const Json patch = {
        {"metadata",
         {{"uid", dependent.metadata.uid},
          {"ownerReferences", {{{"$patch", "delete"}, {"uid", owner.metadata.uid}}}}}}};
    DRAY_RETURN_IF_ERROR(
        IgnoreNotFound(client_
                           .PatchRaw(ctx, dependent.kind, dependent.key,
                                     runtime::PatchType::kStrategic, patch.dump(), {})
                           .status()));
  }
  return DropFinalizer(ctx, owner, kOrphan);
}

Status GarbageCollector::DropFinalizer(const Context& ctx, const OwnedObject& object,
                                       const std::string& finalizer) {
  std::vector<std::string> left = object.metadata.finalizers;
  std::erase(left, finalizer);
  // With the resourceVersion: a finalizer that someone else adds or takes meanwhile is not undone.
  const Json patch = {{"metadata",
                       {{"uid", object.metadata.uid},
                        {"resourceVersion", object.metadata.resource_version},
                        {"finalizers", left.empty() ? Json(nullptr) : Json(left)}}}};
  Status patched =
      client_.PatchRaw(ctx, object.kind, object.key, runtime::PatchType::kMerge, patch.dump(), {})
          .status();
  return patched.Is(Reason::kConflict) ? Ok() : IgnoreNotFound(std::move(patched));
}

}  // namespace dray::devcluster
