// Life of a claim, stop 4 of 8: report, why stop 3 has not come.
#include "controllers/resourceclaim/pending_reasons.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "dray/api/claims.h"
#include "dray/api/codec.h"

namespace dray::controllers {
namespace {

// Of the time, at most one part in so many goes into gathering.
constexpr int kShare = 20;

}  // namespace

std::vector<std::string> ClaimsOfPod(const api::Pod& pod) {
  std::vector<std::string> keys;
  for (const api::ObjectKey& key : claims::ClaimsOf(pod)) keys.push_back(key.ToString());
  return keys;
}

std::shared_ptr<const alloc::Snapshot> PendingReasons::Snapshot(Clock& clock) {
  const SteadyTime now = clock.Steady();
  std::shared_ptr<const alloc::Snapshot> fresh_enough = devices_.With([&](const Devices& devices) {
    return devices.snapshot != nullptr && now < devices.good_until ? devices.snapshot : nullptr;
  });
  if (fresh_enough != nullptr) return fresh_enough;
  // Taken before the objects: what changes meanwhile is seen the next time.
  const std::array<uint64_t, 3> versions = {slices_.Version(), classes_.Version(),
                                            claims_.Version()};
  std::shared_ptr<const alloc::Snapshot> kept = devices_.With([&](Devices& devices) {
    const bool same = devices.snapshot != nullptr && devices.versions == versions &&
                      std::find(versions.begin(), versions.end(), 0u) == versions.end();
    if (same) devices.good_until = now + fresh_;
    return same ? devices.snapshot : nullptr;
  });
  if (kept != nullptr) return kept;
  auto fresh = std::make_shared<alloc::Snapshot>(
      alloc::Snapshot::Input{slices_.List(), classes_.List(), {}, {}});
  claims_.ForEach([&](const api::ResourceClaim& claim) {
    if (claim.status.allocation)
      fresh->AddAllocation(*claim.status.allocation, api::KeyOf(claim).ToString());
  });
  const SteadyTime done = clock.Steady();
  const SteadyTime good_until =
      std::max(now + fresh_, fresh_ == Duration::zero() ? now : done + kShare * (done - now));
  devices_.With([&](Devices& devices) { devices = {versions, fresh, good_until, {}}; });
  return fresh;
}

void PendingReasons::LetGo() {
  Devices unneeded;  // freed without the lock
  devices_.With([&](Devices& devices) {
    if (devices.snapshot != nullptr) std::swap(devices, unneeded);
  });
}

std::string PendingReasons::Why(const Context& ctx, const api::Pod& pod) {
  // All of the Pod's claims must come together on one node: those without an allocation are tried
  // as one, the others say where.
  std::vector<std::shared_ptr<const api::ResourceClaim>> held;
  std::vector<const api::ResourceClaim*> wanted;
  std::vector<api::ObjectKey> elsewhere;
  for (const api::ObjectKey& key : claims::ClaimsOf(pod)) {
    auto one = claims_.Get(key);
    if (one == nullptr) return "";  // waits for the claim itself
    if (!one->status.allocation)
      wanted.push_back(one.get());
    else
      elsewhere.push_back(key);
    held.push_back(std::move(one));
  }
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims)
    if (!claims::ClaimNameFor(pod, entry)) return "";  // as well
  if (wanted.empty()) return "";
  std::vector<api::NodeSelector> places;
  for (const api::ObjectKey& key : elsewhere) {
    Result<api::ResourceClaim> live = client_.Get<api::ResourceClaim>(ctx, key);
    if (!live.ok() || !live->status.allocation) return "";  // in flux: the next look tells
    if (live->status.allocation->node_selector)
      places.push_back(*std::move(live->status.allocation->node_selector));
  }

  const std::shared_ptr<const alloc::Snapshot> snapshot = Snapshot(ctx.clock());
  if (!places.empty() || fresh_ == Duration::zero()) return Try(ctx, *snapshot, wanted, places);
  std::string asked;
  for (const api::ResourceClaim* claim : wanted) asked += api::ToJsonValue(claim->spec).dump();
  std::optional<std::string> known;
  devices_.With([&](const Devices& devices) {
    if (devices.snapshot != snapshot) return;
    if (auto found = devices.reasons.find(asked); found != devices.reasons.end())
      known = found->second;
  });
  if (known) return *known;
  std::string why = Try(ctx, *snapshot, wanted, places);
  if (ctx.stopped()) return "";
  devices_.With([&](Devices& devices) {
    if (devices.snapshot == snapshot) devices.reasons.emplace(std::move(asked), why);
  });
  return why;
}

std::string PendingReasons::Try(const Context& ctx, const alloc::Snapshot& snapshot,
                                const std::vector<const api::ResourceClaim*>& wanted,
                                const std::vector<api::NodeSelector>& places) const {
  alloc::Options how;
  how.stop = ctx.stop();
  how.max_steps = 100'000;
  const auto nodes = nodes_.List();
  std::vector<const api::Node*> each;
  for (const auto& node : nodes) each.push_back(node.get());
  return alloc::WhyPending(snapshot, each, wanted, places, how);
}

}  // namespace dray::controllers
