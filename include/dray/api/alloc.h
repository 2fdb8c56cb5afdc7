#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/core.h"
#include "dray/api/types/resource.h"
#include "dray/base/status.h"

// The structured allocator: what kube-scheduler 1.36 decides for a claim on a node
// (k8s.io/dynamic-resource-allocation/ structured, "incubating" variant). Pure: a frozen snapshot
// in, an allocation or reasons out. Nothing is written.
namespace dray::alloc {

struct Features {
  bool list_type_attributes = false;  // alpha gate DRAListTypeAttributes
};

// Everything the decision depends on except node and claims: immutable while in use and shared
// between threads. Resolves names to integers once and keeps what many decisions need (compiled
// selectors with their answers per device, the pools each node sees), so keep one and bring it up
// to date with AddAllocation and RemoveAllocation as long as slices and classes stay.
class Snapshot {
 public:
  struct Input {
    std::vector<std::shared_ptr<const api::ResourceSlice>> slices;
    std::vector<std::shared_ptr<const api::DeviceClass>> classes;
    // Claims with status.allocation (others are passed over); in-flight allocations are added with
    // AddAllocation.
    std::vector<std::shared_ptr<const api::ResourceClaim>> allocated;
    Features features;
  };
  explicit Snapshot(Input input);
  ~Snapshot();
  Snapshot(Snapshot&&) noexcept;

  // Counts `allocation` as in use from now on, or no longer. Not while a Cycle is being used.
  // `holder`: the claim, for reasons.
  void AddAllocation(const api::AllocationResult& allocation, std::string_view holder = {});
  void RemoveAllocation(const api::AllocationResult& allocation);

  struct State;
  const State& state() const { return *state_; }
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

struct Options {
  std::stop_token stop;
  int64_t max_steps =
      50'000'000;        // device attempts; beyond it the outcome is kError ("search limit")
  bool reasons = false;  // explain an outcome of kUnsatisfiable; costs nothing when false
  // Makes the share id of each share of a device. api/ has no source of randomness, so the caller
  // gives one; without it the ids are empty.
  std::function<std::string()> new_share_id;
};

enum class Outcome {
  kAllocated,
  kUnsatisfiable,  // not on this node; another one may do
  kError,  // the claim or a class is wrong (unknown class, CEL error...): the scheduler aborts the
           // Pod
};

// Why one request found too few devices on one node: how many devices were ruled out by what.
struct RequestReason {
  std::string claim, request, device_class;
  int wanted = 0;
  int devices = 0;  // devices of complete pools on this node
  // "class selector", "request selector: ...", "memory", "taint k=v", "in use"... -> devices. A
  // device counts under the first kind of rule that it breaks, and under each capacity that it is
  // short of.
  std::map<std::string, int> ruled_out;
  std::map<std::string, std::pair<api::Quantity, api::Quantity>>
      short_of;  // capacity -> {wanted, largest free}
  static constexpr size_t kHolders = 3;
  std::vector<std::string>
      holders;  // claims that have devices "in use", the first few: "namespace/name"
};

struct NodeAnswer {
  Outcome outcome = Outcome::kUnsatisfiable;
  std::vector<api::AllocationResult> allocations;  // one per claim, in order, when kAllocated
  std::string error;                               // when kError
  std::string reason;                              // when kUnsatisfiable: one clause for people
  std::vector<RequestReason> reasons;              // when asked for
};

// Nodes in the order in which they are to be tried, for as many cycles over one snapshot as come.
// Remembers which of them refused claims that ask alike, so that the next such claim passes them
// over without a look as long as nothing changed in their pools. One thread; snapshot and nodes
// outlive it, and the nodes stay as they are.
class NodeOrder {
 public:
  NodeOrder(const Snapshot& snapshot, std::span<const api::Node> nodes);
  ~NodeOrder();

 private:
  friend class Cycle;
  struct State;
  std::unique_ptr<State> state_;
};

// Where claims ended that were tried on one node after the other.
struct Placement {
  const api::Node* node = nullptr;  // the one that did not refuse, if any
  int tried = 0;                    // nodes up to that one, or all of them
  NodeAnswer answer;                // of that node; without it kUnsatisfiable and no reasons
};

// One scheduling cycle: `claims` (those of one Pod that are not allocated yet) are prepared once
// and tried together on one node after the other. First fit, depth first, exhaustive, in
// Kubernetes' device order. One thread; snapshot and claims outlive it.
class Cycle {
 public:
  Cycle(const Snapshot& snapshot, std::span<const api::ResourceClaim* const> claims,
        Options options);
  ~Cycle();

  NodeAnswer Try(const api::Node& node);
  // The first node that does not refuse, as Try on each in turn would find it.
  Placement FirstFit(NodeOrder& nodes);
  // Fills reason and reasons of an answer of kUnsatisfiable, as Try does with Options::reasons: for
  // whoever wants to know only after no node could take the claims.
  void Explain(const api::Node& node, NodeAnswer& answer) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A Cycle with one node.
NodeAnswer Allocate(const Snapshot& snapshot, const api::Node& node,
                    std::span<const api::ResourceClaim* const> claims, const Options& options);

// One sentence over all nodes that refused, bounded in size: "2 had no device with 16Gi memory free
// (largest: 10Gi), 1 had no device of class hygon". Wants answers made with Options::reasons.
std::string Summarize(std::span<const NodeAnswer> answers);

// Why no node takes the claims, which belong to one Pod and so must come together: "0/3 nodes: 2
// had no device of class hygon, 1 ...". `places`: where the Pod's other claims, allocated already,
// may be used. Empty when a node can take them (the scheduler has not come round, or waits for
// something else) and when `how.stop` ended the search. Share ids are never looked at.
std::string WhyPending(const Snapshot& snapshot, std::span<const api::Node* const> nodes,
                       std::span<const api::ResourceClaim* const> claims,
                       std::span<const api::NodeSelector> places, Options how);

// Does the selector match the node? core/v1 NodeSelector: terms ORed, requirements ANDed, an empty
// term matches nothing; matchFields knows metadata.name. A selector that cannot be read (unknown
// operator...) is kInvalid, or matches nothing.
Result<bool> MatchNode(const api::NodeSelector& selector, const api::Node& node);
bool Matches(const api::NodeSelector& selector, const api::Node& node);

}  // namespace dray::alloc
