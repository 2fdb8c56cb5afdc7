#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "dray/api/admission.h"
#include "dray/api/codec.h"
#include "dray/api/patch.h"

namespace dray::admission {
namespace {

Json PodWith(const std::string& limits) {
  return Json::parse(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},
    "spec":{"containers":[{"name":"c","image":"i","resources":{"limits":)" +
                     limits + "}}]}}");
}

AdmissionPlan MustPlan(const Json& pod, const Inventory& inventory = {}) {
  Result<AdmissionPlan> plan = PlanAdmission(pod, "ns", DeviceConfig(), inventory);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : AdmissionPlan();
}

std::string Refusal(const Json& pod, const Inventory& inventory = {}) {
  Result<AdmissionPlan> plan = PlanAdmission(pod, "ns", DeviceConfig(), inventory);
  return plan.ok() ? "accepted" : plan.status().message();
}

Json Patched(const Json& pod, const AdmissionPlan& plan) {
  Result<Json> after = api::ApplyJsonPatch(pod, Json::parse(plan.patch));
  EXPECT_TRUE(after.ok()) << after.status();
  return *after;
}

// "count driver-class memory cores" of the only request.
std::string Ask(const AdmissionPlan& plan) {
  if (!plan.claim_template) return "none";
  const auto& requests = plan.claim_template->spec.spec.devices.requests;
  if (requests.size() != 1 || !requests[0].exactly) return "not one exact request";
  const api::ExactDeviceRequest& exact = *requests[0].exactly;
  std::string text = std::to_string(exact.count) + " " + exact.device_class_name;
  for (const char* name : {"memory", "cores"}) {
    text += std::string(" ") + name + "=";
    if (exact.capacity && exact.capacity->requests.contains(name))
      text += exact.capacity->requests.at(name).ToString();
    else
      text += "-";
  }
  return text;
}

TEST(PlanAdmission, ReadsEveryVendorsUnitsAndDefaults) {
  const std::string nvidia = "hami-core-gpu.project-hami.io";
  const std::string ascend = "hami-vnpu-core.project-hami.io";
  struct Case {
    const char* limits;
    std::string ask;
  };
  const Case cases[] = {
      {R"({"nvidia.com/gpu":"2","nvidia.com/gpumem":"4096","nvidia.com/gpucores":"80"})",
       "2 " + nvidia + " memory=4Gi cores=80"},
      // Numbers, as in hand-written YAML.
      {R"({"nvidia.com/gpu":1,"nvidia.com/gpumem":4000})",
       "1 " + nvidia + " memory=4000Mi cores=0"},
      // All memory and no core share: the whole card.
      {R"({"nvidia.com/gpu":"1"})", "1 " + nvidia + " memory=- cores=100"},
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpumem-percentage":"100"})",
       "1 " + nvidia + " memory=- cores=100"},
      // 0 counts as not asked.
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"0"})", "1 " + nvidia + " memory=- cores=100"},
      // Without a count there is one (defaultGPUNum).
      {R"({"nvidia.com/gpumem":"3000"})", "1 " + nvidia + " memory=3000Mi cores=0"},
      {R"({"nvidia.com/gpucores":"30"})", "1 " + nvidia + " memory=- cores=30"},
      // Suffixes count in the resource's unit.
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"5k"})",
       "1 " + nvidia + " memory=5000Mi cores=0"},
      {R"({"hygon.com/dcunum":"1","hygon.com/dcumem":"16384","hygon.com/dcucores":"50"})",
       "1 dra.hygon.com memory=16Gi cores=60"},
      {R"({"hygon.com/hcunum":"1"})", "1 dra.hygon.com memory=- cores=-"},
      {R"({"hygon.com/dcunum":"1","hygon.com/dcucores":"1"})", "1 dra.hygon.com memory=- cores=2"},
      // Up to the next template; above the largest, the whole card.
      {R"({"huawei.com/Ascend910B3":"1","huawei.com/Ascend910B3-memory":"12288"})",
       "1 " + ascend + " memory=16Gi cores=25"},
      {R"({"huawei.com/Ascend910B3":"1","huawei.com/Ascend910B3-memory":"16385"})",
       "1 " + ascend + " memory=32Gi cores=50"},
      {R"({"huawei.com/Ascend910B3":"1","huawei.com/Ascend910B3-memory":"40000"})",
       "1 " + ascend + " memory=- cores=-"},
      {R"({"huawei.com/Ascend910B3":"1"})", "1 " + ascend + " memory=- cores=-"},
      {R"({"huawei.com/Ascend310P":"1","huawei.com/Ascend310P-memory":"3072"})",
       "1 " + ascend + " memory=3Gi cores=12"},
      // A module's chips go together.
      {R"({"huawei.com/Ascend910C":"1"})", "2 " + ascend + " memory=- cores=-"},
      // None asked for: the resources only go away.
      {R"({"nvidia.com/gpu":"0","nvidia.com/gpumem":"10"})", "none"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(Ask(MustPlan(PodWith(one.limits))), one.ask) << one.limits;
}

TEST(PlanAdmission, RefusesWithContainerResourceValueAndWhatWouldBeRight) {
  struct Case {
    const char* limits;
    const char* message;
  };
  const Case cases[] = {
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpucores":"130"})",
       "container c: nvidia.com/gpucores: 130: want 0 to 100 percent of a card"},
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"1","nvidia.com/gpumem-percentage":"50"})",
       "container c: nvidia.com/gpumem-percentage: 50: ask for nvidia.com/gpumem or for a "
       "percentage, not for both"},
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpumem-percentage":"101"})",
       "container c: nvidia.com/gpumem-percentage: 101: want 1 to 100 percent"},
      {R"({"nvidia.com/gpu":"500m"})",
       "container c: nvidia.com/gpu: 500m: want a whole number of 0 or more"},
      {R"({"nvidia.com/gpu":"-1"})",
       "container c: nvidia.com/gpu: -1: want a whole number of 0 or more"},
      {R"({"nvidia.com/gpu":"33"})",
       "container c: nvidia.com/gpu: 33: a claim holds at most 32 devices"},
      {R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"3Gi"})",
       "container c: nvidia.com/gpumem: 3Gi: the unit is 1 MiB: want 3072"},
      {R"({"huawei.com/Ascend910C":"3"})",
       "container c: huawei.com/Ascend910C: 3: the chips of a module go together: want an even "
       "number"},
      {R"({"huawei.com/Ascend910B3":"2","huawei.com/Ascend910B3-memory":"1000"})",
       "container c: huawei.com/Ascend910B3-memory: 1000: several cards must be whole cards: leave "
       "the memory out, or ask for one card"},
      {R"({"huawei.com/Ascend910B3":"1","huawei.com/Ascend910B3-memory":"70000"})",
       "container c: huawei.com/Ascend910B3-memory: 70000: a card of Ascend910B3 has 65536 MiB"},
  };
  for (const Case& one : cases) EXPECT_EQ(Refusal(PodWith(one.limits)), one.message) << one.limits;
}

TEST(PlanAdmission, ThePatchTakesTheResourcesOutAndPutsTheClaimIn) {
  const Json pod = PodWith(R"({"nvidia.com/gpu":"2","nvidia.com/gpumem":"4096","cpu":"1"})");
  const AdmissionPlan plan = MustPlan(pod);
  const Json after = Patched(pod, plan);
  ASSERT_TRUE(plan.claim_template);
  const std::string name = plan.claim_template->metadata.name;
  EXPECT_EQ(after["spec"]["containers"][0]["resources"],
            Json::parse(R"({"limits":{"cpu":"1"},"claims":[{"name":"dray","request":"c-gpu"}]})"));
  EXPECT_EQ(after["spec"]["resourceClaims"],
            Json::array({{{"name", "dray"}, {"resourceClaimTemplateName", name}}}));
  EXPECT_EQ(after["metadata"]["labels"]["hami.io/dra"], "true");
  EXPECT_EQ(after["metadata"]["annotations"][std::string(kConvertedAnnotation)],
            R"({"c":{"nvidia.com/gpu":"2","nvidia.com/gpumem":"4096"}})");
  // Only what changes: the image, the name and the cpu limit are not touched.
  EXPECT_EQ(plan.patch.find("image"), std::string::npos);
  EXPECT_EQ(plan.patch.find("\"/spec\""), std::string::npos);
}

TEST(PlanAdmission, ASecondInvocationChangesNothing) {
  const Json pod = PodWith(R"({"nvidia.com/gpu":"1"})");
  const Json after = Patched(pod, MustPlan(pod));
  const AdmissionPlan again = MustPlan(after);
  EXPECT_FALSE(again.convert);
  EXPECT_TRUE(again.patch.empty());
}

TEST(PlanAdmission, TheTemplateIsNamedByItsContent) {
  const AdmissionPlan a = MustPlan(PodWith(R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"4000"})"));
  Json other = PodWith(R"({"nvidia.com/gpu":1,"nvidia.com/gpumem":4000})");
  other["metadata"] = {{"generateName", "web-"}};
  const AdmissionPlan b = MustPlan(other);
  const AdmissionPlan c = MustPlan(PodWith(R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"4001"})"));
  EXPECT_EQ(a.claim_template->metadata.name, b.claim_template->metadata.name);
  EXPECT_NE(a.claim_template->metadata.name, c.claim_template->metadata.name);
  const std::string hash =
      a.claim_template->metadata.annotations.at(std::string(kRequestHashAnnotation));
  EXPECT_EQ(hash.size(), 64u);
  EXPECT_EQ(a.claim_template->metadata.name, "dray-" + hash.substr(0, 16));
  EXPECT_EQ(a.claim_template->metadata.namespace_, "ns");
}

TEST(PlanAdmission, OnePodOneClaimForAllContainersAndVendors) {
  Json pod = PodWith(R"({"nvidia.com/gpu":"1"})");
  Json second = {{"name", "d"}, {"resources", {{"requests", {{"hygon.com/dcunum", "1"}}}}}};
  Json init = {{"name", "setup"}, {"resources", {{"limits", {{"nvidia.com/gpumem", "100"}}}}}};
  pod["spec"]["containers"].push_back(second);
  pod["spec"]["initContainers"] = Json::array({init});
  const AdmissionPlan plan = MustPlan(pod);
  std::vector<std::string> names;
  for (const auto& request : plan.claim_template->spec.spec.devices.requests)
    names.push_back(request.name);
  EXPECT_EQ(names, (std::vector<std::string>{"setup-gpu", "c-gpu", "d-hcu"}));
  const Json after = Patched(pod, plan);
  EXPECT_EQ(after["spec"]["resourceClaims"].size(), 1u);
  EXPECT_EQ(after["spec"]["initContainers"][0]["resources"]["claims"][0]["request"], "setup-gpu");
  EXPECT_FALSE(after["spec"]["containers"][1]["resources"].contains("requests"));
}

TEST(PlanAdmission, ClaimsThatThePodAlreadyHasStay) {
  Json pod = PodWith(R"({"nvidia.com/gpu":"1"})");
  pod["spec"]["resourceClaims"] = Json::array({{{"name", "dray"}, {"resourceClaimName", "mine"}}});
  pod["spec"]["containers"][0]["resources"]["claims"] = Json::array({{{"name", "dray"}}});
  const Json after = Patched(pod, MustPlan(pod));
  EXPECT_EQ(after["spec"]["resourceClaims"].size(), 2u);
  EXPECT_EQ(after["spec"]["resourceClaims"][1]["name"], "dray-2");
  EXPECT_EQ(after["spec"]["containers"][0]["resources"]["claims"].size(), 2u);
  EXPECT_EQ(after["spec"]["containers"][0]["resources"]["claims"][0], Json({{"name", "dray"}}));
}

TEST(PlanAdmission, AnnotationsBecomeSelectorsWithHamisMatching) {
  Json pod = PodWith(R"({"nvidia.com/gpu":"1"})");
  pod["metadata"]["annotations"] = {{"nvidia.com/use-gputype", " a100, H100 ,"},
                                    {"nvidia.com/nouse-gputype", ""},
                                    {"nvidia.com/use-gpuuuid", "GPU-1,GPU-\"2"},
                                    {"nvidia.com/nouse-gpuuuid", "GPU-3"}};
  const AdmissionPlan plan = MustPlan(pod);
  std::vector<std::string> selectors;
  for (const auto& selector : plan.claim_template->spec.spec.devices.requests[0].exactly->selectors)
    selectors.push_back(selector.cel->expression);
  const std::string attributes = "device.attributes[\"hami-core-gpu.project-hami.io\"].";
  EXPECT_EQ(
      selectors,
      (std::vector<std::string>{
          "has(" + attributes + "productName) && (" + attributes +
              "productName.upperAscii().contains(\"A100\") || " + attributes +
              "productName.upperAscii().contains(\"H100\"))",
          "has(" + attributes + "uuid) && " + attributes + "uuid in [\"GPU-1\", \"GPU-\\\"2\"]",
          "!(has(" + attributes + "uuid) && " + attributes + "uuid in [\"GPU-3\"])"}));
}

TEST(PlanAdmission, SeveralCardsAreDistinctCards) {
  const AdmissionPlan plan =
      MustPlan(PodWith(R"({"nvidia.com/gpu":"2","nvidia.com/gpucores":"10"})"));
  const auto& constraints = plan.claim_template->spec.spec.devices.constraints;
  ASSERT_EQ(constraints.size(), 1u);
  EXPECT_EQ(constraints[0].distinct_attribute, "hami-core-gpu.project-hami.io/uuid");
  EXPECT_EQ(constraints[0].requests, std::vector<std::string>{"c-gpu"});
}

TEST(PlanAdmission, APercentageIsTakenOfEachSizeInTheInventory) {
  Inventory inventory;
  for (const char* size : {"16Gi", "80Gi"})
    inventory.memory_sizes["hami-core-gpu.project-hami.io"].insert(*api::Quantity::Parse(size));
  const Json pod = PodWith(R"({"nvidia.com/gpu":"1","nvidia.com/gpumem-percentage":"50"})");
  const AdmissionPlan plan = MustPlan(pod, inventory);
  const auto& request = plan.claim_template->spec.spec.devices.requests[0];
  ASSERT_EQ(request.first_available.size(), 2u);
  EXPECT_EQ(request.first_available[0].capacity->requests.at("memory").ToString(), "8Gi");
  EXPECT_EQ(request.first_available[1].capacity->requests.at("memory").ToString(), "40Gi");
  EXPECT_NE(Refusal(pod).find("no device of hami-core-gpu.project-hami.io is known"),
            std::string::npos);
}

TEST(PlanAdmission, AMemoryAboveEveryCardIsRefusedWhenTheCardsAreKnown) {
  Inventory inventory;
  inventory.memory_sizes["hami-core-gpu.project-hami.io"].insert(*api::Quantity::Parse("80Gi"));
  EXPECT_EQ(Refusal(PodWith(R"({"nvidia.com/gpu":"1","nvidia.com/gpumem":"90000"})"), inventory),
            "container c: nvidia.com/gpumem: 90000 MiB: the largest device of "
            "hami-core-gpu.project-hami.io has 80Gi");
}

TEST(PlanAdmission, PodsThatAreNotOursAreLeftAlone) {
  EXPECT_FALSE(MustPlan(PodWith(R"({"cpu":"1"})")).convert);
  Json ignored = PodWith(R"({"nvidia.com/gpu":"1"})");
  ignored["metadata"]["labels"] = {{"hami.io/webhook", "ignore"}};
  EXPECT_FALSE(MustPlan(ignored).convert);
  Json other = PodWith(R"({"nvidia.com/gpu":"1"})");
  other["spec"]["schedulerName"] = "volcano";
  EXPECT_FALSE(MustPlan(other).convert);
  Json bound = PodWith(R"({"nvidia.com/gpu":"1"})");
  bound["spec"]["nodeName"] = "n1";
  EXPECT_NE(Refusal(bound).find("spec.nodeName: n1"), std::string::npos);
}

TEST(PlanAdmission, PriorityBecomesTheVariableThatHamiCoreReads) {
  const Json pod = PodWith(R"({"nvidia.com/gpu":"1","nvidia.com/priority":"1"})");
  const Json after = Patched(pod, MustPlan(pod));
  EXPECT_EQ(after["spec"]["containers"][0]["env"],
            Json::array({{{"name", "CUDA_TASK_PRIORITY"}, {"value", "1"}}}));
}

TEST(PlanAdmission, LongContainerNamesGiveRequestNamesThatAreLabels) {
  Json pod = PodWith(R"({"nvidia.com/gpu":"1"})");
  pod["spec"]["containers"][0]["name"] = std::string(63, 'a');
  const std::string name = MustPlan(pod).claim_template->spec.spec.devices.requests[0].name;
  EXPECT_LE(name.size(), 63u);
  EXPECT_TRUE(name.ends_with("-gpu"));
}

TEST(DeviceConfig, ReadsBothLayoutsOfVnpus) {
  const Json chip = {{"chipName", "910B3"},
                     {"commonWord", "Ascend910B3"},
                     {"resourceName", "huawei.com/npu"},
                     {"resourceMemoryName", "huawei.com/npu-memory"},
                     {"memoryAllocatable", 65536},
                     {"aiCore", 20},
                     {"templates", {{{"name", "vir05"}, {"memory", 16384}, {"aiCore", 5}}}}};
  const Json pod = PodWith(R"({"huawei.com/npu":"1","huawei.com/npu-memory":"1000"})");
  for (const Json& vnpus :
       {Json::array({chip}), Json({{"hamiVnpuCore", false}, {"configs", Json::array({chip})}})}) {
    Result<DeviceConfig> config = DeviceConfig::FromJson({{"vnpus", vnpus}});
    ASSERT_TRUE(config.ok()) << config.status();
    Result<AdmissionPlan> plan = PlanAdmission(pod, "ns", *config);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(Ask(*plan), "1 hami-vnpu-core.project-hami.io memory=16Gi cores=25");
  }
}

TEST(DeviceConfig, RenamesResourcesAndNamesWhatIsWrong) {
  Result<DeviceConfig> config = DeviceConfig::FromJson(
      {{"nvidia",
        {{"resourceCountName", "acme.com/gpu"}, {"defaultCores", 20}, {"memoryFactor", 1024}}}});
  ASSERT_TRUE(config.ok()) << config.status();
  Result<AdmissionPlan> plan =
      PlanAdmission(PodWith(R"({"acme.com/gpu":"1","nvidia.com/gpumem":"2"})"), "ns", *config);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(Ask(*plan), "1 hami-core-gpu.project-hami.io memory=2Gi cores=20");
  EXPECT_EQ(DeviceConfig::FromJson({{"nvidia", {{"defaultCores", "many"}}}}).status().message(),
            "nvidia.defaultCores: want an integer of 0 or more, got \"many\"");
  EXPECT_EQ(
      DeviceConfig::FromJson({{"vnpus", {{{"commonWord", "X"}}}}}).status().message(),
      "vnpus[0].resourceName: want a resource name, as in huawei.com/Ascend910B3, got nothing");
}

}  // namespace
}  // namespace dray::admission
