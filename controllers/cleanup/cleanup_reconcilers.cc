// Life of a claim, stop 8 of 8: release. What the pipeline made and nobody uses any more goes away.
#include "controllers/cleanup/cleanup_reconcilers.h"

#include "controllers/webhook/admission_webhook.h"
#include "dray/api/admission.h"
#include "dray/base/duration.h"
#include "dray/base/log.h"

namespace dray::controllers {
namespace {

constexpr char kDeleted[] = "dray_cleanup_deleted_total";
constexpr char kDeletedHelp[] = "Objects deleted by the cleanup, by kind.";

bool Ours(const api::ObjectMeta& metadata) {
  auto label = metadata.labels.find(std::string(admission::kManagedByLabel));
  return label != metadata.labels.end() && label->second == admission::kManagedBy;
}

WallTime CreatedAt(const api::ObjectMeta& metadata) {
  return metadata.creation_timestamp ? WallTime(*metadata.creation_timestamp) : WallTime();
}

template <api::ApiObject T>
Result<runtime::Requeue> DeleteExactly(const Context& ctx, const CleanupOptions& options, const T& object,
                                       const std::string& why) {
  const std::string kind(api::KindOf<T>::value.kind);
  const std::string name = api::KeyOf(object).ToString();
  if (options.dry_run) {
    LOG(INFO) << "cleanup: would delete " << kind << " " << name << ": " << why;
    return runtime::Requeue{};
  }
  if (Duration wait = options.budget->Take(ctx.clock().Steady()); wait > Duration::zero()) {
    LOG(WARNING) << "cleanup: " << kind << " " << name << " waits: too many deletions in the last minute";
    return runtime::Requeue{wait};
  }
  runtime::DeleteOptions exactly;
  exactly.uid = object.metadata.uid;
  exactly.resource_version = object.metadata.resource_version;
  Status deleted = options.client.Delete<T>(ctx, api::KeyOf(object), exactly);
  if (deleted.ok()) {
    LOG(INFO) << "cleanup: deleted " << kind << " " << name << ": " << why;
    options.metrics->Add(kDeleted, kDeletedHelp, {{"kind", kind}});
  }
  // Gone already, or (a conflict) changed since: then its event brings the key back.
  if (deleted.ok() || deleted.Is(Reason::kConflict) || deleted.Is(Reason::kNotFound)) return runtime::Requeue{};
  return deleted;
}

}  // namespace

Duration DeletionBudget::Take(SteadyTime now) {
  return left_.With([&](State& state) {
    if (state.as_of)
      state.left = std::min(per_minute_, state.left + per_minute_ * std::chrono::duration<double, std::ratio<60>>(now - *state.as_of).count());
    state.as_of = now;
    if (state.left >= 1) {
      state.left -= 1;
      return Duration::zero();
    }
    return std::chrono::ceil<Duration>(std::chrono::duration<double, std::ratio<60>>((1 - state.left) / per_minute_));
  });
}

std::vector<std::string> TemplatesOfPod(const api::Pod& pod) {
  std::vector<std::string> keys;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
    if (entry.resource_claim_template_name)
      keys.push_back(pod.metadata.namespace_ + "/" + *entry.resource_claim_template_name);
  return keys;
}

TemplateCleanup::TemplateCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaimTemplate>* templates)
    : options_(std::move(options)), templates_(templates) {
  options_.metrics->Add(kDeleted, kDeletedHelp, {{"kind", "ResourceClaimTemplate"}}, 0);
}

Result<runtime::Requeue> TemplateCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto found = templates_->Get(key);
  if (found == nullptr || found->metadata.deletion_timestamp || !Ours(found->metadata)) return runtime::Requeue{};
  // A Pod that goes away enqueues its templates again.
  if (!options_.pods->By("template", key.ToString()).empty()) return runtime::Requeue{};

  const WallTime now = ctx.clock().Now();
  const Duration age = now - LastUsed(*found, now, options_.grace);
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  return DeleteExactly(ctx, options_, *found,
                       "no Pod names it, last handed out more than " + FormatDuration(options_.grace) + " ago");
}

ClaimCleanup::ClaimCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaim>* claims)
    : options_(std::move(options)), claims_(claims) {
  options_.metrics->Add(kDeleted, kDeletedHelp, {{"kind", "ResourceClaim"}}, 0);
}

Result<runtime::Requeue> ClaimCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto claim = claims_->Get(key);
  if (claim == nullptr || claim->metadata.deletion_timestamp || !Ours(claim->metadata)) return runtime::Requeue{};
  const api::OwnerReference* owner = api::ControllerOf(claim->metadata);
  if (owner == nullptr || owner->kind != "Pod" || owner->api_version != "v1" || !claim->status.reserved_for.empty()) return runtime::Requeue{};
  auto alive = options_.pods->Get({key.namespace_, owner->name});
  if (alive != nullptr && alive->metadata.uid == owner->uid) return runtime::Requeue{};
  // The cache of Pods may lag behind that of claims: only what is older than the grace age is an orphan for sure.
  const Duration age = ctx.clock().Now() - CreatedAt(claim->metadata);
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  Result<api::Pod> live = options_.client.Get<api::Pod>(ctx, {key.namespace_, owner->name});
  if (!live.ok() && !live.Is(Reason::kNotFound)) return live.status();
  if (live.ok() && live->metadata.uid == owner->uid) return runtime::Requeue{};
  return DeleteExactly(ctx, options_, *claim, "its Pod " + owner->name + " is gone");
}

}  // namespace dray::controllers
