// Life of a claim, stop 8 of 8: release, where those who should have done it have not.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "controllers/cleanup/deletion.h"
#include "dray/api/claims.h"
#include "dray/api/codec.h"
#include "dray/base/hash.h"

namespace dray::controllers {
namespace {

constexpr char kReleased[] = "dray_cleanup_reservations_released_total";
constexpr char kReleasedHelp[] =
    "Reservations of Pods that are gone, taken out of claims by the cleanup.";

// In the place of a consumer's UID: the finalizer of a claim without any.
constexpr char kNobodyLeft[] = "";

bool IsPod(const api::ResourceClaimConsumerReference& consumer) {
  return consumer.api_group.empty() && consumer.resource == "pods";
}

bool HasFinalizer(const api::ResourceClaim& claim) {
  const std::vector<std::string>& all = claim.metadata.finalizers;
  return std::find(all.begin(), all.end(), api::kClaimFinalizer) != all.end();
}

}  // namespace

bool HasLeftFinalizer(const api::ResourceClaim& claim) {
  return !claim.status.allocation && claim.status.reserved_for.empty() && HasFinalizer(claim);
}

Duration SeenSince::For(const std::string& key, const std::string& what, SteadyTime now) {
  return seen_.With([&](auto& seen) {
    auto [found, fresh] = seen.try_emplace(key, what, now);
    if (!fresh && found->second.first != what) found->second = {what, now};
    return now - found->second.second;
  });
}

void SeenSince::Forget(const std::string& key) {
  seen_.With([&](auto& seen) { seen.erase(key); });
}

ReservationCleanup::ReservationCleanup(CleanupOptions options,
                                       const runtime::Lister<api::ResourceClaim>* claims)
    : options_(std::move(options)), claims_(claims) {
  options_.metrics->Add(kReleased, kReleasedHelp, {}, 0);
}

Result<runtime::Requeue> ReservationCleanup::Reconcile(const Context& ctx,
                                                       const api::ObjectKey& key) {
  const auto claim = claims_->Get(key);
  // 1. Who is gone, by the cache, and who of them for a grace age.
  std::set<std::string> gone;
  if (claim != nullptr && HasLeftFinalizer(*claim)) gone.insert(kNobodyLeft);
  if (claim != nullptr)
    for (const api::ResourceClaimConsumerReference& consumer : claim->status.reserved_for) {
      if (!IsPod(consumer)) continue;
      auto pod = options_.pods->Get({key.namespace_, consumer.name});
      if (pod == nullptr || pod->metadata.uid != consumer.uid) gone.insert(consumer.uid);
    }
  const uint64_t name = HashOf({key.namespace_, key.name});
  if (gone.empty()) {
    gone_.With([&](auto& all) { all.erase(name); });
    return runtime::Requeue{};
  }
  Consumers overdue;
  Duration longest{};
  gone_.With([&](auto& all) {
    const Since before = std::exchange(all[name], {});
    const SteadyTime now = ctx.clock().Steady();
    for (const std::string& uid : gone) {
      const uint64_t who = HashOf({claim->metadata.uid, uid});
      auto known = std::find_if(before.begin(), before.end(),
                                [&](const auto& one) { return one.first == who; });
      const SteadyTime since = known == before.end() ? now : known->second;
      all[name].emplace_back(who, since);
      longest = std::max<Duration>(longest, now - since);
      if (now - since >= options_.grace) overdue.insert(uid);
    }
  });
  if (overdue.empty()) return runtime::Requeue{options_.grace - longest};

  // 2. Who is gone, by the server. The cache does not keep all of a claim.
  Turn turn(ctx, options_, "release claim " + key.ToString());
  if (auto wait = turn.NotYet()) return *wait;
  Result<api::ResourceClaim> fresh = options_.client.Get<api::ResourceClaim>(ctx, key);
  if (fresh.Is(Reason::kNotFound)) return runtime::Requeue{};
  if (!fresh.ok()) return fresh.status();
  if (fresh->metadata.resource_version != claim->metadata.resource_version)
    return runtime::Requeue{};  // its event brings the key back
  if (HasLeftFinalizer(*fresh)) {
    if (!turn.Use("nobody holds it, its finalizer was left")) return runtime::Requeue{};
    LOG(INFO) << "cleanup: takes the finalizer that was left on claim " << key.ToString();
    return Finish(ctx, *fresh);
  }
  return Release(ctx, *fresh, overdue, turn);
}

Result<runtime::Requeue> ReservationCleanup::Release(const Context& ctx,
                                                     const api::ResourceClaim& now,
                                                     const Consumers& overdue, Turn& turn) {
  const api::ObjectKey key = api::KeyOf(now);
  std::map<std::string, api::Pod> alive;
  std::map<std::string, const api::Pod*> by_uid;
  for (const api::ResourceClaimConsumerReference& consumer : now.status.reserved_for) {
    if (!IsPod(consumer)) continue;
    Result<api::Pod> live = options_.client.Get<api::Pod>(ctx, {key.namespace_, consumer.name});
    if (!live.ok() && !live.Is(Reason::kNotFound)) return live.status();
    if (live.ok() && live->metadata.uid == consumer.uid) alive[consumer.uid] = *std::move(live);
  }
  for (const auto& [uid, pod] : alive) by_uid[uid] = &pod;
  std::vector<std::string> drop;
  for (const std::string& uid : claims::PlanRelease(now, by_uid).drop_consumers)
    if (!by_uid.contains(uid) && overdue.contains(uid))
      drop.push_back(uid);  // one that is merely done is still for others to judge
  // The cache was wrong about them; about others, who went later, it may be right.
  if (drop.empty()) return runtime::Requeue{options_.grace};

  // 3. The same writes as the claim controller's: with the last consumer the allocation goes, or
  // nobody would ever take it.
  Json left = Json::array();
  for (const api::ResourceClaimConsumerReference& consumer : now.status.reserved_for)
    if (std::find(drop.begin(), drop.end(), consumer.uid) == drop.end())
      left.push_back(api::ToJsonValue(consumer));
  const bool deallocate = left.empty() && HasFinalizer(now);
  const std::string why = std::to_string(drop.size()) +
                          (drop.size() == 1 ? " Pod that holds it is" : " Pods that hold it are") +
                          " gone";
  if (!turn.Use(why)) return runtime::Requeue{};
  Json status = {{"reservedFor", left.empty() ? Json(nullptr) : left}};
  if (deallocate) status["allocation"] = status["devices"] = nullptr;
  runtime::PatchOptions to_status;
  to_status.subresource = "status";
  const Json patch = {
      {"metadata", {{"uid", now.metadata.uid}, {"resourceVersion", now.metadata.resource_version}}},
      {"status", std::move(status)}};
  Result<api::ResourceClaim> released = options_.client.Patch<api::ResourceClaim>(
      ctx, key, runtime::PatchType::kMerge, patch.dump(), to_status);
  if (released.Is(Reason::kNotFound)) return runtime::Requeue{};
  if (released.Is(Reason::kConflict)) return runtime::Requeue{kAfterConflict};
  if (!released.ok()) return released.status();
  LOG(INFO) << "cleanup: " << (deallocate ? "deallocated" : "released") << " claim "
            << key.ToString() << ": " << why;
  options_.metrics->Add(kReleased, kReleasedHelp, {}, static_cast<double>(drop.size()));
  return deallocate ? Finish(ctx, *released) : runtime::Requeue{};
}

// The second write. Where it is lost, the finalizer is found again as one that was left.
Result<runtime::Requeue> ReservationCleanup::Finish(const Context& ctx,
                                                    const api::ResourceClaim& released) {
  std::vector<std::string> finalizers = released.metadata.finalizers;
  std::erase(finalizers, std::string(api::kClaimFinalizer));
  const Json unfinished = {
      {"metadata",
       {{"uid", released.metadata.uid},
        {"resourceVersion", released.metadata.resource_version},
        {"finalizers", finalizers.empty() ? Json(nullptr) : Json(finalizers)}}}};
  Status finished = options_.client
                        .Patch<api::ResourceClaim>(ctx, api::KeyOf(released),
                                                   runtime::PatchType::kMerge, unfinished.dump())
                        .status();
  if (finished.Is(Reason::kConflict)) return runtime::Requeue{kAfterConflict};
  if (!finished.ok() && !finished.Is(Reason::kNotFound)) return finished;
  return runtime::Requeue{};
}

}  // namespace dray::controllers
