// Life of a claim, stop 4 of 8: report. Level based: everything is derived again from the objects.
#include "controllers/resourceclaim/resourceclaim_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/api/alloc.h"

namespace dray::controllers {
namespace {

constexpr char kClaims[] = "dray_resourceclaims";
constexpr char kClaimsHelp[] = "ResourceClaims by where they stand.";
constexpr char kFieldManager[] = "dray-controller-manager";

constexpr claims::Standing kStandings[] = {
    claims::Standing::kWaitingForClaim, claims::Standing::kPending,  claims::Standing::kAllocated,
    claims::Standing::kReserved,        claims::Standing::kPrepared, claims::Standing::kRunning,
    claims::Standing::kReleasing};

}  // namespace

std::vector<std::string> ClaimsOfPod(const api::Pod& pod) {
  std::vector<std::string> keys;
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
    if (auto name = claims::ClaimNameFor(pod, entry); name && !name->empty())
      keys.push_back(pod.metadata.namespace_ + "/" + *name);
  if (pod.status.extended_resource_claim_status)
    keys.push_back(pod.metadata.namespace_ + "/" + pod.status.extended_resource_claim_status->resource_claim_name);
  return keys;
}

ResourceClaimReconciler::ResourceClaimReconciler(Options options) : options_(std::move(options)) {
  for (claims::Standing standing : kStandings)
    options_.metrics->Set(kClaims, kClaimsHelp, {{"standing", std::string(claims::StandingName(standing))}}, 0);
}

Result<runtime::Requeue> ResourceClaimReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto claim = options_.claims->Get(key);
  if (claim == nullptr) {
    CountStanding(key, std::nullopt);
    return runtime::Requeue{};
  }
  const auto pods = options_.pods->By("claim", key.ToString());
  claims::ClaimView view{claim.get(), {}};
  for (const auto& pod : pods) view.pods.push_back(pod.get());

  const claims::Standing standing = claims::StandingOf(view);
  CountStanding(key, standing);
  if (standing == claims::Standing::kPending) ReportPending(ctx, view);
  if (claim->status.allocation) DRAY_RETURN_IF_ERROR(ReportDevices(ctx, view));
  return runtime::Requeue{};
}

void ResourceClaimReconciler::CountStanding(const api::ObjectKey& key, std::optional<claims::Standing> standing) {
  std::map<claims::Standing, double> totals;
  known_.With([&](auto& known) {
    if (standing) {
      Known& one = known[key];
      one.standing = standing;
      if (*standing != claims::Standing::kPending) one.reason.clear();
    } else {
      known.erase(key);
    }
    for (const auto& [unused, one] : known)
      if (one.standing) ++totals[*one.standing];
  });
  for (claims::Standing each : kStandings)
    options_.metrics->Set(kClaims, kClaimsHelp, {{"standing", std::string(claims::StandingName(each))}}, totals[each]);
}

void ResourceClaimReconciler::ReportPending(const Context& ctx, const claims::ClaimView& view) {
  // Only a Pod that waits makes an unallocated claim worth explaining.
  std::vector<const api::Pod*> waiting;
  for (const api::Pod* pod : view.pods)
    if (pod->spec.node_name.empty() && !claims::Done(*pod) && !pod->metadata.deletion_timestamp) waiting.push_back(pod);
  if (waiting.empty()) return;

  alloc::Snapshot::Input input;
  input.slices = options_.slices->List();
  input.classes = options_.classes->List();
  for (const auto& claim : options_.claims->List())
    if (claim->status.allocation) input.allocated.push_back(claim);
  const alloc::Snapshot snapshot(std::move(input));
  alloc::Options how;
  how.stop = ctx.stop();
  how.reasons = true;
  how.max_steps = 100'000;
  how.new_share_id = [] { return std::string("00000000-0000-4000-8000-000000000000"); };  // never written
  std::vector<alloc::NodeAnswer> answers;
  const api::ResourceClaim* const wanted[] = {view.claim};
  for (const auto& node : options_.nodes->List()) {
    answers.push_back(alloc::Allocate(snapshot, *node, wanted, how));
    // It fits here: the scheduler just has not come round yet, or waits for something else.
    if (answers.back().outcome == alloc::Outcome::kAllocated) return;
  }
  const std::string reason = alloc::Summarize(answers);
  const bool news = known_.With([&](auto& known) {
    Known& one = known[api::KeyOf(*view.claim)];
    const bool changed = one.reason != reason;
    one.reason = reason;
    return changed;
  });
  if (!news) return;
  options_.events->Record(runtime::ReferenceTo(*view.claim), "Warning", "DevicesUnavailable", reason);
  for (const api::Pod* pod : waiting)
    options_.events->Record(runtime::ReferenceTo(*pod), "Warning", "DevicesUnavailable",
                            "claim " + view.claim->metadata.name + ": " + reason);
}

Status ResourceClaimReconciler::ReportDevices(const Context& ctx, const claims::ClaimView& view) {
  const claims::DeviceReport report = claims::ReportDevices(view, api::ToTime(ctx.clock().Now()));
  if (!report.changed) return {};
  // Apply with our own field manager: only our condition types are ours, what the driver wrote stays the driver's.
  Json devices = Json::array();
  for (const api::AllocatedDeviceStatus& device : report.devices) {
    Json conditions = Json::array();
    for (const api::Condition& condition : device.conditions)
      if (condition.type.starts_with(claims::kConditionPrefix)) conditions.push_back(api::ToJsonValue(condition));
    if (conditions.empty()) continue;
    Json entry = {{"driver", device.driver}, {"pool", device.pool}, {"device", device.device},
                  {"conditions", std::move(conditions)}};
    if (device.share_id) entry["shareID"] = *device.share_id;
    devices.push_back(std::move(entry));
  }
  const Json applied = {{"apiVersion", "resource.k8s.io/v1"},
                        {"kind", "ResourceClaim"},
                        {"metadata", {{"name", view.claim->metadata.name},
                                      {"namespace", view.claim->metadata.namespace_},
                                      {"uid", view.claim->metadata.uid}}},
                        {"status", {{"devices", std::move(devices)}}}};
  runtime::PatchOptions options;
  options.subresource = "status";
  options.field_manager = kFieldManager;
  options.force = true;  // the condition types carry our name
  Status applied_status = options_.client
                              .Patch<api::ResourceClaim>(ctx, api::KeyOf(*view.claim), runtime::PatchType::kApply,
                                                         applied.dump(), options)
                              .status();
  return IgnoreNotFound(std::move(applied_status));
}

}  // namespace dray::controllers
