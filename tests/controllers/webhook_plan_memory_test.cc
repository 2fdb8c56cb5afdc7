#include <gtest/gtest.h>

#include "controllers/webhook/plan_memory.h"

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

}  // namespace
}  // namespace dray::controllers
