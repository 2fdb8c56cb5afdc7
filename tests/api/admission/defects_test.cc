// What HAMi-DRA 0.0.1 and 0.2 get wrong at admission, one test each: the numbers are those of the
// list of its defects. Those that need the API are in tests/controllers/webhook_defects_test.cc.
#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "dray/api/admission.h"
#include "dray/api/cel.h"
#include "dray/api/codec.h"
#include "dray/api/patch.h"

namespace dray::admission {
namespace {

Json ContainerOf(const std::string& name, const Json& limits) {
  return {{"name", name}, {"image", "i"}, {"resources", {{"limits", limits}}}};
}
Json PodOf(const Json& limits, const Json& annotations = Json::object()) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", "p"}, {"annotations", annotations}}},
          {"spec", {{"containers", Json::array({ContainerOf("c", limits)})}}}};
}
AdmissionPlan PlanOf(const Json& pod, const Inventory& inventory = {}) {
  Result<AdmissionPlan> plan = PlanAdmission(pod, "team", DeviceConfig(), inventory);
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *std::move(plan) : AdmissionPlan();
}
Json After(const Json& pod) {
  return *api::ApplyJsonPatch(pod, Json::parse(PlanOf(pod).patch));
}
std::vector<std::string> SelectorsOf(const Json& pod) {
  const AdmissionPlan plan = PlanOf(pod);
  std::vector<std::string> expressions;
  for (const auto& selector :
       plan.claim_template->spec.spec.devices.requests.at(0).exactly->selectors)
    expressions.push_back(selector.cel->expression);
  return expressions;
}
// Whether a card of this UUID and product is chosen.
bool Chooses(const Json& pod, const std::string& uuid, const std::string& product,
             const std::string& driver = "hami-core-gpu.project-hami.io") {
  api::Device device;
  device.name = "d";
  device.attributes["uuid"].value = uuid;
  device.attributes["productName"].value = product;
  const cel::DeviceView view(device, driver);
  for (const std::string& expression : SelectorsOf(pod)) {
    const Result<bool> matches = (*cel::Program::Compile(expression))->Matches(view);
    EXPECT_TRUE(matches.ok()) << matches.status();
    if (!matches.ok() || !*matches) return false;
  }
  return true;
}
const Json kOne = {{"nvidia.com/gpu", "1"}};

TEST(HamiDraDefect, C2_4_PodsWithGenerateNameDoNotCollide) {
  Json pod = PodOf(kOne);
  pod["metadata"] = {{"generateName", "web-"}};
  const AdmissionPlan plan = PlanOf(pod);
  // A template is stamped out once per Pod; nothing is named after a Pod.
  EXPECT_EQ(plan.claim_template->metadata.name, PlanOf(PodOf(kOne)).claim_template->metadata.name);
  EXPECT_TRUE(After(pod)["spec"]["resourceClaims"][0].contains("resourceClaimTemplateName"));
}

TEST(HamiDraDefect, C2_5_NamespaceIsThatOfTheRequest) {
  Json pod = PodOf(kOne);
  ASSERT_FALSE(pod["metadata"].contains("namespace"));
  EXPECT_EQ(PlanOf(pod).claim_template->metadata.namespace_, "team");
}

TEST(HamiDraDefect, C2_6_InitContainersAndSidecarsAreConvertedAndValuesChecked) {
  Json pod = PodOf(kOne);
  pod["spec"]["initContainers"] = {ContainerOf("init", kOne), ContainerOf("sidecar", kOne)};
  pod["spec"]["initContainers"][1]["restartPolicy"] = "Always";
  const Json after = After(pod);
  for (const Json& container : after["spec"]["initContainers"]) {
    EXPECT_FALSE(container["resources"].contains("limits"));
    EXPECT_EQ(container["resources"]["claims"].size(), 1u);
  }
  EXPECT_EQ(after["spec"]["resourceClaims"].size(), 1u);
  for (const Json& limits : {Json({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpucores", "101"}}),
                             Json({{"nvidia.com/gpu", "-1"}})})
    EXPECT_TRUE(PlanAdmission(PodOf(limits), "team", DeviceConfig()).Is(Reason::kInvalid))
        << limits;
  Inventory inventory;
  inventory.memory_sizes["hami-core-gpu.project-hami.io"].insert(*api::Quantity::Parse("16Gi"));
  EXPECT_TRUE(PlanAdmission(PodOf({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem", "20000"}}),
                            "team", DeviceConfig(), inventory)
                  .Is(Reason::kInvalid));
  // No card at all: nothing is claimed, and nothing that no node has stays in the Pod.
  const Json none = PodOf({{"nvidia.com/gpu", "0"}});
  EXPECT_FALSE(PlanOf(none).claim_template);
  EXPECT_FALSE(After(none)["spec"]["containers"][0].contains("resources"));
}

TEST(HamiDraDefect, C2_7_MemoryOrCoresAloneAskForOneCard) {
  for (const char* resource : {"nvidia.com/gpumem", "nvidia.com/gpucores"}) {
    const AdmissionPlan plan = PlanOf(PodOf({{resource, "10"}}));
    EXPECT_EQ(plan.claim_template->spec.spec.devices.requests.at(0).exactly->count, 1) << resource;
  }
  // All memory and no core share is the whole card.
  const AdmissionPlan whole = PlanOf(PodOf(kOne));
  EXPECT_EQ(whole.claim_template->spec.spec.devices.requests.at(0)
                .exactly->capacity->requests.at("cores")
                .ToString(),
            "100");
}

TEST(HamiDraDefect, C2_8_PercentageAndPriorityAreConvertedAndRemoved) {
  Inventory inventory;
  inventory.memory_sizes["hami-core-gpu.project-hami.io"].insert(*api::Quantity::Parse("16Gi"));
  const Json pod = PodOf({{"nvidia.com/gpu", "1"},
                          {"nvidia.com/gpumem-percentage", "25"},
                          {"nvidia.com/priority", "0"}});
  const AdmissionPlan plan = PlanOf(pod, inventory);
  const auto& request = plan.claim_template->spec.spec.devices.requests.at(0);
  EXPECT_EQ(request.first_available.at(0).capacity->requests.at("memory").ToString(), "4Gi");
  const Json after = *api::ApplyJsonPatch(pod, Json::parse(plan.patch));
  EXPECT_FALSE(after["spec"]["containers"][0]["resources"].contains("limits"));
  EXPECT_EQ(after["spec"]["containers"][0]["env"][0]["value"], "0");
}

TEST(HamiDraDefect, C2_9_AnnotationsMatchAsHamiDoes) {
  const Json use = PodOf(kOne, {{"nvidia.com/use-gputype", "a100, T4"}});
  EXPECT_TRUE(Chooses(use, "u", "NVIDIA A100-SXM4-80GB"));
  EXPECT_TRUE(Chooses(use, "u", "Tesla T4"));
  EXPECT_FALSE(Chooses(use, "u", "NVIDIA H100"));
  const Json nouse =
      PodOf(kOne, {{"nvidia.com/nouse-gputype", "A100"}, {"nvidia.com/nouse-gpuuuid", "bad"}});
  EXPECT_FALSE(Chooses(nouse, "u", "NVIDIA A100-SXM4-80GB"));
  EXPECT_FALSE(Chooses(nouse, "bad", "Tesla T4"));
  EXPECT_TRUE(Chooses(nouse, "BAD", "Tesla T4"));  // UUIDs are exact
  EXPECT_TRUE(Chooses(nouse, "ba", "Tesla T4"));
  // Use before nouse: what is in both is excluded.
  const Json both =
      PodOf(kOne, {{"nvidia.com/use-gpuuuid", "a,b"}, {"nvidia.com/nouse-gpuuuid", "b"}});
  EXPECT_TRUE(Chooses(both, "a", "x"));
  EXPECT_FALSE(Chooses(both, "b", "x"));
  EXPECT_FALSE(Chooses(both, "c", "x"));
  const AdmissionPlan numa =
      PlanOf(PodOf({{"nvidia.com/gpu", "2"}}, {{"nvidia.com/numa-bind", "true"}}));
  EXPECT_EQ(numa.claim_template->spec.spec.devices.constraints.at(0).match_attribute,
            "resource.kubernetes.io/pcieRoot");
  EXPECT_FALSE(PlanOf(PodOf(kOne, {{"hami.io/gpu-scheduler-policy", "spread"}})).warnings.empty());
}

TEST(HamiDraDefect, C2_10_AnnotationTextCannotLeaveItsString) {
  for (const char* text : {"x\" || true || \"", "\\", "\\\"", "a\nb", "${x}", "\x01", "' || true",
                           "\xc3\xa9\xe4\xb8\xad"}) {
    for (const char* annotation : {"nvidia.com/use-gpuuuid", "nvidia.com/use-gputype"}) {
      const Json pod = PodOf(kOne, {{annotation, text}});
      EXPECT_FALSE(Chooses(pod, "some", "other")) << text;
    }
    const Json exact = PodOf(kOne, {{"nvidia.com/use-gpuuuid", text}});
    EXPECT_TRUE(Chooses(exact, text, "other")) << text;
  }
}

TEST(HamiDraDefect, C2_11_NamesAreLabelsWhateverThePodIsCalled) {
  Json pod = PodOf(kOne);
  pod["metadata"]["name"] = std::string(200, 'a') + ".b." + std::string(40, 'c');
  pod["spec"]["containers"][0]["name"] = std::string(63, 'z');
  const AdmissionPlan plan = PlanOf(pod);
  EXPECT_EQ(plan.claim_template->metadata.name.size(), std::string("dray-0123456789abcdef").size());
  EXPECT_LE(plan.claim_template->spec.spec.devices.requests.at(0).name.size(), 63u);
}

TEST(HamiDraDefect, C2_12_ClaimsOfTheContainerStay) {
  Json pod = PodOf(kOne);
  pod["spec"]["resourceClaims"] = {{{"name", "net"}, {"resourceClaimName", "nic"}}};
  pod["spec"]["containers"][0]["resources"]["claims"] = {{{"name", "net"}}};
  const Json after = After(pod);
  EXPECT_EQ(after["spec"]["containers"][0]["resources"]["claims"][0]["name"], "net");
  EXPECT_EQ(after["spec"]["containers"][0]["resources"]["claims"].size(), 2u);
  EXPECT_EQ(after["spec"]["resourceClaims"].size(), 2u);
}

TEST(HamiDraDefect, C2_13_EveryVendorIsConverted) {
  for (const char* resource :
       {"nvidia.com/gpu",           "hygon.com/dcunum",          "hygon.com/hcunum",
        "huawei.com/Ascend910A",    "huawei.com/Ascend910B2",    "huawei.com/Ascend910B3",
        "huawei.com/Ascend910B4",   "huawei.com/Ascend910B4-1",  "huawei.com/Ascend310P",
        "huawei.com/Ascend910C",    "iluvatar.ai/MR-V100-vgpu",  "iluvatar.ai/MR-V50-vgpu",
        "iluvatar.ai/BI-V150-vgpu", "iluvatar.ai/BI-V100-vgpu",  "cambricon.com/vmlu",
        "metax-tech.com/gpu",       "metax-tech.com/sgpu",       "enflame.com/gcu",
        "enflame.com/drs-gcu",      "enflame.com/vgcu",          "mthreads.com/vgpu",
        "kunlunxin.com/xpu",        "kunlunxin.com/vxpu",        "amd.com/gpu",
        "aws.amazon.com/neuron",    "aws.amazon.com/neuroncore", "vastaitech.com/va",
        "birentech.com/gpu"}) {
    const Json pod = PodOf({{resource, "1"}});
    EXPECT_TRUE(PlanOf(pod).claim_template) << resource;
    EXPECT_FALSE(After(pod)["spec"]["containers"][0]["resources"].contains("limits")) << resource;
  }
}

TEST(HamiDraDefect, C2_14_SecondInvocationAndApplyOfTheOriginalChangeNothing) {
  const Json original = PodOf({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem", "1000"}});
  const Json stored = After(original);
  EXPECT_FALSE(PlanOf(stored).convert);
  Json applied = stored;
  applied["spec"]["containers"][0]["resources"]["limits"] =
      original["spec"]["containers"][0]["resources"]["limits"];
  Result<AdmissionPlan> update = PlanUpdate(stored, applied);
  ASSERT_TRUE(update.ok()) << update.status();
  EXPECT_EQ(*api::ApplyJsonPatch(applied, Json::parse(update->patch)), stored);
}

TEST(HamiDraDefect, C2_15_NoClaimIsNamedAfterItsPod) {
  // A Pod that is made again under its old name gets a claim of its own: Kubernetes names what it
  // stamps out.
  const Json after = After(PodOf(kOne));
  EXPECT_FALSE(after["spec"]["resourceClaims"][0].contains("resourceClaimName"));
}

TEST(HamiDraDefect, C3_EmptyAnnotationIsNoConstraint) {
  EXPECT_TRUE(
      SelectorsOf(PodOf(kOne, {{"nvidia.com/use-gputype", ""}, {"nvidia.com/use-gpuuuid", " , "}}))
          .empty());
}

TEST(HamiDraDefect, C3_ChipInTheResourceNameRestrictsTheProduct) {
  const Json pod = PodOf({{"huawei.com/Ascend910B3", "1"}});
  const std::string driver = "ascend.project-hami.io";
  EXPECT_TRUE(Chooses(pod, "u", "Ascend910B3", driver));
  EXPECT_FALSE(Chooses(pod, "u", "Ascend910B4", driver));
  EXPECT_FALSE(Chooses(PodOf({{"huawei.com/Ascend910C", "1"}}), "u", "Ascend910B3", driver));
}

TEST(HamiDraDefect, C3_CoresWithoutReferenceComputeUnitsAreNoError) {
  const AdmissionPlan plan =
      PlanOf(PodOf({{"hygon.com/dcunum", "1"}, {"hygon.com/dcucores", "50"}}));
  EXPECT_EQ(plan.claim_template->spec.spec.devices.requests.at(0)
                .exactly->capacity->requests.at("cores")
                .ToString(),
            "60");
}

TEST(HamiDraDefect, C3_JobsWithTasksOfOneNameDoNotShareAClaimTemplateByName) {
  // Two jobs whose tasks have equal names and other wishes: the template is named by the wishes.
  const std::string a =
      PlanOf(PodOf({{"nvidia.com/gpumem", "1000"}})).claim_template->metadata.name;
  const std::string b =
      PlanOf(PodOf({{"nvidia.com/gpumem", "2000"}})).claim_template->metadata.name;
  EXPECT_NE(a, b);
}

// A device without the attribute, of whatever driver a class admits, is no match; it does not end
// the scheduling attempt.
TEST(Selectors, MissingAttributesAreNoMatch) {
  api::Device bare;
  bare.name = "d";
  const cel::DeviceView view(bare, "hami-core-gpu.project-hami.io");
  const Json pod =
      PodOf(kOne, {{"nvidia.com/use-gputype", "A100"}, {"nvidia.com/use-gpuuuid", "a"}});
  for (const std::string& expression : SelectorsOf(pod)) {
    const Result<bool> matches = (*cel::Program::Compile(expression))->Matches(view);
    ASSERT_TRUE(matches.ok()) << matches.status();
    EXPECT_FALSE(*matches);
  }
}

// The longest lists that are accepted make selectors that an API server accepts; what is longer is
// refused by its annotation.
TEST(Selectors, LengthAndCostAreBounded) {
  auto list = [](int items, const std::string& text) {
    std::string all;
    for (int i = 0; i < items; ++i) all += (i == 0 ? "" : ",") + text + std::to_string(i);
    return all;
  };
  for (const char* annotation : {"nvidia.com/use-gputype", "nvidia.com/use-gpuuuid"}) {
    for (int items : {1, 30, 64}) {
      Result<AdmissionPlan> plan = PlanAdmission(
          PodOf(kOne, {{annotation, list(items, std::string(50, 'g'))}}), "n", DeviceConfig());
      if (!plan.ok()) {
        EXPECT_NE(plan.status().message().find(annotation), std::string::npos) << plan.status();
        EXPECT_GT(items, 30) << plan.status();
        continue;
      }
      for (const auto& selector :
           plan->claim_template->spec.spec.devices.requests.at(0).exactly->selectors)
        EXPECT_LE((*cel::Program::Compile(selector.cel->expression))->max_cost(),
                  cel::kMaxSelectorCost);
    }
    EXPECT_TRUE(PlanAdmission(PodOf(kOne, {{annotation, list(65, "g")}}), "n", DeviceConfig())
                    .Is(Reason::kInvalid));
    // Escapes make the text longer than what was written.
    EXPECT_TRUE(PlanAdmission(PodOf(kOne, {{annotation, list(64, std::string(60, '\x01'))}}), "n",
                              DeviceConfig())
                    .Is(Reason::kInvalid));
  }
}

api::DeviceClass Serving(const std::string& name, const std::string& resource) {
  api::DeviceClass one;
  one.metadata.name = name;
  one.spec.extended_resource_name = resource;
  return one;
}

// KEP-5004: the scheduler would make a claim for a resource that a class maps. The resource is
// taken out, so there is one claim; who meant another class hears of it.
TEST(HamiDraDefect, C3_AClassThatServesTheResourceItselfIsNamed) {
  const Json pod = Json::parse(
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"1","deviceclass.resource.kubernetes.io/other":"1"}}}]}})");
  Inventory inventory;
  AddToInventory(Serving("hami-core-gpu.project-hami.io", "nvidia.com/gpu"), inventory);
  AddToInventory(Serving("x", "example.com/other"), inventory);
  AddToInventory(api::DeviceClass(), inventory);
  EXPECT_EQ(inventory.extended_resources.size(), 2u);
  Result<AdmissionPlan> own = PlanAdmission(pod, "n", DeviceConfig(), inventory);
  ASSERT_TRUE(own.ok());
  EXPECT_TRUE(own->warnings.empty());
  // What is not ours to convert stays for the scheduler.
  EXPECT_EQ(own->patch.find("deviceclass.resource"), std::string::npos);
  EXPECT_NE(own->patch.find("nvidia.com~1gpu"), std::string::npos);

  Inventory others;
  AddToInventory(Serving("gpu.nvidia.com", "nvidia.com/gpu"), others);
  AddToInventory(Serving("z.example.com", "nvidia.com/gpu"), others);
  Result<AdmissionPlan> warned = PlanAdmission(pod, "n", DeviceConfig(), others);
  ASSERT_TRUE(warned.ok());
  ASSERT_EQ(warned->warnings.size(), 1u);
  EXPECT_EQ(
      warned->warnings[0],
      "container c: nvidia.com/gpu: DeviceClass gpu.nvidia.com serves it too; the claim is for "
      "DeviceClass hami-core-gpu.project-hami.io (label hami.io/webhook: ignore leaves the Pod "
      "to the former)");
  EXPECT_EQ(warned->patch, own->patch);
}

// kube-apiserver refuses a Pod whose claim could not be named after it; so does the conversion.
TEST(HamiDra, APodNameLeavesRoomForItsClaim) {
  auto plan = [](size_t length, const std::string& claims) {
    return PlanAdmission(
        Json::parse(
            R"({"metadata":{"name":")" + std::string(length, 'p') + R"("},"spec":{)" + claims +
            R"("containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"1"}}}]}})"),
        "n", DeviceConfig());
  };
  EXPECT_TRUE(plan(248, "").ok());
  Result<AdmissionPlan> refused = plan(249, "");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message(),
            "metadata.name: 249 characters: the Pod's claim is named after it: want at most 248");
  const std::string taken = R"("resourceClaims":[{"name":"dray","resourceClaimName":"mine"}],)";
  EXPECT_TRUE(plan(246, taken).ok());
  EXPECT_FALSE(plan(247, taken).ok());
}

// HAMi's rule for cores = 100 cannot be said with a part of the memory.
TEST(HamiDra, AllCoresWithPartOfTheMemoryAreNoWholeCard) {
  auto warnings = [](const std::string& limits) {
    Result<AdmissionPlan> plan =
        PlanAdmission(Json::parse(R"({"spec":{"containers":[{"name":"c","resources":{"limits":)" +
                                  limits + R"(}}]}})"),
                      "n", DeviceConfig());
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? plan->warnings : std::vector<std::string>();
  };
  const std::vector<std::string> said =
      warnings(R"({"nvidia.com/gpu":1,"nvidia.com/gpumem":4000,"nvidia.com/gpucores":100})");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0],
            "container c: nvidia.com/gpucores: 100: the card is not exclusive: Pods without a core "
            "request may take the rest of its memory; for a whole card leave the memory out");
  for (const char* fine :
       {R"({"nvidia.com/gpu":1,"nvidia.com/gpumem":4000,"nvidia.com/gpucores":99})",
        R"({"nvidia.com/gpu":1,"nvidia.com/gpucores":100})", R"({"nvidia.com/gpu":1})",
        R"({"nvidia.com/gpu":1,"nvidia.com/gpumem":4000})"})
    EXPECT_TRUE(warnings(fine).empty()) << fine;
}

}  // namespace
}  // namespace dray::admission
