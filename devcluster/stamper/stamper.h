#pragma once

#include <memory>

#include "dray/runtime/client.h"
#include "dray/runtime/manager.h"

namespace dray::devcluster {

// The part that kube-controller-manager's resourceclaim controller plays on a real cluster: claims
// from templates, and the end of reservations.
class Stamper {
 public:
  Stamper(runtime::Client client, Clock& clock);
  ~Stamper();

  // Adds caches and workers; this object outlives the manager's Run.
  void AddTo(runtime::Manager& manager);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
