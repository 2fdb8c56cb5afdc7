#include "devcluster/kubelet/pod_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dray::devcluster {
namespace {

const api::Time kThen{std::chrono::seconds(1000)}, kSyncTime{std::chrono::seconds(2000)};

ContainerRecord Waiting(std::string name, ContainerKind kind = ContainerKind::kApp) {
  ContainerRecord record{std::move(name), "image", kind};
  record.state.waiting = api::ContainerStateWaiting{"ContainerCreating", ""};
  return record;
}
ContainerRecord Running(std::string name, ContainerKind kind = ContainerKind::kApp) {
  ContainerRecord record{std::move(name), "image", kind};
  record.state.running = api::ContainerStateRunning{kThen};
  return record;
}
ContainerRecord Ended(std::string name, int code, ContainerKind kind = ContainerKind::kApp) {
  ContainerRecord record{std::move(name), "image", kind};
  record.state.terminated = api::ContainerStateTerminated{code};
  return record;
}
ContainerRecord BackingOff(std::string name, ContainerKind kind = ContainerKind::kApp) {
  ContainerRecord record = Waiting(std::move(name), kind);
  record.last_state.terminated = api::ContainerStateTerminated{1};
  record.restart_count = 1;
  return record;
}

struct PhaseCase {
  const char* name;
  std::vector<ContainerRecord> containers;
  const char* policy;
  const char* phase;
  bool all_stopped = false;
};

class PhaseTest : public ::testing::TestWithParam<PhaseCase> {};

TEST_P(PhaseTest, IsKubelets) {
  PodFacts facts;
  facts.containers = GetParam().containers;
  facts.all_stopped = GetParam().all_stopped;
  EXPECT_EQ(PhaseOf(facts, GetParam().policy), GetParam().phase);
}

constexpr auto kInitPod = ContainerKind::kInit;
constexpr auto kSidecarPod = ContainerKind::kSidecar;
INSTANTIATE_TEST_SUITE_P(
    Cases, PhaseTest,
    ::testing::Values(
        PhaseCase{"Creating", {Waiting("a")}, "Always", "Pending"},
        PhaseCase{"OneOfTwo", {Waiting("a"), Running("b")}, "Always", "Pending"},
        PhaseCase{"Running", {Running("a"), Ended("b", 1)}, "Never", "Running"},
        PhaseCase{"CrashLoop", {BackingOff("a")}, "Always", "Running"},
        PhaseCase{"EndedWillRestart", {Ended("a", 0)}, "Always", "Running"},
        PhaseCase{"Done", {Ended("a", 0), Ended("b", 0)}, "Never", "Succeeded"},
        PhaseCase{"Failed", {Ended("a", 0), Ended("b", 3)}, "Never", "Failed"},
        PhaseCase{"OnFailureRetries", {Ended("a", 3)}, "OnFailure", "Running"},
        PhaseCase{"OnFailureStopped", {Ended("a", 3)}, "OnFailure", "Failed", true},
        PhaseCase{"OnFailureDone", {Ended("a", 0)}, "OnFailure", "Succeeded"},
        PhaseCase{"AlwaysStopped", {Ended("a", 143)}, "Always", "Failed", true},
        PhaseCase{"Init", {Running("i", kInitPod), Waiting("a")}, "Always", "Pending"},
        PhaseCase{"InitFailedNever", {Ended("i", 1, kInitPod), Waiting("a")}, "Never", "Failed"},
        PhaseCase{
            "InitFailedRetries", {Ended("i", 1, kInitPod), Waiting("a")}, "Always", "Pending"},
        PhaseCase{"SidecarPending", {Waiting("s", kSidecarPod), Waiting("a")}, "Always", "Pending"},
        PhaseCase{
            "SidecarRestarts", {BackingOff("s", kSidecarPod), Running("a")}, "Always", "Running"},
        PhaseCase{"SidecarStoppedAtTheEnd",
                  {Ended("s", 143, kSidecarPod), Ended("a", 0)},
                  "Never",
                  "Succeeded",
                  true},
        PhaseCase{"StoppedBeforeItRan", {Waiting("a")}, "Always", "Failed", true}),
    [](const auto& info) { return std::string(info.param.name); });

const api::PodCondition* Find(const api::PodStatus& status, const std::string& type) {
  for (const api::PodCondition& condition : status.conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

TEST(StatusOfTest, RunningPodIsReady) {
  PodFacts facts;
  facts.containers = {Ended("i", 0, kInitPod), Running("a")};
  facts.start_time = kThen;
  facts.host_ip = facts.pod_ip = "127.0.0.1";
  std::vector<api::PodCondition> before = {{"Ready", "True", {}, kThen},
                                           {"Initialized", "False", {}, kThen}};
  api::PodStatus status = StatusOf(facts, {}, before, kSyncTime);
  EXPECT_EQ(status.phase, "Running");
  EXPECT_EQ(status.pod_ip, "127.0.0.1");
  EXPECT_EQ(Find(status, "Ready")->status, "True");
  EXPECT_EQ(Find(status, "Ready")->last_transition_time, kThen);
  EXPECT_EQ(Find(status, "Initialized")->status, "True");
  EXPECT_EQ(Find(status, "Initialized")->last_transition_time, kSyncTime);
  EXPECT_EQ(Find(status, "PodScheduled"), nullptr);
  ASSERT_EQ(status.init_container_statuses.size(), 1u);
  EXPECT_TRUE(status.init_container_statuses[0].ready);
  EXPECT_TRUE(status.container_statuses.at(0).ready);
  EXPECT_EQ(status.container_statuses[0].started, true);
}

TEST(StatusOfTest, NamesWhatIsMissing) {
  PodFacts facts;
  facts.containers = {Running("i", kInitPod), Waiting("a"), Waiting("b")};
  api::PodStatus status = StatusOf(facts, {}, {}, kSyncTime);
  EXPECT_EQ(Find(status, "Initialized")->message, "containers with incomplete status: [i]");
  EXPECT_EQ(Find(status, "ContainersReady")->message, "containers with unready status: [a b]");
  EXPECT_EQ(Find(status, "ContainersReady")->reason, "ContainersNotReady");
}

TEST(StatusOfTest, CompletedPodSaysSo) {
  PodFacts facts;
  facts.containers = {Ended("a", 0)};
  facts.start_time = kThen;
  facts.all_stopped = true;
  api::PodSpec spec;
  spec.restart_policy = "Never";
  api::PodStatus status = StatusOf(facts, spec, {}, kSyncTime);
  EXPECT_EQ(Find(status, "Ready")->status, "False");
  EXPECT_EQ(Find(status, "Ready")->reason, "PodCompleted");
}

TEST(StatusOfTest, VerdictFailsThePod) {
  PodFacts facts;
  facts.containers = {Waiting("a")};
  facts.verdict = PodVerdict{"UnexpectedAdmissionError", "no devices"};
  api::PodStatus status = StatusOf(facts, {}, {}, kSyncTime);
  EXPECT_EQ(status.phase, "Failed");
  EXPECT_EQ(status.reason, "UnexpectedAdmissionError");
  Json patch = StatusPatch(status, "u1");
  EXPECT_EQ(patch["metadata"]["uid"], "u1");
  EXPECT_EQ(patch["status"]["message"], "no devices");
  EXPECT_FALSE(patch.contains("spec"));
}

}  // namespace
}  // namespace dray::devcluster
