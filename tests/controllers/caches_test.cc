// What the caches leave of an object: all that the controllers read, and little else.
#include "controllers/manager/caches.h"

#include <gtest/gtest.h>

#include "controllers/resourceclaim/resourceclaim_reconciler.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

api::ResourceClaim FullClaim() {
  api::ResourceClaim claim = testing::TestCluster::MakeClaim("c");
  claim.metadata.generate_name = "p-c-";
  claim.metadata.uid = "u";
  claim.metadata.labels["app.kubernetes.io/managed-by"] = "dray";
  claim.metadata.annotations["resource.kubernetes.io/pod-claim-name"] = "c";
  claim.metadata.finalizers = {std::string(api::kClaimFinalizer)};
  claim.metadata.owner_references = {{"v1", "Pod", "p", "pu", true, std::nullopt}};
  return claim;
}

TEST(Caches, AClaimThatWaitsKeepsWhatItAsksForAndWhoseItIs) {
  api::ResourceClaim claim = FullClaim();
  KeepOfClaim(claim);
  EXPECT_EQ(claim.spec, testing::TestCluster::MakeClaim("c").spec);
  EXPECT_EQ(claim.metadata.labels.size(), 1u);
  EXPECT_EQ(claim.metadata.owner_references.size(), 1u);
  EXPECT_TRUE(claim.metadata.annotations.empty());
  EXPECT_EQ(claim.metadata.finalizers.size(), 1u) << "what a release that broke off has left";
}

TEST(Caches, AClaimInUseKeepsItsDevicesAndConsumers) {
  api::ResourceClaim claim = FullClaim();
  api::DeviceRequestAllocationResult& result =
      claim.status.allocation.emplace().devices.results.emplace_back();
  result.driver = "gpu.example.com";
  result.pool = "n1";
  result.device = "gpu-0";
  result.share_id = "s";
  result.consumed_capacity["memory"] = testing::Q("8Gi");
  claim.status.allocation->node_selector.emplace();
  claim.status.reserved_for = {{"", "pods", "p", "pu"}};
  claim.status.devices = {{"gpu.example.com",
                           "n1",
                           "gpu-0",
                           "s",
                           {{"Ready", "True"}},
                           "{\"large\":1}",
                           api::NetworkDeviceData()}};
  KeepOfClaim(claim);
  EXPECT_TRUE(claim.spec.devices.requests.empty());
  EXPECT_FALSE(claim.status.allocation->node_selector);
  EXPECT_EQ(claim.status.allocation->devices.results.size(), 1u);
  EXPECT_EQ(claim.status.allocation->devices.results[0].consumed_capacity.size(), 1u);
  EXPECT_EQ(claim.status.reserved_for.size(), 1u);
  EXPECT_EQ(claim.status.devices[0].conditions.size(), 1u);
  EXPECT_TRUE(claim.status.devices[0].data.empty());
  EXPECT_FALSE(claim.status.devices[0].network_data);
  EXPECT_EQ(PoolsOfClaim(claim), std::vector<std::string>{"gpu.example.com/n1"});
  EXPECT_EQ(claim.metadata.uid, "u");
  EXPECT_TRUE(claim.metadata.finalizers.empty());
}

TEST(Caches, APodKeepsItsClaimsAndANodeWhatIsOurs) {
  api::Pod pod = testing::TestCluster::MakePod("p", {{"a", "claim", std::nullopt}});
  pod.metadata.annotations["large"] = "text";
  KeepOfPod(pod);
  EXPECT_TRUE(pod.spec.containers.empty());
  EXPECT_TRUE(pod.metadata.annotations.empty());
  EXPECT_EQ(ClaimsOfPod(pod), std::vector<std::string>{"default/claim"});
  api::Node node;
  node.metadata.annotations = {{"dray.dev/x", "1"}, {"large", "text"}};
  node.metadata.labels = {{"zone", "z"}};
  node.spec.taints = {{"k", "v", "NoSchedule", {}}};
  node.status.conditions = {{"Ready", "True", {}, {}, "KubeletReady", "it is"}};
  node.status.capacity = {{"cpu", testing::Q("96")}, {"dray.dev/gpu", testing::Q("0")}};
  node.status.allocatable = node.status.capacity;
  KeepOfNode(node);
  EXPECT_TRUE(node.spec.taints.empty());
  EXPECT_TRUE(node.status.conditions.empty());
  EXPECT_TRUE(node.status.allocatable.empty());
  EXPECT_EQ(node.status.capacity.size(), 1u);
  EXPECT_EQ(node.metadata.annotations, (api::Labels{{"dray.dev/x", "1"}}));
  EXPECT_EQ(node.metadata.labels.size(), 1u);
}

TEST(Caches, ATemplateKeepsItsClassesAndWhatTheCleanupAsks) {
  api::ResourceClaimTemplate made;
  made.metadata.name = "dray-1234";
  made.metadata.labels["app.kubernetes.io/managed-by"] = "dray";
  made.metadata.annotations = {
      {"dray.dev/last-used", "t"}, {"dray.dev/request-hash", "1234"}, {"large", "text"}};
  made.spec.metadata.annotations = {{"large", "text"}};
  api::DeviceClaim& devices = made.spec.spec.devices;
  devices.requests.resize(2);
  devices.requests[0].exactly.emplace();
  devices.requests[0].exactly->device_class_name = "a";
  devices.requests[0].exactly->selectors.resize(1);
  devices.requests[0].exactly->capacity.emplace();
  devices.requests[1].first_available.resize(2);
  devices.requests[1].first_available[1].device_class_name = "b";
  devices.requests[1].first_available[1].selectors.resize(1);
  devices.constraints.resize(1);
  devices.config.resize(1);
  KeepOfTemplate(made);
  EXPECT_EQ(made.metadata.annotations,
            (api::Labels{{"dray.dev/last-used", "t"}, {"dray.dev/request-hash", "1234"}}));
  EXPECT_EQ(made.metadata.labels.size(), 1u);
  EXPECT_EQ(made.spec.metadata, api::ObjectMeta());
  EXPECT_EQ(devices.requests[0].exactly->device_class_name, "a");
  EXPECT_TRUE(devices.requests[0].exactly->selectors.empty());
  EXPECT_FALSE(devices.requests[0].exactly->capacity);
  EXPECT_EQ(devices.requests[1].first_available[1].device_class_name, "b");
  EXPECT_TRUE(devices.requests[1].first_available[1].selectors.empty());
  EXPECT_TRUE(devices.constraints.empty() && devices.config.empty());
}

TEST(Caches, OnlyPodsThatUseClaims) {
  api::Pod pod = testing::TestCluster::MakePod("p");
  EXPECT_FALSE(UsesClaims(pod));
  // The scheduler made one for what it asks for as an extended resource.
  pod.status.extended_resource_claim_status.emplace();
  EXPECT_TRUE(UsesClaims(pod));
  EXPECT_TRUE(UsesClaims(testing::TestCluster::MakePod("p", {{"a", "claim", std::nullopt}})));
}

}  // namespace
}  // namespace dray::controllers
