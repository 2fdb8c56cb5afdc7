#pragma once

#include <map>
#include <string>

#include "controllers/resourceclaim/pending_reasons.h"
#include "dray/api/claims.h"
#include "dray/base/guarded.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/work_queue.h"

namespace dray::controllers {

// Says where each claim stands, in the places where people look: conditions in status.devices, one Event on the Pod and the
// claim with the allocator's reasons while it can't be allocated (again only when the reason changes), a gauge per standing,
// the time from one standing to the next, and by name each claim that stays too long where it should only pass through.
class ResourceClaimReconciler : public runtime::Reconciler {
 public:
  struct Options {
    runtime::Client client;
    const runtime::Lister<api::ResourceClaim>* claims = nullptr;
    const runtime::Lister<api::Pod>* pods = nullptr;       // indexed "claim" by ClaimsOfPod
    const runtime::Lister<api::ResourceSlice>* slices = nullptr;
    const runtime::Lister<api::DeviceClass>* classes = nullptr;
    const runtime::Lister<api::Node>* nodes = nullptr;
    runtime::EventRecorder* events = nullptr;
    runtime::Metrics* metrics = nullptr;
    Duration stuck_after = std::chrono::minutes(5);  // pending with a Pod that waits, reserved, or releasing for longer
  };
  explicit ResourceClaimReconciler(Options options);

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  struct Known {
    std::string uid;
    claims::Standing standing = claims::Standing::kPending;
    std::optional<SteadyTime> waits_since;     // while it should only pass through; by this process's observation
    bool stuck = false;                        // said so
    std::string reason;                        // last said about a pending claim
    std::map<std::string, std::string> told;   // the same per waiting Pod, by UID
  };
  using KnownClaims = std::map<api::ObjectKey, Known>;

  void Pass(const api::ResourceClaim& claim, claims::Standing standing, WallTime now);
  void Forget(const api::ObjectKey& key);
  void Count(claims::Standing standing, int by);
  std::optional<Duration> WatchForStuck(const api::ResourceClaim& claim, claims::Standing standing, bool waits,
                                        SteadyTime now);
  void ReportPending(const Context& ctx, const api::ResourceClaim& claim, const std::vector<const api::Pod*>& waiting);
  // The names of the Pod's claims that exist and are not allocated, in its order.
  std::vector<std::string> Unallocated(const api::Pod& pod) const;
  Status ReportDevices(const Context& ctx, const claims::ClaimView& view);

  Options options_;
  PendingReasons reasons_;
  Guarded<KnownClaims> known_;
  Guarded<std::map<claims::Standing, int>> totals_;
};

}  // namespace dray::controllers
