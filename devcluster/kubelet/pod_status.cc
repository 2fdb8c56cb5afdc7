#include "devcluster/kubelet/pod_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dray/api/codec.h"

namespace dray::devcluster {
namespace {

bool Succeeded(const ContainerRecord& record) {
  return record.state.terminated && record.state.terminated->exit_code == 0;
}

// An init container that has not done its part.
bool PendingInit(const ContainerRecord& record) {
  if (record.kind == ContainerKind::kInit) return !Succeeded(record);
  return record.kind == ContainerKind::kSidecar && !record.state.running &&
         record.restart_count == 0 && !record.state.terminated && !record.last_state.terminated;
}

std::string Names(const std::vector<std::string>& names) {
  std::string text = "[";
  for (size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : " ") + names[i];
  return text + "]";
}

api::PodCondition Condition(const std::string& type, bool holds, std::string reason,
                            std::string message) {
  api::PodCondition condition{type, holds ? "True" : "False"};
  if (!holds || reason == "PodCompleted") {
    condition.reason = std::move(reason);
    condition.message = std::move(message);
  }
  return condition;
}

api::ContainerStatus ContainerStatusOf(const ContainerRecord& record) {
  api::ContainerStatus status;
  status.name = record.name;
  status.image = record.image;
  status.container_id = record.container_id;
  status.state = record.state;
  status.last_state = record.last_state;
  status.restart_count = record.restart_count;
  bool running = record.state.running.has_value();
  status.started = running;
  status.ready = record.kind == ContainerKind::kInit ? Succeeded(record) : running;
  return status;
}

}  // namespace

std::string PhaseOf(const PodFacts& facts, const std::string& restart_policy) {
  if (facts.verdict) return "Failed";
  int pending_init = 0, failed_init = 0, waiting = 0, running = 0, stopped = 0, succeeded = 0;
  for (const ContainerRecord& record : facts.containers) {
    if (record.kind != ContainerKind::kApp) {
      if (PendingInit(record)) ++pending_init;
      if (record.kind == ContainerKind::kInit && record.state.terminated && !Succeeded(record))
        ++failed_init;
      continue;
    }
    if (record.state.running) {
      ++running;
    } else if (record.state.terminated) {
      ++stopped;
      if (Succeeded(record)) ++succeeded;
    } else if (record.last_state.terminated) {
      ++stopped;
    } else {
      ++waiting;
    }
  }
  if (failed_init > 0 && restart_policy == "Never") return "Failed";
  if (pending_init > 0) return facts.all_stopped ? "Failed" : "Pending";
  if (waiting > 0) return facts.all_stopped ? "Failed" : "Pending";
  if (running > 0) return "Running";
  if (stopped == 0) return "Pending";
  if (restart_policy == "Always" && !facts.all_stopped) return "Running";
  if (stopped == succeeded) return "Succeeded";
  if (restart_policy == "OnFailure" && !facts.all_stopped) return "Running";
  return "Failed";
}

api::PodStatus StatusOf(const PodFacts& facts, const api::PodSpec& spec,
                        const std::vector<api::PodCondition>& before, api::Time now) {
  api::PodStatus status;
  std::string policy = spec.restart_policy.empty() ? "Always" : spec.restart_policy;
  status.phase = PhaseOf(facts, policy);
  if (facts.verdict) {
    status.reason = facts.verdict->reason;
    status.message = facts.verdict->message;
  }
  status.host_ip = facts.host_ip;
  status.start_time = facts.start_time;
  bool sandbox = facts.start_time.has_value() && !facts.verdict;
  if (sandbox) status.pod_ip = facts.pod_ip;

  std::vector<std::string> uninitialized, unready;
  for (const ContainerRecord& record : facts.containers) {
    api::ContainerStatus container = ContainerStatusOf(record);
    if (PendingInit(record)) uninitialized.push_back(record.name);
    if (!container.ready && record.kind != ContainerKind::kInit) unready.push_back(record.name);
    (record.kind == ContainerKind::kApp ? status.container_statuses
                                        : status.init_container_statuses)
        .push_back(container);
  }
  bool completed = status.phase == "Succeeded";
  std::string done = completed                  ? "PodCompleted"
                     : status.phase == "Failed" ? "PodFailed"
                                                : "ContainersNotReady";
  std::string missing = completed ? "" : "containers with unready status: " + Names(unready);
  bool ready = unready.empty() && status.phase == "Running";
  status.conditions = {
      Condition("PodReadyToStartContainers", sandbox && !facts.all_stopped, "", ""),
      Condition("Initialized", uninitialized.empty(),
                completed ? "PodCompleted" : "ContainersNotInitialized",
                uninitialized.empty()
                    ? ""
                    : "containers with incomplete status: " + Names(uninitialized)),
      Condition("Ready", ready, done, missing),
      Condition("ContainersReady", ready, done, missing),
  };
  for (api::PodCondition& condition : status.conditions) {
    condition.last_transition_time = now;
    for (const api::PodCondition& old : before) {
      if (old.type == condition.type && old.status == condition.status &&
          old.last_transition_time) {
        condition.last_transition_time = old.last_transition_time;
      }
    }
  }
  return status;
}

Json StatusPatch(const api::PodStatus& status, const std::string& uid) {
  api::Pod pod;
  pod.status = status;
  Json body = api::ToJson(pod)["status"];
  if (!status.pod_ip.empty()) body["podIPs"] = {{{"ip", status.pod_ip}}};
  if (!status.host_ip.empty()) body["hostIPs"] = {{{"ip", status.host_ip}}};
  return {{"metadata", {{"uid", uid}}}, {"status", body}};
}

}  // namespace dray::devcluster
