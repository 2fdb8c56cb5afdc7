#include "devcluster/scheduler/decision.h"

#include <algorithm>

#include "devcluster/scheduler/binding_conditions.h"
#include "dray/api/claims.h"

namespace dray::devcluster {
namespace {

constexpr int kSubrequestScore =
    8;  // of the first of firstAvailable, one less for each further one
constexpr size_t kEnoughNodes = 100;

using Kind = Decision::Kind;

Decision Say(Kind kind, std::string message) {
  Decision decision;
  decision.kind = kind;
  decision.message = std::move(message);
  return decision;
}

// The claims of a Pod, sorted by what they need.
struct PodClaims {
  std::vector<std::shared_ptr<const api::ResourceClaim>> allocated, unallocated;
  std::set<api::ObjectKey> keys;
};

// PreEnqueue and PreFilter: nothing, when all claims are there and can be used.
std::optional<Decision> Gather(const ClusterState& cluster, const api::Pod& pod,
                               PodClaims& claims) {
  std::optional<Decision> hold;
  auto hold_for = [&](std::string message, bool quiet) {
    if (hold) return;
    hold = Say(Kind::kHold, std::move(message));
    hold->quiet = quiet;
  };
  for (const api::PodResourceClaim& entry : pod.spec.resource_claims) {
    const bool generated = entry.resource_claim_template_name.has_value();
    const std::optional<std::string> name = claims::ClaimNameFor(pod, entry);
    if (!name) {
      hold_for("waiting for the ResourceClaim of " + entry.name + " to be created", true);
      continue;
    }
    if (name->empty()) continue;  // no claim needed
    const api::ObjectKey key{pod.metadata.namespace_, *name};
    claims.keys.insert(key);
    auto claim = cluster.Claim(key);
    if (claim == nullptr) {
      hold_for("waiting for ResourceClaim " + *name + " to be created", generated);
    } else if (claim->metadata.deletion_timestamp) {
      hold_for("ResourceClaim " + *name + " is being deleted", false);
    } else if (generated && !claims::OwnedBy(*claim, pod)) {
      hold_for("ResourceClaim " + *name + " was not created for this Pod", false);
    } else if (!claim->status.allocation) {
      claims.unallocated.push_back(std::move(claim));
    } else if (!claims::ReservedFor(*claim, pod) &&
               claim->status.reserved_for.size() >= api::kMaxReservedFor) {
      hold_for("ResourceClaim " + *name + " is in use by " + std::to_string(api::kMaxReservedFor) +
                   " Pods already",
               false);
    } else {
      claims.allocated.push_back(std::move(claim));
    }
  }
  if (hold) hold->wait.claims = claims.keys;
  return hold;
}

std::optional<Decision> CheckClasses(const ClusterState& cluster, const PodClaims& claims) {
  auto missing = [&](const std::string& name) -> std::optional<Decision> {
    if (cluster.Class(name) != nullptr) return std::nullopt;
    Decision decision = Say(Kind::kUnschedulable, "device class " + name + " does not exist");
    decision.wait.causes = kDevicesChanged;
    return decision;
  };
  for (const auto& claim : claims.unallocated) {
    for (const api::DeviceRequest& request : claim->spec.devices.requests) {
      if (request.exactly) {
        if (auto decision = missing(request.exactly->device_class_name)) return decision;
      }
      for (const api::DeviceSubRequest& sub : request.first_available) {
        if (auto decision = missing(sub.device_class_name)) return decision;
      }
    }
  }
  return std::nullopt;
}

// Higher for earlier choices of firstAvailable.
int SubrequestScore(const std::vector<std::shared_ptr<const api::ResourceClaim>>& claims,
                    const std::vector<api::AllocationResult>& allocations) {
  int score = 0;
  for (size_t c = 0; c < claims.size(); ++c) {
    for (const api::DeviceRequest& request : claims[c]->spec.devices.requests) {
      for (size_t i = 0; i < request.first_available.size(); ++i) {
        const std::string name = request.name + "/" + request.first_available[i].name;
        const auto& results = allocations[c].devices.results;
        if (std::any_of(results.begin(), results.end(),
                        [&](const auto& r) { return r.request == name; })) {
          score += kSubrequestScore - static_cast<int>(i);
        }
      }
    }
  }
  return score;
}

bool HasChoice(const PodClaims& claims) {
  for (const auto& claim : claims.unallocated) {
    for (const api::DeviceRequest& request : claim->spec.devices.requests) {
      if (!request.first_available.empty()) return true;
    }
  }
  return false;
}

// "0/3 nodes are available: 1 Insufficient cpu, 2 had no device ...".
std::string NoNode(size_t nodes, const std::map<std::string, int>& misfits,
                   const std::string& devices) {
  std::string message = "0/" + std::to_string(nodes) + " nodes are available";
  if (nodes == 0) return message;
  std::string separator = ": ";
  for (const auto& [why, count] : misfits) {
    message += separator + std::to_string(count) + " " + why;
    separator = ", ";
  }
  if (!devices.empty()) message += separator + devices;
  return message + ".";
}

class Cycle {
 public:
  Cycle(ClusterState& cluster, const api::Pod& pod, PodClaims claims,
        const DecisionOptions& options)
      : cluster_(cluster), pod_(pod), claims_(std::move(claims)), options_(options) {}

  Decision Run() {
    if (auto decision = WaitForConditions()) return *decision;
    if (auto decision = CheckClasses(cluster_, claims_)) {
      decision->wait.claims = claims_.keys;
      return *decision;
    }
    const api::ResourceList requests = RequestsOf(pod_);
    std::vector<const NodeInfo*> fitting = Filter(requests);
    std::stable_sort(fitting.begin(), fitting.end(), [&](const NodeInfo* a, const NodeInfo* b) {
      const double of_a = FreeShare(requests, *a), of_b = FreeShare(requests, *b);
      return of_a != of_b ? of_a > of_b : a->pods < b->pods;
    });
    return claims_.unallocated.empty() ? Place(fitting) : Allocate(fitting);
  }

 private:
  std::optional<Decision> WaitForConditions() {
    for (const auto& claim : claims_.allocated) {
      const Bindability state = BindabilityOf(*claim, options_.now);
      if (state.state == Bindability::kReady) continue;
      const std::string& name = claim->metadata.name;
      if (state.state == Bindability::kFailed) {
        Decision decision = Say(Kind::kRelease, "ResourceClaim " + name + ": " + state.why);
        decision.claims = {{claim, std::nullopt}};
        return decision;
      }
      Decision decision = Say(
          Kind::kPrepare, "waiting for the devices of ResourceClaim " + name + ": " + state.why);
      for (const auto& other : claims_.allocated) {
        if (!claims::ReservedFor(*other, pod_)) decision.claims.push_back({other, std::nullopt});
      }
      decision.wait.claims = claims_.keys;
      decision.wait.deadline = options_.steady_now + state.left;
      return decision;
    }
    return std::nullopt;
  }

  std::vector<const NodeInfo*> Filter(const api::ResourceList& requests) {
    std::vector<const NodeInfo*> fitting;
    for (const auto& [name, info] : cluster_.nodes()) {
      if (info.node == nullptr) continue;
      ++nodes_;
      std::vector<std::string> misfits = Misfits(pod_, requests, info);
      if (misfits.empty() && ClaimElsewhere(*info.node))
        misfits.push_back("resourceclaim not available on the node");
      for (const std::string& misfit : misfits) ++misfits_[misfit];
      if (misfits.empty()) fitting.push_back(&info);
    }
    return fitting;
  }

  bool ClaimElsewhere(const api::Node& node) {
    for (const auto& claim : claims_.allocated) {
      const auto& selector = claim->status.allocation->node_selector;
      if (selector && !alloc::Matches(*selector, node)) {
        blocking_.push_back(claim);
        return true;
      }
    }
    return false;
  }

  Decision Place(const std::vector<const NodeInfo*>& fitting) {
    if (fitting.empty()) return NoneFits("");
    return Bind(fitting[0]->node->metadata.name, {});
  }

  Decision Allocate(const std::vector<const NodeInfo*>& fitting) {
    std::vector<const api::ResourceClaim*> claims;
    for (const auto& claim : claims_.unallocated) claims.push_back(claim.get());
    alloc::Options options;
    options.stop = options_.stop;
    options.new_share_id = options_.new_share_id;
    alloc::Cycle cycle(cluster_.devices(), claims, options);

    const bool choice = HasChoice(claims_);
    std::vector<std::pair<const api::Node*, alloc::NodeAnswer>> refused;
    const api::Node* best = nullptr;
    std::vector<api::AllocationResult> best_allocations;
    int best_score = -1;
    size_t found = 0;
    for (const NodeInfo* info : fitting) {
      alloc::NodeAnswer answer = cycle.Try(*info->node);
      if (answer.outcome == alloc::Outcome::kError) {
        Decision decision = Say(Kind::kError, answer.error);
        decision.wait = Wait();
        return decision;
      }
      if (answer.outcome == alloc::Outcome::kUnsatisfiable) {
        refused.emplace_back(info->node.get(), std::move(answer));
        continue;
      }
      const int score = choice ? SubrequestScore(claims_.unallocated, answer.allocations) : 0;
      if (score > best_score) {
        best = info->node.get();
        best_allocations = std::move(answer.allocations);
        best_score = score;
      }
      if (!choice || ++found >= kEnoughNodes) break;
    }
    if (best != nullptr) return Bind(best->metadata.name, std::move(best_allocations));
    std::vector<alloc::NodeAnswer> answers;
    for (auto& [node, answer] : refused) {
      cycle.Explain(*node, answer);
      answers.push_back(std::move(answer));
    }
    return NoneFits(answers.empty() ? "" : alloc::Summarize(answers));
  }

  Decision Bind(std::string node, std::vector<api::AllocationResult> allocations) {
    Decision decision;
    decision.kind = Kind::kBind;
    decision.node = std::move(node);
    for (size_t i = 0; i < allocations.size(); ++i) {
      for (const api::DeviceRequestAllocationResult& result : allocations[i].devices.results) {
        if (!result.binding_conditions.empty()) decision.kind = Kind::kPrepare;
      }
      decision.claims.push_back({claims_.unallocated[i], std::move(allocations[i])});
    }
    for (const auto& claim : claims_.allocated) {
      if (!claims::ReservedFor(*claim, pod_)) decision.claims.push_back({claim, std::nullopt});
    }
    if (decision.kind == Kind::kPrepare) {
      decision.message = "waiting for the devices to become ready for binding";
      decision.wait.claims = claims_.keys;
    }
    return decision;
  }

  WaitFor Wait() const {
    return {kNodesChanged | kPodsGone | kDevicesChanged, claims_.keys, std::nullopt};
  }

  Decision NoneFits(const std::string& devices) {
    Decision decision = Say(Kind::kUnschedulable, NoNode(nodes_, misfits_, devices));
    decision.wait = Wait();
    if (claims_.unallocated.empty())
      decision.wait.causes &= ~static_cast<uint32_t>(kDevicesChanged);
    // PostFilter: an allocation that only this Pod holds, on nodes that do not fit, is better made
    // anew elsewhere.
    for (const auto& claim : blocking_) {
      const auto& consumers = claim->status.reserved_for;
      if (consumers.empty() || (consumers.size() == 1 && claims::ReservedFor(*claim, pod_))) {
        decision.kind = Kind::kRelease;
        decision.claims = {{claim, std::nullopt}};
        break;
      }
    }
    return decision;
  }

  ClusterState& cluster_;
  const api::Pod& pod_;
  const PodClaims claims_;
  const DecisionOptions& options_;
  size_t nodes_ = 0;
  std::map<std::string, int> misfits_;
  std::vector<std::shared_ptr<const api::ResourceClaim>> blocking_;
};

}  // namespace

Decision Decide(ClusterState& cluster, const api::Pod& pod, const DecisionOptions& options) {
  if (!pod.spec.scheduling_gates.empty()) {
    Decision decision = Say(Kind::kHold, "scheduling gate " + pod.spec.scheduling_gates[0].name);
    decision.quiet = true;
    return decision;
  }
  PodClaims claims;
  if (auto hold = Gather(cluster, pod, claims)) return *hold;
  return Cycle(cluster, pod, std::move(claims), options).Run();
}

}  // namespace dray::devcluster
