#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dray/api/scenario.h"

namespace dray::alloc::small {

// Words for small worlds, so that a test case is a few lines. Their claims are wanted together on
// node "n1" in zone "a"; classes are "gpu" and "nic", of drivers "gpu.x" and "nic.x", and "any".

inline api::Quantity Amount(std::string_view text) {
  return api::Quantity::Parse(text).value();
}
inline api::NodeSelector InZone(const std::string& zone) {
  return {{{{{"zone", "In", {zone}}}, {}}}};
}

struct Dev : api::Device {
  explicit Dev(std::string device_name) { name = std::move(device_name); }
  Dev& Shared() { return allow_multiple_allocations = true, *this; }
  Dev& Has(const std::string& what, const char* amount, api::CapacityRequestPolicy policy) {
    return capacity[what] = {Amount(amount), std::move(policy)}, *this;
  }
  Dev& Has(const std::string& what, const char* amount) {
    return capacity[what] = {Amount(amount), std::nullopt}, *this;
  }
  Dev& Is(const std::string& what, decltype(api::DeviceAttribute::value) value) {
    return attributes[what].value = std::move(value), *this;
  }
  // Of the counter "c" of a set.
  Dev& Uses(const std::string& set, const char* amount) {
    return consumes_counters.push_back({set, {{"c", {Amount(amount)}}}}), *this;
  }
  Dev& Tainted(const char* key, const char* effect) {
    return taints.push_back({key, "", effect, {}}), *this;
  }
  Dev& Binds(const std::string& condition) {
    return binding_conditions = binding_failure_conditions = {condition}, *this;
  }
  Dev& On(const std::string& node) { return node_name = node, *this; }
  Dev& Near(const std::string& zone) { return node_selector = InZone(zone), *this; }
  Dev& Everywhere() { return all_nodes = true, *this; }
};

// A slice of pool "p" of driver "gpu.x", the pool's only one, of node "n1".
struct Slice : api::ResourceSlice {
  explicit Slice(std::vector<api::Device> devices = {}, int64_t slices = 1) {
    spec.driver = "gpu.x";
    spec.pool = {"p", 1, slices};
    spec.node_name = "n1";
    spec.devices = std::move(devices);
  }
  Slice& Driver(const std::string& driver) { return spec.driver = driver, *this; }
  Slice& Pool(const std::string& pool) { return spec.pool.name = pool, *this; }
  Slice& Generation(int64_t generation) { return spec.pool.generation = generation, *this; }
  Slice& On(const std::string& node) { return spec.node_name = node, *this; }
  Slice& Near(const std::string& zone) {
    return spec.node_name.reset(), spec.node_selector = InZone(zone), *this;
  }
  Slice& Everywhere() { return spec.node_name.reset(), spec.all_nodes = true, *this; }
  Slice& PerDevice() {
    return spec.node_name.reset(), spec.per_device_node_selection = true, *this;
  }
  Slice& Counter(const std::string& set, const char* amount, const std::string& counter = "c") {
    return spec.shared_counters.push_back({set, {{counter, {Amount(amount)}}}}), *this;
  }
};

// Words that exact requests and alternatives share.
template <class Request>
struct Asks : Request {
  explicit Asks(int64_t wanted = 1, const std::string& device_class = "gpu") {
    this->device_class_name = device_class;
    this->allocation_mode = wanted == 0 ? "All" : "ExactCount";
    this->count = wanted;
  }
  Asks& Where(const std::string& expression) {
    return this->selectors.push_back({api::CelDeviceSelector{expression}}), *this;
  }
  Asks& Of(const std::string& what, const char* amount) {
    if (!this->capacity) this->capacity.emplace();
    return this->capacity->requests[what] = Amount(amount), *this;
  }
  Asks& Tolerates(const std::string& key, const std::string& effect = "") {
    return this->tolerations.push_back({key, "Exists", "", effect, {}}), *this;
  }
};
using One = Asks<api::ExactDeviceRequest>;
using Sub = Asks<api::DeviceSubRequest>;

// Requests are "r0", "r1"..., alternatives "s0", "s1"...
struct Claim : api::ResourceClaim {
  Claim& Want(api::ExactDeviceRequest request) {
    return Requests().push_back({Next(), std::move(request), {}}), *this;
  }
  Claim& First(std::vector<api::DeviceSubRequest> choices) {
    for (size_t i = 0; i < choices.size(); ++i) choices[i].name = "s" + std::to_string(i);
    return Requests().push_back({Next(), std::nullopt, std::move(choices)}), *this;
  }
  Claim& Match(const std::string& attribute, std::vector<std::string> requests = {}) {
    auto& constraint = spec.devices.constraints.emplace_back();
    constraint.requests = std::move(requests);
    return constraint.match_attribute = attribute, *this;
  }
  Claim& Distinct(const std::string& attribute) {
    return spec.devices.constraints.emplace_back().distinct_attribute = attribute, *this;
  }
  Claim& Config(const std::string& text, std::vector<std::string> requests = {}) {
    auto& config = spec.devices.config.emplace_back();
    config.requests = std::move(requests);
    return config.opaque.emplace().driver = text, *this;
  }

 private:
  std::vector<api::DeviceRequest>& Requests() { return spec.devices.requests; }
  std::string Next() { return "r" + std::to_string(Requests().size()); }
};

// "pool/device" in use by somebody else; with `share` as a share with so much of "m".
struct InUse {
  std::string pool, device;
  const char* share = nullptr;
};

inline Scenario SmallWorld(std::vector<Slice> slices, std::vector<Claim> claims,
                           const std::vector<InUse>& in_use = {}) {
  Scenario world;
  world.nodes.emplace_back().metadata.name = "n1";
  world.nodes[0].metadata.labels = {{"zone", "a"}};
  for (const std::string& name : std::vector<std::string>{"gpu", "nic", "any"}) {
    auto device_class = std::make_shared<api::DeviceClass>();
    device_class->metadata.name = name;
    if (name != "any") {
      device_class->spec.selectors = {
          {api::CelDeviceSelector{"device.driver == \"" + name + ".x\""}}};
      device_class->spec.config.emplace_back().opaque.emplace().driver = name + " class";
    }
    world.classes.push_back(std::move(device_class));
  }
  for (Slice& slice : slices) {
    slice.metadata.name = "slice-" + std::to_string(world.slices.size());
    world.slices.push_back(std::make_shared<api::ResourceSlice>(std::move(slice)));
  }
  for (const InUse& used : in_use) {
    auto holder = std::make_shared<api::ResourceClaim>();
    auto& result = holder->status.allocation.emplace().devices.results.emplace_back();
    result.driver = "gpu.x";
    result.pool = used.pool;
    result.device = used.device;
    if (used.share != nullptr) {
      result.share_id = "share";
      result.consumed_capacity["m"] = Amount(used.share);
    }
    world.allocated.push_back(std::move(holder));
  }
  std::vector<std::string> together;
  for (Claim& claim : claims) {
    claim.metadata.name = "c" + std::to_string(world.claims.size());
    together.push_back(claim.metadata.name);
    world.claims.push_back(std::move(claim));
  }
  world.groups.push_back(std::move(together));
  return world;
}

}  // namespace dray::alloc::small
