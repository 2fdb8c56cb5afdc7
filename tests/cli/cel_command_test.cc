#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using nlohmann::json;

std::string Slurp(const std::string& path) {
  std::ifstream in(TreePath(path));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<json> Lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

// The recorded cases of Kubernetes go in as they are, and each gets the recorded answer.
class CelCommand : public ::testing::TestWithParam<const char*> {};

TEST_P(CelCommand, AnswersRecordedCases) {
  const std::string text = Slurp(std::string("tests/golden/oracle/") + GetParam());
  Outcome outcome = Dray({"cel", "--jsonl", "--cost"}, text);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<json> cases = Lines(text), answers = Lines(outcome.out);
  ASSERT_EQ(cases.size(), answers.size());
  for (size_t i = 0; i < cases.size(); ++i) {
    const json& expect = cases[i]["expect"];
    EXPECT_EQ(answers[i]["id"], cases[i]["id"]);
    for (const char* kind : {"result", "compileError", "runtimeError"})
      EXPECT_EQ(answers[i].contains(kind), expect.contains(kind))
          << cases[i]["expression"] << answers[i];
    for (const char* value : {"result", "maxCost", "actualCost"})
      if (expect.contains(value)) {
        EXPECT_EQ(answers[i].value(value, json()), expect[value]) << cases[i]["expression"];
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, CelCommand,
                         ::testing::Values("cel.jsonl", "cel-list-attributes.jsonl"));

TEST(CelCommand, OneAnswerPerLine) {
  Outcome outcome = Dray({"cel"}, R"lines({"expression": "true"}

{"id": 7, "expression": "device.driver == 'd'", "device": {"driver": "d"}}
{"id": "c", "expression": "device.drvier"}
{"id": "r", "expression": "device.attributes['d'].x", "device": {"driver": "d"}}
{"id": "q", "expression": "device.capacity['d'].m.isLessThan(quantity('1'))", "device": {"driver": "d", "capacity": {"m": {"value": "500m"}}}}
)lines");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<json> lines = Lines(outcome.out);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[0], (json{{"id", 1}, {"result", true}}));
  EXPECT_EQ(lines[1], (json{{"id", 7}, {"result", true}}));
  EXPECT_NE(lines[2]["compileError"].get<std::string>().find("did you mean 'driver'?"),
            std::string::npos);
  EXPECT_EQ(lines[3], (json{{"id", "r"}, {"runtimeError", "no such key: x"}}));
  EXPECT_EQ(lines[4]["result"], true);
}

TEST(CelCommand, ListAttributesByFlagOrByLine) {
  const std::string device = R"("device": {"driver": "d", "attributes": {"l": {"ints": [1, 2]}}})";
  const std::string expression =
      R"lines("expression": "device.attributes['d'].l.includes(2)", )lines";
  EXPECT_TRUE(
      Lines(Dray({"cel"}, "{" + expression + device + "}").out)[0].contains("runtimeError"));
  EXPECT_EQ(
      Lines(Dray({"cel", "--list-attributes"}, "{" + expression + device + "}").out)[0]["result"],
      true);
  EXPECT_EQ(Lines(Dray({"cel"},
                       R"({"features": {"listTypeAttributes": true}, )" + expression + device + "}")
                      .out)[0]["result"],
            true);
}

TEST(CelCommand, ReadsAFile) {
  const ScratchFile file("lines.jsonl", "{\"expression\": \"true\"}\n{\"expression\": \"false\"}");
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"cel", "-f", file.path()},
        std::vector<std::string>{"cel", "--jsonl", file.path()}}) {
    Outcome outcome = Dray(args);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(Lines(outcome.out).size(), 2u);
  }
  EXPECT_EQ(Dray({"cel", "-f", file.path() + ".missing"}).code, 2);
}

// What Kubernetes reads of an attribute with several values, and of members that are null.
TEST(CelCommand, OddDevices) {
  auto answer = [](const std::string& expression, const std::string& device) {
    Outcome outcome =
        Dray({"cel"}, R"({"expression": ")" + expression + R"(", "device": )" + device + "}");
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Lines(outcome.out)[0];
  };
  const std::string two =
      R"({"driver": "d", "attributes": {"a": {"string": "x", "int": 5, "bool": null}}})";
  EXPECT_EQ(answer("device.attributes['d'].a == 5", two)["result"], true);
  EXPECT_EQ(answer("device.driver == ''", "null")["result"], true);
  EXPECT_EQ(answer("device.driver == 'd'",
                   R"({"driver": "d", "attributes": null, "capacity": null})")["result"],
            true);
  EXPECT_TRUE(
      answer("true", R"({"driver": "d", "attributes": {"a": {}}})").contains("runtimeError"));
  EXPECT_EQ(answer("device.capacity['d'].n == quantity('5')",
                   R"({"driver": "d", "capacity": {"n": 5}})")["result"],
            true);
}

TEST(CelCommand, BenchPrintsTimesAndATotal) {
  Outcome outcome = Dray({"cel", "--bench", "10"}, R"({"id": "a", "expression": "true"})"
                                                   "\n"
                                                   R"({"id": "b", "expression": "tru"})");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  std::vector<json> lines = Lines(outcome.out);
  ASSERT_EQ(lines.size(), 3u);
  for (const char* key : {"compileUs", "evaluateNs", "deviceNs"}) {
    EXPECT_TRUE(lines[0].contains(key));
    EXPECT_TRUE(lines[2]["total"].contains(key));
  }
  EXPECT_EQ(lines[0]["matched"], 10);
  EXPECT_TRUE(lines[1].contains("compileError"));
}

TEST(CelCommand, AMalformedLineIsNamedInOneSentence) {
  const std::pair<const char*, const char*> cases[] = {
      {"not json", "not valid JSON at character 2"},
      {"{", "not valid JSON at character 2"},
      {"[1]", "not a JSON object"},
      {R"({"id": 1})", "no \"expression\""},
      {R"({"expression": 5})", "expression: want a string"},
      {R"({"expression": "true", "features": {"listTypeAttributes": 1}})",
       "features.listTypeAttributes: want true or false"},
      {R"({"expression": "true", "device": []})", "device: want an object"},
      {R"({"expression": "true", "device": {"driver": 7}})", "device.driver: want a string"},
      {R"({"expression": "true", "device": {"attributes": {"a": 7}}})",
       "device.attributes[a]: want an object, such as {\"string\": \"x\"}"},
      {R"({"expression": "true", "device": {"attributes": {"a": {"int": 9223372036854775808}}}})",
       "device.attributes[a].int: want an integer of 64 bits"},
      {R"({"expression": "true", "device": {"attributes": {"a": {"strings": ["x", 7]}}}})",
       "device.attributes[a].strings[1]: want a string"},
      {R"({"expression": "true", "device": {"capacity": {"m": true}}})",
       "device.capacity[m]: want a string"},
  };
  for (const auto& [line, message] : cases) {
    Outcome outcome = Dray({"cel"}, line);
    EXPECT_EQ(outcome.code, 2) << line;
    EXPECT_EQ(outcome.err, "dray: line 1: " + std::string(message) + "\n") << line;
  }
}

TEST(CelCommand, WrongUseIsNamed) {
  EXPECT_EQ(Dray({"cel", "extra"}).code, 2);  // no such file
  EXPECT_EQ(Dray({"cel", "one", "two"}).code, 2);
  EXPECT_EQ(Dray({"cel", "--bench", "none"}).code, 2);
  Outcome outcome = Dray({"cel"}, "{\"expression\": \"true\"}\nnot json\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("line 2"), std::string::npos) << outcome.err;
  outcome = Dray({"cel"}, R"({"expression": "true", "device": {"capacity": {"m": "1K"}}})");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("\"1K\" is not a quantity"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace dray::cli
