#include "cli/args.h"

namespace dray::cli {
namespace {

constexpr Flag kFlags[] = {
    {"output", 'o', "FORMAT", "yaml or json", "yaml"},
    {"filename", 'f', "FILE", "manifests"},
    {"watch", 'w', "", "again and again"},
    {"context", 0, "NAME", "of the kubeconfig"},
};

Result<Args> Parse(std::vector<std::string> words) {
  return Args::Parse(words, kFlags);
}

TEST(Args, EveryWayToWriteAFlag) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--output", "json"},
                                             {"--output=json"},
                                             {"-o", "json"},
                                             {"-ojson"},
                                             {"-o=json"},
                                             {"-o", "yaml", "-o", "json"}}) {
    Result<Args> args = Parse(words);
    ASSERT_TRUE(args.ok()) << args.status();
    EXPECT_EQ(args->Get("output"), "json") << ::testing::PrintToString(words);
    EXPECT_TRUE(args->words().empty());
  }
}

TEST(Args, FallbacksSwitchesAndWords) {
  Result<Args> args =
      Parse({"pod", "-w", "gpu", "-f", "a", "--filename=b", "-f", "", "-", "--", "--output", "-x"});
  ASSERT_TRUE(args.ok()) << args.status();
  EXPECT_EQ(args->Get("output"), "yaml");
  EXPECT_FALSE(args->Given("output"));
  EXPECT_TRUE(args->Given("watch"));
  EXPECT_EQ(args->All("filename"), (std::vector<std::string>{"a", "b", ""}));
  EXPECT_EQ(args->words(), (std::vector<std::string>{"pod", "gpu", "-", "--output", "-x"}));
  EXPECT_EQ(args->Get("context"), "");
  EXPECT_TRUE(args->All("context").empty());
}

TEST(Args, ASwitchTakesTrueAndFalseOnly) {
  EXPECT_TRUE(Parse({"--watch=true"})->Given("watch"));
  EXPECT_FALSE(Parse({"--watch=false"})->Given("watch"));
  EXPECT_FALSE(Parse({"-w", "--watch=false"})->Given("watch"));
  EXPECT_EQ(Parse({"--watch=maybe"}).status().message(), "--watch takes no value, got \"maybe\"");
}

TEST(Args, Refusals) {
  struct Case {
    std::vector<std::string> words;
    const char* message;
  };
  const Case cases[] = {
      {{"--outptu", "json"}, "unknown flag --outptu: did you mean --output?"},
      {{"--contex=a"}, "unknown flag --contex: did you mean --context?"},
      {{"--zzzzzzzzzz"}, "unknown flag --zzzzzzzzzz"},
      {{"-x"}, "unknown flag -x"},
      {{"--output"}, "--output needs a value: FORMAT"},
      {{"a", "-f"}, "--filename needs a value: FILE"},
      {{"--=x"}, "unknown flag --"},
  };
  for (const Case& test : cases) {
    Result<Args> args = Parse(test.words);
    EXPECT_TRUE(args.Is(Reason::kBadRequest)) << test.message;
    EXPECT_EQ(args.status().message(), test.message);
  }
}

TEST(Args, Help) {
  EXPECT_EQ(FlagHelp(kFlags),
            "  -o, --output=FORMAT           yaml or json (yaml)\n"
            "  -f, --filename=FILE           manifests\n"
            "  -w, --watch                   again and again\n"
            "      --context=NAME            of the kubeconfig\n");
}

}  // namespace
}  // namespace dray::cli
