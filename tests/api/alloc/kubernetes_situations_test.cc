// What Kubernetes 1.36 (k8s.io/dynamic-resource-allocation, structured, "incubating") does in the
// situations that its own tests single out, told in worlds of our own: which devices, how much of
// them, where they may be used.
#include <gtest/gtest.h>

#include "tests/api/alloc/small_world.h"

namespace dray::alloc::small {
namespace {

api::CapacityRequestPolicy Range(const char* standard, const char* min, const char* step,
                                 const char* max) {
  return {Amount(standard), {}, {{Amount(min), Amount(max), Amount(step)}}};
}
api::CapacityRequestPolicy Values(const char* standard, std::vector<api::Quantity> values) {
  return {Amount(standard), std::move(values), {}};
}
std::vector<api::Device> Plain(int count) {
  std::vector<api::Device> devices;
  for (int i = 0; i < count; ++i) devices.push_back(Dev("d" + std::to_string(i)));
  return devices;
}
// A shared device with so much of "m".
Dev Share(const std::string& name, const char* amount) {
  return Dev(name).Shared().Has("m", amount);
}
const auto kBig = "device.capacity['gpu.x'].m.compareTo(quantity('6')) >= 0";

struct Situation {
  const char* name;
  std::vector<Slice> slices;
  std::vector<Claim> claims;
  // "request=pool/device:amount of m ..." over all claims in order, then "at" where the first claim
  // is bound to something else than node n1; or how it ends.
  std::string want;
  std::vector<InUse> in_use = {};
};

std::vector<Situation> Capacities() {
  const auto range = Range("2", "2", "2", "4");
  const Slice stepped({Dev("d0").Shared().Has("m", "10", range)});
  const Slice valued({Dev("d0").Shared().Has("m", "3", Values("1", {Amount("1"), Amount("3")}))});
  const Slice two({Share("d0", "2"), Share("d1", "1")});
  return {
      {"a range rounds up to the next step",
       {stepped},
       {Claim().Want(One().Of("m", "3"))},
       "r0=p/d0:4"},
      {"a range starts at its least", {stepped}, {Claim().Want(One().Of("m", "1"))}, "r0=p/d0:2"},
      {"nothing beyond the most of a range",
       {stepped},
       {Claim().Want(One().Of("m", "6"))},
       "unsatisfiable"},
      {"who asks for nothing gets the default, as often as there is room",
       {Slice({Dev("d0").Shared().Has("m", "4", range)})},
       {Claim().Want(One()).Want(One())},
       "r0=p/d0:2 r1=p/d0:2"},
      {"and no more often",
       {Slice({Dev("d0").Shared().Has("m", "4", range)})},
       {Claim().Want(One()).Want(One()).Want(One())},
       "unsatisfiable"},
      {"valid values round up", {valued}, {Claim().Want(One().Of("m", "2"))}, "r0=p/d0:3"},
      {"nothing beyond the last valid value",
       {valued},
       {Claim().Want(One().Of("m", "4"))},
       "unsatisfiable"},
      {"without a policy who asks for nothing takes all",
       {Slice({Share("d0", "2"), Share("d1", "2")})},
       {Claim().Want(One()), Claim().Want(One())},
       "r0=p/d0:2 r0=p/d1:2"},
      {"and leaves nothing",
       {Slice({Share("d0", "2")})},
       {Claim().Want(One()), Claim().Want(One().Of("m", "1"))},
       "unsatisfiable"},
      {"a whole device that has as much",
       {Slice({Dev("d0").Has("m", "2")})},
       {Claim().Want(One().Of("m", "2"))},
       "r0=p/d0"},
      {"a whole device that has less",
       {Slice({Dev("d0").Has("m", "2")})},
       {Claim().Want(One().Of("m", "3"))},
       "unsatisfiable"},
      {"a whole device of one capacity too few",
       {Slice({Dev("d0").Has("m", "2")})},
       {Claim().Want(One().Of("m", "1").Of("n", "1"))},
       "unsatisfiable"},
      {"what others left",
       {two},
       {Claim().Want(One().Of("m", "1"))},
       "r0=p/d0:1",
       {{"p", "d0", "1"}}},
      {"the next device when others left too little",
       {two},
       {Claim().Want(One().Of("m", "1"))},
       "r0=p/d1:1",
       {{"p", "d0", "2"}}},
      {"a shared device without any capacity is shared by all",
       {Slice({Dev("d0").Shared()})},
       {Claim().Want(One()), Claim().Want(One())},
       "r0=p/d0 r0=p/d0"},
      {"a class of whole devices alone",
       {Slice({Share("d0", "2"), Dev("d1")})},
       {Claim().Want(One().Where("device.allowMultipleAllocations == false"))},
       "r0=p/d1"},
      {"a share of every device, one of which is shared within the claim",
       {two},
       {Claim().Want(One().Of("m", "1")).Want(One(0).Of("m", "1"))},
       "r0=p/d0:1 r1=p/d0:1 r1=p/d1:1"},
      {"a share of every device in use",
       {two},
       {Claim().Want(One(0).Of("m", "1"))},
       "r0=p/d0:1 r0=p/d1:1",
       {{"p", "d0", "1"}}},
      {"every device with room for it", {two}, {Claim().Want(One(0).Of("m", "2"))}, "r0=p/d0:2"},
      {"every device that has such a capacity",
       {Slice({Share("d0", "2"), Dev("d1").Shared()})},
       {Claim().Want(One(0).Of("m", "1"))},
       "r0=p/d0:1"},
      {"shares of one group, found on the second try",
       {Slice({Dev("d0").Shared().Is("g", "a").Has("m", "2", range),
               Dev("d1").Shared().Is("g", "b").Has("m", "4", range)})},
       {Claim().Want(One().Of("m", "2")).Want(One().Of("m", "2")).Match("gpu.x/g"),
        Claim().Want(One().Of("m", "2"))},
       "r0=p/d1:2 r1=p/d1:2 r0=p/d0:2"},
      {"no two shares of one device where they must differ",
       {Slice({Dev("d0").Shared().Is("g", true)})},
       {Claim().Want(One()).Want(One()).Distinct("gpu.x/g")},
       "unsatisfiable"},
      {"shares that differ",
       {Slice({Dev("d0").Shared().Is("g", true), Dev("d1").Shared().Is("g", false)})},
       {Claim().Want(One()).Want(One()).Distinct("gpu.x/g")},
       "r0=p/d0 r1=p/d1"},
  };
}

std::vector<Situation> Counters() {
  auto part = [](const std::string& name, const char* amount, const std::string& set = "a") {
    return Dev(name).Has("m", amount).Uses(set, amount);
  };
  const Slice parts({part("d0", "4"), part("d1", "6"), part("d2", "4")}, 2);
  const Slice eight = Slice({}, 2).Counter("a", "8");
  const Claim big_or_four =
      Claim().Want(One()).First({Sub().Where(kBig), Sub().Where("device.driver == 'gpu.x'")});
  return {
      {"the second choice fits beside the first request",
       {parts, eight},
       {big_or_four},
       "r0=p/d0 r1/s1=p/d2"},
      {"the same of shared devices",
       {Slice({part("d0", "4").Shared(), part("d1", "6").Shared(), part("d2", "4").Shared()}, 2),
        eight},
       {big_or_four},
       "r0=p/d0:4 r1/s1=p/d2:4"},
      {"counters that nobody needs",
       {Slice({part("d0", "5"), part("d1", "4"), part("d2", "4")}, 2),
        Slice({}, 2).Counter("a", "8").Counter("b", "1")},
       {Claim().Want(One(2))},
       "r0=p/d1 r0=p/d2"},
      {"each pool counts for itself",
       {parts, eight, Slice(parts).Pool("q"), Slice(eight).Pool("q")},
       {Claim().Want(One(2))},
       "r0=q/d0 r0=q/d2",
       {{"p", "d1"}}},
      {"two sets, one used up",
       {Slice({part("d0", "4"), part("d1", "4", "b")}, 2),
        Slice({}, 2).Counter("a", "4").Counter("b", "4")},
       {Claim().Want(One())},
       "r0=p/d1",
       {{"p", "d0"}}},
      {"a device of another node counts",
       {Slice({}, 3).Counter("a", "8"), Slice({part("d0", "6"), part("d1", "2")}, 3),
        Slice({part("d2", "6")}, 3).On("n2")},
       {Claim().First({Sub().Where(kBig), Sub()})},
       "r0/s1=p/d1",
       {{"p", "d2"}}},
      {"a set that does not exist",
       {Slice({part("d0", "4", "b")}, 2), eight},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"a counter that does not exist",
       {Slice({part("d0", "4")}, 2), Slice({}, 2).Counter("a", "8", "other")},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"a set of another pool",
       {Slice({part("d0", "4")}), Slice(eight).Pool("q"), Slice(parts).Pool("q")},
       {Claim().Want(One())},
       "r0=q/d0"},
      {"a set that is there twice",
       {Slice({part("d0", "4")}, 3), Slice({}, 3).Counter("a", "8"),
        Slice({}, 3).Counter("a", "9")},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"a mistake in the slice of another node",
       {Slice({}, 3).Counter("a", "8"), Slice({part("d0", "6")}, 3),
        Slice({part("d2", "6", "b")}, 3).On("n2")},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"bound last, whatever the order of the slices",
       {Slice({Dev("d0").Binds("ready")}), Slice({Dev("d1")}).Pool("q")},
       {Claim().Want(One())},
       "r0=q/d1"},
      {"of one pool, in order",
       {Slice({Dev("d0"), Dev("d1").Binds("ready")})},
       {Claim().Want(One()).Want(One())},
       "r0=p/d0 r1=p/d1+ready"},
      {"parts that bind beside parts that do not",
       {Slice({part("d0", "4").Binds("ready"), part("d1", "4")}, 2), eight},
       {Claim().Want(One(2))},
       "r0=p/d0+ready r0=p/d1"},
      {"bound and tainted",
       {Slice({part("d0", "4").Binds("ready").Tainted("k", "NoSchedule"), part("d1", "4")}, 2),
        eight},
       {Claim().Want(One())},
       "r0=p/d1"},
  };
}

std::vector<Situation> Pools() {
  return {
      {"devices of two nodes in one pool",
       {Slice({Dev("d0")}, 2), Slice({Dev("d1")}, 2).On("n2")},
       {Claim().Want(One(0))},
       "r0=p/d0"},
      {"a pool that moved to another node is whole here as long as its slices are",
       {Slice({Dev("d0")}, 2), Slice({Dev("d1")}, 2), Slice({Dev("d0")}, 2).Generation(2).On("n2"),
        Slice({Dev("d1")}, 2).Generation(2).On("n2")},
       {Claim().Want(One())},
       "r0=p/d0"},
      {"one that began to move",
       {Slice({Dev("d0")}, 2), Slice({Dev("d1")}, 2), Slice({Dev("d0")}, 2).Generation(2).On("n2")},
       {Claim().Want(One())},
       "r0=p/d0"},
      {"one that moves here is not whole yet",
       {Slice({Dev("d0")}, 2).Generation(2), Slice({Dev("d0")}, 2).On("n2"),
        Slice({Dev("d1")}, 2).On("n2")},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"a slice that was left behind",
       {Slice({Dev("d0")}, 2), Slice({Dev("d1")}, 2).Generation(2).On("n2")},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"a new generation that is not whole hides the old one",
       {Slice({Dev("d0")}), Slice({Dev("d1")}, 2).Generation(2)},
       {Claim().Want(One())},
       "unsatisfiable"},
      {"an invalid pool beside a valid one",
       {Slice({Dev("d0"), Dev("d0")}), Slice({Dev("d1")}).Pool("q")},
       {Claim().Want(One())},
       "r0=q/d1"},
      {"an invalid pool beside one that is used up",
       {Slice({Dev("d0"), Dev("d0")}), Slice({Dev("d1")}).Pool("q")},
       {Claim().Want(One())},
       "unsatisfiable",
       {{"q", "d1"}}},
      {"all devices, and a pool is invalid",
       {Slice({Dev("d0"), Dev("d0")}), Slice({Dev("d1")}).Pool("q")},
       {Claim().Want(One(0))},
       "error"},
      {"all devices, and a pool of another driver is not whole",
       {Slice({Dev("d0")}), Slice({Dev("d0")}, 2).Driver("nic.x")},
       {Claim().Want(One(0))},
       "error"},
      {"pools of one name of two drivers",
       {Slice({Dev("d0"), Dev("d1")}), Slice({Dev("d0")}).Driver("nic.x")},
       {Claim().Want(One()), Claim().Want(One(1, "nic"))},
       "r0=p/d0 r0=p/d0"},
      {"devices of wherever they are used",
       {Slice({Dev("d0")}).Near("a"), Slice({Dev("d1")}).Pool("q").Everywhere()},
       {Claim().Want(One(2))},
       "r0=p/d0 r0=q/d1 at zone"},
      {"one of them belongs to the node",
       {Slice({Dev("d0")}).Near("a"), Slice({Dev("d1")}).Pool("q")},
       {Claim().Want(One(2))},
       "r0=p/d0 r0=q/d1"},
      {"used everywhere",
       {Slice({Dev("d0")}).Everywhere()},
       {Claim().Want(One())},
       "r0=p/d0 at anywhere"},
      {"far away", {Slice({Dev("d0")}).Near("b")}, {Claim().Want(One())}, "unsatisfiable"},
      {"each device for itself",
       {Slice({Dev("d0").On("n2"), Dev("d1").Near("b"), Dev("d2").Near("a"), Dev("d3").Everywhere(),
               Dev("d4").On("n1")})
            .PerDevice()},
       {Claim().Want(One(3))},
       "r0=p/d2 r0=p/d3 r0=p/d4"},
      {"each device for itself, none of the node's own",
       {Slice({Dev("d0").On("n2"), Dev("d1").Near("a"), Dev("d2").Everywhere()}).PerDevice()},
       {Claim().Want(One(0))},
       "r0=p/d1 r0=p/d2 at zone"},
      {"as many as a claim may have", {Slice(Plain(33))}, {Claim().Want(One(32))}, "32 devices"},
      {"more than a claim may have", {Slice(Plain(33))}, {Claim().Want(One(33))}, "error"},
      {"more in two requests", {Slice(Plain(33))}, {Claim().Want(One(32)).Want(One())}, "error"},
      {"all are more than a claim may have", {Slice(Plain(33))}, {Claim().Want(One(0))}, "error"},
      {"tried again and again until both are of a group",
       {Slice({Dev("d0").Is("g", "a"), Dev("d1").Is("g", "b")}),
        Slice({Dev("d2").Is("g", "c"), Dev("d3").Is("g", "b")}).Pool("q")},
       {Claim().Want(One()).Want(One()).Match("gpu.x/g")},
       "r0=p/d1 r1=q/d3"},
  };
}

std::vector<Situation> Choices() {
  const std::vector<api::Device> many = Plain(40);
  auto generation = [](const char* name, const char* text) { return Dev(name).Is("g", text); };
  const Slice generations(
      {generation("d0", "six"), generation("d1", "five"), generation("d2", "five")});
  const auto six = "device.attributes['gpu.x'].g == 'six'";
  const auto five = "device.attributes['gpu.x'].g == 'five'";
  const Slice tainted({Dev("d0").Tainted("k", "NoSchedule"), Dev("d1").Tainted("l", "NoExecute")});
  return {
      {"all of the first kind, else all of the second",
       {generations},
       {Claim().First({Sub(0).Where(six), Sub(0).Where(five)})},
       "r0/s1=p/d1 r0/s1=p/d2",
       {{"p", "d0"}}},
      {"all of a kind that is not there, else one",
       {generations},
       {Claim().First({Sub(0, "nic"), Sub(1)})},
       "r0/s1=p/d0"},
      {"all, after another request took one",
       {generations},
       {Claim().Want(One()).First({Sub(0), Sub(1)})},
       "r0=p/d0 r1/s1=p/d1"},
      {"choices that are too many together",
       {Slice(many)},
       {Claim().First({Sub(32), Sub(16)}).First({Sub(32), Sub(16)})},
       "32 devices"},
      {"all are too many beside another request",
       {Slice(Plain(32)), Slice({Dev("d0"), Dev("d1")}).Driver("nic.x")},
       {Claim().First({Sub(0), Sub(2)}).Want(One(2, "nic"))},
       "r0/s1=p/d0 r0/s1=p/d1 r1=p/d0 r1=p/d1"},
      {"a constraint on the request binds each choice",
       {Slice({Dev("d0").Has("m", "8").Is("v", api::Version{"1.0.0"}),
               Dev("d1").Has("m", "6").Is("v", api::Version{"2.0.0"}),
               Dev("d2").Has("m", "1").Is("v", api::Version{"1.0.0"})})},
       {Claim().Want(One()).First({Sub().Where(kBig), Sub()}).Match("gpu.x/v", {"r0", "r1"})},
       "r0=p/d0 r1/s1=p/d2"},
      {"a constraint on one choice leaves the other free",
       {Slice({Dev("d0").Is("v", int64_t{1}), Dev("d1").Is("v", int64_t{2})})},
       {Claim().Want(One()).First({Sub(), Sub()}).Match("gpu.x/v", {"r0", "r1/s0"})},
       "r0=p/d0 r1/s1=p/d1"},
      {"different in pairs, choice by choice",
       {Slice({Dev("d0").Is("b", true), Dev("d1").Is("b", false)})},
       {Claim()
            .First({Sub().Where("device.attributes['gpu.x'].b"), Sub()})
            .First({Sub().Where("device.attributes['gpu.x'].b"), Sub()})
            .Distinct("gpu.x/b")},
       "r0/s0=p/d0 r1/s1=p/d1"},
      {"an attribute that no device has",
       {generations},
       {Claim().Want(One()).Match("gpu.x/none")},
       "unsatisfiable"},
      {"different in an attribute that no device has",
       {generations},
       {Claim().Want(One()).Want(One()).Distinct("gpu.x/none")},
       "unsatisfiable"},
      {"all devices, which do not match",
       {generations},
       {Claim().Want(One(0)).Match("gpu.x/g")},
       "error"},
      {"both taints must be tolerated",
       {Slice({Dev("d0").Tainted("k", "NoSchedule").Tainted("l", "NoExecute")})},
       {Claim().Want(One().Tolerates("k"))},
       "unsatisfiable"},
      {"both taints are tolerated",
       {Slice({Dev("d0").Tainted("k", "NoSchedule").Tainted("l", "NoExecute")})},
       {Claim().Want(One().Tolerates("k").Tolerates("l", "NoExecute"))},
       "r0=p/d0"},
      {"a toleration of another effect",
       {tainted},
       {Claim().Want(One().Tolerates("k", "NoExecute"))},
       "unsatisfiable"},
      {"a toleration of every taint",
       {tainted},
       {Claim().Want(One(2).Tolerates(""))},
       "r0=p/d0 r0=p/d1"},
      {"the second choice tolerates",
       {tainted},
       {Claim().First({Sub(), Sub().Tolerates("l", "NoExecute")})},
       "r0/s1=p/d1"},
      {"a taint without effect on scheduling",
       {Slice({Dev("d0").Tainted("k", "None")})},
       {Claim().Want(One())},
       "r0=p/d0"},
      {"all devices, one of them tainted",
       {Slice({Dev("d0"), Dev("d1").Tainted("k", "NoExecute")})},
       {Claim().Want(One(0))},
       "unsatisfiable"},
      {"an expression that does not compile",
       {generations},
       {Claim().Want(One().Where("oops"))},
       "error"},
      {"the same where there is no device",
       {},
       {Claim().Want(One().Where("oops"))},
       "unsatisfiable"},
  };
}

std::string EndOf(const Scenario& world) {
  std::string text;
  int devices = 0;
  const std::vector<ClaimAnswer> answers =
      RunScenario(world, {.new_share_id = [] { return std::string("*"); }});
  for (const ClaimAnswer& answer : answers) {
    if (!answer.allocation) return std::string(OutcomeName(answer.outcome));
    for (const auto& result : answer.allocation->devices.results) {
      ++devices;
      text += (text.empty() ? "" : " ") + result.request + "=" + result.pool + "/" + result.device;
      auto amount = result.consumed_capacity.find("m");
      if (amount != result.consumed_capacity.end()) text += ":" + amount->second.ToString();
      for (const std::string& condition : result.binding_conditions) text += "+" + condition;
    }
  }
  const auto& selector = answers[0].allocation->node_selector;
  if (devices > 10) text = std::to_string(devices) + " devices";
  if (!selector) return text + " at anywhere";
  return text + (selector->node_selector_terms[0].match_fields.empty() ? " at zone" : "");
}

class KubernetesSituations : public ::testing::TestWithParam<std::vector<Situation> (*)()> {};

TEST_P(KubernetesSituations, EndAlike) {
  for (const Situation& s : GetParam()()) {
    SCOPED_TRACE(s.name);
    EXPECT_EQ(EndOf(SmallWorld(s.slices, s.claims, s.in_use)), s.want);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, KubernetesSituations,
                         ::testing::Values(&Capacities, &Counters, &Pools, &Choices));

// Of the alternatives only the chosen one's; of a class once, for all requests that use it.
TEST(KubernetesConfiguration, OfWhatWasChosen) {
  const Scenario world = SmallWorld({Slice(Plain(3))}, {Claim()
                                                            .First({Sub(1, "nic"), Sub(1)})
                                                            .Want(One())
                                                            .Config("of nic", {"r0/s0"})
                                                            .Config("of gpu", {"r0/s1"})
                                                            .Config("of all")});
  const std::vector<ClaimAnswer> answers = RunScenario(world, {});
  ASSERT_TRUE(answers[0].allocation) << answers[0].reason;
  std::vector<std::string> got;
  for (const auto& config : answers[0].allocation->devices.config) {
    std::string text = config.source + " " + config.opaque->driver;
    for (const std::string& request : config.requests) text += " " + request;
    got.push_back(text);
  }
  EXPECT_EQ(got, (std::vector<std::string>{"FromClass gpu class r0/s1 r1", "FromClaim of gpu r0/s1",
                                           "FromClaim of all"}));
}

}  // namespace
}  // namespace dray::alloc::small
