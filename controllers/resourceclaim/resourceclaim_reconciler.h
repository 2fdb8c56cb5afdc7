#pragma once

#include <map>
#include <string>

#include "dray/api/claims.h"
#include "dray/base/guarded.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/work_queue.h"

namespace dray::controllers {

// Says where each claim stands, in the places where people look: conditions in status.devices, one Event on the Pod with the
// allocator's reasons while the claim can't be allocated (again only when the reason changes), a gauge per standing.
class ResourceClaimReconciler : public runtime::Reconciler {
 public:
  struct Options {
    runtime::Client client;
    const runtime::Lister<api::ResourceClaim>* claims = nullptr;
    const runtime::Lister<api::Pod>* pods = nullptr;       // indexed "claim": "ns/name" of every claim that a Pod uses
    const runtime::Lister<api::ResourceSlice>* slices = nullptr;
    const runtime::Lister<api::DeviceClass>* classes = nullptr;
    const runtime::Lister<api::Node>* nodes = nullptr;
    runtime::EventRecorder* events = nullptr;
    runtime::Metrics* metrics = nullptr;
  };
  explicit ResourceClaimReconciler(Options options);

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  void ReportPending(const Context& ctx, const claims::ClaimView& view);
  Status ReportDevices(const Context& ctx, const claims::ClaimView& view);
  void CountStanding(const api::ObjectKey& key, std::optional<claims::Standing> standing);

  struct Known {
    std::optional<claims::Standing> standing;
    std::string reason;  // last said about a pending claim
  };
  Options options_;
  Guarded<std::map<api::ObjectKey, Known>> known_;
};

// The index "claim" of Options::pods.
std::vector<std::string> ClaimsOfPod(const api::Pod& pod);

}  // namespace dray::controllers
