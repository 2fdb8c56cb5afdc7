#pragma once

#include <memory>

#include "dray/runtime/client.h"
#include "dray/runtime/manager.h"

namespace dray::devcluster {

// The part of kube-controller-manager that a development cluster needs beside the claim stamper:
// Deployment, ReplicaSet, Job, the garbage collector and the end of namespaces.
class Workloads {
 public:
  Workloads(runtime::Client client, Clock& clock);
  ~Workloads();

  // Adds caches and workers; this object outlives the manager's Run.
  void AddTo(runtime::Manager& manager);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
