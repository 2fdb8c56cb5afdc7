#include <gtest/gtest.h>

#include "dray/api/cel.h"

namespace dray::cel {
namespace {

std::string Why(std::string_view expression, const Options& options = {}) {
  Result<std::shared_ptr<const Program>> program = Program::Compile(expression, options);
  EXPECT_FALSE(program.ok()) << expression;
  if (program.ok()) return "";
  EXPECT_TRUE(program.Is(Reason::kInvalid));
  return program.status().message();
}

TEST(CelMessage, ShowsLineColumnAndCaret) {
  EXPECT_EQ(
      Why("device.driver == 'a' &&\n  device.drvier == 'b'"),
      "compilation failed: ERROR: <input>:2:9: undefined field 'drvier' (did you mean 'driver'?)\n"
      " |   device.drvier == 'b'\n"
      " | ........^");
  // Columns count characters, and a wide character takes a wide dot.
  EXPECT_EQ(Why("'日本' == device.x"),
            "compilation failed: ERROR: <input>:1:15: undefined field 'x'\n"
            " | '日本' == device.x\n"
            " | .．．...........^");
}

TEST(CelMessage, NamesEveryMistake) {
  std::string why = Why("device.a || device.b");
  EXPECT_NE(why.find("'a'"), std::string::npos) << why;
  EXPECT_NE(why.find("'b'"), std::string::npos) << why;
}

struct Hint {
  std::string expression, message;
};
class CelHint : public ::testing::TestWithParam<Hint> {};

TEST_P(CelHint, SaysWhatWouldBeRight) {
  std::string why = Why(GetParam().expression);
  EXPECT_NE(why.find(GetParam().message), std::string::npos) << why;
}

INSTANTIATE_TEST_SUITE_P(
    Table, CelHint,
    ::testing::Values(
        Hint{"devcie.driver == ''", "(did you mean 'device'?)"},
        Hint{"device.Capacity.size() > 0", "(did you mean 'capacity'?)"},
        Hint{"device.driver.lowerASCII() == ''", "(did you mean 'lowerAscii'?)"},
        Hint{"quantty('1') == quantity('1')", "(did you mean 'quantity'?)"},
        Hint{"[1].exsts(x, true)", "(did you mean 'exists'?)"},
        Hint{"device.capacity['a'].b > 3", "using isGreaterThan(), isLessThan() or compareTo()"},
        Hint{"device.capacity['a'].b + 3", "(use add() and sub())"},
        Hint{"semver('1.0.0') > '0.9.0'", "compare with semver(\"1.0.0\")"},
        Hint{"device.driver.startsWith(1)", "(it takes (string).(string))"},
        Hint{"startsWith(device.driver, 'a')", "it is called on a value, as x.startsWith(...)"},
        Hint{"'1Gi'.quantity()", "it is called as quantity(...)"},
        Hint{"has(device.attributes['a']['b'])", "as in has(x.field)"},
        Hint{"device.driver == 'a", "the string that starts here does not end"},
        Hint{"device.driver == ", "found the end of the expression, expected an expression"},
        Hint{"size(device.driver)", "must evaluate to bool or the unknown type, not int"},
        Hint{"device.driver.matches('(')", "invalid matches argument (missing"},
        Hint{"duration('1x') > duration('1s')", "a duration is written like"},
        Hint{"device.driver.find('(') == ''", "error parsing regexp"},
        Hint{"bool('yes')", "type conversion error from 'string' to 'bool'"}));

TEST(CelMessage, FarNamesGetNoSuggestion) {
  EXPECT_EQ(Why("device.xyzzy == 1").find("did you mean"), std::string::npos);
  EXPECT_EQ(Why("frobnicate(1)").find("did you mean"), std::string::npos);
}

// The API server checks what somebody writes against the gates; what is stored knows everything.
TEST(CelMessage, GatesCountForNewExpressionsOnly) {
  const std::string includes = "device.attributes['a'].b.includes(1)",
                    shared = "device.allowMultipleAllocations";
  EXPECT_TRUE(Program::Compile(includes).ok());
  EXPECT_NE(Why(includes, {.new_expression = true}).find("undeclared reference to 'includes'"),
            std::string::npos);
  EXPECT_TRUE(Program::Compile(includes, {.list_attributes = true, .new_expression = true}).ok());
  EXPECT_TRUE(Program::Compile(shared, {.consumable_capacity = false}).ok());
  EXPECT_NE(
      Why(shared, {.consumable_capacity = false, .new_expression = true}).find("undefined field"),
      std::string::npos);
}

}  // namespace
}  // namespace dray::cel
