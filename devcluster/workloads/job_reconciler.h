#pragma once

#include "dray/api/types/workload.h"
#include "dray/runtime/events.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/work_queue.h"

namespace dray::devcluster {

// Runs a Job's Pods: parallelism, completions, backoffLimit, activeDeadlineSeconds,
// ttlSecondsAfterFinished. Indexed completion is refused with a condition.
class JobReconciler : public runtime::Reconciler {
 public:
  JobReconciler(runtime::Client client, const runtime::Lister<api::Job>& jobs,
                runtime::EventRecorder& events)
      : client_(std::move(client)), jobs_(jobs), events_(events) {}
  Result<runtime::Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override;

 private:
  Result<runtime::Requeue> RunJob(const Context& ctx, const api::Job& job, const Json& document);
  // How many were made; what stopped it before `count`, in `refused`.
  Result<int> MakePods(const Context& ctx, const api::Job& job, const Json& pod_template, int count,
                       Status& refused);
  Status DeletePods(const Context& ctx, const api::Job& job, const std::vector<api::Pod>& pods,
                    size_t count);

  runtime::Client client_;
  const runtime::Lister<api::Job>& jobs_;
  runtime::EventRecorder& events_;
};

}  // namespace dray::devcluster
