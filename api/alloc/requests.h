#pragma once

#include <span>
#include <string>
#include <vector>

#include "api/alloc/capacity.h"
#include "api/alloc/snapshot.h"

namespace dray::alloc {

// One way to satisfy a request: the request itself, or one of its firstAvailable. Refers to claim
// and class.
struct Alternative {
  const std::string* request = nullptr;      // name of the request
  const std::string* alternative = nullptr;  // of the subrequest, or null
  std::shared_ptr<const api::DeviceClass> device_class;
  std::vector<std::shared_ptr<const Selector>> class_selectors, selectors;
  bool all = false;  // allocationMode All
  int64_t count = 0;
  bool admin = false;
  const std::vector<api::DeviceToleration>* tolerations = nullptr;
  std::vector<CapacityAsk> capacities;

  const std::string& own_name() const { return alternative != nullptr ? *alternative : *request; }
  // "request" or "request/alternative", as in allocation results.
  std::string FullName() const {
    return alternative != nullptr ? *request + "/" + *alternative : *request;
  }
};

struct PreparedRequest {
  bool prioritized = false;  // firstAvailable
  std::vector<Alternative> alternatives;
};

// What is the same for all claims that ask alike: their classes, selectors and names, looked up
// once. Claims of one shape are refused by the same nodes.
struct Plan {
  uint64_t shape = 0;                   // unique in the snapshot
  std::vector<api::DeviceClaim> asked;  // by claim, requests alone; alternatives refer to them
  std::vector<std::vector<PreparedRequest>> requests;  // by claim
};

struct PreparedClaim {
  const api::ResourceClaim* claim = nullptr;
  std::span<const PreparedRequest> requests;  // of the plan
};

// kInvalid says what is wrong with a claim or its class. Kept by the snapshot, by shape.
Result<std::shared_ptr<const Plan>> PlanFor(const Snapshot::State& state,
                                            std::span<const api::ResourceClaim* const> claims);

// All that decides whether a node can take the claims and what the results say of the requests, and
// nothing else.
std::string ShapeText(std::span<const api::ResourceClaim* const> claims);

// "claim ns/name", as errors begin.
std::string Describe(const api::ResourceClaim& claim);

// The answer of class and request selectors for a device: those of the class first, in order, until
// one says no.
Selector::Answer Select(const Alternative& alternative, const DeviceInfo& device);
// After kError.
std::string SelectError(const api::ResourceClaim& claim, const Alternative& alternative,
                        const DeviceInfo& device);

}  // namespace dray::alloc
