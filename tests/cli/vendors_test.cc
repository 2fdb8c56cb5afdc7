// Every vendor's Pod from the manifest to devices: dray convert makes the claim, dray allocate
// finds a place for it on what a node of the vendor's mock profile publishes (tests/golden/mockdev,
// the first two devices), with the classes of config/deviceclasses.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dray/base/json.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

Json ShippedClasses() {
  Json classes = Json::array();
  for (const auto& entry : std::filesystem::directory_iterator(TreePath("config/deviceclasses"))) {
    const std::string path = entry.path();
    if (path.ends_with("kustomization.yaml")) continue;
    const std::vector<Json> documents =
        runtime::ParseYamlDocuments(runtime::ReadFile(path).value(), path).value();
    for (const Json& document : documents)
      if (document.is_object()) classes.push_back(document);
  }
  return classes;
}

// The slice of a node with this profile, with a name as a server would have given it.
Json SliceOf(const std::string& profile) {
  Json slice = Json::parse(
      runtime::ReadFile(TreePath("tests/golden/mockdev/" + profile + ".slice.json")).value());
  slice["metadata"] = {{"name", profile}};
  return slice;
}

struct VendorPod {
  const char* profile;
  const char* limits;       // of one container, flow YAML
  const char* annotations;  // flow YAML
  int fit;                  // how many such Pods two devices hold
};

// "allocated", or why not, of `count` Pods made from one template.
std::vector<std::string> AllocateMany(const VendorPod& pod, int count) {
  ScratchFile slices("slices.json", SliceOf(pod.profile).dump());
  const Outcome converted =
      Dray({"convert", "-ojson", "--slices", slices.path(), "-f", "-"},
           "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: " +
               std::string(pod.annotations) +
               "}\nspec: {containers: [{name: c, image: i, resources: {limits: " + pod.limits +
               "}}]}\n");
  EXPECT_EQ(converted.code, 0) << converted.err;
  if (converted.code != 0) return {};
  const Json items = Json::parse(converted.out)["items"];
  EXPECT_EQ(items[0]["kind"], "ResourceClaimTemplate");
  Json scenario = {{"nodes", {{{"metadata", {{"name", "node-1"}}}}}},
                   {"slices", {SliceOf(pod.profile)}},
                   {"classes", ShippedClasses()},
                   {"claims", Json::array()}};
  for (int i = 0; i < count; ++i)
    scenario["claims"].push_back({{"metadata", {{"name", "claim-" + std::to_string(i)}}},
                                  {"spec", items[0]["spec"]["spec"]}});
  const Outcome allocated = Dray({"allocate", "-f", "-"}, scenario.dump());
  EXPECT_EQ(allocated.code, 0) << allocated.err;
  std::vector<std::string> outcomes;
  const Json answer = Json::parse(allocated.out);
  for (const Json& claim : answer["claims"])
    outcomes.push_back(claim["outcome"] == "allocated" ? "allocated"
                                                       : claim.value("reason", "no reason"));
  return outcomes;
}

TEST(Vendors, PodsOfEveryVendorFitOntoItsMockNode) {
  const VendorPod pods[] = {
      {"nvidia-a100-80gb", "{nvidia.com/gpu: 1, nvidia.com/gpumem: 20000, nvidia.com/gpucores: 25}",
       "{}", 8},
      {"nvidia-a100-80gb", "{nvidia.com/gpu: 1}", "{nvidia.com/use-gputype: a100}", 2},
      {"nvidia-a100-80gb", "{nvidia.com/gpu: 1, nvidia.com/gpumem-percentage: 50}", "{}", 4},
      {"nvidia-a100-80gb", "{nvidia.com/gpu: 2}", "{nvidia.com/numa-bind: \"true\"}", 1},
      {"nvidia-a100-80gb", "{nvidia.com/gpu: 1, nvidia.com/gpumem: 100}",
       "{hami.io/gpu-scheduler-policy: mutex}", 2},
      {"nvidia-a30-mig", "{nvidia.com/gpu: 1, nvidia.com/gpumem: 5000}",
       "{nvidia.com/vgpu-mode: mig}", 2},
      {"hygon-k100-ai", "{hygon.com/dcunum: 1, hygon.com/dcumem: 16000, hygon.com/dcucores: 25}",
       "{}", 8},
      {"hygon-k100-ai", "{hygon.com/hcunum: 2}", "{hygon.com/use-hcutype: k100}", 1},
      {"ascend-910b3", "{huawei.com/Ascend910B3: 1, huawei.com/Ascend910B3-memory: 12288}", "{}",
       8},
      {"ascend-910b3",
       "{huawei.com/Ascend910B3: 1, huawei.com/Ascend910B3-memory: 32000, "
       "huawei.com/Ascend910B3-core: 50}",
       "{huawei.com/vnpu-mode: hami-core}", 4},
      {"iluvatar-mr-v100",
       "{iluvatar.ai/MR-V100-vgpu: 1, iluvatar.ai/MR-V100.vMem: 64, iluvatar.ai/MR-V100.vCore: 50}",
       "{}", 4},
      {"iluvatar-mr-v100", "{iluvatar.ai/MR-V100-vgpu: 2}", "{}", 1},
      {"cambricon-mlu370",
       "{cambricon.com/vmlu: 1, cambricon.com/mlu.smlu.vmemory: 48, cambricon.com/mlu.smlu.vcore: "
       "50}",
       "{cambricon.com/use-mlutype: mlu370}", 4},
      {"cambricon-mlu370", "{cambricon.com/vmlu: 1}", "{}", 2},
      {"metax-c500", "{metax-tech.com/gpu: 2}", "{}", 1},
      {"metax-c500",
       "{metax-tech.com/sgpu: 1, metax-tech.com/vmemory: 16, metax-tech.com/vcore: 25}",
       "{metax-tech.com/sgpu-qos-policy: fixed-share}", 8},
      {"enflame-gcu", "{enflame.com/gcu: 1}", "{}", 2},
      {"enflame-gcu", "{enflame.com/drs-gcu: 3}", "{}", 4},
      {"enflame-gcu", "{enflame.com/gcu-memory: 6}", "{}", 12},
      {"mthreads-s4000",
       "{mthreads.com/vgpu: 1, mthreads.com/sgpu-memory: 32, mthreads.com/sgpu-core: 4}", "{}", 6},
      {"mthreads-s4000", "{mthreads.com/vgpu: 2}", "{}", 1},
      {"kunlunxin-p800", "{kunlunxin.com/xpu: 1}", "{}", 2},
      {"kunlunxin-p800", "{kunlunxin.com/vxpu: 1, kunlunxin.com/vxpu-memory: 20000}", "{}", 8},
      {"kunlunxin-p800", "{kunlunxin.com/vxpu: 1, kunlunxin.com/vxpu-memory: 40000}", "{}", 4},
      {"amd-mi300x", "{amd.com/gpu: 1, amd.com/gpumem: 49152, amd.com/gpucores: 25}",
       "{amd.com/use-gputype: mi300x}", 8},
      {"amd-mi300x", "{amd.com/gpu: 2}", "{}", 1},
      {"aws-inf2", "{aws.amazon.com/neuron: 1}", "{}", 2},
      {"aws-inf2", "{aws.amazon.com/neuroncore: 1}", "{}", 4},
      {"aws-inf2", "{aws.amazon.com/neuroncore: 4}", "{}", 1},
      {"vastai-va16", "{vastaitech.com/va: 1}", "{}", 2},
      {"biren-br166", "{birentech.com/gpu: 2}", "{}", 1},
  };
  for (const VendorPod& pod : pods) {
    const std::vector<std::string> outcomes = AllocateMany(pod, pod.fit + 1);
    ASSERT_EQ(outcomes.size(), static_cast<size_t>(pod.fit + 1)) << pod.limits;
    for (int i = 0; i < pod.fit; ++i)
      EXPECT_EQ(outcomes[static_cast<size_t>(i)], "allocated") << pod.limits << " number " << i;
    EXPECT_NE(outcomes.back(), "allocated") << pod.limits << ": one more than the devices hold";
  }
}

// Excluded by UUID or type, the Pod finds nothing; the sentence is the allocator's.
TEST(Vendors, AnnotationsKeepDevicesAway) {
  EXPECT_NE(
      AllocateMany(
          {"nvidia-a100-80gb", "{nvidia.com/gpu: 1}", "{nvidia.com/nouse-gputype: A100}", 0}, 1)
          .at(0),
      "allocated");
  EXPECT_NE(
      AllocateMany(
          {"enflame-gcu", "{enflame.com/gcu: 1}", "{enflame.com/use-gpuuuid: GCU-none}", 0}, 1)
          .at(0),
      "allocated");
  // The chip in the resource's name: a 910B4 is none of these.
  EXPECT_NE(AllocateMany({"ascend-910b3", "{huawei.com/Ascend910B4: 1}", "{}", 0}, 1).at(0),
            "allocated");
}

}  // namespace
}  // namespace dray::cli
