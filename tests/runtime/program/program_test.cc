#include "dray/runtime/program.h"

#include <gflags/gflags.h>
#include <glog/logging.h>
#include <signal.h>

DEFINE_string(test_color, "blue", "a word");
DEFINE_int32(test_count, 3, "a number");
DEFINE_bool(test_verbose, false, "a switch");

namespace dray::runtime {
namespace {

// Programs set up logging and signals once per process, so each case is a process of its own.

void RunInChild(std::vector<std::string> words,
                Status (*run)(const Context&, const std::vector<std::string>&)) {
  words.insert(words.begin(), "demo");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  google::ShutdownGoogleLogging();  // the test's own main has it on
  const ProgramInfo info{"demo", "shows", {"program_test.cc"}};
  std::exit(RunProgram(static_cast<int>(words.size()), argv.data(), info, run));
}

Status Echo(const Context&, const std::vector<std::string>& args) {
  std::string said = FLAGS_test_color + "/" + std::to_string(FLAGS_test_count) + "/" +
                     (FLAGS_test_verbose ? "on" : "off");
  for (const std::string& arg : args) said += "/" + arg;
  return Status(Reason::kInternal, said);
}

using ::testing::ExitedWithCode;

TEST(Program, FlagsInEverySpelling) {
  EXPECT_EXIT(RunInChild({}, Echo), ExitedWithCode(1), "^demo: blue/3/off\n$");
  EXPECT_EXIT(RunInChild({"--test-color=red", "--test_count", "7", "--test-verbose"}, Echo),
              ExitedWithCode(1), "red/7/on\n");
  EXPECT_EXIT(RunInChild({"-test-color", "red", "--test-verbose=true", "--notest-verbose"}, Echo),
              ExitedWithCode(1), "red/3/off\n");
  EXPECT_EXIT(RunInChild({"a", "--test-color=", "--", "--b"}, Echo), ExitedWithCode(1),
              "/3/off/a/--b\n");
}

TEST(Program, WrongUseIsOneSentenceAndExitCode2) {
  EXPECT_EXIT(RunInChild({"--test-colour=red"}, Echo), ExitedWithCode(2),
              "^demo: unknown flag --test-colour; did you mean --test-color[?]\n$");
  EXPECT_EXIT(RunInChild({"--zzzzzzzz"}, Echo), ExitedWithCode(2),
              "^demo: unknown flag --zzzzzzzz; --help lists the flags\n$");
  EXPECT_EXIT(RunInChild({"--test-count=many"}, Echo), ExitedWithCode(2),
              "^demo: --test-count: \"many\" is no int32\n$");
  EXPECT_EXIT(RunInChild({"--test-count"}, Echo), ExitedWithCode(2),
              "^demo: --test-count needs a value of type int32\n$");
  EXPECT_EXIT(RunInChild({"--flagfile=/etc/passwd"}, Echo), ExitedWithCode(2),
              "unknown flag --flagfile");
}

TEST(Program, OutcomesBecomeExitCodes) {
  EXPECT_EXIT(RunInChild({}, [](const Context&, const std::vector<std::string>&) { return Ok(); }),
              ExitedWithCode(0), "^$");
  EXPECT_EXIT(RunInChild({},
                         [](const Context&, const std::vector<std::string>&) {
                           return Status(Reason::kInvalid, "bad value");
                         }),
              ExitedWithCode(2), "^demo: bad value\n$");
  EXPECT_EXIT(RunInChild({},
                         [](const Context&, const std::vector<std::string>&) {
                           return Status(Reason::kUnavailable, "nobody there");
                         }),
              ExitedWithCode(1), "^demo: nobody there\n$");
  EXPECT_EXIT(RunInChild({},
                         [](const Context&, const std::vector<std::string>&) {
                           return Status(Reason::kCancelled, "stopped");
                         }),
              ExitedWithCode(0), "");
}

TEST(Program, ASignalStopsTheContext) {
  auto until_stopped = [](const Context& ctx, const std::vector<std::string>&) {
    raise(SIGTERM);
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, ctx.stop(), [] { return false; });
    return ctx.Check();
  };
  EXPECT_EXIT(RunInChild({}, until_stopped), ExitedWithCode(0), "");
}

TEST(Program, ASecondSignalEndsAtOnce) {
  auto deaf = [](const Context&, const std::vector<std::string>&) {
    raise(SIGINT);
    raise(SIGINT);
    return Ok();
  };
  EXPECT_EXIT(RunInChild({}, deaf), ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace dray::runtime
