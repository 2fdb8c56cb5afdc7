#include <gtest/gtest.h>

#include "controllers/webhook/admission_webhook.h"
#include "controllers/webhook/plan_memory.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

PlanMemory::Plan PlanOf(const std::string& patch) {
  admission::AdmissionPlan plan;
  plan.patch = patch;
  return std::make_shared<const admission::AdmissionPlan>(std::move(plan));
}

struct PlanMemoryTest : ::testing::Test {
  PlanMemory::Question Ask(std::string_view pod, std::string_view namespace_ = "default") const {
    return {config, inventory, namespace_, pod};
  }
  std::shared_ptr<const void> config = std::make_shared<int>(1);
  std::shared_ptr<const admission::Inventory> inventory =
      std::make_shared<const admission::Inventory>();
  PlanMemory memory;
};

TEST_F(PlanMemoryTest, RemembersByTextAndNamespace) {
  EXPECT_EQ(memory.Find(Ask("a")), nullptr);
  memory.Keep(Ask("a"), PlanOf("[1]"));
  ASSERT_NE(memory.Find(Ask("a")), nullptr);
  EXPECT_EQ(memory.Find(Ask("a"))->patch, "[1]");
  EXPECT_EQ(memory.Find(Ask("b")), nullptr);
  EXPECT_EQ(memory.Find(Ask("a", "other")), nullptr);
}

TEST_F(PlanMemoryTest, ForgetsWhenTheRulesOrTheDevicesChange) {
  memory.Keep(Ask("a"), PlanOf("[1]"));
  const auto old = inventory;
  inventory = std::make_shared<const admission::Inventory>();
  EXPECT_EQ(memory.Find(Ask("a")), nullptr);
  memory.Keep(Ask("b"), PlanOf("[2]"));
  EXPECT_EQ(memory.size(), 1u);
  inventory = old;
  EXPECT_EQ(memory.Find(Ask("a")), nullptr);
  memory.Keep(Ask("a"), PlanOf("[1]"));
  config = std::make_shared<int>(2);
  EXPECT_EQ(memory.Find(Ask("a")), nullptr);
}

TEST_F(PlanMemoryTest, IsBounded) {
  std::vector<std::string> pods;
  for (size_t i = 0; i < PlanMemory::kMostPlans + 10; ++i)
    pods.push_back("pod " + std::to_string(i));
  for (const std::string& pod : pods) {
    memory.Keep(Ask(pod), PlanOf(pod));
    ASSERT_NE(memory.Find(Ask(pods.front())), nullptr);  // what is asked for stays
  }
  EXPECT_EQ(memory.size(), PlanMemory::kMostPlans);
  EXPECT_EQ(memory.Find(Ask(pods[1])), nullptr);
  EXPECT_EQ(memory.Find(Ask(pods.back()))->patch, pods.back());
  const std::string long_pod(PlanMemory::kLongestText + 1, 'x');
  memory.Keep(Ask(long_pod), PlanOf("[]"));
  EXPECT_EQ(memory.Find(Ask(long_pod)), nullptr);
}

// Replicas differ in what admission does not read; what it does read is never mixed up.
TEST(RememberedPlans, AreThoseOfTheSamePodOnly) {
  testing::TestCluster cluster;
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  runtime::Metrics metrics;
  AdmissionWebhook webhook(
      {cluster.Tested(), &cluster.clock, &templates, nullptr, std::chrono::minutes(10), &metrics},
      admission::DeviceConfig());
  auto review = [&](const std::string& name, const std::string& memory, const std::string& uid) {
    api::AdmissionRequest request;
    request.uid = uid;
    request.operation = "CREATE";
    request.resource = {"", "v1", "pods"};
    request.name = name;
    request.namespace_ = "default";
    request.object = R"({"metadata":{"name":")" + name + R"(","ownerReferences":[{"uid":")" + uid +
                     R"("}]},"spec":{"containers":[{"name":"c","resources":{"limits":)" +
                     R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":")" + memory + R"("}}}]}})";
    return webhook.Review(cluster.Ctx(), request);
  };
  const api::AdmissionResponse first = review("a-0", "4000", "u1"),
                               second = review("a-1", "4000", "u2"),
                               other = review("a-2", "8000", "u3");
  ASSERT_TRUE(first.allowed && second.allowed && other.allowed);
  EXPECT_EQ(first.patch, second.patch);
  EXPECT_NE(first.patch, other.patch);
  EXPECT_EQ(second.uid, "u2");
  // The name is not remembered, and looked at each time.
  const api::AdmissionResponse long_name = review(std::string(249, 'p'), "4000", "u4");
  EXPECT_FALSE(long_name.allowed);
  EXPECT_EQ(long_name.denial.reason(), Reason::kInvalid);
  // A new configuration is asked anew.
  Result<admission::DeviceConfig> doubled =
      admission::DeviceConfig::FromJson({{"nvidia", {{"memoryFactor", 2}}}});
  ASSERT_TRUE(doubled.ok());
  webhook.SetConfig(*std::move(doubled));
  auto template_of = [](const api::AdmissionResponse& response) {
    const size_t name = response.patch.rfind("\"dray-");
    return name == std::string::npos ? response.patch : response.patch.substr(name);
  };
  EXPECT_EQ(template_of(review("a-3", "4000", "u5")), template_of(other));
  EXPECT_NE(template_of(first), template_of(other));
}

}  // namespace
}  // namespace dray::controllers
