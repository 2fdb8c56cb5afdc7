// Every case in tests/golden/oracle/alloc: a world with the answers that Kubernetes 1.36's own
// allocator gave.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/scenario.h"

namespace dray::alloc {
namespace {

std::vector<std::string> Cases() {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(DRAY_SOURCE_DIR "/tests/golden/oracle/alloc")) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Typed, so that quantities are compared by value ("1024Mi" equals "1Gi"), and opaque parameters
// all written alike.
std::optional<api::AllocationResult> Typed(const Json& json) {
  Result<api::AllocationResult> allocation = api::FromJsonValue<api::AllocationResult>(json);
  EXPECT_TRUE(allocation.ok()) << allocation.status();
  return allocation.ok() ? std::optional(*allocation) : std::nullopt;
}

void Compare(const std::string& text, const Json& expected, Features features) {
  Result<Scenario> scenario = ReadScenario(text);
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  ScenarioOptions options;
  options.features = features;
  options.new_share_id = [] { return std::string("*"); };
  const std::vector<ClaimAnswer> answers = RunScenario(*scenario, options);
  ASSERT_EQ(answers.size(), expected.size());
  for (size_t i = 0; i < answers.size(); ++i) {
    SCOPED_TRACE(expected[i].dump());
    EXPECT_EQ(answers[i].name, expected[i]["name"]);
    EXPECT_EQ(OutcomeName(answers[i].outcome), expected[i]["outcome"].get<std::string>())
        << answers[i].reason;
    EXPECT_EQ(answers[i].node, expected[i].value("node", ""));
    ASSERT_EQ(answers[i].allocation.has_value(), expected[i].contains("allocation"));
    if (answers[i].allocation) {
      const Json allocation = api::ToJsonValue(*answers[i].allocation);
      EXPECT_TRUE(Typed(allocation) == Typed(expected[i]["allocation"])) << allocation.dump();
    }
    EXPECT_EQ(answers[i].reason.empty(), answers[i].outcome == Outcome::kAllocated);
  }
}

class Oracle : public ::testing::TestWithParam<std::string> {};

TEST_P(Oracle, AnswersAsKubernetes) {
  std::ifstream file(GetParam());
  std::stringstream text;
  text << file.rdbuf();
  const Json document = Json::parse(text.str());
  SCOPED_TRACE(document.value("description", ""));
  Compare(text.str(), document["expected"], {});
  if (document.contains("expectedWithListTypeAttributes")) {
    Compare(text.str(), document["expectedWithListTypeAttributes"], {.list_type_attributes = true});
  }
}

INSTANTIATE_TEST_SUITE_P(All, Oracle, ::testing::ValuesIn(Cases()), [](const auto& info) {
  std::string name = std::filesystem::path(info.param).stem().string();
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

TEST(OracleFiles, AreThere) {
  EXPECT_GE(Cases().size(), 80u);
}

}  // namespace
}  // namespace dray::alloc
