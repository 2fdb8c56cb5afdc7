#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "devcluster/scheduler/cluster_state.h"
#include "devcluster/scheduler/scheduling_queue.h"

namespace dray::devcluster {

// What is to be done with one Pod. Nothing is written here.
struct Decision {
  enum class Kind {
    kBind,           // write `claims`, then bind to `node`
    kPrepare,        // write `claims`; binding waits for the conditions of their devices
    kHold,           // cannot be attempted yet: claims are missing
    kUnschedulable,  // fits nowhere
    kRelease,  // an allocation of `claims` that nobody else uses stands in the way: give it back
    kError,    // a claim or class is wrong
  };
  // A claim that the Pod needs, and its allocation if it has to be written.
  struct ClaimWrite {
    std::shared_ptr<const api::ResourceClaim> claim;
    std::optional<api::AllocationResult> allocation;
  };

  Kind kind = Kind::kUnschedulable;
  std::string node;
  std::vector<ClaimWrite> claims;  // not yet reserved for the Pod, or to be released
  std::string message;             // for people, unless kBind
  bool quiet = false;              // kHold: the normal course of things, not worth telling
  WaitFor wait;                    // of kPrepare, kHold, kUnschedulable
};

struct DecisionOptions {
  api::Time now;
  SteadyTime steady_now;
  std::stop_token stop;
  std::function<std::string()> new_share_id;
};

// One scheduling cycle: PreEnqueue, PreFilter, Filter and Score of kube-scheduler with its
// DynamicResources plugin (facts: DRA, B.4), nodes in the order of their score.
Decision Decide(ClusterState& cluster, const api::Pod& pod, const DecisionOptions& options);

}  // namespace dray::devcluster
