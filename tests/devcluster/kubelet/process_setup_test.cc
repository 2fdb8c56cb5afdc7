#include "devcluster/kubelet/process_setup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "devcluster/kubelet/container_host.h"
#include "dray/runtime/files.h"
#include "tests/devcluster/kubelet/scratch_dir.h"

namespace dray::devcluster {
namespace {

struct Outcome {
  ProcessExit exit;
  std::string log;
  Status status;
};

Outcome RunToEnd(ContainerHost& host, ProcessSpec spec, const std::string& log) {
  spec.log_file = log;
  auto done = std::make_shared<std::promise<ProcessExit>>();
  Result<int> pid = host.Start(spec, [done](ProcessExit exit) { done->set_value(exit); });
  if (!pid.ok()) return {{}, "", pid.status()};
  ProcessExit exit = done->get_future().get();
  return {exit, runtime::ReadFile(log).ok() ? *runtime::ReadFile(log) : "", Ok()};
}

ProcessSpec Shell(const std::string& script) {
  ProcessSpec spec;
  spec.argv = {"sh", "-c", script};
  spec.search = {"/no/such/dir", "/usr/bin", "/bin"};
  return spec;
}

TEST(StartProcessTest, GivesExactlyTheEnvironment) {
  ScratchDir dir;
  ContainerHost host;
  ProcessSpec spec = Shell("/usr/bin/env; pwd; echo err >&2; exit 7");
  spec.env = {"ONE=1", "PWD=/"};
  Outcome outcome = RunToEnd(host, spec, dir.path() + "/log");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.exit.code, 7);
  EXPECT_EQ(outcome.log, "ONE=1\nPWD=/\n/\nerr\n");
}

TEST(StartProcessTest, SaysWhyAProgramCannotRun) {
  ScratchDir dir;
  ContainerHost host;
  ProcessSpec spec;
  spec.argv = {"no-such-program"};
  spec.search = {"/usr/bin"};
  EXPECT_EQ(RunToEnd(host, spec, "").status.message(),
            "exec: \"no-such-program\": executable file not found in $PATH");
  spec.argv = {dir.path()};
  EXPECT_NE(RunToEnd(host, spec, "").status.message().find("Permission denied"), std::string::npos);
  spec = Shell("true");
  spec.working_dir = "/no/such";
  EXPECT_NE(RunToEnd(host, spec, "").status.message().find("workingDir /no/such"),
            std::string::npos);
}

TEST(ContainerHostTest, ReportsSignalsAndClearsTheGroup) {
  ScratchDir dir;
  ContainerHost host;
  auto done = std::make_shared<std::promise<ProcessExit>>();
  // A background child that holds nothing open but would outlive the shell.
  ProcessSpec spec = Shell("sleep 300 & echo $! > " + dir.path() + "/child; kill -KILL $$");
  Result<int> pid = host.Start(spec, [done](ProcessExit exit) { done->set_value(exit); });
  ASSERT_TRUE(pid.ok()) << pid.status();
  ProcessExit exit = done->get_future().get();
  EXPECT_EQ(exit.code, 137);
  EXPECT_EQ(exit.signal, SIGKILL);
  int child = std::stoi(*runtime::ReadFile(dir.path() + "/child"));
  // The kill was sent before the shell was reaped; the orphan may still be a zombie of init.
  std::string state = runtime::ReadFile("/proc/" + std::to_string(child) + "/stat").ok()
                          ? *runtime::ReadFile("/proc/" + std::to_string(child) + "/stat")
                          : ") Z";
  EXPECT_TRUE(kill(child, 0) != 0 || state.find(") Z") != std::string::npos ||
              state.find(") X") != std::string::npos || state.find(") R") != std::string::npos)
      << state;
}

TEST(ContainerHostTest, KillsWhatRunsAtTheEnd) {
  std::promise<ProcessExit> done;
  {
    ContainerHost host;
    Result<int> pid =
        host.Start(Shell("exec sleep 300"), [&](ProcessExit exit) { done.set_value(exit); });
    ASSERT_TRUE(pid.ok()) << pid.status();
  }
  EXPECT_EQ(done.get_future().get().signal, SIGKILL);
}

TEST(ContainerHostTest, TermReachesTheProcess) {
  ContainerHost host;
  std::promise<ProcessExit> done;
  Result<int> pid =
      host.Start(Shell("exec sleep 300"), [&](ProcessExit exit) { done.set_value(exit); });
  ASSERT_TRUE(pid.ok());
  host.Signal(*pid, SIGTERM);
  EXPECT_EQ(done.get_future().get().code, 143);
  host.Signal(*pid, SIGTERM);  // gone: nothing
}

// The same expectations as root and in a user namespace, as far as this machine allows.
class MountsTest : public ::testing::TestWithParam<MountAbility> {
 protected:
  void SetUp() override {
    ProcessSpec probe = Shell("true");
    probe.mounts = GetParam();
    probe.steps = {{SetupStep::Kind::kTmpfs, "/tmp", "", "mode=1777"}};
    Result<StartedProcess> started = StartProcess(probe);
    if (!started.ok()) GTEST_SKIP() << "skipped: " << started.status().message();
    waitpid(started->pid, nullptr, 0);
    close(started->pidfd);
    std::filesystem::create_directories(dir_.path() + "/root");
    std::filesystem::create_directories(dir_.path() + "/src/sub");
    ASSERT_TRUE(runtime::WriteFileAtomically(dir_.path() + "/src/hello", "hello\n").ok());
    ASSERT_TRUE(
        runtime::WriteFileAtomically(dir_.path() + "/src/tool", "#!/bin/sh\necho tool $1\n", 0755)
            .ok());
  }
  Outcome Run(const ContainerPlan& plan, const std::string& script) {
    Result<std::vector<SetupStep>> steps = PlanMounts(plan, dir_.path() + "/root");
    if (!steps.ok()) return {{}, "", steps.status()};
    ProcessSpec spec = Shell(script);
    spec.mounts = GetParam();
    spec.steps = *steps;
    ++runs_;
    return RunToEnd(host_, spec, dir_.path() + "/log" + std::to_string(runs_));
  }
  ScratchDir dir_;
  ContainerHost host_;
  int runs_ = 0;
};

TEST_P(MountsTest, TargetsThatDoNotExistOnTheMachine) {
  ContainerPlan plan;
  plan.mounts = {{dir_.path() + "/src/tool", "/usr/bin/dray-test-tool", true},
                 {dir_.path() + "/src", "/usr/local/dray-test/a/b", true},
                 {dir_.path() + "/src", "/dray-test-data"},
                 {dir_.path() + "/src/hello", "/dray-test-data/sub/inner"}};
  Outcome outcome =
      Run(plan,
          "dray-test-tool 1; cat /usr/local/dray-test/a/b/hello; cat /dray-test-data/sub/inner; "
          "echo w > /dray-test-data/written; echo x 2>/dev/null > /usr/local/dray-test/a/b/no || "
          "echo ro; "
          "ls /usr/bin/env; test -d /proc/self && echo proc; test -c /dev/null && echo null");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.log, "tool 1\nhello\nhello\nro\n/usr/bin/env\nproc\nnull\n");
  EXPECT_FALSE(std::filesystem::exists("/usr/bin/dray-test-tool"));
  EXPECT_FALSE(std::filesystem::exists("/usr/local/dray-test"));
  EXPECT_FALSE(std::filesystem::exists("/dray-test-data"));
  EXPECT_TRUE(std::filesystem::exists(dir_.path() + "/src/written"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path() + "/root"));
}

TEST_P(MountsTest, ExistingTargetsAreCovered) {
  ContainerPlan plan;
  plan.mounts = {{dir_.path() + "/src/hello", "/etc/hostname"}, {dir_.path() + "/src", "/opt"}};
  Outcome outcome = Run(plan, "cat /etc/hostname; ls /opt");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.log, "hello\nhello\nsub\ntool\n");
}

TEST_P(MountsTest, DevicesBorrowTheMachinesNodes) {
  ContainerPlan plan;
  plan.devices = {{"/dev/dray-test0", "", "c", 1, 3}, {"/dev/dray-test/zero", "/dev/zero"}};
  Outcome outcome =
      Run(plan,
          "test -c /dev/dray-test0 && echo x > /dev/dray-test0 && cat /dev/dray-test0 && echo c0; "
          "head -c 3 /dev/dray-test/zero | od -An -tx1; ls -d /dev/pts; echo ok > /dev/null");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.log, "c0\n 00 00 00\n/dev/pts\n");
  EXPECT_FALSE(std::filesystem::exists("/dev/dray-test0"));
}

TEST_P(MountsTest, ARefusedMountIsExplained) {
  ContainerPlan plan;
  plan.mounts = {{dir_.path() + "/none", "/opt"}};
  EXPECT_NE(Run(plan, "true").status.message().find("/none does not exist"), std::string::npos);
  plan.mounts = {{dir_.path() + "/src/hello", "/opt"}};
  EXPECT_NE(Run(plan, "true").status.message().find("one is a directory, the other is not"),
            std::string::npos);
  plan.mounts = {{dir_.path() + "/src", "/proc/dray"}};
  EXPECT_NE(Run(plan, "true").status.message().find("cannot be made"), std::string::npos);
  plan.mounts = {{dir_.path() + "/src", "relative"}};
  EXPECT_NE(Run(plan, "true").status.message().find("not an absolute path"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Abilities, MountsTest,
                         ::testing::Values(MountAbility::kMountNamespace,
                                           MountAbility::kUserNamespace),
                         [](const auto& info) {
                           return info.param == MountAbility::kMountNamespace ? "MountNamespace"
                                                                              : "UserNamespace";
                         });

TEST(PlanMountsTest, NothingToMountNeedsNoNamespace) {
  Result<std::vector<SetupStep>> steps = PlanMounts({}, "/nowhere");
  ASSERT_TRUE(steps.ok());
  EXPECT_TRUE(steps->empty());
}

TEST(PlanMountsTest, CoversTheClosestExistingDirectoryOnly) {
  ScratchDir dir;
  std::filesystem::create_directories(dir.path() + "/usr/bin");
  std::filesystem::create_directories(dir.path() + "/etc");
  std::filesystem::create_symlink("env", dir.path() + "/usr/bin/link");
  ASSERT_TRUE(runtime::WriteFileAtomically(dir.path() + "/usr/bin/env", "").ok());
  ContainerPlan plan;
  plan.mounts = {{"/dev/null", "/usr/bin/smi", true}};
  Result<std::vector<SetupStep>> steps = PlanMounts(plan, "/new", dir.path());
  ASSERT_TRUE(steps.ok()) << steps.status();
  std::vector<std::string> said;
  for (const SetupStep& step : *steps) said.push_back(step.Describe());
  std::sort(said.begin() + 3, said.begin() + 6);  // the order of a directory is not ours
  EXPECT_EQ(said, (std::vector<std::string>{
                      "bind " + dir.path() + " on /new", "keep /new out of other binds",
                      "mount a tmpfs on /new/usr/bin",
                      "bind " + dir.path() + "/usr/bin/env on /new/usr/bin/env",
                      "create file /new/usr/bin/env", "link /new/usr/bin/link to env",
                      "create file /new/usr/bin/smi", "bind /dev/null on /new/usr/bin/smi",
                      "make /new/usr/bin/smi read-only", "change the root to /new"}));
}

}  // namespace
}  // namespace dray::devcluster
