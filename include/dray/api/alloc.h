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

// The structured allocator: what kube-scheduler 1.36 decides for a claim on a node (k8s.io/dynamic-resource-allocation/
// structured, "incubating" variant). Pure: a frozen snapshot in, an allocation or reasons out. Nothing is written.
namespace dray::alloc {

struct Features {
  bool list_type_attributes = false;  // alpha gate DRAListTypeAttributes
};

// Everything the decision depends on except node and claims. Built once per scheduling cycle, immutable while in use, shared
// between threads. Keeps compiled selectors and per-pool state; AddAllocation commits a result and is not thread-safe.
class Snapshot {
 public:
  struct Input {
    std::vector<std::shared_ptr<const api::ResourceSlice>> slices;
    std::vector<std::shared_ptr<const api::DeviceClass>> classes;
    // Claims with status.allocation; in-flight allocations are added with AddAllocation.
    std::vector<std::shared_ptr<const api::ResourceClaim>> allocated;
    Features features;
  };
  explicit Snapshot(Input input);
  ~Snapshot();
  Snapshot(Snapshot&&) noexcept;

  // Counts `allocation` as in use from now on.
  void AddAllocation(const api::AllocationResult& allocation);

  struct State;
  const State& state() const { return *state_; }
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

struct Options {
  std::stop_token stop;
  int64_t max_steps = 50'000'000;  // device attempts; beyond it the outcome is kError ("search limit")
  bool reasons = false;            // explain an outcome of kUnsatisfiable; costs nothing when false
  // Makes share ids. Default: random UUIDs would need a source of randomness, so the caller must give one.
  std::function<std::string()> new_share_id;
};

enum class Outcome {
  kAllocated,
  kUnsatisfiable,  // not on this node; another one may do
  kError,          // the claim or a class is wrong (unknown class, CEL error...): the scheduler aborts the Pod
};

// Why one request found too few devices on one node: how many devices were ruled out by what.
struct RequestReason {
  std::string claim, request, device_class;
  int wanted = 0;
  int devices = 0;                       // devices of complete pools on this node
  std::map<std::string, int> ruled_out;  // "class selector", "request selector: ...", "memory", "taint k=v", "in use"...
  std::map<std::string, std::pair<api::Quantity, api::Quantity>> short_of;  // capacity -> {wanted, largest free}
};

struct NodeAnswer {
  Outcome outcome = Outcome::kUnsatisfiable;
  std::vector<api::AllocationResult> allocations;  // one per claim, in order, when kAllocated
  std::string error;                               // when kError
  std::string reason;                              // when kUnsatisfiable: one clause for people
  std::vector<RequestReason> reasons;              // when asked for
};

// Tries `claims` together on one node: the claims of one Pod that are not allocated yet. First fit, depth first, exhaustive,
// in Kubernetes' device order. Any thread.
NodeAnswer Allocate(const Snapshot& snapshot, const api::Node& node,
                    std::span<const api::ResourceClaim* const> claims, const Options& options);

// One sentence over all nodes, bounded in size: "0/3 nodes: 2 had no device with 16Gi free (largest: 10Gi), 1 had no device
// of class hygon".
std::string Summarize(std::span<const NodeAnswer> answers);

// Do `labels` and the name of a node match? (core/v1 NodeSelector: terms ORed, requirements ANDed; matchFields only
// metadata.name.)
bool Matches(const api::NodeSelector& selector, const api::Node& node);

}  // namespace dray::alloc
