#include "dray/api/scenario.h"

#include <gtest/gtest.h>

namespace dray::alloc {
namespace {

TEST(ReadScenario, TakesWhatIsThere) {
  Result<Scenario> scenario = ReadScenario(R"( { "claims" : [ {"metadata":{"name":"a \" ] } b"}}, {"metadata":{"name":"c"}}],
    "extra":{"x":[1,"}"]}, "number":-1.5e3, "nodes":null, "groups":[["c"]] } )");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  ASSERT_EQ(scenario->claims.size(), 2u);
  EXPECT_EQ(scenario->claims[0].metadata.name, "a \" ] } b");
  EXPECT_EQ(scenario->groups, (std::vector<std::vector<std::string>>{{"c"}}));
  EXPECT_TRUE(scenario->nodes.empty());
  EXPECT_TRUE(ReadScenario("{}").ok());
}

TEST(ReadScenario, SaysWhatIsWrongAndWhere) {
  constexpr struct { const char* json; const char* error; } kCases[] = {
      {"", "want a JSON object with nodes, slices, classes and claims"},
      {"[]", "want a JSON object"},
      {"{", "want a JSON object"},
      {R"({"nodes":[})", "want a JSON object"},
      {R"({"nodes":[]} x)", "want a JSON object"},
      {R"({"nodes":["]})", "want a JSON object"},
      {R"({"nodes" []})", "want a JSON object"},
      {R"({"nodes":{}})", "nodes: want a list"},
      {R"({"slices":[{"spec":{"devices":[{"name":7}]}}]})", "slices[0].spec.devices[0].name"},
      {R"({"claims":[{},[]]})", "claims[1]: want an object"},
      {R"({"claims":[{"metadata":{"name":"a"}}],"groups":[["b"]]})", "groups: no claim b"},
      {R"({"claims":[{"metadata":{"name":"a"}}],"groups":[["a"],["a"]]})", "groups: claim a is in two groups"},
      {R"({"groups":["a"]})", "groups: want lists of claim names"},
      {R"({"groups":oops})", "groups: want lists of claim names"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.json);
    Result<Scenario> scenario = ReadScenario(c.json);
    ASSERT_FALSE(scenario.ok());
    EXPECT_NE(scenario.status().message().find(c.error), std::string::npos) << scenario.status();
  }
}

}  // namespace
}  // namespace dray::alloc
