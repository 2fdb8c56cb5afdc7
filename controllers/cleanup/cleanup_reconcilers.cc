// Life of a claim, stop 8 of 8: release. What the pipeline made and nobody uses any more goes away.
#include "controllers/cleanup/cleanup_reconcilers.h"

#include <algorithm>

#include "controllers/cleanup/deletion.h"
#include "controllers/webhook/admission_webhook.h"
#include "dray/api/admission.h"
#include "dray/base/duration.h"

namespace dray::controllers {
namespace {

bool Ours(const api::ObjectMeta& metadata) {
  auto label = metadata.labels.find(std::string(admission::kManagedByLabel));
  return label != metadata.labels.end() && label->second == admission::kManagedBy;
}

// The webhook names them "dray-<first 16 of the hash>".
bool NamedByItsHash(const api::ObjectMeta& metadata) {
  auto hash = metadata.annotations.find(std::string(admission::kRequestHashAnnotation));
  return hash != metadata.annotations.end() && hash->second.size() >= 16 &&
         metadata.name == "dray-" + hash->second.substr(0, 16);
}

// By the label that HAMi-DRA sets, or by what its claims have and no others: the name begins with
// the namespace, one request "gpu" of its class, no owner.
bool MadeByHami(const api::ResourceClaim& claim) {
  if (!claim.metadata.owner_references.empty()) return false;
  auto label = claim.metadata.labels.find("hami.io/dra");
  if (label != claim.metadata.labels.end()) return label->second == "true";
  const auto& requests = claim.spec.devices.requests;
  return claim.metadata.name.starts_with(claim.metadata.namespace_ + "-") && requests.size() == 1 &&
         requests[0].name == "gpu" && requests[0].exactly &&
         requests[0].exactly->device_class_name == "hami-core-gpu.project-hami.io";
}

}  // namespace

std::vector<std::string> TemplatesOfPod(const api::Pod& pod) {
  std::vector<std::string> keys;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
    if (entry.resource_claim_template_name)
      keys.push_back(pod.metadata.namespace_ + "/" + *entry.resource_claim_template_name);
  return keys;
}

TemplateCleanup::TemplateCleanup(CleanupOptions options,
                                 const runtime::Lister<api::ResourceClaimTemplate>* templates)
    : options_(std::move(options)), templates_(templates) {
  options_.metrics->Add(kDeleted, kDeletedHelp, {{"kind", "ResourceClaimTemplate"}}, 0);
}

Result<runtime::Requeue> TemplateCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto found = templates_->Get(key);
  if (found == nullptr || found->metadata.deletion_timestamp || !Ours(found->metadata) ||
      !NamedByItsHash(found->metadata)) {
    named_by_.With([&](auto& by) { by.erase(key.ToString()); });
    return runtime::Requeue{};
  }
  // A Pod that goes away enqueues its templates again.
  if (IsNamed(key)) return runtime::Requeue{};

  const WallTime now = ctx.clock().Now();
  const Duration age = now - LastUsed(*found, now, options_.grace);
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  Turn turn(ctx, options_, ToDelete(*found));
  if (auto wait = turn.NotYet()) return *wait;
  return DeleteExactly(
      ctx, options_, turn, *found,
      "no Pod names it, last handed out more than " + FormatDuration(options_.grace) + " ago");
}

bool TemplateCleanup::IsNamed(const api::ObjectKey& key) {
  const std::string name = key.ToString();
  const auto known = named_by_.With([&](const auto& by) {
    auto found = by.find(name);
    return found == by.end() ? std::optional<api::ObjectKey>() : found->second;
  });
  if (known)
    if (const auto pod = options_.pods->Get(*known)) {
      const std::vector<std::string> names = TemplatesOfPod(*pod);
      if (std::find(names.begin(), names.end(), name) != names.end()) return true;
    }
  const auto pods = options_.pods->By("template", name);
  named_by_.With([&](auto& by) {
    if (pods.empty())
      by.erase(name);
    else
      by[name] = api::KeyOf(*pods.front());
  });
  return !pods.empty();
}

ClaimCleanup::ClaimCleanup(CleanupOptions options,
                           const runtime::Lister<api::ResourceClaim>* claims, bool hami)
    : options_(std::move(options)), claims_(claims), hami_(hami) {
  options_.metrics->Add(kDeleted, kDeletedHelp, {{"kind", "ResourceClaim"}}, 0);
}

Result<runtime::Requeue> ClaimCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto claim = claims_->Get(key);
  if (claim == nullptr || claim->metadata.deletion_timestamp) return runtime::Requeue{};
  if (!Ours(claim->metadata)) return hami_ ? ReconcileHami(ctx, *claim) : runtime::Requeue{};
  const api::OwnerReference* owner = api::ControllerOf(claim->metadata);
  if (owner == nullptr || owner->kind != "Pod" || owner->api_version != "v1" ||
      !claim->status.reserved_for.empty())
    return runtime::Requeue{};
  auto alive = options_.pods->Get({key.namespace_, owner->name});
  if (alive != nullptr && alive->metadata.uid == owner->uid) return runtime::Requeue{};
  // The cache of Pods may lag behind that of claims: only what is older than the grace age is an
  // orphan for sure.
  const Duration age = ctx.clock().Now() - CreatedAt(claim->metadata);
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  Turn turn(ctx, options_, ToDelete(*claim));
  if (auto wait = turn.NotYet()) return *wait;
  Result<api::Pod> live = options_.client.Get<api::Pod>(ctx, {key.namespace_, owner->name});
  if (!live.ok() && !live.Is(Reason::kNotFound)) return live.status();
  if (live.ok() && live->metadata.uid == owner->uid) return runtime::Requeue{};
  return DeleteExactly(ctx, options_, turn, *claim, "its Pod " + owner->name + " is gone");
}

// HAMi-DRA's webhook makes "<namespace>-<pod>-<container>" before there is a Pod, and gives it no
// owner.
Result<runtime::Requeue> ClaimCleanup::ReconcileHami(const Context& ctx,
                                                     const api::ResourceClaim& claim) {
  const api::ObjectKey key = api::KeyOf(claim);
  if (!MadeByHami(claim) || !claim.status.reserved_for.empty()) return runtime::Requeue{};
  // A Pod that goes away enqueues its claims again.
  if (!options_.pods->By("claim", key.ToString()).empty()) return runtime::Requeue{};
  const Duration age = ctx.clock().Now() - CreatedAt(claim.metadata);
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  Turn turn(ctx, options_, ToDelete(claim));
  if (auto wait = turn.NotYet()) return *wait;
  runtime::ListOptions there;
  there.namespace_ = key.namespace_;
  DRAY_ASSIGN_OR_RETURN(api::ListOf<api::Pod> live, options_.client.List<api::Pod>(ctx, there));
  for (const api::Pod& pod : live.items)
    for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
      if (entry.resource_claim_name == key.name) return runtime::Requeue{};
  return DeleteExactly(ctx, options_, turn, claim, "made by HAMi-DRA, no Pod names it");
}

}  // namespace dray::controllers
