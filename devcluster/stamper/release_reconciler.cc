// Life of a claim, stop 8 of 8: release, on the API's side.
#include "devcluster/stamper/release_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/api/claims.h"
#include "dray/api/codec.h"

namespace dray::devcluster {

Result<std::shared_ptr<const api::Pod>> ReleaseReconciler::Find(const Context& ctx,
                                                                const api::ObjectKey& key,
                                                                const std::string& uid) const {
  if (auto cached = pods_.Get(key); cached != nullptr && cached->metadata.uid == uid) return cached;
  // The cache may not have seen the Pod yet: only the server can say that it is gone.
  Result<api::Pod> live = client_.Get<api::Pod>(ctx, key);
  if (live.Is(Reason::kNotFound)) return std::shared_ptr<const api::Pod>();
  if (!live.ok()) return live.status();
  if (live->metadata.uid != uid) return std::shared_ptr<const api::Pod>();
  return std::make_shared<const api::Pod>(std::move(*live));
}

Result<runtime::Requeue> ReleaseReconciler::Reconcile(const Context& ctx,
                                                      const api::ObjectKey& key) {
  const auto claim = claims_.Get(key);
  if (claim == nullptr) return runtime::Requeue{};
  std::map<std::string, std::shared_ptr<const api::Pod>> alive;
  auto look = [&](const std::string& name, const std::string& uid) -> Status {
    DRAY_ASSIGN_OR_RETURN(alive[uid], Find(ctx, {key.namespace_, name}, uid));
    return {};
  };
  for (const api::ResourceClaimConsumerReference& consumer : claim->status.reserved_for)
    if (consumer.api_group.empty() && consumer.resource == "pods")
      DRAY_RETURN_IF_ERROR(look(consumer.name, consumer.uid));
  if (const api::OwnerReference* owner = api::ControllerOf(claim->metadata);
      owner != nullptr && owner->kind == "Pod")
    DRAY_RETURN_IF_ERROR(look(owner->name, owner->uid));
  std::map<std::string, const api::Pod*> pods;
  for (const auto& [uid, pod] : alive)
    if (pod != nullptr) pods[uid] = pod.get();

  const claims::ReleasePlan plan = claims::PlanRelease(*claim, pods);
  const Json meta = {{"uid", claim->metadata.uid},
                     {"resourceVersion", claim->metadata.resource_version}};
  std::string version = claim->metadata.resource_version;
  if (!plan.drop_consumers.empty() || (plan.deallocate && claim->status.allocation)) {
    Json left = Json::array();
    for (const api::ResourceClaimConsumerReference& consumer : claim->status.reserved_for)
      if (std::find(plan.drop_consumers.begin(), plan.drop_consumers.end(), consumer.uid) ==
          plan.drop_consumers.end())
        left.push_back(api::ToJsonValue(consumer));
    Json status = {{"reservedFor", left.empty() ? Json(nullptr) : std::move(left)}};
    if (plan.deallocate) status["allocation"] = status["devices"] = nullptr;
    runtime::PatchOptions options;
    options.subresource = "status";
    options.field_manager = "kube-controller-manager";
    Result<api::ResourceClaim> patched = client_.Patch<api::ResourceClaim>(
        ctx, key, runtime::PatchType::kMerge,
        Json({{"metadata", meta}, {"status", std::move(status)}}).dump(), options);
    if (patched.Is(Reason::kNotFound)) return runtime::Requeue{};
    if (!patched.ok()) return patched.status();
    version = patched->metadata.resource_version;
  }
  if (plan.deallocate) {
    std::vector<std::string> finalizers = claim->metadata.finalizers;
    std::erase(finalizers, std::string(api::kClaimFinalizer));
    const Json patch = {{"metadata",
                         {{"uid", claim->metadata.uid},
                          {"resourceVersion", version},
                          {"finalizers", finalizers.empty() ? Json(nullptr) : Json(finalizers)}}}};
    Result<api::ResourceClaim> patched =
        client_.Patch<api::ResourceClaim>(ctx, key, runtime::PatchType::kMerge, patch.dump());
    if (patched.Is(Reason::kNotFound)) return runtime::Requeue{};
    if (!patched.ok()) return patched.status();
  }
  if (plan.delete_claim) {
    runtime::DeleteOptions options;
    options.uid = claim->metadata.uid;
    DRAY_RETURN_IF_ERROR(IgnoreNotFound(client_.Delete<api::ResourceClaim>(ctx, key, options)));
  }
  return runtime::Requeue{};
}

}  // namespace dray::devcluster
