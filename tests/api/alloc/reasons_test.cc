#include <gtest/gtest.h>

#include "api/alloc/selectors.h"
#include "dray/api/alloc.h"

namespace dray::alloc {
namespace {

api::Quantity Size(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

// One node with two shared devices of 80Gi.
struct World {
  std::shared_ptr<api::ResourceSlice> slice = std::make_shared<api::ResourceSlice>();
  std::shared_ptr<api::DeviceClass> device_class = std::make_shared<api::DeviceClass>();
  api::ResourceClaim claim;
  api::Node node;

  World() {
    node.metadata.name = "n1";
    slice->metadata.name = "s";
    slice->spec.driver = "gpu.example.com";
    slice->spec.pool = {"n1", 1, 1};
    slice->spec.node_name = "n1";
    for (const char* name : {"a", "b"}) {
      api::Device& device = slice->spec.devices.emplace_back();
      device.name = name;
      device.allow_multiple_allocations = true;
      device.capacity = {{"memory", {Size("80Gi"), std::nullopt}}};
    }
    device_class->metadata.name = "gpu";
    claim.metadata.name = "c";
    api::ExactDeviceRequest exact;
    exact.device_class_name = "gpu";
    exact.capacity = api::CapacityRequirements{{{"memory", Size("40Gi")}}};
    claim.spec.devices.requests = {{"r", std::move(exact), {}}};
  }
  api::ExactDeviceRequest& exact() { return *claim.spec.devices.requests[0].exactly; }

  NodeAnswer Refused(std::vector<std::shared_ptr<const api::ResourceClaim>> allocated = {}) const {
    Snapshot snapshot({{slice}, {device_class}, std::move(allocated), {}});
    const api::ResourceClaim* claims[] = {&claim};
    Options options;
    options.reasons = true;
    NodeAnswer answer = Allocate(snapshot, node, claims, options);
    EXPECT_EQ(answer.outcome, Outcome::kUnsatisfiable) << answer.error;
    return answer;
  }
  // A claim that holds `memory` of the device.
  static std::shared_ptr<const api::ResourceClaim> Holder(std::string device, const char* memory) {
    auto claim = std::make_shared<api::ResourceClaim>();
    api::DeviceRequestAllocationResult result;
    result.driver = "gpu.example.com";
    result.pool = "n1";
    result.device = std::move(device);
    if (*memory != 0) {
      result.share_id = "s";
      result.consumed_capacity = {{"memory", Size(memory)}};
    }
    claim->status.allocation.emplace().devices.results = {result};
    return claim;
  }
};

TEST(Reasons, ShortOfCapacity) {
  World world;
  NodeAnswer answer = world.Refused({World::Holder("a", "70Gi"), World::Holder("b", "50Gi")});
  EXPECT_EQ(answer.reason, "had no device with 40Gi memory free (largest: 30Gi)");
  ASSERT_EQ(answer.reasons.size(), 1u);
  EXPECT_EQ(answer.reasons[0].devices, 2);
  EXPECT_EQ(answer.reasons[0].ruled_out, (std::map<std::string, int>{{"memory", 2}}));
  EXPECT_EQ(answer.reasons[0].short_of.at("memory").second, Size("30Gi"));
}

// Devices short of several capacities are counted under each of them.
TEST(Reasons, ShortOfSeveralCapacities) {
  World world;
  for (api::Device& device : world.slice->spec.devices) {
    device.capacity["cores"] = {Size("30"), std::nullopt};
    device.capacity["slots"] = {Size(device.name == "a" ? "1" : "4"), std::nullopt};
  }
  world.exact().capacity->requests = {
      {"cores", Size("50")}, {"memory", Size("40Gi")}, {"slots", Size("2")}};
  auto holder = [](const char* device, const char* memory) {
    auto claim = std::make_shared<api::ResourceClaim>(*World::Holder(device, memory));
    api::DeviceRequestAllocationResult& result = claim->status.allocation->devices.results[0];
    result.consumed_capacity["cores"] = Size("10");
    result.consumed_capacity["slots"] = Size("0");
    return claim;
  };
  NodeAnswer answer = world.Refused({holder("a", "70Gi"), holder("b", "50Gi")});
  EXPECT_EQ(answer.reason,
            "had no device with 50 cores, 40Gi memory and 2 slots free (largest: 20, 30Gi, 1)");
  EXPECT_EQ(answer.reasons[0].ruled_out,
            (std::map<std::string, int>{{"cores", 2}, {"memory", 2}, {"slots", 1}}));
  NodeAnswer other = world.Refused({holder("a", "10Gi"), holder("b", "60Gi")});
  EXPECT_EQ(Summarize(std::vector{answer, answer}), "2 " + answer.reason);
  EXPECT_EQ(other.reasons[0].ruled_out,
            (std::map<std::string, int>{{"cores", 2}, {"memory", 1}, {"slots", 1}}));

  world.exact().capacity->requests = {{"cores", Size("50")}, {"lanes", Size("1")}};
  answer = world.Refused();
  EXPECT_EQ(answer.reasons[0].ruled_out.at("cores"), 2);
  EXPECT_EQ(answer.reasons[0].ruled_out.at("lanes"), 2);
}

// However many capacities there are, few are named.
TEST(Reasons, OfManyCapacitiesStayShort) {
  World world;
  for (int i = 0; i < 30; ++i) {
    const std::string name = "capacity" + std::to_string(i);
    for (api::Device& device : world.slice->spec.devices)
      device.capacity[name] = {Size("1"), std::nullopt};
    world.exact().capacity->requests[name] = Size("2");
  }
  NodeAnswer answer = world.Refused();
  EXPECT_LT(answer.reason.size(), 120u) << answer.reason;
  EXPECT_EQ(answer.reasons[0].ruled_out.size(), 30u);
}

TEST(Reasons, NodesShortOfTheSameAreAddedUp) {
  auto refused = [](std::string reason) {
    NodeAnswer answer;
    answer.reason = std::move(reason);
    return answer;
  };
  EXPECT_EQ(Summarize(std::vector{
                refused("had no device with 5 cores and 4Gi memory free (largest: 1, 3Gi)"),
                refused("had no device with 5 cores and 4Gi memory free (largest: 2, 1Gi)")}),
            "2 had no device with 5 cores and 4Gi memory free (largest: 2, 3Gi)");
}

TEST(Reasons, OneClausePerCause) {
  struct Case {
    const char* want;
    std::function<void(World&)> change;
    std::vector<std::shared_ptr<const api::ResourceClaim>> allocated;
  };
  for (const Case& c : std::vector<Case>{
           {"had no devices", [](World& w) { w.slice->spec.devices.clear(); }, {}},
           {"had no device of class gpu free",
            [](World&) {},
            {World::Holder("a", ""), World::Holder("b", "")}},
           {"had only 1 of 2 wanted devices of class gpu free",
            [](World& w) { w.exact().count = 2; },
            {World::Holder("a", "")}},
           {"had no device with capacity cores",
            [](World& w) {
              w.exact().capacity->requests = {{"cores", Size("1")}};
            },
            {}},
           {"had no device whose policy grants 40Gi memory",
            [](World& w) {
              for (api::Device& device : w.slice->spec.devices) {
                device.capacity["memory"].request_policy = {
                    Size("10Gi"), {Size("10Gi"), Size("20Gi")}, {}};
              }
            },
            {}},
           {"had no device without taint k=v that is not tolerated",
            [](World& w) {
              for (api::Device& device : w.slice->spec.devices)
                device.taints = {{"k", "v", "NoSchedule", {}}};
            },
            {}},
           {"had no devices that agree in gpu.example.com/index",
            [](World& w) {
              w.exact().count = 2;
              for (int64_t i = 0; i < 2; ++i)
                w.slice->spec.devices[i].attributes["index"].value = i;
              w.claim.spec.devices.constraints = {{{}, "gpu.example.com/index", {}}};
            },
            {}},
           {"had a resource pool that is being updated (gpu.example.com/n1)",
            [](World& w) { w.slice->spec.pool.resource_slice_count = 2; },
            {}},
           {"had an invalid resource pool (gpu.example.com/n1: duplicate device name a)",
            [](World& w) { w.slice->spec.devices[1].name = "a"; },
            {}},
       }) {
    World world;
    c.change(world);
    EXPECT_EQ(world.Refused(c.allocated).reason, c.want);
  }
}

TEST(Reasons, NameTheHolderOfADevice) {
  World world;
  auto held = [](const char* device, const char* name) {
    auto claim = std::make_shared<api::ResourceClaim>(*World::Holder(device, ""));
    claim->metadata.namespace_ = "ns";
    claim->metadata.name = name;
    return claim;
  };
  NodeAnswer answer = world.Refused({held("a", "x"), held("b", "y")});
  EXPECT_EQ(answer.reason, "had no device of class gpu free (in use by ns/x, ns/y)");
  EXPECT_EQ(answer.reasons[0].ruled_out, (std::map<std::string, int>{{"in use", 2}}));
  EXPECT_EQ(Summarize(std::vector{answer}), "1 " + answer.reason);
  EXPECT_EQ(Summarize(std::vector{answer, answer}), "2 had no device of class gpu free");
}

TEST(Reasons, NameThePartOfTheSelectorThatFails) {
  World world;
  world.exact().selectors = {
      {api::CelDeviceSelector{"device.driver == 'gpu.example.com' && "
                              "device.attributes['gpu.example.com'].model == 'A && B' && true"}}};
  for (api::Device& device : world.slice->spec.devices)
    device.attributes["model"].value = std::string("C");
  NodeAnswer answer = world.Refused();
  EXPECT_EQ(answer.reason,
            "had no device of class gpu that matches device.attributes['gpu.example.com'].model == "
            "'A && B'");
}

TEST(Conjuncts, AreTheOperandsOfTheOutermostAnd) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(Conjuncts("a && (b && c) && d.e('\\'&&')"), (Parts{"a", "(b && c)", "d.e('\\'&&')"}));
  for (const char* whole : {"a", "a && b || c", "a && b ? c : d", "r'x' == y && z",
                            "\"\"\"x\"\"\" == y && z", "a && b // c"}) {
    EXPECT_EQ(Conjuncts(whole), Parts{whole});
  }
}

TEST(Summarize, CountsNodesAndStaysShort) {
  auto refused = [](std::string reason) {
    NodeAnswer answer;
    answer.reason = std::move(reason);
    return answer;
  };
  std::vector<NodeAnswer> answers = {
      refused("had no device with 16Gi memory free (largest: 10Gi)"),
      refused("had no device of class hygon"),
      refused("had no device with 16Gi memory free (largest: 12Gi)")};
  EXPECT_EQ(
      Summarize(answers),
      "2 had no device with 16Gi memory free (largest: 12Gi), 1 had no device of class hygon");
  EXPECT_EQ(Summarize(std::vector<NodeAnswer>(3)), "3 cannot allocate all claims");
  for (int i = 0; i < 1000; ++i) answers.push_back(refused("had odd thing " + std::to_string(i)));
  const std::string summary = Summarize(answers);
  EXPECT_LT(summary.size(), 400u);
  EXPECT_NE(summary.find("for other reasons"), std::string::npos) << summary;
  EXPECT_EQ(Summarize({}), "");
}

}  // namespace
}  // namespace dray::alloc
