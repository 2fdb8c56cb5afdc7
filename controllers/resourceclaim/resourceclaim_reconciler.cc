// Life of a claim, stop 4 of 8: report. Level based: everything is derived again from the objects.
#include "controllers/resourceclaim/resourceclaim_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/base/duration.h"

namespace dray::controllers {
namespace {

using claims::Standing;

constexpr char kClaims[] = "dray_resourceclaims";
constexpr char kClaimsHelp[] = "ResourceClaims by where they stand.";
constexpr char kSeconds[] = "dray_resourceclaim_standing_seconds";
constexpr char kSecondsHelp[] = "Time from a claim's creation until it was first seen standing there.";
constexpr char kStuck[] = "dray_resourceclaim_stuck";
constexpr char kStuckHelp[] = "1 for each claim that has stayed too long where it should only pass through.";

constexpr Standing kStandings[] = {Standing::kPending,  Standing::kAllocated, Standing::kReserved,
                                   Standing::kPrepared, Standing::kRunning,   Standing::kReleasing};

runtime::MetricLabels StandingLabel(Standing standing) { return {{"standing", std::string(claims::StandingName(standing))}}; }
runtime::MetricLabels ClaimLabels(const api::ObjectKey& key) { return {{"namespace", key.namespace_}, {"name", key.name}}; }

// Neither bound nor done: an unallocated claim keeps it from running.
bool Waits(const api::Pod& pod) {
  return pod.spec.node_name.empty() && !claims::Done(pod) && !pod.metadata.deletion_timestamp;
}

}  // namespace

ResourceClaimReconciler::ResourceClaimReconciler(Options options)
    : options_(std::move(options)), reasons_(*options_.claims, *options_.slices, *options_.classes, *options_.nodes) {
  for (Standing standing : kStandings) options_.metrics->Set(kClaims, kClaimsHelp, StandingLabel(standing), 0);
}

Result<runtime::Requeue> ResourceClaimReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  const auto claim = options_.claims->Get(key);
  if (claim == nullptr) {
    Forget(key);
    return runtime::Requeue{};
  }
  const auto pods = options_.pods->By("claim", key.ToString());
  claims::ClaimView view{claim.get(), {}};
  std::vector<const api::Pod*> waiting;
  for (const auto& pod : pods) {
    view.pods.push_back(pod.get());
    if (Waits(*pod)) waiting.push_back(pod.get());
  }

  const Standing standing = claims::StandingOf(view);
  Pass(*claim, standing, ctx.clock().Now());
  if (standing == Standing::kPending) ReportPending(ctx, *claim, waiting);
  if (claim->status.allocation) DRAY_RETURN_IF_ERROR(ReportDevices(ctx, view));
  return runtime::Requeue{WatchForStuck(*claim, standing, !waiting.empty(), ctx.clock().Steady())};
}

void ResourceClaimReconciler::Count(Standing standing, int by) {
  int total = totals_.With([&](auto& totals) { return totals[standing] += by; });
  // Until nobody has counted meanwhile: of two workers, the one with the older total may come last.
  for (int shown = total - 1; shown != total;) {
    shown = total;
    options_.metrics->Set(kClaims, kClaimsHelp, StandingLabel(standing), shown);
    total = totals_.With([&](auto& totals) { return totals[standing]; });
  }
}

void ResourceClaimReconciler::Pass(const api::ResourceClaim& claim, Standing standing, WallTime now) {
  const api::ObjectKey key = api::KeyOf(claim);
  const bool replaced = known_.With([&](KnownClaims& known) {
    auto found = known.find(key);
    return found != known.end() && found->second.uid != claim.metadata.uid;
  });
  if (replaced) Forget(key);  // another claim of the same name
  std::optional<Standing> before;
  known_.With([&](KnownClaims& known) {
    auto [found, fresh] = known.try_emplace(key);
    Known& one = found->second;
    if (!fresh) before = one.standing;
    one.uid = claim.metadata.uid;
    one.standing = standing;
    if (before != standing) one.waits_since.reset();
    if (standing != Standing::kPending) one.reason.clear(), one.told.clear();
  });
  if (before == standing) return;
  if (before) Count(*before, -1);
  Count(standing, 1);
  // After a restart, where a claim stands says nothing about when it got there.
  if (before && claim.metadata.creation_timestamp)
    options_.metrics->Observe(kSeconds, kSecondsHelp, StandingLabel(standing),
                              std::chrono::duration<double>(now - WallTime(*claim.metadata.creation_timestamp)).count());
}

void ResourceClaimReconciler::Forget(const api::ObjectKey& key) {
  std::optional<Standing> before;
  known_.With([&](KnownClaims& known) {
    auto found = known.find(key);
    if (found == known.end()) return;
    before = found->second.standing;
    known.erase(found);
  });
  if (before) Count(*before, -1);
  options_.metrics->Remove(kStuck, ClaimLabels(key));
}

std::optional<Duration> ResourceClaimReconciler::WatchForStuck(const api::ResourceClaim& claim, Standing standing, bool waits,
                                                               SteadyTime now) {
  const api::ObjectKey key = api::KeyOf(claim);
  const bool passing = (standing == Standing::kPending && waits) || standing == Standing::kReserved ||
                       standing == Standing::kReleasing;
  bool said = false, news = false, over = false;
  std::optional<Duration> left;
  known_.With([&](KnownClaims& known) {
    Known& one = known[key];
    said = one.stuck;
    if (!passing) {
      one.waits_since.reset();
    } else {
      if (!one.waits_since) one.waits_since = now;
      over = now - *one.waits_since >= options_.stuck_after;
      if (!over) left = options_.stuck_after - (now - *one.waits_since);
    }
    news = over && !one.stuck;
    one.stuck = over;
  });
  if (said && !over) options_.metrics->Remove(kStuck, ClaimLabels(key));
  if (news) {
    options_.metrics->Set(kStuck, kStuckHelp, ClaimLabels(key), 1);
    options_.events->Record(runtime::ReferenceTo(claim), "Warning", "Stuck",
                            "has been " + std::string(claims::StandingName(standing)) + " for more than " +
                                FormatDuration(options_.stuck_after));
  }
  return left;
}

std::vector<std::string> ResourceClaimReconciler::Unallocated(const api::Pod& pod) const {
  std::vector<std::string> names;
  for (const std::string& text : ClaimsOfPod(pod)) {
    const api::ObjectKey key{pod.metadata.namespace_, text.substr(pod.metadata.namespace_.size() + 1)};
    if (auto claim = options_.claims->Get(key); claim != nullptr && !claim->status.allocation) names.push_back(key.name);
  }
  return names;
}

void ResourceClaimReconciler::ReportPending(const Context& ctx, const api::ResourceClaim& claim,
                                            const std::vector<const api::Pod*>& waiting) {
  std::string reason;  // of the first Pod that has one
  std::map<std::string, std::string> told;
  for (const api::Pod* pod : waiting) {
    std::string why = reasons_.Why(ctx, *pod);
    if (reason.empty()) reason = why;
    const std::vector<std::string> names = Unallocated(*pod);
    // Of several claims that a Pod waits for, the first one tells the Pod.
    if (why.empty() || names.empty() || names.front() != claim.metadata.name) continue;
    std::string text = names.size() > 1 ? "claims " : "claim ";
    for (const std::string& name : names) text += (&name == &names.front() ? "" : ", ") + name;
    told[pod->metadata.uid] = text + ": " + why;
  }
  if (ctx.stopped()) return;
  std::string reason_before;
  std::map<std::string, std::string> told_before;
  known_.With([&](KnownClaims& known) {
    Known& one = known[api::KeyOf(claim)];
    reason_before = std::exchange(one.reason, reason);
    told_before = std::exchange(one.told, told);
  });
  if (!reason.empty() && reason != reason_before)
    options_.events->Record(runtime::ReferenceTo(claim), "Warning", "DevicesUnavailable", reason);
  for (const api::Pod* pod : waiting) {
    auto now = told.find(pod->metadata.uid);
    if (now != told.end() && now->second != told_before[pod->metadata.uid])
      options_.events->Record(runtime::ReferenceTo(*pod), "Warning", "DevicesUnavailable", now->second);
  }
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
  options.force = true;  // the condition types carry our name
  Status applied_status = options_.client
                              .Patch<api::ResourceClaim>(ctx, api::KeyOf(*view.claim), runtime::PatchType::kApply,
                                                         applied.dump(), options)
                              .status();
  return IgnoreNotFound(std::move(applied_status));
}

}  // namespace dray::controllers
