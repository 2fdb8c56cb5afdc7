#pragma once

#include <atomic>
#include <map>
#include <string>
#include <unordered_map>

#include "controllers/resourceclaim/pending_reasons.h"
#include "dray/api/claims.h"
#include "dray/base/guarded.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/work_queue.h"

namespace dray::controllers {

// "driver/pool" of a slice (the index "pool" of their cache), and of every device that a claim
// holds.
std::vector<std::string> PoolOfSlice(const api::ResourceSlice& slice);
std::vector<std::string> PoolsOfClaim(const api::ResourceClaim& claim);

// Says where each claim stands, in the places where people look: conditions in status.devices, one
// Event on the Pod and the claim with the allocator's reasons while it can't be allocated (again
// only when the reason changes), a gauge per standing, the time from a claim's creation to each
// standing, and by name each claim that stays too long where it should only pass through. A claim
// that a Pod names and that is not there counts as waited for.
class ResourceClaimReconciler : public runtime::Reconciler {
 public:
  struct Options {
    runtime::Client client;
    const runtime::Lister<api::ResourceClaim>* claims = nullptr;
    const runtime::Lister<api::Pod>* pods = nullptr;              // indexed "claim" by ClaimsOfPod
    const runtime::Lister<api::ResourceSlice>* slices = nullptr;  // indexed "pool" by PoolOfSlice
    const runtime::Lister<api::DeviceClass>* classes = nullptr;
    const runtime::Lister<api::Node>* nodes = nullptr;
    runtime::EventRecorder* events = nullptr;
    runtime::Metrics* metrics = nullptr;
    Duration stuck_after = std::chrono::minutes(
        5);  // pending with a Pod that waits, reserved, or releasing for longer
    // A scheduler that is about to allocate is given so long before anyone asks why it has not.
    Duration explain_after{};
    // Reasons are worked out anew at most so often per claim: with many nodes that takes a while.
    Duration explain_every{};
    Duration devices_fresh{};  // PendingReasons: for how long the devices as gathered once are good
                               // enough
  };
  explicit ResourceClaimReconciler(Options options);

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  // What was last worked out, and said, about a claim that waits.
  struct Told {
    SteadyTime worked_out_at;
    std::string reason;  // of the first Pod that has one
    std::string said;    // of the claim; "": nothing yet, or the recorder had no room
    std::map<std::string, std::string> pods;  // said, by UID
  };
  // Small: there is one for every claim of the cluster.
  struct Known {
    size_t uid = 0;                            // its hash
    std::optional<claims::Standing> standing;  // as counted
    bool stuck = false;                        // said so
    SteadyTime waits_since =
        SteadyTime::max();  // while it should only pass through; by this process's observation
    std::unique_ptr<Told> told;
  };
  // By the hash of namespace and name: the names would be most of it.
  using KnownClaims = std::unordered_map<uint64_t, Known>;

  Result<runtime::Requeue> ReconcileOne(const Context& ctx, const api::ObjectKey& key);
  Result<runtime::Requeue> ReconcileMissing(const Context& ctx, const api::ObjectKey& key);
  void Meet(const api::ObjectKey& key, const std::string& uid);
  void Pass(const api::ObjectKey& key, const api::ObjectMeta& metadata, claims::Standing standing,
            WallTime now);
  void Forget(const api::ObjectKey& key);
  void Untell(Known& one);  // under the lock of known_
  void Count(claims::Standing standing, int by);
  // After how long to look again; `about` is told when it is stuck.
  std::optional<Duration> WatchForStuck(const api::ObjectKey& key,
                                        const api::ObjectReference& about,
                                        claims::Standing standing, bool waits, SteadyTime now);
  // The reasons why the claim waits, told where they are news. True: no node can take it. `again`:
  // when to ask next.
  bool ReportPending(const Context& ctx, const api::ResourceClaim& claim,
                     const std::vector<const api::Pod*>& waiting, std::optional<Duration>* again);
  // The names of the Pod's claims that exist and are not allocated, in its order.
  std::vector<std::string> Unallocated(const api::Pod& pod) const;
  Status ReportDevices(const Context& ctx, const claims::ClaimView& view,
                       std::optional<Duration>* again);

  Options options_;
  PendingReasons reasons_;
  Guarded<KnownClaims> known_;
  std::atomic<int> told_ = 0;  // claims of which something is told
  Guarded<std::map<claims::Standing, int>> totals_;
  // Namespaces and drivers for which we lack a right to report -> when one claim of them is to try
  // again. Else a hundred thousand claims would ask for nothing, again and again.
  Guarded<std::map<std::string, SteadyTime>> no_right_until_;
};

}  // namespace dray::controllers
