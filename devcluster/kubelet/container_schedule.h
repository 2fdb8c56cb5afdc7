#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dray/api/types/core.h"
#include "dray/base/clock.h"

namespace dray::devcluster {

enum class ContainerKind {
  kInit,
  kSidecar,
  kApp
};  // kSidecar: an init container with restartPolicy Always

// Where one container of a Pod stands, as far as the next step depends on it.
struct ContainerView {
  ContainerKind kind = ContainerKind::kApp;
  bool started = false;  // has run at least once
  bool running = false;
  int exit_code = 0;  // when started and not running
  int failures = 0;   // restarts in a row, 0 for the first run
  SteadyTime finished_at{};
};

struct SchedulePlan {
  std::vector<size_t> start;          // to be started now, in order
  std::vector<size_t> backing_off;    // CrashLoopBackOff
  std::optional<SteadyTime> wake_at;  // when the first of these may start
  bool initialized = false;           // every init container has done its part
  bool finished = false;              // no container will run again (sidecars are to be stopped)
};

// What kubelet's computePodActions decides: init containers one after the other, sidecars in their
// place without waiting for an end, then all the others; restarts by `restart_policy` (Always,
// OnFailure, Never) with back-off. Views stand in the order of the Pod: init containers, then
// containers. Pure.
SchedulePlan PlanContainers(const std::vector<ContainerView>& views,
                            const std::string& restart_policy, SteadyTime now);

// How long a container waits after its end before restart number `failures` + 1: none for the
// first, then 10 s doubling up to 5 min.
Duration RestartDelay(int failures);
// A container that ran this long starts the count anew.
inline constexpr std::chrono::minutes kHealthyRun(10);

}  // namespace dray::devcluster
