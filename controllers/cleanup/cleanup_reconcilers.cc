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
Status DeleteExactly(const Context& ctx, const CleanupOptions& options, const T& object, const std::string& why) {
  const std::string kind(api::KindOf<T>::value.kind);
  const std::string name = api::KeyOf(object).ToString();
  if (options.dry_run) {
    LOG(INFO) << "cleanup: would delete " << kind << " " << name << ": " << why;
    return {};
  }
  runtime::DeleteOptions exactly;
  exactly.uid = object.metadata.uid;
  exactly.resource_version = object.metadata.resource_version;
  Status deleted = options.client.Delete<T>(ctx, api::KeyOf(object), exactly);
  if (deleted.ok()) {
    LOG(INFO) << "cleanup: deleted " << kind << " " << name << ": " << why;
    options.metrics->Add(kDeleted, kDeletedHelp, {{"kind", kind}});
  }
  // A conflict means that it changed since: its event brings the key back.
  return deleted.Is(Reason::kConflict) ? Ok() : IgnoreNotFound(std::move(deleted));
}

}  // namespace

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

  WallTime used = CreatedAt(found->metadata);
  if (auto stamp = found->metadata.annotations.find(std::string(kLastUsedAnnotation));
      stamp != found->metadata.annotations.end())
    if (Result<WallTime> parsed = api::ParseTime(stamp->second); parsed.ok()) used = std::max(used, *parsed);
  const Duration age = ctx.clock().Now() - used;
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  DRAY_RETURN_IF_ERROR(DeleteExactly(ctx, options_, *found, "no Pod has named it for " + FormatDuration(options_.grace)));
  return runtime::Requeue{};
}

ClaimCleanup::ClaimCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaim>* claims)
    : options_(std::move(options)), claims_(claims) {
  options_.metrics->Add(kDeleted, kDeletedHelp, {{"kind", "ResourceClaim"}}, 0);
}

Result<runtime::Requeue> ClaimCleanup::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto claim = claims_->Get(key);
  if (claim == nullptr || claim->metadata.deletion_timestamp || !Ours(claim->metadata)) return runtime::Requeue{};
  const api::OwnerReference* owner = api::ControllerOf(claim->metadata);
  if (owner == nullptr || owner->kind != "Pod" || !claim->status.reserved_for.empty()) return runtime::Requeue{};
  auto alive = options_.pods->Get({key.namespace_, owner->name});
  if (alive != nullptr && alive->metadata.uid == owner->uid) return runtime::Requeue{};
  // The cache of Pods may lag behind that of claims: only what is older than the grace age is an orphan for sure.
  const Duration age = ctx.clock().Now() - CreatedAt(claim->metadata);
  if (age < options_.grace) return runtime::Requeue{options_.grace - age};
  Result<api::Pod> live = options_.client.Get<api::Pod>(ctx, {key.namespace_, owner->name});
  if (!live.ok() && !live.Is(Reason::kNotFound)) return live.status();
  if (live.ok() && live->metadata.uid == owner->uid) return runtime::Requeue{};
  DRAY_RETURN_IF_ERROR(DeleteExactly(ctx, options_, *claim, "its Pod " + owner->name + " is gone"));
  return runtime::Requeue{};
}

}  // namespace dray::controllers
