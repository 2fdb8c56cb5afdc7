#pragma once

#include <string>

#include "dray/api/types/resource.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Index of the slices of a pool, and its values.
inline constexpr char kPoolIndex[] = "pool";
inline std::string PoolKey(const std::string& driver, const std::string& pool) {
  return driver + "\n" + pool;
}

// Deletes a bound Pod when the time has come that its claims' devices give it. Keys are Pods.
class EvictReconciler : public runtime::Reconciler {
 public:
  // `slices` has kPoolIndex.
  EvictReconciler(runtime::Client client, const runtime::Lister<api::Pod>& pods,
                  const runtime::Lister<api::ResourceClaim>& claims,
                  const runtime::Lister<api::ResourceSlice>& slices, runtime::EventRecorder& events)
      : client_(std::move(client)),
        pods_(pods),
        claims_(claims),
        slices_(slices),
        events_(events) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  std::optional<api::Time> TimeFor(const api::Pod& pod) const;
  Status Evict(const Context& ctx, const api::Pod& pod);

  const runtime::Client client_;
  const runtime::Lister<api::Pod>& pods_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const runtime::Lister<api::ResourceSlice>& slices_;
  runtime::EventRecorder& events_;
};

}  // namespace dray::devcluster
