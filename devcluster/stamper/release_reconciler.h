#pragma once

#include "dray/api/types/resource.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Takes finished consumers out of reservedFor, deallocates what nobody uses any more, and deletes
// generated claims whose Pod is done. Keys are claims.
class ReleaseReconciler : public runtime::Reconciler {
 public:
  ReleaseReconciler(runtime::Client client, const runtime::Lister<api::ResourceClaim>& claims,
                    const runtime::Lister<api::Pod>& pods)
      : client_(std::move(client)), claims_(claims), pods_(pods) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  // The Pod of that name if it has that UID, by the cache, else by the server; null when it is
  // gone.
  Result<std::shared_ptr<const api::Pod>> Find(const Context& ctx, const api::ObjectKey& key,
                                               const std::string& uid) const;

  runtime::Client client_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const runtime::Lister<api::Pod>& pods_;
};

}  // namespace dray::devcluster
