#pragma once

#include <map>
#include <memory>
#include <string>

#include "devcluster/kubelet/pod_runner.h"
#include "dray/runtime/informer.h"

namespace dray::devcluster {

// Keeps every Pod that is bound to the node where it should be: an informer, a queue of Pods and
// workers that sync them. Every 60 s (and at the start) it also looks for what nobody cares for any
// more: claims and devices of Pods that are gone, directories left by an earlier run.
class PodWorkers {
 public:
  // The services (their `wake` is set here) and the lister outlive the workers.
  PodWorkers(NodeServices& services, const runtime::Lister<api::Pod>& pods, std::string root_dir);
  ~PodWorkers();

  void Wake(const api::ObjectKey& key);
  // Every Pod, soon: a plugin has come.
  void WakeAll();

  // The informer has synced. Until ctx is stopped.
  Status Run(const Context& ctx);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
