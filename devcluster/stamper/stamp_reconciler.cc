// Life of a claim, stop 2 of 8: stamp. The effect: a claim owned by the Pod, its name in the Pod's
// status.
#include "devcluster/stamper/stamp_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/api/claims.h"
#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

constexpr char kFieldManager[] = "ResourceClaimController";  // as kube-controller-manager's

}  // namespace

bool StampReconciler::MayHaveClaims(const api::Pod& pod) {
  const bool tried = tried_.With([&](auto& pods) {
    std::string& uid = pods[api::KeyOf(pod)];
    return std::exchange(uid, pod.metadata.uid) == pod.metadata.uid;
  });
  // Times of creation are whole seconds.
  return tried || !pod.metadata.creation_timestamp ||
         *pod.metadata.creation_timestamp <= api::ToTime(started_);
}

Result<std::optional<std::string>> StampReconciler::FindClaim(const Context& ctx,
                                                              const api::Pod& pod,
                                                              const api::PodResourceClaim& entry) {
  // A list from the server, not from a cache: a claim that was made a moment ago must not be made
  // twice.
  runtime::ListOptions options;
  options.namespace_ = pod.metadata.namespace_;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ResourceClaim> claims,
                        client_.List<api::ResourceClaim>(ctx, options));
  for (const api::ResourceClaim& claim : claims.items) {
    auto mark = claim.metadata.annotations.find(std::string(api::kPodClaimNameAnnotation));
    if (claims::OwnedBy(claim, pod) && mark != claim.metadata.annotations.end() &&
        mark->second == entry.name && !claim.metadata.deletion_timestamp)
      return std::optional(claim.metadata.name);
  }
  return std::optional<std::string>();
}

Result<std::string> StampReconciler::MakeClaim(const Context& ctx, const api::Pod& pod,
                                               const api::PodResourceClaim& entry) {
  const api::ObjectKey key{pod.metadata.namespace_, *entry.resource_claim_template_name};
  auto cached = templates_.Get(key);
  Result<api::ResourceClaimTemplate> claim_template =
      cached != nullptr ? *cached : client_.Get<api::ResourceClaimTemplate>(ctx, key);
  if (!claim_template.ok())
    return claim_template.status().Wrapped("resource claim template \"" + key.name +
                                           "\" of entry " + entry.name);
  DRAY_ASSIGN_OR_RETURN(
      api::ResourceClaim made,
      client_.Create(ctx, claims::ClaimFromTemplate(pod, entry, *claim_template)));
  return made.metadata.name;
}

Status StampReconciler::SayNames(const Context& ctx, const api::Pod& pod,
                                 const std::vector<api::PodResourceClaimStatus>& names) {
  Json entries = Json::array();
  for (const api::PodResourceClaimStatus& one : names) {
    Json entry = {{"name", one.name}};
    if (one.resource_claim_name) entry["resourceClaimName"] = *one.resource_claim_name;
    entries.push_back(std::move(entry));
  }
  const Json applied = {{"apiVersion", "v1"},
                        {"kind", "Pod"},
                        {"metadata",
                         {{"name", pod.metadata.name},
                          {"namespace", pod.metadata.namespace_},
                          {"uid", pod.metadata.uid}}},
                        {"status", {{"resourceClaimStatuses", std::move(entries)}}}};
  runtime::PatchOptions options;
  options.subresource = "status";
  options.field_manager = kFieldManager;
  options.force = true;
  return client_
      .Patch<api::Pod>(ctx, api::KeyOf(pod), runtime::PatchType::kApply, applied.dump(), options)
      .status();
}

// Someone else than the scheduler bound the Pod: its allocated claims still need the reservation.
Status StampReconciler::ReserveForBound(const Context& ctx, const api::Pod& pod) {
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    const std::optional<std::string> name = claims::ClaimNameFor(pod, entry);
    if (!name || name->empty()) continue;
    if (auto cached = claims_.Get({pod.metadata.namespace_, *name});
        cached != nullptr && claims::ReservedFor(*cached, pod))
      continue;
    Result<api::ResourceClaim> claim =
        client_.Get<api::ResourceClaim>(ctx, {pod.metadata.namespace_, *name});
    if (claim.Is(Reason::kNotFound)) continue;
    if (!claim.ok()) return claim.status();
    if (!claim->status.allocation || claims::ReservedFor(*claim, pod) ||
        claim->metadata.deletion_timestamp)
      continue;
    const Json patch = {
        {"metadata",
         {{"uid", claim->metadata.uid}, {"resourceVersion", claim->metadata.resource_version}}},
        {"status",
         {{"reservedFor",
           {{{"resource", "pods"}, {"name", pod.metadata.name}, {"uid", pod.metadata.uid}}}}}}};
    runtime::PatchOptions options;
    options.subresource = "status";
    options.field_manager = kFieldManager;
    DRAY_RETURN_IF_ERROR(client_
                             .Patch<api::ResourceClaim>(ctx, api::KeyOf(*claim),
                                                        runtime::PatchType::kStrategic,
                                                        patch.dump(), options)
                             .status());
  }
  return {};
}

bool StampReconciler::LacksClaim(const api::Pod& pod) const {
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    if (!entry.resource_claim_template_name) continue;
    const std::optional<std::string> name = claims::ClaimNameFor(pod, entry);
    if (!name || (!name->empty() && claims_.Get({pod.metadata.namespace_, *name}) == nullptr))
      return true;
  }
  return false;
}

Result<bool> StampReconciler::Exists(const Context& ctx, const api::ObjectKey& claim) const {
  if (claims_.Get(claim) != nullptr) return true;
  Status found = client_.Get<api::ResourceClaim>(ctx, claim).status();
  if (!found.ok() && !found.Is(Reason::kNotFound)) return found;
  return found.ok();
}

Status StampReconciler::Stamp(const Context& ctx, const api::Pod& pod) {
  std::vector<api::PodResourceClaimStatus> names;
  bool news = false;
  // A list of all claims for each of many Pods is what this saves, not a request.
  const bool look = MayHaveClaims(pod);
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    if (!entry.resource_claim_template_name) continue;
    std::optional<std::string> name = claims::ClaimNameFor(pod, entry);
    if (name && !name->empty()) {
      DRAY_ASSIGN_OR_RETURN(const bool exists, Exists(ctx, {pod.metadata.namespace_, *name}));
      if (!exists) name.reset();
    }
    if (!name) {
      if (look) {
        DRAY_ASSIGN_OR_RETURN(name, FindClaim(ctx, pod, entry));
        news = news || name;
      }
    }
    if (!name) {
      Result<std::string> made = MakeClaim(ctx, pod, entry);
      if (!made.ok()) {
        events_.Record(runtime::ReferenceTo(pod), "Warning", "FailedResourceClaimCreation",
                       "PodResourceClaim " + entry.name + ": " + made.status().message());
        return made.status();
      }
      name = std::move(*made);
      news = true;
    }
    names.push_back({entry.name, name->empty() ? std::nullopt : name});
  }
  return news ? IgnoreNotFound(SayNames(ctx, pod, names)) : Ok();
}

Result<runtime::Requeue> StampReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto pod = pods_.Get(key);
  if (pod == nullptr || pod->metadata.deletion_timestamp || claims::Done(*pod)) {
    tried_.With([&](auto& pods) { pods.erase(key); });
    return runtime::Requeue{};
  }
  if (LacksClaim(*pod)) {
    // By the server's word: the cache of Pods may lag behind that of claims, and a claim for a Pod
    // that is over or gone would only have to be taken away again.
    Result<api::Pod> live = client_.Get<api::Pod>(ctx, key);
    if (live.Is(Reason::kNotFound)) return runtime::Requeue{};
    if (!live.ok()) return live.status();
    if (live->metadata.uid != pod->metadata.uid || live->metadata.deletion_timestamp ||
        claims::Done(*live))
      return runtime::Requeue{};  // the cache will say so, and bring the key back
    DRAY_RETURN_IF_ERROR(Stamp(ctx, *live));
  }
  if (!pod->spec.node_name.empty()) DRAY_RETURN_IF_ERROR(ReserveForBound(ctx, *pod));
  return runtime::Requeue{};
}

}  // namespace dray::devcluster
