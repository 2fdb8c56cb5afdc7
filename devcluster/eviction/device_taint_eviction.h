#pragma once

#include <memory>

#include "dray/runtime/client.h"
#include "dray/runtime/manager.h"

namespace dray::devcluster {

// The part that kube-controller-manager's device taint eviction controller plays on a cluster of
// Kubernetes 1.36 with its default feature gates: a NoExecute taint that a driver puts on a device
// ends the Pods whose claims hold it, after what they tolerate. (DeviceTaintRule is behind a gate
// that is off there, and no type of this API server.)
class DeviceTaintEviction {
 public:
  DeviceTaintEviction(runtime::Client client, Clock& clock);
  ~DeviceTaintEviction();

  // Adds caches and workers; this object outlives the manager's Run.
  void AddTo(runtime::Manager& manager);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
