#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/work_queue.h"

namespace dray::controllers {

// How much the cleanup may delete: a bucket of `per_minute` deletions that refills evenly, so that
// a mistake (a cache that is wrong, a backup that was restored) is seen before it has gone through
// a cluster. Who comes when it is empty is given a turn, one after the other. Any thread.
class DeletionBudget {
 public:
  explicit DeletionBudget(int per_minute);
  // Zero: granted, for once. Otherwise after how long the turn of `who` is: the n-th who waits
  // comes n intervals later. A turn that nobody takes up for a minute is lost.
  Duration Take(const std::string& who, SteadyTime now);
  // What was granted was not needed.
  void GiveBack();

 private:
  struct State {
    double left = 0;  // below zero: so many turns have been given away
    std::optional<SteadyTime> as_of, said_at, swept_at;
    std::map<std::string, SteadyTime> turns;
  };
  const double per_minute_;
  Guarded<State> state_;
};

class Turn;  // controllers/cleanup/deletion.h

// What the cleanups share. Deletions carry UID and resourceVersion of what was looked at, so that
// an object of the same name or one that changed meanwhile stays.
struct CleanupOptions {
  runtime::Client client;
  const runtime::Lister<api::Pod>* pods =
      nullptr;  // indexed "claim" (ClaimsOfPod) and "template" (TemplatesOfPod)
  runtime::Metrics* metrics = nullptr;
  Duration grace = std::chrono::minutes(10);  // nothing younger is touched
  bool dry_run = false;                       // only logs what it would delete
  std::shared_ptr<DeletionBudget> budget =
      std::make_shared<DeletionBudget>(120);  // copies share it
};

// "ns/name" of every claim template that a Pod's entries name: the index "template".
std::vector<std::string> TemplatesOfPod(const api::Pod& pod);

// Deletes templates that the webhook made (label managed-by: dray, named by their hash), that no
// Pod names, and that were last handed out longer than the grace age ago. A copy of one under
// another name is its maker's.
class TemplateCleanup : public runtime::Reconciler {
 public:
  TemplateCleanup(CleanupOptions options,
                  const runtime::Lister<api::ResourceClaimTemplate>* templates);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  bool IsNamed(const api::ObjectKey& key);

  CleanupOptions options_;
  const runtime::Lister<api::ResourceClaimTemplate>* templates_;
  // Template -> a Pod that named it. As long as that one is there, the others need not be read:
  // they are kept packed, and a large Deployment has thousands.
  Guarded<std::map<std::string, api::ObjectKey>> named_by_;
};

// Deletes claims stamped from our templates whose Pod is gone (by UID, not by name) although the
// garbage collector should have taken them: force deletions, a restored backup, a collector that is
// down. With `hami` also claims that HAMi-DRA's webhook left without an owner and that no Pod
// names.
class ClaimCleanup : public runtime::Reconciler {
 public:
  ClaimCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaim>* claims,
               bool hami = false);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  Result<runtime::Requeue> ReconcileHami(const Context& ctx, const api::ResourceClaim& claim);

  CleanupOptions options_;
  const runtime::Lister<api::ResourceClaim>* claims_;
  const bool hami_;
};

// Since when something that should pass has been seen, by this process. Any thread.
class SeenSince {
 public:
  // How long `key` has been seen as `what`; another `what` begins anew.
  Duration For(const std::string& key, const std::string& what, SteadyTime now);
  void Forget(const std::string& key);

 private:
  Guarded<std::map<std::string, std::pair<std::string, SteadyTime>>> seen_;
};

// Takes Pods that are gone out of status.reservedFor, and with the last of them the allocation and
// the finalizer, when for a whole grace age nobody else has: kube-controller-manager does that
// within seconds where it runs. A finalizer that is left on a claim without both goes too.
class ReservationCleanup : public runtime::Reconciler {
 public:
  ReservationCleanup(CleanupOptions options, const runtime::Lister<api::ResourceClaim>* claims);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  using Consumers = std::set<std::string>;  // UIDs
  Result<runtime::Requeue> Release(const Context& ctx, const api::ResourceClaim& now,
                                   const Consumers& overdue, Turn& turn);
  Result<runtime::Requeue> Finish(const Context& ctx, const api::ResourceClaim& released);

  CleanupOptions options_;
  const runtime::Lister<api::ResourceClaim>* claims_;
  // Each consumer has a time of its own: on a claim that many Pods share, one after the other goes.
  // The hash of a claim's name -> of claim and consumer: when Pods are gone by the thousand, names
  // would be most of it.
  using Since = std::vector<std::pair<uint64_t, SteadyTime>>;
  Guarded<std::unordered_map<uint64_t, Since>> gone_;
};

// Nobody holds the claim, and its finalizer is still there: a release that broke off.
bool HasLeftFinalizer(const api::ResourceClaim& claim);

// Deletes ResourceSlices of nodes that are gone, and those that their driver has left behind: an
// older generation of a pool that has a complete newer one. Both after a grace age in that state; a
// kubelet does it sooner where there is one.
class SliceCleanup : public runtime::Reconciler {
 public:
  SliceCleanup(CleanupOptions options, const runtime::Lister<api::ResourceSlice>* slices,
               const runtime::Lister<api::Node>* nodes);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  struct Fault {
    enum class Kind { kNone, kNodeGone, kOutdated } kind = Kind::kNone;
    std::string sentence;
  };
  Fault FaultOf(const api::ResourceSlice& slice) const;

  CleanupOptions options_;
  const runtime::Lister<api::ResourceSlice>* slices_;  // indexed "pool" by PoolOfSlice
  const runtime::Lister<api::Node>* nodes_;
  SeenSince seen_;
};

// What Dray has left on a node that no longer runs its drivers: the keys of one table
// (node_cleanup.cc), and extended resources under dray.dev/ of which the kubelet says that nobody
// offers them any more (a capacity of zero). What users set, as dray.dev/mock-profile, stays. A
// node without a ResourceSlice for a grace age is one that no longer runs them.
class NodeCleanup : public runtime::Reconciler {
 public:
  NodeCleanup(CleanupOptions options, const runtime::Lister<api::Node>* nodes,
              const runtime::Lister<api::ResourceSlice>* slices);
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  CleanupOptions options_;
  const runtime::Lister<api::Node>* nodes_;
  const runtime::Lister<api::ResourceSlice>* slices_;  // indexed "node" by NodeOfSlice
  SeenSince seen_;
};

// spec.nodeName of a slice: the index "node".
std::vector<std::string> NodeOfSlice(const api::ResourceSlice& slice);

}  // namespace dray::controllers
