#pragma once

#include <memory>

#include "devcluster/scheduler/scheduling_queue.h"
#include "dray/runtime/client.h"
#include "dray/runtime/manager.h"

namespace dray::devcluster {

struct SchedulerOptions {
  SchedulingQueueOptions queue;
  // What the scheduler has written and no cache has told of for so long is looked up: a server that
  // was restored from older data has lost it.
  Duration look_up_after = std::chrono::seconds(30);
};

// The scheduler of a development cluster: binds Pods with schedulerName default-scheduler,
// allocates their claims as kube-scheduler 1.36 does, and says why when it cannot. Speaks to the
// API server through a Client alone.
//
// One thread decides and writes, Pod by Pod; what it has written counts for the next Pod before the
// caches know. Every write can be repeated: killed after any of them, the next scheduler finds the
// allocation and only binds.
class Scheduler {
 public:
  Scheduler(runtime::Client client, Clock& clock, SchedulerOptions options = {});
  ~Scheduler();

  // Adds caches and the worker; this object outlives the manager's Run.
  void AddTo(runtime::Manager& manager);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
