#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "dray/api/scenario.h"

namespace dray::alloc {

// Small random worlds with claims, reproducible from the seed. Names, values and sizes are few, so
// that what is rare in a cluster (ties, shortages, contradictions) is frequent here.
class RandomWorld {
 public:
  explicit RandomWorld(uint32_t seed) : random_(seed) {
    // Not everything at once: a world has about half of the features.
    for (bool* feature :
         {&shared_, &counters_, &taints_, &admin_, &constraints_, &several_, &alternatives_,
          &all_mode_, &policies_, &bindings_, &selectors_, &odd_pools_, &large_}) {
      *feature = Chance(45);
    }
    large_ = large_ && Chance(20);
    odd_pools_ = odd_pools_ && Chance(40);
  }

  Scenario Make() {
    Scenario scenario;
    const int nodes = 1 + Below(3);
    for (int n = 0; n < nodes; ++n) {
      api::Node node;
      node.metadata.name = "n" + std::to_string(n);
      node.metadata.labels = {{"zone", n % 2 == 0 ? "a" : "b"}};
      scenario.nodes.push_back(node);
    }
    for (const char* name : {"any", "gpu", "nic"}) {
      auto device_class = std::make_shared<api::DeviceClass>();
      device_class->metadata.name = name;
      if (std::string(name) != "any") {
        device_class->spec.selectors = {
            {api::CelDeviceSelector{"device.driver == \"" + std::string(name) + ".x\""}}};
      }
      scenario.classes.push_back(device_class);
    }
    const int pools = 1 + Below(4);
    for (int p = 0; p < pools; ++p) AddPool(scenario, p);
    const int claims = 1 + Below(6);
    for (int c = 0; c < claims; ++c) scenario.claims.push_back(MakeClaim(c));
    if (several_ && claims >= 2) {
      scenario.groups = {{"c0", "c1"}};
      if (claims >= 5 && Chance(50)) scenario.groups.push_back({"c4", "c2", "c3"});
    }
    return scenario;
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  bool Chance(int percent) { return Below(100) < percent; }
  template <class T>
  const T& Of(const std::vector<T>& values) {
    return values[static_cast<size_t>(Below(static_cast<int>(values.size())))];
  }
  static api::Quantity Q(const std::string& text) { return api::Quantity::Parse(text).value(); }
  std::string Driver() { return Chance(70) ? "gpu.x" : "nic.x"; }
  std::string NodeName() { return "n" + std::to_string(Below(3)); }
  static api::NodeSelector Zone(const std::string& zone) {
    return {{{{{"zone", "In", {zone}}}, {}}}};
  }

  void AddPool(Scenario& scenario, int p) {
    const std::string driver = Driver();
    const std::string name = Chance(15) ? "p0" : "p" + std::to_string(p);
    const int slices = Chance(60) ? 1 : 2;
    const bool counters = counters_ && Chance(60);
    int64_t count = slices + (counters ? 1 : 0);
    const int64_t generation = odd_pools_ ? Below(2) : 1;
    if (odd_pools_ && Chance(20)) count += Below(3) - 1;
    const std::string node = NodeName();
    const int selection = Below(8);
    int device = 0;
    for (int s = 0; s < slices; ++s) {
      auto slice = std::make_shared<api::ResourceSlice>();
      slice->metadata.name =
          "s" + std::to_string(9 - Below(10)) + "-" + std::to_string(p) + "-" + std::to_string(s);
      slice->spec.driver = driver;
      slice->spec.pool = {name, generation, count};
      if (selection < 4) {
        slice->spec.node_name = odd_pools_ && Chance(20) ? NodeName() : node;
      } else if (selection == 4) {
        slice->spec.all_nodes = true;
      } else if (selection == 5) {
        slice->spec.node_selector = Zone(Chance(50) ? "a" : "b");
      } else {
        slice->spec.per_device_node_selection = true;
      }
      const int devices = large_ ? 8 + Below(24) : 1 + Below(4);
      const api::Device same =
          MakeDevice("", counters);  // identical devices are frequent in clusters
      for (int d = 0; d < devices; ++d) {
        api::Device made = Chance(50) ? same : MakeDevice("", counters);
        made.name = "d" + std::to_string(odd_pools_ && Chance(3) ? 0 : device);
        ++device;
        if (slice->spec.per_device_node_selection) {
          const int which = Below(3);
          if (which == 0) made.node_name = NodeName();
          if (which == 1) made.all_nodes = true;
          if (which == 2) made.node_selector = Zone(Chance(50) ? "a" : "b");
        }
        slice->spec.devices.push_back(made);
      }
      scenario.slices.push_back(slice);
    }
    if (!counters) return;
    auto sets = std::make_shared<api::ResourceSlice>();
    sets->metadata.name = "counters-" + std::to_string(p);
    sets->spec.driver = driver;
    sets->spec.pool = {name, generation, count};
    if (selection < 4)
      sets->spec.node_name = node;
    else
      sets->spec.all_nodes = true;
    sets->spec.shared_counters = {{"a", {{"x", {Q("8")}}, {"y", {Q("6")}}}},
                                  {"b", {{"x", {Q("5")}}}}};
    if (odd_pools_ && Chance(10)) sets->spec.shared_counters.pop_back();
    scenario.slices.push_back(sets);
  }

  api::DeviceAttribute Value(int kinds) {
    const int which = Below(kinds);
    if (which == 3) return {std::string("0")};
    if (which == 4) return {api::Version{"1.0.0"}};
    return {int64_t{which}};
  }

  api::Device MakeDevice(std::string name, bool counters) {
    api::Device device;
    device.name = std::move(name);
    if (Chance(90)) device.attributes["numa"] = Value(selectors_ ? 3 : 5);
    if (Chance(70)) device.attributes["gpu.x/numa"] = Value(3);
    if (!selectors_ || Chance(97))
      device.attributes["model"] = {std::string(Chance(50) ? "m1" : "m2")};
    device.capacity["memory"] = {Q(Chance(50) ? "10" : "6"), std::nullopt};
    if (Chance(40)) device.capacity["cores"] = {Q("100"), std::nullopt};
    device.allow_multiple_allocations = shared_ && Chance(60) ? std::optional(true) : std::nullopt;
    if (device.allow_multiple_allocations && Chance(25)) device.capacity.clear();
    if (device.allow_multiple_allocations && policies_) {
      for (auto& [key, capacity] : device.capacity) {
        api::CapacityRequestPolicy policy;
        policy.default_ = Q("2");
        const int which = Below(4);
        if (which == 1) policy.valid_values = {Q("1"), Q("2"), Q("4")};
        if (which == 2) policy.valid_range = {Q("2"), std::nullopt, Q("2")};
        if (which == 3) policy.valid_range = {Q("1"), Q("5"), std::nullopt};
        if (Chance(70)) capacity.request_policy = policy;
      }
    }
    if (counters && Chance(80)) {
      api::DeviceCounterConsumption use{"a", {{"x", {Q(std::to_string(1 + Below(4)))}}}};
      if (Chance(40)) use.counters["y"] = {Q(std::to_string(Below(4)))};
      device.consumes_counters.push_back(use);
      if (Chance(20)) device.consumes_counters.push_back({"b", {{"x", {Q("2")}}}});
    }
    if (taints_ && Chance(30)) {
      device.taints.push_back({Chance(50) ? "k" : "l",
                               Chance(50) ? "v" : "",
                               Of<std::string>({"NoSchedule", "NoExecute", "None"}),
                               {}});
    }
    if (bindings_ && Chance(20))
      device.binding_conditions = device.binding_failure_conditions = {"ready"};
    return device;
  }

  std::string Expression() {
    return Of<std::string>(
        {"device.attributes['gpu.x'].model == 'm1'", "device.attributes['nic.x'].numa > 0",
         "'numa' in device.attributes['gpu.x'] && device.attributes['gpu.x'].numa != 1",
         "device.capacity['gpu.x'].memory.compareTo(quantity('8')) >= 0",
         "device.driver == 'gpu.x'", "device.driver.startsWith('g')", "true",
         "device.allowMultipleAllocations", Chance(10) ? "device.oops" : "device.driver != ''"});
  }

  template <class Request>
  void Fill(Request& request) {
    request.device_class_name =
        Chance(2) ? "unknown" : Of<std::string>({"any", "any", "gpu", "nic"});
    request.allocation_mode = all_mode_ && Chance(30) ? "All" : "ExactCount";
    request.count = request.allocation_mode == "All" ? 0
                    : Chance(60)                     ? 1
                                                     : 1 + Below(large_ ? 20 : 4);
    if (selectors_ && Chance(50))
      request.selectors.push_back({api::CelDeviceSelector{Expression()}});
    if (taints_ && Chance(40)) {
      request.tolerations.push_back({Chance(70) ? "k" : "", Chance(50) ? "Exists" : "Equal",
                                     Chance(50) ? "v" : "", Chance(70) ? "" : "NoSchedule",
                                     std::nullopt});
      if (request.tolerations[0].op == "Exists") request.tolerations[0].value.clear();
    }
    if (Chance(shared_ ? 60 : 20)) {
      request.capacity.emplace();
      request.capacity->requests["memory"] =
          Q(Of<std::string>({"0", "1", "2", "3", "5", "1500m", "7"}));
      if (Chance(20)) request.capacity->requests["cores"] = Q(std::to_string(Below(4) * 25));
    }
  }

  api::ResourceClaim MakeClaim(int c) {
    api::ResourceClaim claim;
    claim.metadata.namespace_ = "default";
    claim.metadata.name = "c" + std::to_string(c);
    const int requests = Chance(5) ? 0 : 1 + Below(3);
    std::vector<std::string> names;
    for (int r = 0; r < requests; ++r) {
      api::DeviceRequest& request = claim.spec.devices.requests.emplace_back();
      request.name = "r" + std::to_string(r);
      names.push_back(request.name);
      if (alternatives_ && Chance(40)) {
        const int subs = 1 + Below(3);
        for (int s = 0; s < subs; ++s) {
          api::DeviceSubRequest& sub = request.first_available.emplace_back();
          sub.name = "s" + std::to_string(s);
          Fill(sub);
          if (Chance(30)) names.push_back(request.name + "/" + sub.name);
        }
      } else {
        request.exactly.emplace();
        Fill(*request.exactly);
        if (admin_ && Chance(30)) request.exactly->admin_access = Chance(80);
      }
    }
    if (!constraints_ || names.empty()) return claim;
    for (int k = Below(3); k > 0; --k) {
      api::DeviceConstraint& constraint = claim.spec.devices.constraints.emplace_back();
      if (Chance(50)) {
        for (const std::string& name : names) {
          if (Chance(60)) constraint.requests.push_back(name);
        }
      }
      const std::string attribute = Of<std::string>({"gpu.x/numa", "nic.x/numa", "gpu.x/model"});
      (Chance(60) ? constraint.match_attribute : constraint.distinct_attribute) = attribute;
    }
    return claim;
  }

  std::mt19937 random_;
  bool shared_ = false, counters_ = false, taints_ = false, admin_ = false, constraints_ = false,
       several_ = false, alternatives_ = false, all_mode_ = false, policies_ = false,
       bindings_ = false, selectors_ = false, odd_pools_ = false, large_ = false;
};

}  // namespace dray::alloc
