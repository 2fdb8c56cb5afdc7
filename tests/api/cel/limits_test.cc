#include <gtest/gtest.h>

#include "dray/api/cel.h"

// Nothing that somebody writes into a selector may take the process down, or take long.
namespace dray::cel {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

Evaluated AnswerTo(const std::string& expression, const Options& options = {}) {
  Result<std::shared_ptr<const Program>> program = Program::Compile(expression, options);
  EXPECT_TRUE(program.ok()) << program.status();
  if (!program.ok()) return {program.status()};
  static const api::Device* const device = new api::Device;
  return (*program)->Evaluate(DeviceView(*device, "gpu.example.com"));
}

struct Bomb {
  std::string name, expression;
};
class CelBomb : public ::testing::TestWithParam<Bomb> {};

TEST_P(CelBomb, IsRefused) {
  Result<std::shared_ptr<const Program>> program = Program::Compile(GetParam().expression);
  EXPECT_FALSE(program.ok());
}

INSTANTIATE_TEST_SUITE_P(
    Table, CelBomb,
    ::testing::Values(
        Bomb{"Parentheses", Repeat("(", 5000) + "true" + Repeat(")", 5000)},
        Bomb{"OpenParentheses", Repeat("(", 10000)}, Bomb{"OpenBrackets", Repeat("[", 10000)},
        Bomb{"OpenBraces", Repeat("{", 10000)},
        Bomb{"Lists", Repeat("[", 300) + Repeat("]", 300) + " == []"},
        Bomb{"Members", "device" + Repeat(".a", 4000)},
        Bomb{"Indices", "device" + Repeat("[0]", 3000)},
        Bomb{"Sum", "1" + Repeat("+1", 4000) + " > 0"}, Bomb{"Relations", "1" + Repeat("<1", 4000)},
        Bomb{"Conditionals", Repeat("true ? 1 : ", 800) + "1"},
        Bomb{"Nots", Repeat("!(", 3000) + "true" + Repeat(")", 3000)},
        Bomb{"OptMaps", "optional.of(1)" + Repeat(".optMap(x,x)", 100) + ".hasValue()"},
        Bomb{"NestedMaps", Repeat("[1].map(x,", 300) + "1" + Repeat(")", 300) + " == []"},
        Bomb{"TooLong", Repeat(" ", 10241) + "true"}, Bomb{"NotUtf8", "'\xff' == ''"}),
    [](const auto& info) { return info.param.name; });

TEST(CelLimits, LongChainsOfLogicAreFine) {
  EXPECT_TRUE(*AnswerTo("true" + Repeat("&&true", 1500)).matches);
  EXPECT_TRUE(*AnswerTo("false" + Repeat("||false", 1200) + "||true").matches);
  EXPECT_TRUE(*AnswerTo(Repeat("!", 10000) + "true").matches);
}

TEST(CelLimits, CostEndsTheRun) {
  const std::string loop = "[1,2,3,4,5,6,7,8,9,10].all(", ten = "[1,2,3,4,5,6,7,8,9,10].all(";
  std::string nested = "true";
  for (char v = 'a'; v < 'h'; ++v) nested = ten + std::string(1, v) + ", " + nested + ")";
  Evaluated evaluated = AnswerTo(nested);
  ASSERT_FALSE(evaluated.matches.ok());
  EXPECT_NE(evaluated.matches.status().message().find("actual cost limit exceeded"),
            std::string::npos);

  EXPECT_TRUE(*AnswerTo("device.driver == 'gpu.example.com'", {.cost_limit = 4}).matches);
  EXPECT_FALSE(AnswerTo("device.driver == 'gpu.example.com'", {.cost_limit = 3}).matches.ok());
}

// An error of this kind is absorbed by nothing.
TEST(CelLimits, CostIsNoErrorThatLogicAbsorbs) {
  EXPECT_FALSE(AnswerTo("device.driver == 'x' || true", {.cost_limit = 1}).matches.ok());
}

// What costs little in CEL's units and much in memory or time.
TEST(CelLimits, WorkBeyondCostIsBounded) {
  EXPECT_FALSE(AnswerTo("lists.range(1000000000).size() > 0").matches.ok());
  EXPECT_FALSE(AnswerTo("lists.range(9223372036854775807).size() > 0").matches.ok());
  EXPECT_FALSE(AnswerTo("lists.range(100000).map(x, lists.range(100000)).size() > 0").matches.ok());
  EXPECT_FALSE(AnswerTo("'a'.replace('', '" + Repeat("b", 1000) + "').replace('', '" +
                        Repeat("b", 1000) + "').replace('', '" + Repeat("b", 1000) +
                        "').replace('', '" + Repeat("b", 1000) + "').size() > 0")
                   .matches.ok());
  EXPECT_FALSE(AnswerTo("cel.bind(a, [0]" + Repeat("+[0]", 100) + ", cel.bind(b, a" +
                        Repeat("+a", 100) + ", cel.bind(c, b" + Repeat("+b", 100) +
                        ", cel.bind(d, c" + Repeat("+c", 100) + ", d == d && d == d && d == d))))")
                   .matches.ok());
}

// Texts that are printed again and again cost next to nothing, but take memory until the run ends.
TEST(CelLimits, MemoryIsBounded) {
  const std::string text = "'" + Repeat("a", 8000) + "'";
  auto printed = [&](const std::string& times) {
    return AnswerTo("cel.bind(s, " + text + ", lists.range(" + times +
                    ").map(i, '%s'.format([s])).size() == " + times + ")");
  };
  EXPECT_TRUE(*printed("100").matches);
  Evaluated evaluated = printed("25000");
  ASSERT_FALSE(evaluated.matches.ok());
  EXPECT_NE(evaluated.matches.status().message().find("actual cost limit exceeded"),
            std::string::npos);
}

TEST(CelLimits, PatternsAreBounded) {
  EXPECT_FALSE(Program::Compile("'a'.matches('((a{1000}){1000}){1000}')").ok());
  EXPECT_FALSE(*AnswerTo("'" + Repeat("a", 3000) + "'.matches('(a*)*b')").matches);
}

}  // namespace
}  // namespace dray::cel
