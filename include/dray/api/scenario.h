#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/alloc.h"

namespace dray::alloc {

// A world for the allocator: {nodes, slices, classes, allocated, claims, groups}, resource.k8s.io/v1 JSON.
struct Scenario {
  std::vector<api::Node> nodes;
  std::vector<std::shared_ptr<const api::ResourceSlice>> slices;
  std::vector<std::shared_ptr<const api::DeviceClass>> classes;
  std::vector<std::shared_ptr<const api::ResourceClaim>> allocated;
  std::vector<api::ResourceClaim> claims;
  std::vector<std::vector<std::string>> groups;  // names of claims that are allocated together, like one Pod's
};

// kInvalid names what is wrong and where.
Result<Scenario> ReadScenario(std::string_view json);

struct ClaimAnswer {
  std::string name;
  Outcome outcome = Outcome::kUnsatisfiable;
  std::string node;                                 // when allocated
  std::optional<api::AllocationResult> allocation;  // when allocated
  std::string reason;                               // otherwise
};

struct ScenarioOptions {
  std::function<std::string()> new_share_id;
  bool reasons = true;
  Features features;
  // Called after each claim or group, with the number of nodes tried for it.
  std::function<void(int nodes)> after_each;
};

// Takes the claims in order, for each the nodes in order; the first node that can takes it, and what it takes is in use from
// then on. An error ends the attempt for that claim. Answers in the order of the claims.
std::vector<ClaimAnswer> RunScenario(const Scenario& scenario, const ScenarioOptions& options);

// "allocated", "unsatisfiable", "error".
std::string_view OutcomeName(Outcome outcome);

}  // namespace dray::alloc
