#include "devcluster/kubelet/pod_runner.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "devcluster/apiserver/api_server.h"
#include "dray/runtime/files.h"
#include "tests/devcluster/kubelet/scratch_dir.h"
#include "tests/support/fake_clock.h"

namespace dray::devcluster {
namespace {

using std::chrono::seconds;

// One node without devices: real processes, a real API server in this process, a clock that stands
// still.
class PodRunnerTest : public ::testing::Test {
 protected:
  PodRunnerTest() {
    LauncherOptions options;
    options.root_dir = root_.path();
    options.node_name = "node";
    launcher_ = std::make_unique<ContainerLauncher>(options, client_, host_, claims_, devices_);
    services_ = std::make_unique<NodeServices>(NodeServices{clock_, client_, events_, host_,
                                                            claims_, devices_, *launcher_,
                                                            [this](const api::ObjectKey&) {
                                                              {
                                                                std::lock_guard lock(mutex_);
                                                                ++ends_;
                                                              }
                                                              ended_.notify_all();
                                                            }});
  }
  ~PodRunnerTest() override { host_.Stop(); }

  static api::Container Script(const std::string& name, const std::string& script) {
    api::Container container;
    container.name = name;
    container.image = "busybox";
    container.command = {"/bin/sh", "-c", script};
    return container;
  }
  // As the API server has it.
  std::shared_ptr<const api::Pod> Create(const std::string& policy,
                                         std::vector<api::Container> containers,
                                         std::vector<api::Container> inits = {}) {
    api::Pod pod;
    pod.metadata.name = "pod";
    pod.metadata.namespace_ = "default";
    pod.spec.node_name = "node";
    pod.spec.restart_policy = policy;
    pod.spec.containers = std::move(containers);
    pod.spec.init_containers = std::move(inits);
    Result<api::Pod> made = client_.Create(ctx_, pod);
    EXPECT_TRUE(made.ok()) << made.status();
    return std::make_shared<const api::Pod>(*std::move(made));
  }
  std::shared_ptr<const api::Pod> Now() {
    Result<api::Pod> pod = client_.Get<api::Pod>(ctx_, {"default", "pod"});
    EXPECT_TRUE(pod.ok()) << pod.status();
    return pod.ok() ? std::make_shared<const api::Pod>(*std::move(pod)) : nullptr;
  }
  PodRunner::Next Sync(PodRunner& runner) {
    Result<PodRunner::Next> next = runner.Sync(ctx_, Now());
    EXPECT_TRUE(next.ok()) << next.status();
    return next.ok() ? *next : PodRunner::Next{};
  }
  // Blocks until `more` further processes have ended.
  void AwaitEnds(int more) {
    std::unique_lock lock(mutex_);
    awaited_ += more;
    ASSERT_TRUE(ended_.wait_for(lock, seconds(30), [&] { return ends_ >= awaited_; }))
        << ends_ << " of " << awaited_;
  }
  std::string Log(const std::string& container, int attempt) {
    Result<std::string> text =
        runtime::ReadFile(PodPaths(root_.path(), *pod_).Log(container, attempt));
    return text.ok() ? *text : text.status().message();
  }
  // Blocks until the first attempt of `main` has printed "ready": its traps are set.
  void AwaitReady() {
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (Log("main", 0) != "ready\n") {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << Log("main", 0);
      std::this_thread::yield();
    }
  }
  const api::ContainerStatus& StatusOfMain() {
    pod_ = Now();
    return pod_->status.container_statuses.at(0);
  }

  testing::FakeClock clock_;
  Context ctx_{clock_, {}};
  ScratchDir root_;
  ApiServer server_{{.clock = &clock_}};
  runtime::Client client_{server_.InProcess("system:node:node", {"system:masters"})};
  runtime::EventRecorder events_{client_, clock_, "kubelet"};
  ContainerHost host_;
  DraPlugins dra_{clock_, client_, "node", [](const std::string&) {}};
  NodeClaims claims_{client_, dra_, root_.path() + "/claims"};
  DevicePlugins devices_{clock_, root_.path() + "/device-plugins", [] {}};
  std::unique_ptr<ContainerLauncher> launcher_;
  std::unique_ptr<NodeServices> services_;
  std::shared_ptr<const api::Pod> pod_;

  std::mutex mutex_;
  std::condition_variable ended_;
  int ends_ = 0, awaited_ = 0;
};

TEST_F(PodRunnerTest, RunsInitContainersThenContainersToTheEnd) {
  pod_ = Create("Never", {Script("main", "echo main")}, {Script("init", "echo init")});
  PodRunner runner(*services_, pod_);
  EXPECT_FALSE(Sync(runner).done);
  EXPECT_EQ(StatusOfMain().state.waiting->reason, "PodInitializing");
  AwaitEnds(1);
  EXPECT_FALSE(Sync(runner).done);
  AwaitEnds(1);
  EXPECT_TRUE(Sync(runner).done);
  EXPECT_EQ(StatusOfMain().state.terminated->exit_code, 0);
  EXPECT_EQ(pod_->status.phase, "Succeeded");
  EXPECT_EQ(Log("init", 0), "init\n");
  EXPECT_EQ(Log("main", 0), "main\n");
}

TEST_F(PodRunnerTest, AFailedContainerIsStartedAgainAfterItsBackOff) {
  pod_ = Create("OnFailure", {Script("main", "echo attempt; exit 3")});
  PodRunner runner(*services_, pod_);
  Sync(runner);
  AwaitEnds(1);
  Sync(runner);  // the first restart waits for nothing
  EXPECT_EQ(StatusOfMain().restart_count, 1);
  AwaitEnds(1);
  PodRunner::Next next = Sync(runner);
  EXPECT_EQ(StatusOfMain().state.waiting->reason, "CrashLoopBackOff");
  EXPECT_EQ(StatusOfMain().last_state.terminated->exit_code, 3);
  ASSERT_TRUE(next.after.has_value());
  EXPECT_EQ(*next.after, seconds(10));
  clock_.Advance(seconds(10));
  Sync(runner);
  EXPECT_EQ(StatusOfMain().restart_count, 2);
  AwaitEnds(1);
  Sync(runner);
  for (int attempt : {0, 1, 2}) EXPECT_EQ(Log("main", attempt), "attempt\n");
}

// A kubelet that dies between a container's start and the report of it: the log of the lost attempt
// stays what it was.
TEST_F(PodRunnerTest, AnAttemptThatWasNeverReportedKeepsItsLog) {
  pod_ = Create("Never", {Script("main", "echo once")});
  const PodPaths paths(root_.path(), *pod_);
  ASSERT_TRUE(runtime::MakeDirectories(paths.RootOf("main")).ok());
  ASSERT_TRUE(runtime::WriteFileAtomically(paths.Log("main", 0), "half of").ok());
  PodRunner runner(*services_, pod_);
  Sync(runner);
  AwaitEnds(1);
  EXPECT_TRUE(Sync(runner).done);
  EXPECT_EQ(StatusOfMain().restart_count, 1);
  EXPECT_EQ(Log("main", 0), "half of");
  EXPECT_EQ(Log("main", 1), "once\n");
}

TEST_F(PodRunnerTest, WhatRanUnderAnEarlierKubeletHasEnded) {
  pod_ = Create("Never", {Script("main", "echo ready; exec sleep 1000")});
  {
    PodRunner first(*services_, pod_);
    Sync(first);
    ASSERT_TRUE(StatusOfMain().state.running.has_value());
  }
  PodRunner second(*services_, Now());
  EXPECT_TRUE(Sync(second).done);
  EXPECT_EQ(StatusOfMain().state.terminated->reason, "ContainerStatusUnknown");
  EXPECT_EQ(pod_->status.phase, "Failed");
}

TEST_F(PodRunnerTest, ADeletedPodIsStoppedAndNothingOfItStays) {
  pod_ = Create("Always",
                {Script("main", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")});
  PodRunner runner(*services_, pod_);
  Sync(runner);
  AwaitReady();
  ASSERT_TRUE(client_.Delete<api::Pod>(ctx_, {"default", "pod"}).ok());
  pod_ = Now();
  ASSERT_TRUE(pod_->metadata.deletion_timestamp.has_value());
  PodRunner::Next next = Sync(runner);
  EXPECT_FALSE(next.done);
  ASSERT_TRUE(next.after.has_value()) << "SIGKILL has its time";
  AwaitEnds(1);
  EXPECT_TRUE(Sync(runner).done);
  EXPECT_TRUE(client_.Get<api::Pod>(ctx_, {"default", "pod"}).Is(Reason::kNotFound));
  EXPECT_FALSE(std::filesystem::exists(PodPaths(root_.path(), *pod_).directory));
}

TEST_F(PodRunnerTest, WhatDoesNotListenIsKilledWhenItsGraceIsOver) {
  pod_ =
      Create("Always", {Script("main", "trap '' TERM; echo ready; while :; do sleep 0.01; done")});
  PodRunner runner(*services_, pod_);
  Sync(runner);
  AwaitReady();
  ASSERT_TRUE(client_.Delete<api::Pod>(ctx_, {"default", "pod"}).ok());
  PodRunner::Next next = Sync(runner);
  ASSERT_TRUE(next.after.has_value());
  EXPECT_EQ(*next.after, seconds(30));
  clock_.Advance(*next.after);
  Sync(runner);
  AwaitEnds(1);
  EXPECT_TRUE(Sync(runner).done);
}

TEST_F(PodRunnerTest, APodHasItsDeadline) {
  api::Container forever = Script("main", "exec sleep 1000");
  pod_ = Create("Always", {forever});
  auto limited = std::make_shared<api::Pod>(*pod_);
  limited->spec.active_deadline_seconds = 5;
  PodRunner runner(*services_, limited);
  Result<PodRunner::Next> next = runner.Sync(ctx_, limited);
  ASSERT_TRUE(next.ok()) << next.status();
  ASSERT_TRUE(next->after.has_value());
  EXPECT_EQ(*next->after, seconds(5));
  clock_.Advance(seconds(5));
  ASSERT_TRUE(runner.Sync(ctx_, limited).ok());
  AwaitEnds(1);
  next = runner.Sync(ctx_, limited);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(next->done);
  pod_ = Now();
  EXPECT_EQ(pod_->status.phase, "Failed");
  EXPECT_EQ(pod_->status.reason, "DeadlineExceeded");
}

TEST_F(PodRunnerTest, AProgramThatIsNotThereIsAStartError) {
  api::Container absent = Script("main", "");
  absent.command = {"/no/such/program"};
  pod_ = Create("Never", {absent});
  PodRunner runner(*services_, pod_);
  EXPECT_TRUE(Sync(runner).done);
  EXPECT_EQ(StatusOfMain().state.terminated->reason, "StartError");
  EXPECT_EQ(StatusOfMain().state.terminated->exit_code, 128);
  EXPECT_EQ(pod_->status.phase, "Failed");
}

}  // namespace
}  // namespace dray::devcluster
