// Rules of HAMi's scheduler and device plugins that a conversion easily gets wrong: each was wrong
// once.
#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "dray/api/admission.h"
#include "dray/api/cel.h"

namespace dray::admission {
namespace {

Json RulePod(const Json& limits, const Json& annotations = Json::object()) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", {{"name", "p"}, {"annotations", annotations}}},
      {"spec",
       {{"containers",
         Json::array({{{"name", "c"}, {"image", "i"}, {"resources", {{"limits", limits}}}}})}}}};
}

AdmissionPlan RulePlan(const Json& pod) {
  Result<AdmissionPlan> plan = PlanAdmission(pod, "team", DeviceConfig());
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *std::move(plan) : AdmissionPlan();
}

// Whether the Pod's only request takes a device of that name.
bool Takes(const Json& pod, const std::string& driver, const std::string& product) {
  const AdmissionPlan plan = RulePlan(pod);
  if (!plan.claim_template) return false;
  api::Device device;
  device.name = "d";
  device.attributes["productName"].value = product;
  const cel::DeviceView view(device, driver);
  for (const api::DeviceSelector& selector :
       plan.claim_template->spec.spec.devices.requests.at(0).exactly->selectors) {
    const Result<bool> matches = (*cel::Program::Compile(selector.cel->expression))->Matches(view);
    EXPECT_TRUE(matches.ok()) << matches.status();
    if (!matches.ok() || !*matches) return false;
  }
  return true;
}

// HAMi compares with the card's model, and puts "NVIDIA-" before models that lack it; a DCU's type
// is "DCU-<model>".
TEST(HamiRule, TypesMatchTheNameThatHamiShows) {
  struct Case {
    std::string vendor, type, product;
    bool taken;
  };
  const std::vector<Case> cases = {
      {"nvidia.com", "NVIDIA", "Tesla T4", true},
      {"nvidia.com", "nvidia-tesla", "Tesla T4", true},
      {"nvidia.com", "NVIDIA-Tesla T4", "Tesla T4", true},
      {"nvidia.com", "NVIDIA-Tesla T40", "Tesla T4", false},
      {"nvidia.com", "DIA-T", "Tesla T4", true},
      {"nvidia.com", "NVIDIA-T4", "Tesla T4", false},
      {"nvidia.com", "T4", "Tesla T4", true},
      {"nvidia.com", "NVIDIA", "NVIDIA A100-SXM4-80GB", true},
      {"nvidia.com", "NVIDIA-A100", "NVIDIA A100-SXM4-80GB", false},
      {"nvidia.com", "NVIDIA A100", "NVIDIA A100-SXM4-80GB", true},
      {"nvidia.com", "NVIDIA-NVIDIA", "NVIDIA A100-SXM4-80GB", false},
      {"nvidia.com", "H100, NVIDIA-Tes", "Tesla T4", true},
      {"hygon.com", "DCU", "K100_AI", true},
      {"hygon.com", "DCU-K100", "K100_AI", true},
      {"hygon.com", "dcu-k100_ai", "K100_AI", true},
      {"hygon.com", "DCU-Z100", "K100_AI", false},
      {"hygon.com", "K100", "K100_AI", true},
  };
  for (const Case& one : cases) {
    const bool nvidia = one.vendor == "nvidia.com";
    const Json limits = {{nvidia ? "nvidia.com/gpu" : "hygon.com/dcunum", "1"}};
    const std::string driver = nvidia ? "hami-core-gpu.project-hami.io" : "dra.hygon.com";
    const std::string kind = nvidia ? "gputype" : "dcutype";
    EXPECT_EQ(
        Takes(RulePod(limits, {{one.vendor + "/use-" + kind, one.type}}), driver, one.product),
        one.taken)
        << one.type << " " << one.product;
    EXPECT_EQ(
        Takes(RulePod(limits, {{one.vendor + "/nouse-" + kind, one.type}}), driver, one.product),
        !one.taken)
        << "nouse " << one.type << " " << one.product;
  }
}

// The resource names a chip by HAMi's word for it, the device by the chip's own name.
TEST(HamiRule, AscendChipIsKnownByWordAndByChipName) {
  struct Case {
    const char *word, *product;
    bool taken;
  };
  const Case cases[] = {
      {"Ascend910C", "Ascend910C", true},      {"Ascend910C", "Ascend910", true},
      {"Ascend910C", "Ascend910B3", false},    {"Ascend310P", "Ascend310P3", true},
      {"Ascend310P", "Ascend310P", true},      {"Ascend910B4", "Ascend910B4", true},
      {"Ascend910B4", "910B4", true},          {"Ascend910B4", "Ascend910B4-1", false},
      {"Ascend910B4-1", "Ascend910B4", false},
  };
  for (const Case& one : cases)
    EXPECT_EQ(Takes(RulePod({{"huawei.com/" + std::string(one.word), "1"}}),
                    "ascend.project-hami.io", one.product),
              one.taken)
        << one.word << " " << one.product;
}

// As many of a template fit on a card as the card has cores for: eight of 3 of 24, not seven.
TEST(HamiRule, TemplatesFillTheCard) {
  struct Case {
    const char *word, *memory;
    int64_t parts;
  };
  const Case cases[] = {{"Ascend910A", "2184", 15},  {"Ascend910A", "4369", 7},
                        {"Ascend910A", "17476", 1},  {"Ascend910B2", "8192", 8},
                        {"Ascend910B2", "16384", 4}, {"Ascend910B3", "16384", 4},
                        {"Ascend310P", "3072", 8},   {"Ascend310P", "12288", 2}};
  for (const Case& one : cases) {
    const std::string name = "huawei.com/" + std::string(one.word);
    const AdmissionPlan plan = RulePlan(RulePod({{name, "1"}, {name + "-memory", one.memory}}));
    ASSERT_TRUE(plan.claim_template) << one.word;
    const auto& capacity =
        plan.claim_template->spec.spec.devices.requests.at(0).exactly->capacity->requests;
    EXPECT_EQ(capacity.at("memory").Value(), std::stoll(one.memory) * 1024 * 1024) << one.word;
    EXPECT_LE(capacity.at("cores").Value() * one.parts, 100) << one.word << " " << one.memory;
    EXPECT_GT(capacity.at("cores").Value() * (one.parts + 1), 90) << one.word << " " << one.memory;
  }
}

// "No memory: the whole card", in soft mode too: its cores as well.
TEST(HamiRule, AscendWithoutMemoryIsAWholeCardInSoftMode) {
  const AdmissionPlan plan =
      RulePlan(RulePod({{"huawei.com/Ascend910B3", "1"}}, {{"huawei.com/vnpu-mode", "hami-core"}}));
  ASSERT_TRUE(plan.claim_template);
  EXPECT_FALSE(plan.claim_template->spec.spec.devices.requests.at(0).exactly->capacity);
}

// Cards of one vendor differ in how many compute units they have: all of them is no number.
TEST(HamiRule, AllCoresOfACardAreNotCounted) {
  for (const Json& limits :
       {Json{{"hygon.com/dcunum", "1"}},
        Json{{"hygon.com/dcunum", "1"}, {"hygon.com/dcucores", 100}}, Json{{"amd.com/gpu", "1"}},
        Json{{"amd.com/gpu", "1"}, {"amd.com/gpucores", "100"}}}) {
    const AdmissionPlan plan = RulePlan(RulePod(limits));
    ASSERT_TRUE(plan.claim_template) << limits;
    EXPECT_FALSE(plan.claim_template->spec.spec.devices.requests.at(0).exactly->capacity) << limits;
  }
  const AdmissionPlan share = RulePlan(RulePod({{"amd.com/gpu", "1"}, {"amd.com/gpucores", "99"}}));
  const auto& exactly = share.claim_template->spec.spec.devices.requests.at(0).exactly;
  EXPECT_EQ(exactly->capacity->requests.at("computeUnits").Value(), 300);
}

// Neuron: beside a number of devices the cores say nothing.
TEST(HamiRule, NeuronCoresBesideDevices) {
  for (const char* cores : {"0", "1", "4"}) {
    const AdmissionPlan plan =
        RulePlan(RulePod({{"aws.amazon.com/neuron", "2"}, {"aws.amazon.com/neuroncore", cores}}));
    ASSERT_TRUE(plan.claim_template) << cores;
    const auto& exactly = plan.claim_template->spec.spec.devices.requests.at(0).exactly;
    EXPECT_EQ(exactly->count, 2) << cores;
    EXPECT_FALSE(exactly->capacity) << cores;
  }
}

// device-config.yaml may name an attribute of another domain.
TEST(HamiRule, QualifiedUuidAttribute) {
  const DeviceConfig config = *DeviceConfig::FromJson(
      {{"dra", {{"nvidia", {{"uuidAttribute", "gpu.example.com/serial"}}}}}});
  const Json pod = RulePod({{"nvidia.com/gpu", "1"}}, {{"nvidia.com/use-gpuuuid", "A"}});
  Result<AdmissionPlan> plan = PlanAdmission(pod, "team", config);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->claim_template->spec.spec.devices.requests.at(0)
                .exactly->selectors.at(0)
                .cel->expression,
            "has(device.attributes[\"gpu.example.com\"].serial) && "
            "device.attributes[\"gpu.example.com\"].serial in [\"A\"]");
}

// Moore Threads: all shares of a Pod lie on one card.
TEST(HamiRule, MooreThreadsSharesOfAPodLieOnOneCard) {
  Json pod = RulePod({{"mthreads.com/vgpu", "1"}, {"mthreads.com/sgpu-memory", "8"}});
  EXPECT_TRUE(RulePlan(pod).claim_template->spec.spec.devices.constraints.empty());
  Json second = pod["spec"]["containers"][0];
  second["name"] = "d";
  pod["spec"]["containers"].push_back(second);
  const AdmissionPlan plan = RulePlan(pod);
  const auto& constraints = plan.claim_template->spec.spec.devices.constraints;
  ASSERT_EQ(constraints.size(), 1u);
  EXPECT_EQ(constraints[0].requests, (std::vector<std::string>{"c-mtgpu", "d-mtgpu"}));
  EXPECT_EQ(constraints[0].match_attribute, "mthreads.dray.dev/uuid");
  // Whole cards beside it are free to be others.
  pod["spec"]["containers"][1]["resources"]["limits"] = {{"mthreads.com/vgpu", "2"}};
  EXPECT_TRUE(RulePlan(pod).claim_template->spec.spec.devices.constraints.empty());
}

// A suffix counts units, not bytes: what cannot be meant says which number would be right, what
// can be meant says what it came to.
TEST(HamiRule, SuffixesOfMemory) {
  auto refusal = [](const Json& limits) {
    Result<AdmissionPlan> plan = PlanAdmission(RulePod(limits), "team", DeviceConfig());
    return plan.ok() ? "accepted" : plan.status().message();
  };
  EXPECT_EQ(refusal({{"nvidia.com/gpumem", "4Gi"}}),
            "container c: nvidia.com/gpumem: 4Gi: the unit is 1 MiB: want 4096");
  EXPECT_EQ(refusal({{"nvidia.com/gpumem", "4000Mi"}}),
            "container c: nvidia.com/gpumem: 4000Mi: the unit is 1 MiB: want 4000");
  EXPECT_EQ(refusal({{"cambricon.com/mlu.smlu.vmemory", "4Gi"}}),
            "container c: cambricon.com/mlu.smlu.vmemory: 4Gi: the unit is 256 MiB: want 16");
  EXPECT_EQ(refusal({{"nvidia.com/gpumem", "4294967296"}}),
            "container c: nvidia.com/gpumem: 4294967296: want at most 2147483647");
  EXPECT_EQ(refusal({{"nvidia.com/gpumem", "4k"}}), "accepted");
  EXPECT_EQ(RulePlan(RulePod({{"nvidia.com/gpumem", "4Ki"}})).warnings,
            (std::vector<std::string>{
                "container c: nvidia.com/gpumem: 4Ki: counts units of 1 MiB: 4096 MiB"}));
  // What an API server makes of 4000: nothing to warn of.
  EXPECT_TRUE(RulePlan(RulePod({{"nvidia.com/gpumem", "4k"}})).warnings.empty());
  EXPECT_TRUE(RulePlan(RulePod({{"nvidia.com/gpumem", "4e3"}})).warnings.empty());
}

// A claim that no API server takes is refused by whoever knows no namespace, too.
TEST(HamiRule, ClaimIsCheckedWithoutANamespace) {
  Json pod = RulePod({{"nvidia.com/gpu", "1"}});
  pod["spec"]["containers"][0]["name"] = "Not_A_Label";
  EXPECT_FALSE(PlanAdmission(pod, "team", DeviceConfig()).ok());
  EXPECT_FALSE(PlanAdmission(pod, "", DeviceConfig()).ok());
}

}  // namespace
}  // namespace dray::admission
