#include "devcluster/kubelet/container_schedule.h"

#include <gtest/gtest.h>

namespace dray::devcluster {
namespace {

using std::chrono::seconds;
constexpr SteadyTime kNow = SteadyTime(std::chrono::hours(1));

ContainerView Fresh(ContainerKind kind) {
  return {kind};
}
ContainerView Running(ContainerKind kind) {
  return {kind, true, true};
}
ContainerView Ended(ContainerKind kind, int code, int failures = 0, Duration ago = seconds(0)) {
  return {kind, true, false, code, failures, kNow - ago};
}
constexpr auto kInit = ContainerKind::kInit;
constexpr auto kSidecar = ContainerKind::kSidecar;
constexpr auto kApp = ContainerKind::kApp;

struct Case {
  const char* name;
  std::vector<ContainerView> views;
  const char* policy;
  std::vector<size_t> start, backing_off;
  bool finished = false;
  std::optional<Duration> wake_in;
};

class PlanContainersTest : public ::testing::TestWithParam<Case> {};

TEST_P(PlanContainersTest, Decides) {
  const Case& test = GetParam();
  SchedulePlan plan = PlanContainers(test.views, test.policy, kNow);
  EXPECT_EQ(plan.start, test.start);
  EXPECT_EQ(plan.backing_off, test.backing_off);
  EXPECT_EQ(plan.finished, test.finished);
  EXPECT_EQ(plan.wake_at.has_value(), test.wake_in.has_value());
  if (plan.wake_at && test.wake_in) {
    EXPECT_EQ(*plan.wake_at - kNow, *test.wake_in);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PlanContainersTest,
    ::testing::Values(
        Case{"AllAppsAtOnce", {Fresh(kApp), Fresh(kApp)}, "Always", {0, 1}, {}},
        Case{"InitsOneByOne", {Fresh(kInit), Fresh(kInit), Fresh(kApp)}, "Always", {0}, {}},
        Case{"InitRunning", {Running(kInit), Fresh(kApp)}, "Always", {}, {}},
        Case{"SecondInit", {Ended(kInit, 0), Fresh(kInit), Fresh(kApp)}, "Never", {1}, {}},
        Case{"InitsDone", {Ended(kInit, 0), Fresh(kApp)}, "Never", {1}, {}},
        Case{"InitFailedForGood", {Ended(kInit, 1), Fresh(kApp)}, "Never", {}, {}, true},
        Case{"InitFailsOnceRestartsAtOnce", {Ended(kInit, 1), Fresh(kApp)}, "OnFailure", {0}, {}},
        Case{"InitBacksOff",
             {Ended(kInit, 1, 1, seconds(3)), Fresh(kApp)},
             "Always",
             {},
             {0},
             false,
             seconds(7)},
        Case{"SidecarStarts", {Fresh(kSidecar), Fresh(kInit), Fresh(kApp)}, "Never", {0}, {}},
        Case{"SidecarRunsOn", {Running(kSidecar), Fresh(kInit), Fresh(kApp)}, "Never", {1}, {}},
        Case{"SidecarComesBack", {Ended(kSidecar, 0), Running(kApp)}, "Never", {0}, {}},
        Case{"SidecarBacksOffAppsGoOn",
             {Ended(kSidecar, 1, 2), Fresh(kApp)},
             "Never",
             {1},
             {0},
             false,
             seconds(20)},
        Case{"DoneDespiteSidecar", {Running(kSidecar), Ended(kApp, 0)}, "OnFailure", {}, {}, true},
        Case{"DeadSidecarStaysDeadWhenDone",
             {Ended(kSidecar, 1), Ended(kApp, 0)},
             "Never",
             {},
             {},
             true},
        Case{"OneAppLeft", {Ended(kApp, 0), Running(kApp)}, "Never", {}, {}},
        Case{"AlwaysRestartsSuccess", {Ended(kApp, 0)}, "Always", {0}, {}},
        Case{"OnFailureKeepsSuccess", {Ended(kApp, 0)}, "OnFailure", {}, {}, true},
        Case{"OnFailureRestarts", {Ended(kApp, 2)}, "OnFailure", {0}, {}},
        Case{"NeverKeepsFailure", {Ended(kApp, 2)}, "Never", {}, {}, true},
        Case{"EarliestWake",
             {Ended(kApp, 1, 3, seconds(1)), Ended(kApp, 1, 1, seconds(1))},
             "Always",
             {},
             {0, 1},
             false,
             seconds(9)},
        Case{"BackOffOver", {Ended(kApp, 1, 1, seconds(10))}, "Always", {0}, {}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(RestartDelayTest, DoublesUpToFiveMinutes) {
  std::vector<int64_t> waits;
  for (int failures : {0, 1, 2, 3, 4, 5, 6, 7, 1000}) {
    waits.push_back(std::chrono::duration_cast<seconds>(RestartDelay(failures)).count());
  }
  EXPECT_EQ(waits, (std::vector<int64_t>{0, 10, 20, 40, 80, 160, 300, 300, 300}));
}

}  // namespace
}  // namespace dray::devcluster
