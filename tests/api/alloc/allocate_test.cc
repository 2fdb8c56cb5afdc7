#include <random>
#include <set>

#include <gtest/gtest.h>

#include "dray/api/alloc.h"

namespace dray::alloc {
namespace {

api::Quantity Q(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

api::Device MakeDevice(std::string name) {
  api::Device device;
  device.name = std::move(name);
  return device;
}

std::shared_ptr<api::ResourceSlice> MakeSlice(std::string node, std::vector<api::Device> devices,
                                              std::string driver = "gpu.example.com") {
  auto slice = std::make_shared<api::ResourceSlice>();
  slice->metadata.name = node + "-" + driver;
  slice->spec.driver = std::move(driver);
  slice->spec.pool = {node, 1, 1};
  slice->spec.node_name = node;
  slice->spec.devices = std::move(devices);
  return slice;
}

std::shared_ptr<const api::DeviceClass> MakeClass(std::string name) {
  auto device_class = std::make_shared<api::DeviceClass>();
  device_class->metadata.name = std::move(name);
  return device_class;
}

api::Node MakeNode(std::string name) {
  api::Node node;
  node.metadata.name = std::move(name);
  return node;
}

api::DeviceRequest Ask(std::string name, int64_t count = 1,
                       std::map<std::string, api::Quantity> capacity = {}) {
  api::ExactDeviceRequest exact;
  exact.device_class_name = "gpu";
  exact.count = count;
  if (!capacity.empty()) exact.capacity = api::CapacityRequirements{std::move(capacity)};
  return {std::move(name), std::move(exact), {}};
}

api::ResourceClaim MakeClaim(std::string name, std::vector<api::DeviceRequest> requests) {
  api::ResourceClaim claim;
  claim.metadata.namespace_ = "default";
  claim.metadata.name = std::move(name);
  claim.spec.devices.requests = std::move(requests);
  return claim;
}

NodeAnswer Try(const Snapshot& snapshot, const api::ResourceClaim& claim, Options options = {}) {
  const api::ResourceClaim* claims[] = {&claim};
  options.new_share_id = [] { return std::string("*"); };
  return Allocate(snapshot, MakeNode("n1"), claims, options);
}

TEST(Snapshot, AllocationsComeAndGo) {
  Snapshot snapshot(
      {{MakeSlice("n1", {MakeDevice("a"), MakeDevice("b")})}, {MakeClass("gpu")}, {}, {}});
  const api::ResourceClaim both = MakeClaim("c", {Ask("r", 2)});
  NodeAnswer first = Try(snapshot, both);
  ASSERT_EQ(first.outcome, Outcome::kAllocated);
  ASSERT_EQ(first.allocations.size(), 1u);
  snapshot.AddAllocation(first.allocations[0]);
  EXPECT_EQ(Try(snapshot, MakeClaim("d", {Ask("r")})).outcome, Outcome::kUnsatisfiable);
  snapshot.RemoveAllocation(first.allocations[0]);
  EXPECT_EQ(Try(snapshot, both).outcome, Outcome::kAllocated);
}

TEST(Snapshot, SharesComeAndGo) {
  api::Device device = MakeDevice("a");
  device.allow_multiple_allocations = true;
  device.capacity = {{"memory", {Q("80Gi"), std::nullopt}}};
  Snapshot snapshot({{MakeSlice("n1", {device})}, {MakeClass("gpu")}, {}, {}});
  const api::ResourceClaim half = MakeClaim("c", {Ask("r", 1, {{"memory", Q("40Gi")}})});
  std::vector<api::AllocationResult> taken;
  for (int i = 0; i < 2; ++i) {
    NodeAnswer answer = Try(snapshot, half);
    ASSERT_EQ(answer.outcome, Outcome::kAllocated);
    EXPECT_EQ(answer.allocations[0].devices.results[0].share_id, "*");
    taken.push_back(answer.allocations[0]);
    snapshot.AddAllocation(taken.back());
  }
  EXPECT_EQ(Try(snapshot, half).outcome, Outcome::kUnsatisfiable);
  snapshot.RemoveAllocation(taken[0]);
  EXPECT_EQ(Try(snapshot, half).outcome, Outcome::kAllocated);
}

// DRAListTypeAttributes: devices match when a value is common to all, and differ when none is
// common to two.
struct ListCase {
  std::string name;
  std::vector<api::DeviceAttribute> devices;
  bool distinct;
  int64_t count;
  std::string expected;  // the devices, or "" when there is no way
};

class ListConstraints : public ::testing::TestWithParam<ListCase> {};

TEST_P(ListConstraints, AsTheExperimentalAllocator) {
  const ListCase& c = GetParam();
  std::vector<api::Device> devices;
  for (const api::DeviceAttribute& attribute : c.devices) {
    devices.push_back(MakeDevice(std::string(1, static_cast<char>('a' + devices.size()))));
    devices.back().attributes["gpu.example.com/zone"] = attribute;
  }
  Features features;
  features.list_type_attributes = true;
  Snapshot snapshot({{MakeSlice("n1", devices)}, {MakeClass("gpu")}, {}, features});
  std::vector<api::DeviceRequest> requests;
  if (c.distinct) {  // a request for each: of several devices of one request only the latest is
                     // compared with
    for (int64_t r = 0; r < c.count; ++r) requests.push_back(Ask("r" + std::to_string(r)));
  } else {
    requests.push_back(Ask("r", c.count));
  }
  api::ResourceClaim claim = MakeClaim("c", std::move(requests));
  api::DeviceConstraint& constraint = claim.spec.devices.constraints.emplace_back();
  (c.distinct ? constraint.distinct_attribute : constraint.match_attribute) =
      "gpu.example.com/zone";
  NodeAnswer answer = Try(snapshot, claim);
  std::string chosen;
  if (answer.outcome == Outcome::kAllocated) {
    for (const auto& result : answer.allocations[0].devices.results) chosen += result.device;
  }
  EXPECT_NE(answer.outcome, Outcome::kError) << answer.error;
  EXPECT_EQ(chosen, c.expected);
}

using Ints = std::vector<int64_t>;
using Texts = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    All, ListConstraints,
    ::testing::Values(
        ListCase{"common", {{Ints{1, 2}}, {Ints{3}}, {Ints{2, 3}}}, false, 2, "ac"},
        ListCase{"scalar_in_list", {{Ints{1, 2}}, {int64_t{3}}, {int64_t{2}}}, false, 2, "ac"},
        ListCase{"kinds_differ", {{Ints{1}}, {Texts{"1"}}}, false, 2, ""},
        ListCase{"versions",
                 {{std::vector<api::Version>{{"1.0.0"}}}, {api::Version{"1.0.0"}}},
                 false,
                 2,
                 "ab"},
        ListCase{"bools", {{true}, {std::vector<bool>{false, true}}}, false, 2, "ab"},
        ListCase{"empty_list", {{Ints{}}, {Ints{1}}, {Ints{1}}}, false, 2, "bc"},
        // a, c and d would do, but trying b has left only 2 in common, for as long as a stays.
        ListCase{
            "narrowed_for_good", {{Ints{1, 2}}, {Ints{2}}, {Ints{1}}, {Ints{1}}}, false, 3, ""},
        ListCase{"distinct", {{Ints{1, 2}}, {Ints{2, 3}}, {Ints{3}}}, true, 2, "ac"},
        ListCase{"distinct_kinds", {{Ints{1}}, {Texts{"1"}}}, true, 2, "ab"},
        ListCase{"distinct_unsatisfiable", {{Texts{"x", "y"}}, {std::string("y")}}, true, 2, ""}),
    [](const auto& info) { return info.param.name; });

// A pool of the same name from a second driver is in Kubernetes' book of counters the same pool:
// the first pool that is asked for sets the limits.
TEST(Allocate, CountersAreKeptByPoolNameAlone) {
  auto counted = [](const std::string& driver, const char* limit) {
    auto counters = MakeSlice("n1", {}, driver);
    counters->metadata.name += "-counters";
    counters->spec.shared_counters = {{"set", {{"units", {Q(limit)}}}}};
    api::Device device = MakeDevice("a");
    device.consumes_counters = {{"set", {{"units", {Q("4")}}}}};
    auto devices = MakeSlice("n1", {device}, driver);
    for (auto& slice : {counters, devices}) slice->spec.pool.resource_slice_count = 2;
    return std::vector<std::shared_ptr<const api::ResourceSlice>>{counters, devices};
  };
  std::vector<std::shared_ptr<const api::ResourceSlice>> slices = counted("a.example.com", "4");
  for (auto& slice : counted("b.example.com", "4")) slices.push_back(slice);
  Snapshot snapshot({slices, {MakeClass("gpu")}, {}, {}});
  EXPECT_EQ(Try(snapshot, MakeClaim("c", {Ask("r", 1)})).outcome, Outcome::kAllocated);
  EXPECT_EQ(Try(snapshot, MakeClaim("c", {Ask("r", 2)})).outcome, Outcome::kUnsatisfiable);
}

// Searches that would take longer than the age of the universe, were they done device by device.
TEST(Allocate, AlikeDevicesAreTriedOnce) {
  std::vector<api::Device> devices;
  for (int i = 0; i < 100; ++i) {
    devices.push_back(MakeDevice("d" + std::to_string(i)));
    devices.back().attributes["v"].value = int64_t{i % 4 == 0};
    devices.back().attributes["uuid"].value = "uuid-" + std::to_string(i);
  }
  api::Device other = MakeDevice("other");
  other.attributes["gpu.example.com/v"].value = int64_t{2};
  Snapshot snapshot({{MakeSlice("n1", std::move(devices)), MakeSlice("n1", {other}, "other.x")},
                     {MakeClass("gpu")},
                     {},
                     {}});
  api::ResourceClaim claim = MakeClaim("c", {Ask("a", 16), Ask("b")});
  claim.spec.devices.requests[1].exactly->selectors = {
      {api::CelDeviceSelector{"device.driver == 'other.x'"}}};
  claim.spec.devices.constraints = {{{}, "gpu.example.com/v", std::nullopt}};
  Options options;
  options.max_steps = 10'000;
  EXPECT_EQ(Try(snapshot, claim, options).outcome, Outcome::kUnsatisfiable);

  // The same without the impossible request: 16 that agree are there.
  claim.spec.devices.requests.pop_back();
  EXPECT_EQ(Try(snapshot, claim, options).outcome, Outcome::kAllocated);
}

TEST(Allocate, ValuesOfTooFewDevicesAreNotTried) {
  std::vector<api::Device> devices;
  for (int i = 0; i < 90; ++i) {
    devices.push_back(MakeDevice("d" + std::to_string(i)));
    devices.back().attributes["group"].value = int64_t{i % 10};
    devices.back().attributes["unlike"].value = int64_t{i};
  }
  Snapshot snapshot({{MakeSlice("n1", std::move(devices))}, {MakeClass("gpu")}, {}, {}});
  api::ResourceClaim claim = MakeClaim("c", {Ask("a", 5), Ask("b", 5)});
  claim.spec.devices.constraints = {{{}, "gpu.example.com/group", std::nullopt}};
  Options options;
  options.max_steps = 1'000;
  EXPECT_EQ(Try(snapshot, claim, options).outcome, Outcome::kUnsatisfiable);
  claim.spec.devices.requests[0].exactly->count = 4;  // 9 of each group
  EXPECT_EQ(Try(snapshot, claim, options).outcome, Outcome::kAllocated);
}

TEST(Allocate, SearchIsBounded) {
  // A distinctAttribute over several devices of one request: a search that has to be done as
  // Kubernetes does it.
  std::vector<api::Device> devices;
  for (int i = 0; i < 24; ++i) {
    devices.push_back(MakeDevice("d" + std::to_string(i)));
    devices.back().attributes["v"].value = int64_t{0};
  }
  Snapshot snapshot({{MakeSlice("n1", std::move(devices))}, {MakeClass("gpu")}, {}, {}});
  api::ResourceClaim claim = MakeClaim("c", {Ask("a", 12), Ask("b", 12)});
  claim.spec.devices.constraints = {{{"b"}, std::nullopt, "gpu.example.com/v"}};
  Options options;
  options.max_steps = 10'000;
  NodeAnswer answer = Try(snapshot, claim, options);
  EXPECT_EQ(answer.outcome, Outcome::kError);
  EXPECT_NE(answer.error.find("search limit"), std::string::npos) << answer.error;
  std::stop_source stop;
  stop.request_stop();
  options.stop = stop.get_token();
  EXPECT_EQ(Try(snapshot, claim, options).error, "stopped");
}

TEST(Allocate, TooManyRequestsForTheDevicesAreRejectedByCount) {
  std::vector<api::Device> devices;
  for (int i = 0; i < 20; ++i) devices.push_back(MakeDevice("d" + std::to_string(i)));
  Snapshot snapshot({{MakeSlice("n1", std::move(devices))}, {MakeClass("gpu")}, {}, {}});
  std::vector<api::DeviceRequest> requests;
  for (int i = 0; i < 21; ++i) requests.push_back(Ask("r" + std::to_string(i)));
  Options options;
  options.max_steps = 1000;  // all orders of 20 devices would take far more
  EXPECT_EQ(Try(snapshot, MakeClaim("c", std::move(requests)), options).outcome,
            Outcome::kUnsatisfiable);
}

TEST(Allocate, MalformedInputIsAnError) {
  Snapshot snapshot({{MakeSlice("n1", {MakeDevice("a")})}, {MakeClass("gpu")}, {}, {}});
  api::ResourceClaim no_class = MakeClaim("c", {Ask("r")}),
                     no_kind = MakeClaim("c", {{"r", std::nullopt, {}}}),
                     odd_mode = MakeClaim("c", {Ask("r")}),
                     odd_selector = MakeClaim("c", {Ask("r")}),
                     odd_constraint = MakeClaim("c", {Ask("r")}),
                     many = MakeClaim("c", {Ask("r", 33)});
  no_class.spec.devices.requests[0].exactly->device_class_name = "nope";
  odd_mode.spec.devices.requests[0].exactly->allocation_mode = "Some";
  odd_selector.spec.devices.requests[0].exactly->selectors = {{}};
  odd_constraint.spec.devices.constraints = {{}};
  for (const api::ResourceClaim* claim :
       {&no_class, &no_kind, &odd_mode, &odd_selector, &odd_constraint, &many}) {
    NodeAnswer answer = Try(snapshot, *claim);
    EXPECT_EQ(answer.outcome, Outcome::kError);
    EXPECT_EQ(answer.error.find("claim default/c"), 0u) << answer.error;
  }
}

// Against a model: every way to hand out devices is tried. The search must find one exactly when
// there is one, and what it finds must be one.
struct Model {
  std::vector<api::Device> devices;
  std::vector<api::DeviceRequest> requests;
  std::optional<std::string> match;

  bool Holds(const std::vector<std::vector<size_t>>& chosen) const {
    std::set<size_t> exclusive;
    std::map<size_t, int64_t> used;
    std::set<int64_t> values;
    for (size_t r = 0; r < chosen.size(); ++r) {
      std::set<size_t> own(chosen[r].begin(), chosen[r].end());
      if (own.size() != chosen[r].size()) return false;
      for (size_t d : chosen[r]) {
        const api::Device& device = devices[d];
        const auto& ask = requests[r].exactly->capacity;
        const int64_t amount =
            ask ? ask->requests.at("memory").Value() : device.capacity.at("memory").value.Value();
        used[d] += amount;
        if (used[d] > device.capacity.at("memory").value.Value()) return false;
        if (!device.allow_multiple_allocations.value_or(false) && !exclusive.insert(d).second)
          return false;
        if (match) values.insert(std::get<int64_t>(device.attributes.at("v").value));
      }
    }
    return values.size() <= 1;
  }
  bool Exists(std::vector<std::vector<size_t>>& chosen, size_t r, size_t from) const {
    if (r == requests.size()) return Holds(chosen);
    if (chosen[r].size() == static_cast<size_t>(requests[r].exactly->count))
      return Exists(chosen, r + 1, 0);
    for (size_t d = from; d < devices.size(); ++d) {
      chosen[r].push_back(d);
      if (Exists(chosen, r, d + 1)) return true;
      chosen[r].pop_back();
    }
    return false;
  }
};

TEST(Allocate, FindsASolutionExactlyWhenThereIsOne) {
  std::mt19937 random(7);
  auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  int solvable = 0;
  constexpr int kRounds = 600;
  for (int round = 0; round < kRounds; ++round) {
    Model model;
    for (int i = 0, n = 1 + up_to(4); i < n; ++i) {
      api::Device device = MakeDevice("d" + std::to_string(i));
      device.capacity["memory"].value = api::Quantity::FromInteger(1 + up_to(4));
      device.attributes["v"].value = int64_t{up_to(2)};
      if (up_to(2) == 0) device.allow_multiple_allocations = true;
      model.devices.push_back(std::move(device));
    }
    for (int i = 0, n = 1 + up_to(3); i < n; ++i) {
      std::map<std::string, api::Quantity> capacity;
      if (up_to(3) != 0) capacity["memory"] = api::Quantity::FromInteger(1 + up_to(3));
      model.requests.push_back(Ask("r" + std::to_string(i), 1 + up_to(2), std::move(capacity)));
    }
    if (up_to(2) == 0) model.match = "gpu.example.com/v";

    Snapshot snapshot({{MakeSlice("n1", model.devices)}, {MakeClass("gpu")}, {}, {}});
    api::ResourceClaim claim = MakeClaim("c", model.requests);
    if (model.match) claim.spec.devices.constraints = {{{}, model.match, std::nullopt}};
    Options options;
    options.reasons = true;
    NodeAnswer answer = Try(snapshot, claim, options);
    std::vector<std::vector<size_t>> chosen(model.requests.size());
    const bool exists = model.Exists(chosen, 0, 0);
    solvable += exists;
    ASSERT_EQ(answer.outcome, exists ? Outcome::kAllocated : Outcome::kUnsatisfiable)
        << "round " << round;
    if (!exists) {
      EXPECT_FALSE(answer.reason.empty());
      continue;
    }
    std::vector<std::vector<size_t>> found(model.requests.size());
    for (const api::DeviceRequestAllocationResult& result : answer.allocations[0].devices.results) {
      found[std::stoul(result.request.substr(1))].push_back(std::stoul(result.device.substr(1)));
    }
    ASSERT_TRUE(model.Holds(found)) << "round " << round;
    ASSERT_EQ(found, chosen) << "not the first solution, round " << round;
  }
  EXPECT_GT(solvable, kRounds / 4);
  EXPECT_LT(solvable, kRounds * 3 / 4);
}

}  // namespace
}  // namespace dray::alloc
