#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/tables.h"

namespace dray::devcluster {
namespace {

// What the walk over a Pod's container statuses finds.
struct Summary {
  std::string reason;
  int64_t restarts = 0;
  std::string last_restart;  // RFC 3339
  int64_t ready = 0, total = 0;
};

bool ConditionTrue(const Json& pod, std::string_view type) {
  if (const Json* conditions = FindArray(pod, "status.conditions"))
    for (const Json& condition : *conditions)
      if (StringAt(condition, "type") == type) return StringAt(condition, "status") == "True";
  return false;
}

bool Gated(const Json& pod) {
  if (const Json* conditions = FindArray(pod, "status.conditions"))
    for (const Json& condition : *conditions)
      if (StringAt(condition, "type") == "PodScheduled")
        return StringAt(condition, "reason") == "SchedulingGated";
  return false;
}

void NoteRestart(Summary& summary, const Json& status) {
  summary.restarts += IntAt(status, "restartCount").value_or(0);
  std::string finished = StringAt(status, "lastState.terminated.finishedAt");
  if (finished > summary.last_restart) summary.last_restart = finished;
}

std::string EndOf(const Json& terminated) {
  if (std::string reason = StringAt(terminated, "reason"); !reason.empty()) return reason;
  if (int64_t signal = IntAt(terminated, "signal").value_or(0); signal != 0)
    return "Signal:" + std::to_string(signal);
  return "ExitCode:" + std::to_string(IntAt(terminated, "exitCode").value_or(0));
}

const Json* StatusOf(const Json& pod, const char* list, const std::string& container) {
  if (const Json* statuses = FindArray(pod, list))
    for (const Json& status : *statuses)
      if (StringAt(status, "name") == container) return &status;
  return nullptr;
}

// The init containers; true while the Pod is still busy with them.
bool WalkInitContainers(const Json& pod, Summary& summary) {
  const Json* containers = FindArray(pod, "spec.initContainers");
  if (!containers) return false;
  size_t index = 0;
  for (const Json& container : *containers) {
    bool sidecar = StringAt(container, "restartPolicy") == "Always";
    if (sidecar) ++summary.total;
    const Json* status = StatusOf(pod, "status.initContainerStatuses", StringAt(container, "name"));
    size_t position = index++;
    if (!status) continue;
    NoteRestart(summary, *status);
    const Json* terminated = FindObject(*status, "state.terminated");
    if (terminated && IntAt(*terminated, "exitCode").value_or(0) == 0) continue;
    if (sidecar && BoolAt(*status, "started")) {
      if (BoolAt(*status, "ready")) ++summary.ready;
      continue;
    }
    std::string waiting = StringAt(*status, "state.waiting.reason");
    if (terminated)
      summary.reason = "Init:" + EndOf(*terminated);
    else if (!waiting.empty() && waiting != "PodInitializing")
      summary.reason = "Init:" + waiting;
    else
      summary.reason =
          "Init:" + std::to_string(position) + "/" + std::to_string(containers->size());
    return true;
  }
  return false;
}

void WalkContainers(const Json& pod, Summary& summary) {
  const Json* statuses = FindArray(pod, "status.containerStatuses");
  if (!statuses) return;
  bool running = false;
  // The first container that has something to say wins: so from the last to the first.
  for (auto status = statuses->rbegin(); status != statuses->rend(); ++status) {
    NoteRestart(summary, *status);
    const Json* terminated = FindObject(*status, "state.terminated");
    if (std::string waiting = StringAt(*status, "state.waiting.reason"); !waiting.empty()) {
      summary.reason = waiting;
    } else if (terminated) {
      summary.reason = EndOf(*terminated);
    } else if (BoolAt(*status, "ready") && FindObject(*status, "state.running")) {
      running = true;
      ++summary.ready;
    }
  }
  if (summary.reason == "Completed" && running)
    summary.reason = ConditionTrue(pod, "Ready") ? "Running" : "NotReady";
}

std::string OrNothing(std::string text) {
  return text.empty() ? "<none>" : text;
}

std::string ReadinessGates(const Json& pod) {
  const Json* gates = FindArray(pod, "spec.readinessGates");
  if (Empty(gates)) return "<none>";
  int64_t fulfilled = 0;
  for (const Json& gate : *gates)
    if (ConditionTrue(pod, StringAt(gate, "conditionType"))) ++fulfilled;
  return std::to_string(fulfilled) + "/" + std::to_string(gates->size());
}

}  // namespace

std::vector<Column> PodColumns() {
  return {{"Name", "string", "name", 0, "Name of the pod."},
          {"Ready", "string", "", 0, "Ready containers of all containers."},
          {"Status", "string", "", 0, "The pod's phase, or what it is waiting for."},
          {"Restarts", "string", "", 0, "Container restarts, and how long ago the last was."},
          {"Age", "string", "", 0, "Time since the pod was created."},
          {"IP", "string", "", 1, "Address of the pod."},
          {"Node", "string", "", 1, "Node that the pod is bound to."},
          {"Nominated Node", "string", "", 1, "Node that preemption makes room on."},
          {"Readiness Gates", "string", "", 1, "Readiness gates that hold."}};
}

Json PodCells(const Json& pod, WallTime now) {
  Summary summary;
  std::string phase = StringAt(pod, "status.phase");
  summary.reason = phase;
  std::string status_reason = StringAt(pod, "status.reason");
  if (!status_reason.empty()) summary.reason = status_reason;
  if (Gated(pod)) summary.reason = "SchedulingGated";
  if (const Json* containers = FindArray(pod, "spec.containers"))
    summary.total = static_cast<int64_t>(containers->size());

  bool initializing = WalkInitContainers(pod, summary);
  if (!initializing || ConditionTrue(pod, "Initialized")) WalkContainers(pod, summary);
  if (!StringAt(pod, "metadata.deletionTimestamp").empty()) {
    if (status_reason == "NodeLost")
      summary.reason = "Unknown";
    else if (phase != "Succeeded" && phase != "Failed")
      summary.reason = "Terminating";
  }
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts > 0 && !summary.last_restart.empty())
    restarts += " (" + AgeOf(summary.last_restart, now) + " ago)";
  return {StringAt(pod, "metadata.name"),
          std::to_string(summary.ready) + "/" + std::to_string(summary.total),
          summary.reason,
          restarts,
          AgeOf(StringAt(pod, "metadata.creationTimestamp"), now),
          OrNothing(StringAt(pod, "status.podIP")),
          OrNothing(StringAt(pod, "spec.nodeName")),
          OrNothing(StringAt(pod, "status.nominatedNodeName")),
          ReadinessGates(pod)};
}

}  // namespace dray::devcluster
