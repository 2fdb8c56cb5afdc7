#pragma once

#include <span>

#include "devcluster/workloads/ownership_graph.h"
#include "dray/base/guarded.h"
#include "dray/runtime/client.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Deletes objects whose owners are all gone (by UID), and serves the finalizers foregroundDeletion
// and orphan. Keys are UIDs. Rules of kube-controller-manager's garbage collector.
class GarbageCollector : public runtime::Reconciler {
 public:
  // `kinds`: those whose changes are reported through Seen and Gone; an owner of another kind
  // counts as there.
  GarbageCollector(runtime::Client client, std::vector<api::KindInfo> kinds)
      : client_(std::move(client)), kinds_(std::move(kinds)) {}

  // An informer's news. Return the UIDs to look at. Any thread.
  std::vector<std::string> Seen(OwnedObject object);
  std::vector<std::string> Gone(const api::ObjectMeta& metadata);

  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  enum class OwnerState { kGone, kThere, kWaitsForDependents };
  Result<OwnerState> StateOf(const Context& ctx, const OwnedObject& object,
                             const api::OwnerReference& owner);
  Status CollectIfOrphaned(const Context& ctx, const OwnedObject& object);
  Status FinishForeground(const Context& ctx, const OwnedObject& owner);
  Status Orphan(const Context& ctx, const OwnedObject& owner);
  Status DropFinalizer(const Context& ctx, const OwnedObject& object, const std::string& finalizer);
  std::vector<OwnedObject> Dependents(const std::string& uid) const;

  runtime::Client client_;
  const std::vector<api::KindInfo> kinds_;
  Guarded<OwnershipGraph> graph_;
};

}  // namespace dray::devcluster
