#pragma once

#include <memory>

#include "devcluster/scheduler/scheduling_queue.h"
#include "dray/runtime/client.h"
#include "dray/runtime/manager.h"

namespace dray::devcluster {

// The scheduler of a development cluster: binds Pods with schedulerName default-scheduler,
// allocates their claims as kube-scheduler 1.36 does, and says why when it cannot. Speaks to the
// API server through a Client alone.
//
// One thread decides and writes, Pod by Pod; what it has written counts for the next Pod before the
// caches know. Every write can be repeated: killed after any of them, the next scheduler finds the
// allocation and only binds.
class Scheduler {
 public:
  Scheduler(runtime::Client client, Clock& clock, SchedulingQueueOptions options = {});
  ~Scheduler();

  // Adds caches and the worker; this object outlives the manager's Run.
  void AddTo(runtime::Manager& manager);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
