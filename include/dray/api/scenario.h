#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/alloc.h"

namespace dray::alloc {

// A world for the allocator: {nodes, slices, classes, allocated, claims, groups},
// resource.k8s.io/v1 JSON.
struct Scenario {
  std::vector<api::Node> nodes;
  std::vector<std::shared_ptr<const api::ResourceSlice>> slices;
  std::vector<std::shared_ptr<const api::DeviceClass>> classes;
  std::vector<std::shared_ptr<const api::ResourceClaim>> allocated;
  std::vector<api::ResourceClaim> claims;
  std::vector<std::vector<std::string>>
      groups;  // names of claims that are allocated together, like one Pod's
};

// kInvalid names what is wrong and where.
Result<Scenario> ReadScenario(std::string_view json);

// Why no node could take a claim, in figures.
struct Explanation {
  static constexpr size_t kNodes = 20, kRules = 16;
  // By request, added up over all nodes: `devices` and `ruled_out` are sums (of more than kRules
  // rules the rarest under "other"), `short_of` holds the most that was wanted and the most that
  // was free on any node.
  std::vector<RequestReason> requests;
  std::vector<std::pair<std::string, std::string>> nodes;  // the first kNodes, each with its reason
};

struct ClaimAnswer {
  std::string name;
  Outcome outcome = Outcome::kUnsatisfiable;
  std::string node;                                 // when allocated
  std::optional<api::AllocationResult> allocation;  // when allocated
  std::string reason;                               // otherwise
  std::shared_ptr<const Explanation> explanation;   // when unsatisfiable and asked for
};

struct ScenarioOptions {
  std::function<std::string()> new_share_id;
  bool reasons = true;
  bool explanations = false;
  Features features;
  // Called after each claim or group, with the number of nodes tried for it.
  std::function<void(int nodes)> after_each;
};

// Takes the claims in order, for each the nodes in order; the first node that can takes it, and
// what it takes is in use from then on. An error ends the attempt for that claim. Answers in the
// order of the claims.
std::vector<ClaimAnswer> RunScenario(const Scenario& scenario, const ScenarioOptions& options);

// "allocated", "unsatisfiable", "error".
std::string_view OutcomeName(Outcome outcome);

}  // namespace dray::alloc
