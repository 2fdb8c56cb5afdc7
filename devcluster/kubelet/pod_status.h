#pragma once

#include <optional>
#include <string>
#include <vector>

#include "devcluster/kubelet/container_schedule.h"
#include "dray/api/types/core.h"
#include "dray/base/json.h"

namespace dray::devcluster {

// One container with what its status says.
struct ContainerRecord {
  std::string name, image;
  ContainerKind kind = ContainerKind::kApp;
  api::ContainerState state, last_state;
  int restart_count = 0;
  std::string container_id;
};

// Why a Pod failed as a whole: rejected at admission, over its deadline.
struct PodVerdict {
  std::string reason, message;
};

struct PodFacts {
  std::vector<ContainerRecord> containers;  // init containers, then containers
  std::optional<api::Time> start_time;
  std::optional<PodVerdict> verdict;
  std::string host_ip, pod_ip;
  bool all_stopped = false;  // nothing runs and nothing will
};

// The phase (kubelet's getPhase): Pending, Running, Succeeded, Failed.
std::string PhaseOf(const PodFacts& facts, const std::string& restart_policy);

// The status that the kubelet writes. Conditions keep their transition time from `before` where
// their status did not change; those of others (PodScheduled) are not in it. Pure.
api::PodStatus StatusOf(const PodFacts& facts, const api::PodSpec& spec,
                        const std::vector<api::PodCondition>& before, api::Time now);

// A strategic merge patch of pods/status with `status`, for the Pod of this UID only.
Json StatusPatch(const api::PodStatus& status, const std::string& uid);

}  // namespace dray::devcluster
