#include "devcluster/scheduler/decision.h"

#include "devcluster/scheduler/binding_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dray::devcluster {
namespace {

using ::testing::HasSubstr;
using Kind = Decision::Kind;

api::Quantity Q(std::string_view text) {
  return api::Quantity::Parse(text).value();
}

// A cluster in memory; each change goes in as an informer would tell it.
struct Decisions : ::testing::Test {
  template <class T>
  void Add(T object) {
    cluster.Apply(ObjectChange<T>{nullptr, std::make_shared<const T>(std::move(object))});
  }
  template <class T>
  void Update(T before, T after) {
    cluster.Apply(ObjectChange<T>{std::make_shared<const T>(std::move(before)),
                                  std::make_shared<const T>(std::move(after))});
  }

  void AddNode(const std::string& name, const char* cpu = "4") {
    api::Node node;
    node.metadata.name = name;
    node.status.allocatable = {{"cpu", Q(cpu)}, {"pods", Q("10")}};
    Add(node);
  }
  void AddDevices(const std::string& node, int count,
                  std::function<void(api::Device&)> change = nullptr) {
    api::ResourceSlice slice;
    slice.metadata.name = node + "-gpu";
    slice.spec.driver = "gpu.example.com";
    slice.spec.pool = {node, 1, 1};
    slice.spec.node_name = node;
    for (int i = 0; i < count; ++i) {
      api::Device& device = slice.spec.devices.emplace_back();
      device.name = "gpu-" + std::to_string(i);
      if (change) change(device);
    }
    Add(slice);
  }
  void AddClass(const std::string& name) {
    api::DeviceClass device_class;
    device_class.metadata.name = name;
    Add(device_class);
  }
  static api::ResourceClaim MakeClaim(const std::string& name, int64_t count = 1) {
    api::ResourceClaim claim;
    claim.metadata.namespace_ = "default";
    claim.metadata.name = name;
    claim.metadata.uid = "uid-" + name;
    claim.metadata.resource_version = "1";
    api::ExactDeviceRequest exact;
    exact.device_class_name = "gpu";
    exact.count = count;
    claim.spec.devices.requests = {{"r", exact, {}}};
    return claim;
  }
  static api::Pod MakePod(const std::string& name, std::vector<std::string> claims = {}) {
    api::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = name;
    pod.metadata.uid = "uid-" + name;
    pod.spec.containers.emplace_back();
    for (const std::string& claim : claims)
      pod.spec.resource_claims.push_back({claim, claim, std::nullopt});
    return pod;
  }
  Decision Run(const api::Pod& pod) {
    return Decide(cluster, pod, {now, SteadyTime{}, {}, [] { return std::string("share"); }});
  }
  // The claim as it stands after a decision has been written.
  static api::ResourceClaim Written(const Decision::ClaimWrite& write, const api::Pod& pod,
                                    std::string version) {
    api::ResourceClaim claim = *write.claim;
    claim.metadata.resource_version = std::move(version);
    if (write.allocation) claim.status.allocation = write.allocation;
    claim.status.reserved_for.push_back({"", "pods", pod.metadata.name, pod.metadata.uid});
    return claim;
  }

  ClusterState cluster;
  api::Time now{std::chrono::seconds(1'000'000)};
};

TEST_F(Decisions, PodWithoutClaimsGoesToTheEmptierNode) {
  AddNode("n1");
  AddNode("n2");
  api::Pod first = MakePod("a");
  first.spec.containers[0].resources.requests = {{"cpu", Q("1")}};
  Decision decision = Run(first);
  ASSERT_EQ(decision.kind, Kind::kBind);
  EXPECT_EQ(decision.node, "n1");
  cluster.AssumePod(std::make_shared<const api::Pod>(first), "n1", {});
  EXPECT_EQ(Run(MakePod("b")).node, "n2");
}

TEST_F(Decisions, SaysWhyNoNodeFits) {
  EXPECT_EQ(Run(MakePod("a")).message, "0/0 nodes are available");
  AddNode("n1", "1");
  AddNode("n2", "2");
  api::Pod pod = MakePod("a");
  pod.spec.containers[0].resources.requests = {{"cpu", Q("3")}};
  Decision decision = Run(pod);
  EXPECT_EQ(decision.kind, Kind::kUnschedulable);
  EXPECT_EQ(decision.message, "0/2 nodes are available: 2 Insufficient cpu.");
  EXPECT_EQ(decision.wait.causes, static_cast<uint32_t>(kNodesChanged | kPodsGone));
}

TEST_F(Decisions, ClaimIsAllocatedOnTheNodeThatHasDevices) {
  AddNode("n1");
  AddNode("n2");
  AddClass("gpu");
  AddDevices("n2", 1);
  Add(MakeClaim("c"));
  const api::Pod pod = MakePod("a", {"c"});
  Decision decision = Run(pod);
  ASSERT_EQ(decision.kind, Kind::kBind);
  EXPECT_EQ(decision.node, "n2");
  ASSERT_EQ(decision.claims.size(), 1u);
  ASSERT_TRUE(decision.claims[0].allocation);
  EXPECT_EQ(decision.claims[0].allocation->devices.results[0].device, "gpu-0");

  // Written but not seen by an informer yet: in use for others, found by its own Pod.
  cluster.AssumeClaim(Written(decision.claims[0], pod, "2"), {});
  Decision again = Run(pod);
  EXPECT_EQ(again.kind, Kind::kBind);
  EXPECT_EQ(again.node, "n2");
  EXPECT_TRUE(again.claims.empty());
  Add(MakeClaim("d"));
  Decision other = Run(MakePod("b", {"d"}));
  EXPECT_EQ(other.kind, Kind::kUnschedulable);
  EXPECT_EQ(other.message,
            "0/2 nodes are available: 1 had no device of class gpu free (in use by default/c), 1 "
            "had no devices.");
  EXPECT_NE(other.wait.causes & kDevicesChanged, 0u);

  // An older event does not undo what was written; a newer one does.
  Add(MakeClaim("c"));
  EXPECT_EQ(Run(MakePod("b", {"d"})).kind, Kind::kUnschedulable);
  api::ResourceClaim released = MakeClaim("c");
  released.metadata.resource_version = "10";
  Add(released);
  EXPECT_EQ(Run(MakePod("b", {"d"})).kind, Kind::kBind);
}

TEST_F(Decisions, WaitsForClaims) {
  AddNode("n1");
  api::Pod pod = MakePod("a", {"c"});
  Decision decision = Run(pod);
  EXPECT_EQ(decision.kind, Kind::kHold);
  EXPECT_FALSE(decision.quiet);
  EXPECT_EQ(decision.message, "waiting for ResourceClaim c to be created");
  EXPECT_EQ(decision.wait.claims.count({"default", "c"}), 1u);

  api::ResourceClaim deleted = MakeClaim("c");
  deleted.metadata.deletion_timestamp = now;
  Add(deleted);
  EXPECT_THAT(Run(pod).message, HasSubstr("is being deleted"));

  api::Pod generated = MakePod("b");
  generated.spec.resource_claims = {{"gpu", std::nullopt, "template"}};
  EXPECT_EQ(Run(generated).kind, Kind::kHold);
  EXPECT_TRUE(Run(generated).quiet);
  generated.status.resource_claim_statuses = {{"gpu", "d"}};
  Add(MakeClaim("d"));
  EXPECT_THAT(Run(generated).message, HasSubstr("was not created for this Pod"));
  generated.status.resource_claim_statuses = {{"gpu", std::nullopt}};  // none needed
  EXPECT_EQ(Run(generated).kind, Kind::kBind);

  api::Pod gated = MakePod("c");
  gated.spec.scheduling_gates = {{"x"}};
  EXPECT_EQ(Run(gated).kind, Kind::kHold);
}

TEST_F(Decisions, MissingClassAndBrokenClaim) {
  AddNode("n1");
  AddDevices("n1", 1);
  Add(MakeClaim("c"));
  Decision decision = Run(MakePod("a", {"c"}));
  EXPECT_EQ(decision.kind, Kind::kUnschedulable);
  EXPECT_EQ(decision.message, "device class gpu does not exist");
  AddClass("gpu");
  api::ResourceClaim broken = MakeClaim("d");
  broken.spec.devices.constraints = {{}};
  Add(broken);
  decision = Run(MakePod("b", {"d"}));
  EXPECT_EQ(decision.kind, Kind::kError);
  EXPECT_THAT(decision.message, HasSubstr("claim default/d"));
}

TEST_F(Decisions, SharedClaimPinsTheSecondPod) {
  AddNode("n1");
  AddNode("n2");
  AddClass("gpu");
  AddDevices("n2", 1);
  Add(MakeClaim("c"));
  const api::Pod first = MakePod("a", {"c"}), second = MakePod("b", {"c"});
  cluster.AssumeClaim(Written(Run(first).claims[0], first, "2"), {});
  Decision decision = Run(second);
  ASSERT_EQ(decision.kind, Kind::kBind);
  EXPECT_EQ(decision.node, "n2");
  ASSERT_EQ(decision.claims.size(), 1u);  // only the reservation is missing
  EXPECT_FALSE(decision.claims[0].allocation);

  api::Pod elsewhere = second;
  elsewhere.spec.node_selector = {{"zone", "x"}};
  EXPECT_EQ(Run(elsewhere).kind, Kind::kUnschedulable);
}

TEST_F(Decisions, AllocationOfNobodyElseIsGivenBack) {
  AddNode("n1");
  AddClass("gpu");
  AddDevices("n1", 1);
  api::ResourceClaim claim = MakeClaim("c");
  claim.status.allocation.emplace().node_selector = {{{{}, {{"metadata.name", "In", {"gone"}}}}}};
  Add(claim);
  const api::Pod pod = MakePod("a", {"c"});
  Decision decision = Run(pod);
  ASSERT_EQ(decision.kind, Kind::kRelease);
  EXPECT_EQ(decision.claims[0].claim->metadata.name, "c");
  EXPECT_THAT(decision.message, HasSubstr("1 resourceclaim not available on the node"));
  claim.metadata.resource_version = "2";
  claim.status.reserved_for = {{"", "pods", "other", "uid-other"}};
  Add(claim);
  EXPECT_EQ(Run(pod).kind, Kind::kUnschedulable);
}

TEST_F(Decisions, FirstAvailablePrefersTheNodeWithTheBetterChoice) {
  AddNode("n1");
  AddNode("n2");
  AddClass("gpu");
  AddClass("big");
  AddDevices("n1", 1);
  AddDevices("n2", 2);
  api::ResourceClaim claim = MakeClaim("c");
  api::DeviceSubRequest two, one;
  two.name = "two";
  one.name = "one";
  two.device_class_name = one.device_class_name = "gpu";
  two.count = 2;
  claim.spec.devices.requests = {{"r", std::nullopt, {two, one}}};
  Add(claim);
  Decision decision = Run(MakePod("a", {"c"}));
  ASSERT_EQ(decision.kind, Kind::kBind);
  EXPECT_EQ(decision.node, "n2");
  EXPECT_EQ(decision.claims[0].allocation->devices.results[0].request, "r/two");
}

TEST_F(Decisions, BindingWaitsForConditions) {
  AddNode("n1");
  AddClass("gpu");
  AddDevices("n1", 1, [](api::Device& device) {
    device.binding_conditions = {"Attached"};
    device.binding_failure_conditions = {"Broken"};
  });
  Add(MakeClaim("c"));
  const api::Pod pod = MakePod("a", {"c"});
  Decision decision = Run(pod);
  ASSERT_EQ(decision.kind, Kind::kPrepare);
  api::ResourceClaim claim = Written(decision.claims[0], pod, "2");
  claim.status.allocation->allocation_timestamp = now;
  cluster.AssumeClaim(claim, {});

  decision = Run(pod);
  ASSERT_EQ(decision.kind, Kind::kPrepare);
  EXPECT_TRUE(decision.claims.empty());
  EXPECT_EQ(decision.wait.deadline, SteadyTime{} + kBindingTimeout);
  auto report = [&](const char* condition, const char* version) {
    api::ResourceClaim reported = claim;
    reported.metadata.resource_version = version;
    reported.status.devices = {
        {"gpu.example.com", "n1", "gpu-0", std::nullopt, {{condition, "True"}}, "", {}}};
    Add(reported);
    return Run(pod);
  };
  EXPECT_EQ(report("Attached", "3").kind, Kind::kBind);
  EXPECT_EQ(report("Broken", "4").kind, Kind::kRelease);
  claim.metadata.resource_version = "5";
  Add(claim);
  now += std::chrono::seconds(600);
  EXPECT_EQ(Run(pod).kind, Kind::kRelease);
}

// A server that was restored from older data has lost what the scheduler has written, and its
// versions begin again below the assumed ones.
TEST_F(Decisions, AssumedClaimsThatTheServerHasLost) {
  auto at = [](int second) { return SteadyTime() + std::chrono::seconds(second); };
  AddNode("n1");
  AddClass("gpu");
  AddDevices("n1", 1);
  api::ResourceClaim claim = MakeClaim("c"), touched = claim;
  Add(claim);
  Add(MakeClaim("d"));
  const api::Pod first = MakePod("a", {"c"}), second = MakePod("b", {"d"});
  cluster.AssumeClaim(Written(Run(first).claims[0], first, "9"), at(100));
  EXPECT_EQ(Run(second).kind, Kind::kUnschedulable);
  EXPECT_TRUE(cluster.ClaimsAssumedSince(at(99)).empty());
  EXPECT_EQ(cluster.ClaimsAssumedSince(at(100)), std::vector{api::KeyOf(claim)});

  // Progress that is older than the assumption is only late.
  touched.metadata.resource_version = "2";
  Update(claim, touched);
  EXPECT_TRUE(cluster.ClaimsAssumedSince(at(0)).empty());
  EXPECT_EQ(Run(second).kind, Kind::kUnschedulable);

  // Told once more: the server has gone back. What it has is looked up, and not believed blindly.
  Update(touched, touched);
  EXPECT_EQ(cluster.ClaimsAssumedSince(at(0)), std::vector{api::KeyOf(claim)});
  EXPECT_EQ(Run(second).kind, Kind::kUnschedulable);
  EXPECT_TRUE(cluster.CorrectClaim(api::KeyOf(claim), touched, at(200)));
  EXPECT_TRUE(cluster.ClaimsAssumedSince(at(999)).empty()) << "the informer has told of that one";
  EXPECT_EQ(Run(second).kind, Kind::kBind);

  // As it was written: it stands, and is looked up again only later.
  api::ResourceClaim written = Written(Run(first).claims[0], first, "9");
  cluster.AssumeClaim(written, at(300));
  EXPECT_FALSE(cluster.CorrectClaim(api::KeyOf(claim), written, at(330)));
  EXPECT_TRUE(cluster.ClaimsAssumedSince(at(329)).empty());
  EXPECT_EQ(Run(second).kind, Kind::kUnschedulable);
  EXPECT_TRUE(cluster.CorrectClaim(api::KeyOf(claim), std::nullopt, at(360)));
  EXPECT_EQ(Run(second).kind, Kind::kBind);
}

TEST_F(Decisions, PodsComeAndGoOnNodes) {
  AddNode("n1", "1");
  api::Pod pod = MakePod("a");
  pod.spec.containers[0].resources.requests = {{"cpu", Q("1")}};
  api::Pod bound = pod, finished;
  bound.spec.node_name = "n1";
  finished = bound;
  finished.status.phase = "Succeeded";
  cluster.AssumePod(std::make_shared<const api::Pod>(pod), "n1", {});
  Update(pod, pod);  // an event from before the binding
  EXPECT_EQ(cluster.nodes().at("n1").pods, 1);
  EXPECT_TRUE(cluster.AssumedSince("uid-a"));
  Update(pod, bound);
  EXPECT_FALSE(cluster.AssumedSince("uid-a"));
  EXPECT_EQ(cluster.nodes().at("n1").pods, 1);
  api::Pod other = MakePod("b");
  other.spec.containers = pod.spec.containers;
  EXPECT_EQ(Run(other).kind, Kind::kUnschedulable);
  Update(bound, finished);
  EXPECT_EQ(cluster.nodes().at("n1").pods, 0);
  EXPECT_EQ(Run(other).kind, Kind::kBind);
}

}  // namespace
}  // namespace dray::devcluster
