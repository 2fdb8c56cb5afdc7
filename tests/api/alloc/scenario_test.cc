#include "dray/api/scenario.h"

#include <gtest/gtest.h>

namespace dray::alloc {
namespace {

TEST(ReadScenario, TakesWhatIsThere) {
  Result<Scenario> scenario = ReadScenario(
      R"( { "claims" : [ {"metadata":{"name":"a \" ] } b"}}, {"metadata":{"name":"c"}}],
    "extra":{"x":[1,"}"]}, "number":-1.5e3, "nodes":null, "groups":[["c"]],
    "back\\":"\\\\", "text":"{[,:", "deep":[[{"a":{"b,:":[{},[]]}}]], "flag":true } )");
  ASSERT_TRUE(scenario.ok()) << scenario.status();
  ASSERT_EQ(scenario->claims.size(), 2u);
  EXPECT_EQ(scenario->claims[0].metadata.name, "a \" ] } b");
  EXPECT_EQ(scenario->groups, (std::vector<std::vector<std::string>>{{"c"}}));
  EXPECT_TRUE(scenario->nodes.empty());
  EXPECT_TRUE(ReadScenario("{}").ok());
}

TEST(ReadScenario, SaysWhatIsWrongAndWhere) {
  constexpr struct {
    const char* json;
    const char* error;
  } kCases[] = {
      {"", "want a JSON object with nodes, slices, classes and claims"},
      {"[]", "want a JSON object"},
      {"{", "want a JSON object"},
      {R"({"nodes":[})", "want a JSON object"},
      {R"({"nodes":[]} x)", "want a JSON object"},
      {R"({"nodes":["]})", "want a JSON object"},
      {R"({"nodes":["\\"]})", "nodes[0]: want an object"},
      {R"({"nodes":["\"]})", "want a JSON object"},
      {R"({"nodes":"\\)", "want a JSON object"},
      {R"({"nodes":[]]})", "want a JSON object"},
      {R"({"nodes":[[]})", "want a JSON object"},
      {R"({"nodes":)", "want a JSON object"},
      {R"({"nodes" []})", "want a JSON object"},
      {R"({"nodes":{}})", "nodes: want a list"},
      {R"({"slices":[{"spec":{"devices":[{"name":7}]}}]})", "slices[0].spec.devices[0].name"},
      {R"({"claims":[{},[]]})", "claims[1]: want an object"},
      {R"({"claims":[{"metadata":{"name":"a"}}],"groups":[["b"]]})", "groups: no claim b"},
      {R"({"claims":[{"metadata":{"name":"a"}}],"groups":[["a"],["a"]]})",
       "groups: claim a is in two groups"},
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

// Many nodes, each with a taint of its own: figures are added up and stay few.
TEST(RunScenario, ExplanationsAreSumsAndBounded) {
  Scenario scenario;
  for (int n = 0; n < 100; ++n) {
    const std::string name = "n" + std::to_string(n);
    scenario.nodes.emplace_back().metadata.name = name;
    auto slice = std::make_shared<api::ResourceSlice>();
    slice->metadata.name = name;
    slice->spec.driver = "gpu.example.com";
    slice->spec.pool = {name, 1, 1};
    slice->spec.node_name = name;
    for (int d = 0; d < 2; ++d) {
      api::Device& device = slice->spec.devices.emplace_back();
      device.name = "d" + std::to_string(d);
      device.taints = {{"k", d == 0 ? "all" : name, "NoSchedule", {}}};
    }
    scenario.slices.push_back(std::move(slice));
  }
  auto device_class = std::make_shared<api::DeviceClass>();
  device_class->metadata.name = "gpu";
  scenario.classes = {device_class};
  for (const char* name : {"a", "b"}) {
    api::ResourceClaim& claim = scenario.claims.emplace_back();
    claim.metadata.name = name;
    api::ExactDeviceRequest exact;
    exact.device_class_name = "gpu";
    claim.spec.devices.requests = {{"r", std::move(exact), {}}};
  }
  ScenarioOptions options;
  EXPECT_EQ(RunScenario(scenario, options)[0].explanation, nullptr);
  options.explanations = true;
  const std::vector<ClaimAnswer> answers = RunScenario(scenario, options);
  ASSERT_NE(answers[0].explanation, nullptr);
  ASSERT_NE(answers[1].explanation, nullptr);
  EXPECT_EQ(answers[0].explanation->requests[0].claim, "a");
  EXPECT_EQ(answers[1].explanation->requests[0].claim, "b");
  EXPECT_EQ(answers[1].explanation->nodes, answers[0].explanation->nodes);
  const Explanation& explanation = *answers[0].explanation;
  EXPECT_EQ(explanation.nodes.size(), Explanation::kNodes);
  ASSERT_EQ(explanation.requests.size(), 1u);
  const RequestReason& reason = explanation.requests[0];
  EXPECT_EQ(reason.devices, 200);
  EXPECT_EQ(reason.ruled_out.size(), Explanation::kRules);
  EXPECT_EQ(reason.ruled_out.at("taint k=all"), 100);
  int sum = 0;
  for (const auto& [rule, devices] : reason.ruled_out) sum += devices;
  EXPECT_EQ(sum, 200);
}

}  // namespace
}  // namespace dray::alloc
