#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dray/base/json.h"
#include "tests/cli/cli_fixture.h"

namespace dray::cli {
namespace {

using ::testing::HasSubstr;

// The devices of a mock node, as kubectl would print them.
std::string SlicesOf(const std::string& profile) {
  return TreePath("tests/golden/mockdev/" + profile + ".slice.json");
}

std::string ExamplePod(const std::string& name) {
  return TreePath("config/examples/" + name + "/pod.yaml");
}

Json AnswersOf(const Outcome& outcome) {
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return Json::parse(outcome.out, nullptr, false).value("claims", Json::array());
}

// "name outcome node device,device" of each claim.
std::vector<std::string> Lines(const Json& claims) {
  std::vector<std::string> lines;
  for (const Json& claim : claims) {
    std::string line = claim.value("name", "") + " " + claim.value("outcome", "");
    if (claim.contains("node")) line += " " + claim["node"].get<std::string>();
    for (const Json& result :
         claim.value(Json::json_pointer("/allocation/devices/results"), Json::array()))
      line += " " + result.value("request", "") + "=" + result.value("device", "");
    lines.push_back(std::move(line));
  }
  return lines;
}

constexpr char kNode[] =
    "{\"apiVersion\": \"v1\", \"kind\": \"Node\", \"metadata\": {\"name\": \"node-1\"}}";

// dray convert -f pod.yaml | dray allocate -f - --slices slices.json
TEST(AllocateInput, TakesWhatConvertPrints) {
  struct Case {
    const char *example, *profile, *line;
  };
  const Case cases[] = {
      {"hami-gpu-pod", "nvidia-a100-80gb",
       "gpu-pod-dray allocated node-1 cuda-gpu=hami-gpu-0 cuda-gpu=hami-gpu-1"},
      {"dcu-pod", "hygon-k100-ai", "dcu-pod-dray allocated node-1 rocm-hcu=hcu-0000-09-00-0"},
      {"ascend-pod", "ascend-910b3", "ascend-pod-dray allocated node-1 cann-npu=npu-0"},
      {"ascend-pod", "nvidia-a100-80gb", "ascend-pod-dray unsatisfiable"},
  };
  for (const Case& one : cases)
    for (const char* format : {"json", "yaml"}) {
      const Outcome converted = Dray({"convert", "-f", ExamplePod(one.example), "-o", format});
      ASSERT_EQ(converted.code, 0) << converted.err;
      const Outcome outcome =
          Dray({"allocate", "-f", "-", "--slices", SlicesOf(one.profile)}, converted.out);
      EXPECT_EQ(Lines(AnswersOf(outcome)), (std::vector<std::string>{one.line})) << outcome.out;
      EXPECT_EQ(outcome.err, "");
    }
}

TEST(AllocateInput, AWorkloadStandsForItsReplicas) {
  const Outcome converted =
      Dray({"convert", "-f", TreePath("config/examples/gpu-deployment/deployment.yaml")});
  const Json claims =
      AnswersOf(Dray({"allocate", "-f", "-", "-f", SlicesOf("nvidia-t4")}, converted.out));
  EXPECT_EQ(Lines(claims), (std::vector<std::string>{
                               "gpu-deployment-0-dray allocated node-1 cuda-gpu=hami-gpu-0",
                               "gpu-deployment-1-dray allocated node-1 cuda-gpu=hami-gpu-0",
                               "gpu-deployment-2-dray allocated node-1 cuda-gpu=hami-gpu-0"}));
  EXPECT_EQ(claims[2]["allocation"]["devices"]["results"][0]["consumedCapacity"]["memory"],
            "4000Mi");
}

constexpr char kClaims[] = R"(
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: one, namespace: a}
spec: &whole
  devices: {requests: [{name: r, exactly: {deviceClassName: hami-core-gpu.project-hami.io, allocationMode: ExactCount, count: 1}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: loose, namespace: b}
spec:
  devices: {requests: [{name: r, exactly: {deviceClassName: hami-core-gpu.project-hami.io, allocationMode: ExactCount, count: 1}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: made, namespace: a}
spec:
  spec:
    devices: {requests: [{name: r, exactly: {deviceClassName: hami-core-gpu.project-hami.io, allocationMode: ExactCount, count: 1}}]}
---
apiVersion: v1
kind: PodList
items:
- metadata: {name: first, namespace: a}
  spec:
    containers: [{name: c, image: i}]
    resourceClaims: [{name: x, resourceClaimName: one}, {name: y, resourceClaimTemplateName: made}]
- metadata: {name: second, namespace: a}
  spec:
    containers: [{name: c, image: i}]
    resourceClaims: [{name: x, resourceClaimName: one}]
- metadata: {generateName: third-, namespace: a}
  spec:
    containers: [{name: c, image: i}]
    resourceClaims: [{name: y, resourceClaimTemplateName: made}]
)";

// The two cards of the node: those of the first Pod come together or not at all, a claim that two
// Pods share is one claim.
TEST(AllocateInput, ClaimsOfOnePodGoTogether) {
  const std::string slices = SlicesOf("nvidia-t4");
  EXPECT_EQ(Lines(AnswersOf(Dray({"allocate", "-f", "-", "-f", slices}, kClaims))),
            (std::vector<std::string>{"one allocated node-1 r=hami-gpu-0",
                                      "first-y allocated node-1 r=hami-gpu-1",
                                      "third-0-y unsatisfiable", "loose unsatisfiable"}));
  // A claim that holds a card leaves one: not enough for both of the first Pod.
  const std::string holder = std::string(kClaims) + R"(---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: holder, namespace: a}
spec:
  devices: {requests: [{name: r, exactly: {deviceClassName: hami-core-gpu.project-hami.io, allocationMode: ExactCount, count: 1}}]}
status:
  allocation:
    devices:
      results: [{request: r, driver: hami-core-gpu.project-hami.io, pool: node-1, device: hami-gpu-0, shareID: 11111111-1111-4111-8111-111111111111,
                 consumedCapacity: {cores: "100", memory: 15Gi}}]
)";
  EXPECT_EQ(
      Lines(AnswersOf(Dray({"allocate", "-f", "-", "-f", slices}, holder))),
      (std::vector<std::string>{"one unsatisfiable", "first-y unsatisfiable",
                                "third-0-y allocated node-1 r=hami-gpu-1", "loose unsatisfiable"}));
}

// A scenario and manifests complete each other.
TEST(AllocateInput, ScenarioAndManifestsTogether) {
  const Json slice = Json::parse(*runtime::ReadFile(SlicesOf("nvidia-a100-80gb")));
  const ScratchFile world("world.json",
                          Json({{"nodes", {Json::parse(kNode)}}, {"slices", {slice}}}).dump());
  const Outcome converted = Dray({"convert", "-f", ExamplePod("hami-gpu-pod"), "-ojson"});
  EXPECT_EQ(Lines(AnswersOf(Dray({"allocate", "-f", world.path(), "-f", "-"}, converted.out))),
            (std::vector<std::string>{
                "gpu-pod-dray allocated node-1 cuda-gpu=hami-gpu-0 cuda-gpu=hami-gpu-1"}));
  // As YAML, too.
  const Outcome yaml = Dray({"allocate", "-f", "-"}, "claims: []\nnodes:\n- metadata: {name: n}\n");
  EXPECT_EQ(yaml.out, "{\"claims\":[]}\n");
}

TEST(AllocateInput, SaysWhatIsMissing) {
  struct Case {
    std::string text;
    int code;
    const char* message;
  };
  const std::string pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers: [{name: c, image: i";
  const Case cases[] = {
      {pod + ", resources: {limits: {nvidia.com/gpu: 1}}}]\n", 0,
       "Warning: Pod p asks for devices of NVIDIA without a claim: 'dray convert' makes one\n"
       "Warning: no claims, so nothing is allocated\n"},
      {pod + "}]\n", 0, "Warning: no claims, so nothing is allocated\n"},
      {pod + "}]\n  resourceClaims: [{name: x, resourceClaimTemplateName: none}]\n", 2,
       "dray: Pod p: spec.resourceClaims x: there is no ResourceClaimTemplate none in the input\n"},
      {pod + "}]\n  resourceClaims: [{name: x, resourceClaimName: none}]\n", 2,
       "dray: Pod p: spec.resourceClaims x: there is no ResourceClaim none in the input\n"},
      {kClaims, 2, "dray: no Nodes and no ResourceSlices to allocate from"},
      {"a text", 2, "dray: -: \"a text\": want Kubernetes objects, or a scenario\n"},
      {"a: b\n", 2, "dray: -: an object without kind: {\"a\":\"b\"}\n"},
      {"apiVersion: resource.k8s.io/v1beta1\nkind: ResourceSlice\n", 2,
       "dray: -: apiVersion of a ResourceSlice is \"resource.k8s.io/v1beta1\": want "
       "resource.k8s.io/v1\n"},
      {"apiVersion: v1\nkind: List\nitems: 3\n", 2,
       "dray: -: items of a List are 3: want a list\n"},
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 100000000, "
       "template: {spec: {containers: [{name: c}]}}}\n",
       2, "dray: -: Deployment d: 100000000 Pods: want at most 10000\n"},
      {"{\"nodes\": 3}", 2, "dray: -: nodes"},
  };
  for (const Case& one : cases) {
    const Outcome outcome = Dray({"allocate", "-f", "-"}, one.text);
    EXPECT_EQ(outcome.code, one.code) << one.text << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(one.message)) << one.text;
  }
}

}  // namespace
}  // namespace dray::cli
