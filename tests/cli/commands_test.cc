// What every command promises: help, unknown flags, exit codes.
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Commands, HelpListsThemAll) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{}, {"help"}, {"--help"}, {"-h"}}) {
    Outcome outcome = Dray(args);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.err, "");
    for (const Command& command : Commands()) {
      EXPECT_THAT(outcome.out, HasSubstr("  " + std::string(command.name) + " "));
      EXPECT_THAT(outcome.out, HasSubstr(std::string(command.summary)));
    }
  }
}

TEST(Commands, Version) {
  EXPECT_EQ(Dray({"version"}).out, Dray({"--version"}).out);
  EXPECT_THAT(Dray({"version"}).out, StartsWith("dray v"));
}

TEST(Commands, EachHasHelpAndRefusesAnUnknownFlag) {
  for (const Command& command : Commands()) {
    const std::string name(command.name);
    for (const char* flag : {"--help", "-h"}) {
      Outcome help = Dray({name, flag});
      EXPECT_EQ(help.code, 0) << name << " " << flag << ": " << help.err;
      EXPECT_GT(help.out.size(), 80u) << name;
      EXPECT_EQ(help.err, "");
    }
    Outcome unknown = Dray({name, "--zzzzzzzzzz"});
    EXPECT_EQ(unknown.code, 2) << name;
    EXPECT_EQ(unknown.out, "") << name;
    EXPECT_EQ(unknown.err, "dray: unknown flag --zzzzzzzzzz\n") << name;
  }
}

TEST(Commands, UnknownCommand) {
  Outcome near = Dray({"covnert"});
  EXPECT_EQ(near.code, 2);
  EXPECT_EQ(
      near.err,
      "dray: there is no command \"covnert\": did you mean \"convert\"?; 'dray help' lists them\n");
  EXPECT_EQ(Dray({"kubectl"}).err,
            "dray: there is no command \"kubectl\"; 'dray help' lists them\n");
  EXPECT_EQ(Dray({"--frob"}).code, 2);
}

// One sentence, exit code 2, nothing on stdout.
TEST(Commands, WrongUse) {
  struct Case {
    std::vector<std::string> args;
    const char* message;
  };
  const Case cases[] = {
      {{"status", "pods"}, "unexpected argument \"pods\": dray status takes only flags"},
      {{"status", "--kubeconfig", "/no/such/file"},
       "kubeconfig: cannot read /no/such/file: No such file or directory"},
      {{"status", "--watch=often"}, "--watch takes no value, got \"often\""},
      {{"explain"}, "want: dray explain pod NAME, or dray explain claim NAME"},
      {{"explain", "node", "gpu-1"}, "want: dray explain pod NAME, or dray explain claim NAME"},
      {{"explain", "pod", "a", "b"}, "want: dray explain pod NAME, or dray explain claim NAME"},
      {{"convert"}, "nothing to convert: want -f FILE, or -f - for standard input"},
      {{"convert", "-f"}, "--filename needs a value: FILE"},
      {{"convert", "-f", "-", "-o", "xml"}, "--output: xml: want yaml or json"},
      {{"convert", "-f", "/no/such/file"}, "cannot read /no/such/file: No such file or directory"},
      {{"profiles", "a100"}, "there is no profile a100: 'dray profiles' lists them"},
      {{"profiles", "nvidia-t4", "hygon-k100-ai"}, "dray profiles takes one name at most, got 2"},
  };
  for (const Case& test : cases) {
    Outcome outcome = Dray(test.args);
    EXPECT_EQ(outcome.code, 2) << test.message;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err, "dray: " + std::string(test.message) + "\n");
  }
}

TEST(Profiles, ListAndOneOfThem) {
  ExpectGolden("profiles.txt", Dray({"profiles"}).out);
  Outcome one = Dray({"profiles", "hygon-k100-ai"});
  EXPECT_EQ(one.code, 0);
  EXPECT_EQ(one.out, *runtime::ReadFile(TreePath("config/profiles/hygon-k100-ai.yaml")));
}

}  // namespace
}  // namespace dray::cli
