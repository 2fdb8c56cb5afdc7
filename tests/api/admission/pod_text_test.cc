#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "dray/api/admission.h"
#include "dray/api/patch.h"

namespace dray::admission {
namespace {

TEST(MayConcern, SeesEveryConfiguredResourceAndPassesOverOtherPods) {
  const std::vector<std::string> domains = ResourceDomains(DeviceConfig());
  EXPECT_EQ(domains.size(), 13u);
  for (const std::string& domain : domains)
    EXPECT_TRUE(MayConcern(
        R"({"spec":{"containers":[{"resources":{"limits":{")" + domain + R"(/x":"1"}}}]}})",
        domains))
        << domain;
  for (const char* text :
       {"", "{}", R"({"a":"nvidia.com"})", R"({"image":"registry.nvidia.com/cuda:12"})",
        R"({"a":"x/y","b/c":"\n\""})"})
    EXPECT_FALSE(MayConcern(text, domains)) << text;
  // Escapes are not decoded here: such a Pod is looked at closely.
  EXPECT_TRUE(MayConcern(R"({"nvidia.com\/gpu":"1"})", domains));
  EXPECT_TRUE(MayConcern(R"({"\u006evidia.com/gpu":"1"})", domains));
  EXPECT_FALSE(MayConcern("{\"a\":\"\\", domains));
  // A configured name without a domain.
  Result<DeviceConfig> config =
      DeviceConfig::FromJson({{"biren", {{"resourceCountName", "biren"}}}});
  ASSERT_TRUE(config.ok());
  EXPECT_TRUE(MayConcern("{}", ResourceDomains(*config)));
}

// What is left out changes neither the decision nor the patch.
TEST(ParsePodForAdmission, LeavesOutOnlyWhatAdmissionDoesNotTouch) {
  const Json pod = Json::parse(
      R"({"metadata":{"name":"p","labels":{"volumes":"x"},"annotations":{"status":"y"},"managedFields":[{"a":1}],
    "ownerReferences":[{"kind":"ReplicaSet"}]},"spec":{"volumes":[{"name":"v"}],"tolerations":[{"key":"k"}],"schedulerName":"hami-scheduler",
    "resourceClaims":[{"name":"dray","resourceClaimName":"mine"}],"initContainers":[{"name":"i","args":["x"],"resources":{"limits":
    {"nvidia.com/gpu":"1"}}}],"containers":[{"name":"c","command":["status"],"env":[{"name":"A","value":"1"}],"volumeMounts":[{"name":"v"}],
    "securityContext":{"privileged":false},"resources":{"limits":{"iluvatar.ai/MR-V100-vgpu":"1","cpu":"1"},"claims":[{"name":"dray"}]}}]},
    "status":{"phase":"Pending"}})");
  const Json parsed = ParsePodForAdmission(pod.dump());
  EXPECT_FALSE(parsed.contains("status"));
  EXPECT_FALSE(parsed["spec"].contains("volumes"));
  EXPECT_FALSE(parsed["spec"]["containers"][0].contains("command"));
  EXPECT_EQ(parsed["metadata"]["labels"], pod["metadata"]["labels"]);
  EXPECT_EQ(parsed["metadata"]["annotations"], pod["metadata"]["annotations"]);
  Result<AdmissionPlan> whole = PlanAdmission(pod, "n", DeviceConfig()),
                        part = PlanAdmission(parsed, "n", DeviceConfig());
  ASSERT_TRUE(whole.ok() && part.ok());
  EXPECT_EQ(whole->patch, part->patch);
  EXPECT_TRUE(api::ApplyJsonPatch(pod, Json::parse(part->patch)).ok());
  EXPECT_TRUE(ParsePodForAdmission("{\"a\":").is_discarded());
}

TEST(PodForAdmission, KeepsTheTextOfWhatItKeeps) {
  const struct {
    const char *pod, *want;
  } kCases[] = {
      {"{}", "{}"},
      {R"({"spec":{"volumes":[1,{"a":"]}"}],"containers":[{"image":"x","name":"c"},{"name":"d","args":[]}]},"status":{}})",
       R"({"spec":{"containers":[{"name":"c"},{"name":"d"}]}})"},
      {R"( { "metadata" : { "name" : "p" , "labels" : { "a" : "\"" } } , "spec" : null } )",
       R"({"metadata":{"labels":{ "a" : "\"" } },"spec":null })"},
      // Neither is read as what it is not: the whole text, for the parser to judge.
      {R"({"sp\u0065c":{"containers":[]}})", R"({"sp\u0065c":{"containers":[]}})"},
      {R"({"spec":{"containers":[{"name":"c"}})", R"({"spec":{"containers":[{"name":"c"}})"},
      {R"([{"spec":1}])", R"([{"spec":1}])"},
      {R"({"a":"\)", R"({"a":"\)"},
      {"", ""},
  };
  for (const auto& c : kCases) EXPECT_EQ(PodForAdmission(c.pod), c.want) << c.pod;
}

TEST(PodForAdmission, IsTheSameForTheReplicasOfADeployment) {
  auto replica = [](const std::string& uid, const std::string& time) {
    return PodForAdmission(
        R"({"metadata":{"generateName":"t-","labels":{"app":"t"},"managedFields":[{"time":")" +
        time + R"("}],"ownerReferences":[{"uid":")" + uid +
        R"("}]},"spec":{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"1"}}}]}})");
  };
  EXPECT_EQ(replica("a", "2026-11-21T00:00:00Z"), replica("b", "2026-11-21T00:00:01Z"));
}

}  // namespace
}  // namespace dray::admission
