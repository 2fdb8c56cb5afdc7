#include "dray/runtime/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "dray/runtime/files.h"
#include "dray/runtime/real_clock.h"

namespace dray::runtime {
namespace {

using ::testing::HasSubstr;

Context Forever() {
  return Context(RealClock(), {});
}
Context Briefly() {
  return Forever().WithTimeout(std::chrono::milliseconds(1));
}

class Processes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "dray-process-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  ProcessOptions Shell(const std::string& script) const {
    ProcessOptions options;
    options.argv = {"/bin/sh", "-c", script};
    options.log_file = root_ + "/log";
    return options;
  }
  std::string Log() const { return *ReadFile(root_ + "/log"); }
  std::string root_;
};

TEST_F(Processes, ExitCodeAndOutput) {
  auto process = Process::Start(Shell("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(*(*process)->Wait(Forever()), 7);
  EXPECT_EQ((*process)->Exited(), 7);
  EXPECT_EQ(Log(), "out\nerr\n");
  EXPECT_TRUE((*process)->Signal(SIGTERM).Is(Reason::kNotFound));
  EXPECT_EQ(*(*process)->Wait(Briefly()), 7);
}

// cpprestsdk opens sockets without O_CLOEXEC: a child that inherits one keeps a connection open
// that we have closed.
TEST_F(Processes, NoDescriptorOfOursIsInherited) {
  const int leaky = ::open("/dev/null", O_RDONLY);
  ASSERT_GT(leaky, 2);
  auto process = Process::Start(Shell("[ ! -e /proc/self/fd/" + std::to_string(leaky) + " ]"));
  ::close(leaky);
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(*(*process)->Wait(Forever()), 0);
}

TEST_F(Processes, SignalsAndTheirExitCode) {
  auto process = Process::Start(Shell("exec sleep 100"));
  ASSERT_TRUE(process.ok());
  EXPECT_FALSE((*process)->Exited());
  EXPECT_TRUE((*process)->Wait(Briefly()).Is(Reason::kTimeout));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE((*process)->Wait(Forever().WithStop(stop.get_token())).Is(Reason::kCancelled));
  EXPECT_TRUE((*process)->Signal(SIGTERM).ok());
  EXPECT_EQ(*(*process)->Wait(Forever()), 128 + SIGTERM);
}

TEST_F(Processes, DestructorKillsAndReaps) {
  auto process = Process::Start(Shell("trap '' TERM; exec sleep 100"));
  ASSERT_TRUE(process.ok());
  int pid = (*process)->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  process->reset();
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(Processes, Environment) {
  ::setenv("DRAY_TEST_INHERITED", "ours", 1);
  ProcessOptions options = Shell("echo [$DRAY_TEST_INHERITED] [$MINE]; pwd");
  options.env = {{"MINE", "a=b c"}};
  options.working_dir = "/usr";
  EXPECT_EQ(*(*Process::Start(options))->Wait(Forever()), 0);
  EXPECT_EQ(Log(), "[ours] [a=b c]\n/usr\n");

  options.argv = {"/usr/bin/env"};
  options.clear_env = true;
  options.log_file = root_ + "/env";
  EXPECT_EQ(*(*Process::Start(options))->Wait(Forever()), 0);
  EXPECT_EQ(*ReadFile(root_ + "/env"), "MINE=a=b c\n");
}

TEST_F(Processes, StartFailuresNameProgramAndReason) {
  ProcessOptions options;
  options.argv = {root_ + "/absent"};
  auto absent = Process::Start(options);
  EXPECT_TRUE(absent.Is(Reason::kUnavailable));
  EXPECT_EQ(absent.status().message(),
            "cannot start " + root_ + "/absent: No such file or directory");

  ASSERT_TRUE(WriteFileAtomically(root_ + "/text", "x", 0644).ok());
  options.argv = {root_ + "/text"};
  EXPECT_THAT(Process::Start(options).status().message(), HasSubstr("Permission denied"));

  options = Shell("true");
  options.working_dir = root_ + "/nowhere";
  EXPECT_THAT(Process::Start(options).status().message(),
              HasSubstr("working directory " + root_ + "/nowhere"));
  options = Shell("true");
  options.log_file = root_ + "/no/log";
  EXPECT_THAT(Process::Start(options).status().message(),
              HasSubstr("log file " + root_ + "/no/log"));
  EXPECT_TRUE(Process::Start({}).Is(Reason::kInvalid));
}

// PR_SET_PDEATHSIG counts the death of the thread that forked, not of the process.
TEST_F(Processes, OutlivesTheThreadThatStartedIt) {
  std::string pipe = root_ + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::unique_ptr<Process> process;
  std::jthread([&] {
    process = *Process::Start(Shell("read line < " + pipe + "; exit 3"));
  }).join();
  int fd =
      ::open(pipe.c_str(), O_RDWR);  // does not block, unlike O_WRONLY, when nobody reads any more
  ASSERT_EQ(::write(fd, "go\n", 3), 3);
  EXPECT_EQ(*process->Wait(Forever()), 3);
  ::close(fd);
}

TEST_F(Processes, DoesNotInheritIgnoredSigpipe) {
  auto before = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(*(*Process::Start(Shell("kill -PIPE $$; exit 9")))->Wait(Forever()), 128 + SIGPIPE);
  ::signal(SIGPIPE, before);
}

TEST_F(Processes, ManyAtOnce) {
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < 20; ++i)
    processes.push_back(*Process::Start(Shell("exit " + std::to_string(i))));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(*processes[i]->Wait(Forever()), i);
}

}  // namespace
}  // namespace dray::runtime
