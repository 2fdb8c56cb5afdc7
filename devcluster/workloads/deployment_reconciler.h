#pragma once

#include "dray/api/types/workload.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Moves a Deployment's replicas to the ReplicaSet of its present template: RollingUpdate with
// maxSurge and maxUnavailable, or Recreate. Rules of kube-controller-manager's deployment
// controller.
class DeploymentReconciler : public runtime::Reconciler {
 public:
  DeploymentReconciler(runtime::Client client, const runtime::Lister<api::Deployment>& deployments,
                       const runtime::Lister<api::ReplicaSet>& sets, runtime::EventRecorder& events)
      : client_(std::move(client)), deployments_(deployments), sets_(sets), events_(events) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  using Sets = std::vector<api::ReplicaSet>;
  // Its ReplicaSets, oldest first; adopts matching ones without an owner.
  Result<Sets> OwnSets(const Context& ctx, const api::Deployment& deployment);
  Result<api::ReplicaSet> MakeNewSet(const Context& ctx, const api::Deployment& deployment,
                                     const std::string& hash, const Json& pod_template,
                                     const Sets& old_sets);
  Status Number(const Context& ctx, const api::Deployment& deployment, api::ReplicaSet& fresh,
                const Sets& old_sets);
  Result<bool> OldPodsRemain(const Context& ctx, const api::Deployment& deployment,
                             const Sets& old_sets);
  Status ScaleSet(const Context& ctx, const api::Deployment& deployment, api::ReplicaSet& set,
                  int replicas);
  Status Roll(const Context& ctx, const api::Deployment& deployment, api::ReplicaSet& fresh,
              Sets& old_sets);
  Status DropHistory(const Context& ctx, const api::Deployment& deployment, const Sets& old_sets);
  Status ReportStatus(const Context& ctx, const api::Deployment& deployment,
                      const api::ReplicaSet& fresh, const Sets& old_sets);

  runtime::Client client_;
  const runtime::Lister<api::Deployment>& deployments_;
  const runtime::Lister<api::ReplicaSet>& sets_;
  runtime::EventRecorder& events_;
};

// The number that an IntOrString means of `total`: percentages rounded up or down. Pure.
int ScaledValue(const api::IntOrString& value, int total, bool round_up);

}  // namespace dray::devcluster
