#pragma once

#include "dray/api/types/core.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Empties a namespace that is being deleted, then lets it go.
class NamespaceReconciler : public runtime::Reconciler {
 public:
  NamespaceReconciler(runtime::Client client, const runtime::Lister<api::Namespace>& namespaces)
      : client_(std::move(client)), namespaces_(namespaces) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  runtime::Client client_;
  const runtime::Lister<api::Namespace>& namespaces_;
};

}  // namespace dray::devcluster
