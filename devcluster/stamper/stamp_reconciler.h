#pragma once

#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Makes the claims that a Pod's template entries ask for and says their names in the Pod's status.
// A claim made before a crash is found again by owner and annotation; one that was deleted under
// its Pod is made again. Keys are Pods.
class StampReconciler : public runtime::Reconciler {
 public:
  // `started`: when this process began. What came to be before then may have claims that a process
  // before it made.
  StampReconciler(runtime::Client client, const runtime::Lister<api::Pod>& pods,
                  const runtime::Lister<api::ResourceClaim>& claims,
                  const runtime::Lister<api::ResourceClaimTemplate>& templates,
                  runtime::EventRecorder& events, WallTime started)
      : client_(std::move(client)),
        pods_(pods),
        claims_(claims),
        templates_(templates),
        events_(events),
        started_(started) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  // Whether an entry of the Pod has no claim, as far as the caches know.
  bool LacksClaim(const api::Pod& pod) const;
  // The same by the server, for the claim of that name.
  Result<bool> Exists(const Context& ctx, const api::ObjectKey& claim) const;
  Status Stamp(const Context& ctx, const api::Pod& pod);
  // Whether a claim of the Pod may be there that its status does not name: made before this
  // process, or by an attempt of its own whose answer was lost. Counts as an attempt.
  bool MayHaveClaims(const api::Pod& pod);
  // The claim of an entry that was made already; nothing when the server has none.
  Result<std::optional<std::string>> FindClaim(const Context& ctx, const api::Pod& pod,
                                               const api::PodResourceClaim& entry);
  Result<std::string> MakeClaim(const Context& ctx, const api::Pod& pod,
                                const api::PodResourceClaim& entry);
  Status SayNames(const Context& ctx, const api::Pod& pod,
                  const std::vector<api::PodResourceClaimStatus>& names);
  Status ReserveForBound(const Context& ctx, const api::Pod& pod);

  runtime::Client client_;
  const runtime::Lister<api::Pod>& pods_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const runtime::Lister<api::ResourceClaimTemplate>& templates_;
  runtime::EventRecorder& events_;
  const WallTime started_;
  Guarded<std::map<api::ObjectKey, std::string>> tried_;  // UIDs of Pods that have been stamped
};

}  // namespace dray::devcluster
