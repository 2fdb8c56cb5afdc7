// Life of a claim, stop 4 of 8: report. Level based: everything is derived again from the objects.
#include "controllers/resourceclaim/resourceclaim_reconciler.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "dray/base/duration.h"
#include "dray/base/hash.h"
#include "dray/base/log.h"

namespace dray::controllers {
namespace {

using claims::Standing;

constexpr char kClaims[] = "dray_resourceclaims";
constexpr char kClaimsHelp[] = "ResourceClaims by where they stand.";
constexpr char kSeconds[] = "dray_resourceclaim_standing_seconds";
constexpr char kSecondsHelp[] =
    "Time from a claim's creation until it was first seen standing there.";
constexpr char kStuck[] = "dray_resourceclaim_stuck";
constexpr char kStuckHelp[] =
    "1 for each claim that has stayed too long where it should only pass through.";

constexpr char kRefused[] = "dray_resourceclaim_reports_refused_total";
constexpr char kRefusedHelp[] = "Device conditions that the API server did not accept, by reason.";
// A report that is refused for what it is, not for when it comes: asked again in case somebody has
// given us the right.
constexpr Duration kAfterRefusal = std::chrono::minutes(5);

// What the event recorder has no room for is tried again.
constexpr Duration kAfterLeftOut = std::chrono::seconds(10);

constexpr Standing kStandings[] = {Standing::kWaitingForClaim, Standing::kPending,
                                   Standing::kUnschedulable,   Standing::kAllocated,
                                   Standing::kReserved,        Standing::kPrepared,
                                   Standing::kRunning,         Standing::kReleasing};

runtime::MetricLabels StandingLabel(Standing standing) {
  return {{"standing", std::string(claims::StandingName(standing))}};
}
runtime::MetricLabels ClaimLabels(const api::ObjectKey& key) {
  return {{"namespace", key.namespace_}, {"name", key.name}};
}

// Neither bound nor done: an unallocated claim keeps it from running.
bool Waits(const api::Pod& pod) {
  return pod.spec.node_name.empty() && !claims::Done(pod) && !pod.metadata.deletion_timestamp;
}

uint64_t IdOf(const api::ObjectKey& key) {
  return HashOf({key.namespace_, key.name});
}

// What the report of these devices needs a right for: rights are given by namespace and, since
// Kubernetes 1.36, by driver.
std::string RightOf(const api::ResourceClaim& claim) {
  std::set<std::string> drivers;
  for (const api::DeviceRequestAllocationResult& result : claim.status.allocation->devices.results)
    drivers.insert(result.driver);
  std::string right = claim.metadata.namespace_;
  for (const std::string& driver : drivers) right += " " + driver;
  return right;
}

// Refused for who we are, not for what the report says.
bool LacksRight(const Status& refusal) {
  return refusal.Is(Reason::kForbidden) ||
         (refusal.Is(Reason::kInvalid) &&
          refusal.message().find("resourceclaims/driver") != std::string::npos);
}

void Sooner(std::optional<Duration>& kept, std::optional<Duration> other) {
  if (other && (!kept || *other < *kept)) kept = other;
}

}  // namespace

std::vector<std::string> PoolOfSlice(const api::ResourceSlice& slice) {
  return {slice.spec.driver + "/" + slice.spec.pool.name};
}

std::vector<std::string> PoolsOfClaim(const api::ResourceClaim& claim) {
  std::vector<std::string> pools;
  if (!claim.status.allocation) return pools;
  for (const api::DeviceRequestAllocationResult& result :
       claim.status.allocation->devices.results) {
    std::string pool = result.driver + "/" + result.pool;
    if (std::find(pools.begin(), pools.end(), pool) == pools.end())
      pools.push_back(std::move(pool));
  }
  return pools;
}

ResourceClaimReconciler::ResourceClaimReconciler(Options options)
    : options_(std::move(options)),
      reasons_(options_.client, *options_.claims, *options_.slices, *options_.classes,
               *options_.nodes, options_.devices_fresh) {
  for (Standing standing : kStandings)
    options_.metrics->Set(kClaims, kClaimsHelp, StandingLabel(standing), 0);
}

Result<runtime::Requeue> ResourceClaimReconciler::Reconcile(const Context& ctx,
                                                            const api::ObjectKey& key) {
  Result<runtime::Requeue> result = ReconcileOne(ctx, key);
  if (told_ == 0) reasons_.LetGo();
  return result;
}

Result<runtime::Requeue> ResourceClaimReconciler::ReconcileOne(const Context& ctx,
                                                               const api::ObjectKey& key) {
  const auto claim = options_.claims->Get(key);
  if (claim == nullptr) return ReconcileMissing(ctx, key);
  const auto pods = options_.pods->By("claim", key.ToString());
  claims::ClaimView view{claim.get(), {}};
  std::vector<const api::Pod*> waiting;
  for (const auto& pod : pods) {
    view.pods.push_back(pod.get());
    if (Waits(*pod)) waiting.push_back(pod.get());
  }

  std::optional<Duration> again;
  Standing standing = claims::StandingOf(view);
  Meet(key, claim->metadata.uid);
  if (standing == Standing::kPending && ReportPending(ctx, *claim, waiting, &again))
    standing = Standing::kUnschedulable;
  Pass(key, claim->metadata, standing, ctx.clock().Now());
  if (claim->status.allocation) DRAY_RETURN_IF_ERROR(ReportDevices(ctx, view, &again));
  Sooner(again, WatchForStuck(key, runtime::ReferenceTo(*claim), standing, !waiting.empty(),
                              ctx.clock().Steady()));
  return runtime::Requeue{again};
}

// Gone, or not there yet: then the Pods that name it wait for it.
Result<runtime::Requeue> ResourceClaimReconciler::ReconcileMissing(const Context& ctx,
                                                                   const api::ObjectKey& key) {
  const auto pods = options_.pods->By("claim", key.ToString());
  auto waits = std::find_if(pods.begin(), pods.end(), [](const auto& pod) { return Waits(*pod); });
  if (waits == pods.end()) {
    Forget(key);
    return runtime::Requeue{};
  }
  Meet(key, "");
  Pass(key, {}, Standing::kWaitingForClaim, ctx.clock().Now());
  return runtime::Requeue{WatchForStuck(key, runtime::ReferenceTo(**waits),
                                        Standing::kWaitingForClaim, true, ctx.clock().Steady())};
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

void ResourceClaimReconciler::Untell(Known& one) {
  if (one.told == nullptr) return;
  one.told.reset();
  --told_;
}

// Another claim of the same name begins anew; so does one that was waited for.
void ResourceClaimReconciler::Meet(const api::ObjectKey& key, const std::string& uid) {
  const size_t hash = std::hash<std::string>()(uid);
  const bool replaced = known_.With([&](KnownClaims& known) {
    auto found = known.find(IdOf(key));
    return found != known.end() && found->second.uid != hash;
  });
  if (replaced) Forget(key);
  known_.With([&](KnownClaims& known) { known[IdOf(key)].uid = hash; });
}

void ResourceClaimReconciler::Pass(const api::ObjectKey& key, const api::ObjectMeta& metadata,
                                   Standing standing, WallTime now) {
  auto waits = [](Standing s) { return s == Standing::kPending || s == Standing::kUnschedulable; };
  std::optional<Standing> before;
  known_.With([&](KnownClaims& known) {
    Known& one = known[IdOf(key)];
    before = std::exchange(one.standing, standing);
    if (before && before != standing && !(waits(*before) && waits(standing)))
      one.waits_since = SteadyTime::max();
    if (!waits(standing)) Untell(one);
  });
  if (before == standing) return;
  if (before) Count(*before, -1);
  Count(standing, 1);
  // After a restart, where a claim stands says nothing about when it got there.
  // The API server's clock may be ahead of ours: a sum that falls is no sum.
  if (before && metadata.creation_timestamp)
    options_.metrics->Observe(
        kSeconds, kSecondsHelp, StandingLabel(standing),
        std::max(
            0.0,
            std::chrono::duration<double>(now - WallTime(*metadata.creation_timestamp)).count()));
}

void ResourceClaimReconciler::Forget(const api::ObjectKey& key) {
  std::optional<Standing> before;
  bool stuck = false;
  known_.With([&](KnownClaims& known) {
    auto found = known.find(IdOf(key));
    if (found == known.end()) return;
    before = found->second.standing;
    stuck = found->second.stuck;
    Untell(found->second);
    known.erase(found);
  });
  if (before) Count(*before, -1);
  if (stuck) options_.metrics->Remove(kStuck, ClaimLabels(key));
}

std::optional<Duration> ResourceClaimReconciler::WatchForStuck(const api::ObjectKey& key,
                                                               const api::ObjectReference& about,
                                                               Standing standing, bool waits,
                                                               SteadyTime now) {
  const bool passing = (standing == Standing::kPending && waits) ||
                       (standing == Standing::kUnschedulable && waits) ||
                       standing == Standing::kWaitingForClaim || standing == Standing::kReserved ||
                       standing == Standing::kReleasing;
  bool said = false, news = false, over = false;
  std::optional<Duration> left;
  known_.With([&](KnownClaims& known) {
    Known& one = known[IdOf(key)];
    said = one.stuck;
    if (!passing) {
      one.waits_since = SteadyTime::max();
    } else {
      if (one.waits_since == SteadyTime::max()) one.waits_since = now;
      over = now - one.waits_since >= options_.stuck_after;
      if (!over) left = options_.stuck_after - (now - one.waits_since);
    }
    news = over && !one.stuck;
    one.stuck = over;
  });
  if (said && !over) options_.metrics->Remove(kStuck, ClaimLabels(key));
  if (!news) return left;
  options_.metrics->Set(kStuck, kStuckHelp, ClaimLabels(key), 1);
  std::string text = standing == Standing::kWaitingForClaim
                         ? "claim " + key.name + " has been missing "
                         : "has been " + std::string(claims::StandingName(standing)) + " ";
  options_.events->Record(about, "Warning", "Stuck",
                          text + "for more than " + FormatDuration(options_.stuck_after));
  return left;
}

std::vector<std::string> ResourceClaimReconciler::Unallocated(const api::Pod& pod) const {
  std::vector<std::string> names;
  for (const api::ObjectKey& key : claims::ClaimsOf(pod))
    if (auto claim = options_.claims->Get(key); claim != nullptr && !claim->status.allocation)
      names.push_back(key.name);
  return names;
}

bool ResourceClaimReconciler::ReportPending(const Context& ctx, const api::ResourceClaim& claim,
                                            const std::vector<const api::Pod*>& waiting,
                                            std::optional<Duration>* again) {
  const api::ObjectKey key = api::KeyOf(claim);
  const SteadyTime now = ctx.clock().Steady();
  // 1. Not before its time, and not again at once.
  Duration wait{};
  bool unschedulable = false;
  known_.With([&](KnownClaims& known) {
    Known& one = known[IdOf(key)];
    if (waiting.empty()) return Untell(one);
    if (one.waits_since == SteadyTime::max()) one.waits_since = now;
    wait = one.told == nullptr ? options_.explain_after - (now - one.waits_since)
                               : options_.explain_every - (now - one.told->worked_out_at);
    unschedulable = one.told != nullptr && !one.told->reason.empty();
  });
  if (wait > Duration::zero()) *again = wait;
  if (waiting.empty() || wait > Duration::zero()) return unschedulable;
  // 2. What each Pod is to be told.
  Told told;
  told.worked_out_at = now;
  for (const api::Pod* pod : waiting) {
    std::string why = reasons_.Why(ctx, *pod);
    if (told.reason.empty()) told.reason = why;
    const std::vector<std::string> names = Unallocated(*pod);
    // Of several claims that a Pod waits for, the first one tells the Pod.
    if (why.empty() || names.empty() || names.front() != claim.metadata.name) continue;
    std::string text = names.size() > 1 ? "claims " : "claim ";
    for (const std::string& name : names) text += (&name == &names.front() ? "" : ", ") + name;
    told.pods[pod->metadata.uid] = text + ": " + why;
  }
  if (ctx.stopped()) return unschedulable;
  // 3. What of it is news. What the recorder has no room for (a thousand Pods that begin to wait at
  // once) is news the next time as well.
  Told before;
  known_.With([&](KnownClaims& known) {
    if (const Known& one = known[IdOf(key)]; one.told != nullptr) before = *one.told;
  });
  bool left_out = false;
  if (!told.reason.empty() && told.reason != before.said &&
      !options_.events->Record(runtime::ReferenceTo(claim), "Warning", "DevicesUnavailable",
                               told.reason))
    left_out = true;
  else
    told.said = told.reason;
  for (const api::Pod* pod : waiting) {
    auto text = told.pods.find(pod->metadata.uid);
    if (text == told.pods.end() || text->second == before.pods[pod->metadata.uid] ||
        options_.events->Record(runtime::ReferenceTo(*pod), "Warning", "DevicesUnavailable",
                                text->second))
      continue;
    told.pods.erase(text);
    left_out = true;
  }
  if (left_out) Sooner(*again, std::max(options_.explain_every, kAfterLeftOut));
  const bool unsatisfied = !told.reason.empty();
  known_.With([&](KnownClaims& known) {
    Known& one = known[IdOf(key)];
    if (one.told == nullptr) ++told_;
    one.told = std::make_unique<Told>(std::move(told));
  });
  return unsatisfied;
}

Status ResourceClaimReconciler::ReportDevices(const Context& ctx, const claims::ClaimView& view,
                                              std::optional<Duration>* again) {
  std::vector<std::shared_ptr<const api::ResourceSlice>> held;  // keeps what is found
  auto published = [&](const api::DeviceRequestAllocationResult& result) -> const api::Device* {
    const api::Device* found = nullptr;
    int64_t newest = -1;
    for (auto& slice : options_.slices->By("pool", result.driver + "/" + result.pool)) {
      if (slice->spec.pool.generation < newest) continue;
      for (const api::Device& device : slice->spec.devices)
        if (device.name == result.device) found = &device, newest = slice->spec.pool.generation;
      held.push_back(std::move(slice));
    }
    return found;
  };
  const claims::DeviceReport report =
      claims::ReportDevices(view, api::ToTime(ctx.clock().Now()), published);
  if (!report.changed) return {};
  const std::string right = RightOf(*view.claim);
  const SteadyTime now = ctx.clock().Steady();
  Duration without{};
  no_right_until_.With([&](auto& until) {
    auto known = until.find(right);
    if (known == until.end()) return;
    if (now < known->second)
      without = known->second - now;
    else
      known->second = now + kAfterRefusal;  // this claim tries, the others wait for it
  });
  if (without > Duration::zero()) {
    Sooner(*again, without);
    return {};
  }
  // Apply with our own field manager: only our condition types are ours, what the driver wrote
  // stays the driver's.
  Json devices = Json::array();
  for (const api::AllocatedDeviceStatus& device : report.devices) {
    Json conditions = Json::array();
    for (const api::Condition& condition : device.conditions)
      if (condition.type.starts_with(claims::kConditionPrefix))
        conditions.push_back(api::ToJsonValue(condition));
    if (conditions.empty()) continue;
    Json entry = {{"driver", device.driver},
                  {"pool", device.pool},
                  {"device", device.device},
                  {"conditions", std::move(conditions)}};
    if (device.share_id) entry["shareID"] = *device.share_id;
    devices.push_back(std::move(entry));
  }
  const Json applied = {{"apiVersion", "resource.k8s.io/v1"},
                        {"kind", "ResourceClaim"},
                        {"metadata",
                         {{"name", view.claim->metadata.name},
                          {"namespace", view.claim->metadata.namespace_},
                          {"uid", view.claim->metadata.uid}}},
                        {"status", {{"devices", std::move(devices)}}}};
  runtime::PatchOptions options;
  options.subresource = "status";
  options.force = true;  // the condition types carry our name
  Status outcome =
      options_.client
          .Patch<api::ResourceClaim>(ctx, api::KeyOf(*view.claim), runtime::PatchType::kApply,
                                     applied.dump(), options)
          .status();
  if (outcome.Is(Reason::kForbidden) || outcome.Is(Reason::kInvalid)) {
    // For one, Kubernetes 1.36 asks who may write for which driver (resourceclaims/driver).
    options_.metrics->Add(kRefused, kRefusedHelp,
                          {{"reason", std::string(ReasonName(outcome.reason()))}});
    LOG(WARNING) << "conditions of the devices of claim " << api::KeyOf(*view.claim).ToString()
                 << " are refused: " << outcome.message();
    if (LacksRight(outcome))
      no_right_until_.With([&](auto& until) { until[right] = now + kAfterRefusal; });
    Sooner(*again, kAfterRefusal);
    return {};
  }
  if (outcome.ok()) no_right_until_.With([&](auto& until) { until.erase(right); });
  return IgnoreNotFound(std::move(outcome));
}

}  // namespace dray::controllers
