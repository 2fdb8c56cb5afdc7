#include "devcluster/kubelet/container_schedule.h"

#include <algorithm>

namespace dray::devcluster {

Duration RestartDelay(int failures) {
  if (failures <= 0) return Duration(0);
  Duration delay = std::chrono::seconds(10) * (1 << std::min(failures - 1, 5));
  return std::min<Duration>(delay, std::chrono::minutes(5));
}

SchedulePlan PlanContainers(const std::vector<ContainerView>& views,
                            const std::string& restart_policy, SteadyTime now) {
  SchedulePlan plan;
  auto start_or_wait = [&](size_t index) {
    SteadyTime due = views[index].finished_at + RestartDelay(views[index].failures);
    if (!views[index].started || due <= now) {
      plan.start.push_back(index);
      return;
    }
    plan.backing_off.push_back(index);
    if (!plan.wake_at || due < *plan.wake_at) plan.wake_at = due;
  };
  bool anything_left = false;
  for (size_t i = 0; i < views.size(); ++i) {
    const ContainerView& view = views[i];
    switch (view.kind) {
      case ContainerKind::kInit:
        if (view.started && !view.running && view.exit_code == 0) continue;
        if (view.running) return plan;
        if (view.started && restart_policy == "Never") {
          plan.finished = true;
          return plan;
        }
        start_or_wait(i);
        return plan;  // the next one only after this one
      case ContainerKind::kSidecar:
        if (view.running) continue;
        start_or_wait(i);
        if (!view.started) return plan;
        continue;
      case ContainerKind::kApp:
        break;
    }
    plan.initialized = true;
    if (view.running) {
      anything_left = true;
      continue;
    }
    bool again = !view.started || restart_policy == "Always" ||
                 (restart_policy == "OnFailure" && view.exit_code != 0);
    if (!again) continue;
    anything_left = true;
    start_or_wait(i);
  }
  plan.finished = !anything_left;
  if (plan.finished) {  // sidecars do not come back for nobody
    plan.start.clear();
    plan.backing_off.clear();
    plan.wake_at.reset();
  }
  return plan;
}

}  // namespace dray::devcluster
