#pragma once

#include "dray/api/types/workload.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Keeps as many Pods as a ReplicaSet wants, adopts matching ones without an owner, lets go of those
// that match no longer, reports the counts (available: ready for minReadySeconds).
class ReplicaSetReconciler : public runtime::Reconciler {
 public:
  ReplicaSetReconciler(runtime::Client client, const runtime::Lister<api::ReplicaSet>& sets,
                       runtime::EventRecorder& events)
      : client_(std::move(client)), sets_(sets), events_(events) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  Status Scale(const Context& ctx, const api::ReplicaSet& set, std::vector<api::Pod>& pods);
  Result<std::vector<api::Pod>> OwnPods(const Context& ctx, const api::ReplicaSet& set);

  runtime::Client client_;
  const runtime::Lister<api::ReplicaSet>& sets_;
  runtime::EventRecorder& events_;
};

}  // namespace dray::devcluster
