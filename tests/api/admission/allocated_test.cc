// From the manifest to the devices: what is converted is what an API server takes and what the
// allocator gives out, on the nodes that dray-mockdev invents. The recorded outcome of every golden
// input and example is in tests/golden/admission/allocated.txt; UPDATE_GOLDEN=1 writes it anew.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dray/api/admission.h"
#include "dray/api/alloc.h"
#include "dray/api/cel.h"
#include "dray/api/claims.h"
#include "dray/api/codec.h"
#include "dray/api/patch.h"
#include "dray/api/validation.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::admission {
namespace {

namespace fs = std::filesystem;
const fs::path kTree = DRAY_SOURCE_DIR;

std::vector<Json> DocumentsOf(const fs::path& path) {
  Result<std::string> text = runtime::ReadFile(path);
  EXPECT_TRUE(text.ok()) << text.status();
  if (!text.ok()) return {};
  Result<std::vector<Json>> documents = runtime::ParseYamlDocuments(*text, path.string());
  EXPECT_TRUE(documents.ok()) << documents.status();
  return documents.ok() ? *std::move(documents) : std::vector<Json>();
}

// The devices of one profile on a node; `product` and `memory` make another chip of them.
Json SliceOf(const std::string& profile, const std::string& node, const std::string& product = "",
             const std::string& memory = "") {
  Json slice = DocumentsOf(kTree / "tests/golden/mockdev" / (profile + ".slice.json")).at(0);
  Json& spec = slice["spec"];
  std::string tail = product;
  std::transform(tail.begin(), tail.end(), tail.begin(), ::tolower);
  spec["nodeName"] = node;
  spec["pool"]["name"] = product.empty() ? node : node + "/" + tail;
  // The recorded slices hold two devices: here are eight.
  const Json pair = spec["devices"];
  for (int copy = 2; copy <= 4; ++copy)
    for (Json device : pair) {
      const std::string number = "-" + std::to_string(copy);
      device["name"] = device["name"].get<std::string>() + number;
      for (const char* own : {"uuid", "parentUUID", "resource.kubernetes.io/pciBusID"})
        if (Json& attribute = device["attributes"][own]; attribute.is_object())
          attribute["string"] = attribute["string"].get<std::string>() + number;
        else
          device["attributes"].erase(own);
      spec["devices"].push_back(std::move(device));
    }
  // UUIDs that golden inputs ask for.
  static const std::map<std::string, std::vector<std::string>> kUuids = {
      {"nvidia-a100-80gb", {"GPU-1", "GPU-2"}},
      {"nvidia-a30-mig", {"GPU-1", "GPU-2"}},
      {"ascend-910b3", {"NPU-1"}},
      {"iluvatar-mr-v100", {"ILU-1"}},
      {"metax-c500", {"GPU-a"}},
      {"mthreads-s4000", {"MT-1"}},
      {"kunlunxin-p800", {"XPU-1"}},
      {"aws-inf2", {"N1", "N2"}},
      {"biren-br166", {"B1"}}};
  if (auto uuids = kUuids.find(profile); uuids != kUuids.end())
    for (size_t i = 0; i < uuids->second.size(); ++i) {
      Json& attributes = spec["devices"][i]["attributes"];
      const char* name = attributes.contains("parentUUID") ? "parentUUID" : "uuid";
      attributes[name]["string"] = uuids->second[i];
    }
  slice["metadata"] = {{"name", node + "-" + profile + (product.empty() ? "" : "-" + tail)}};
  for (Json& device : spec["devices"]) {
    if (!product.empty()) {
      device["name"] = device["name"].get<std::string>() + "-" + tail;
      device["attributes"]["productName"] = {{"string", product}};
    }
    if (!memory.empty()) {
      Json& capacity = device["capacity"]["memory"];
      capacity["value"] = capacity["requestPolicy"]["default"] = memory;
      if (capacity["requestPolicy"].contains("validRange"))
        capacity["requestPolicy"]["validRange"]["max"] = memory;
    }
  }
  return slice;
}

// One node with every profile, of Ascend and Iluvatar each chip; one with two T4.
std::vector<Json> MockSlices() {
  std::vector<Json> slices;
  for (const auto& entry : fs::directory_iterator(kTree / "config/profiles")) {
    const std::string profile = entry.path().stem();
    slices.push_back(SliceOf(profile, profile == "nvidia-t4" ? "node-t4" : "node-1"));
  }
  std::sort(slices.begin(), slices.end());
  for (const auto& [chip, memory] :
       {std::pair("Ascend910A", "32Gi"), std::pair("Ascend910B2", "64Gi"),
        std::pair("Ascend910B4", "32Gi"), std::pair("Ascend910B4-1", "64Gi"),
        std::pair("Ascend310P3", "21527Mi"), std::pair("Ascend910", "64Gi")})
    slices.push_back(SliceOf("ascend-910b3", "node-1", chip, memory));
  for (const auto& [chip, memory] :
       {std::pair("MR-V50", "16Gi"), std::pair("BI-V150", "64Gi"), std::pair("BI-V100", "32Gi")})
    slices.push_back(SliceOf("iluvatar-mr-v100", "node-1", chip, memory));
  return slices;
}

template <class T>
std::shared_ptr<const T> Typed(const Json& json) {
  Result<T> object = api::FromJson<T>(json);
  EXPECT_TRUE(object.ok()) << object.status() << json.dump().substr(0, 200);
  return object.ok() ? std::make_shared<const T>(*std::move(object)) : std::make_shared<const T>();
}

// The world that claims land in; `more`: what a golden input brings along.
alloc::Snapshot World(const std::vector<Json>& more) {
  static const std::vector<Json> kMock = MockSlices();
  alloc::Snapshot::Input input;
  for (const std::vector<Json>* slices : {&kMock, &more})
    for (const Json& slice : *slices) {
      input.slices.push_back(Typed<api::ResourceSlice>(slice));
      const Status valid = api::ValidateResourceSlice(*input.slices.back());
      if (slices == &kMock) {
        EXPECT_TRUE(valid.ok()) << valid;
      }
    }
  for (const auto& entry : fs::directory_iterator(kTree / "config/deviceclasses"))
    for (const Json& one : DocumentsOf(entry.path()))
      if (one.value("kind", "") == "DeviceClass")
        input.classes.push_back(Typed<api::DeviceClass>(one));
  return alloc::Snapshot(std::move(input));
}

Status Compiles(std::string_view expression) {
  Result<std::shared_ptr<const cel::Program>> program = cel::Program::Compile(expression);
  if (!program.ok()) return program.status();
  if ((*program)->max_cost() > cel::kMaxSelectorCost) return Status(Reason::kInvalid, "too costly");
  return {};
}

std::string Amounts(const api::DeviceRequestAllocationResult& result) {
  std::string text = result.request + "=" + result.device;
  for (const auto& [name, amount] : result.consumed_capacity)
    text += " " + std::string(name) + ":" + amount.ToString();
  return text;
}

// Converts the Pod and allocates what comes out. Everything on the way is what a server accepts.
std::string LandingOf(const Json& pod, const DeviceConfig& config, const std::vector<Json>& slices,
                      Inventory inventory) {
  Result<AdmissionPlan> plan = PlanAdmission(pod, "default", config, inventory);
  if (!plan.ok()) return "refused";
  if (!plan->convert) return "unchanged";
  if (!plan->claim_template) return "no devices";
  Status valid = api::ValidateResourceClaimTemplate(*plan->claim_template, Compiles);
  EXPECT_TRUE(valid.ok()) << valid;

  Json after = *api::ApplyJsonPatch(pod, Json::parse(plan->patch));
  if (!after["metadata"].contains("name")) after["metadata"]["name"] = "p-x7k2p";
  after["metadata"]["namespace"] = "default";
  Result<api::Pod> converted = api::FromJson<api::Pod>(after);
  EXPECT_TRUE(converted.ok()) << converted.status();
  valid = api::ValidatePod(*converted);
  EXPECT_TRUE(valid.ok()) << valid;
  converted->metadata.uid = "11111111-1111-4111-8111-111111111111";
  // No claim of a container leads nowhere.
  std::set<std::string> requests;
  for (const api::DeviceRequest& request : plan->claim_template->spec.spec.devices.requests)
    requests.insert(request.name);
  size_t used = 0;
  for (const char* list : {"initContainers", "containers"})
    for (const Json& container : after["spec"].value(list, Json::array()))
      for (const Json& claim :
           container.value(Json::json_pointer("/resources/claims"), Json::array()))
        if (claim.value("name", "") == plan->claim_entry)
          used += requests.count(claim.value("request", ""));
  EXPECT_EQ(used, requests.size());

  api::ResourceClaim claim;
  for (const api::PodResourceClaim& entry : converted->spec.resource_claims)
    if (entry.name == plan->claim_entry)
      claim = claims::ClaimFromTemplate(*converted, entry, *plan->claim_template);
  claim.metadata.name = claim.metadata.generate_name + "x7k2p";
  valid = api::ValidateResourceClaim(claim, Compiles);
  EXPECT_TRUE(valid.ok()) << valid;

  const alloc::Snapshot world = World(slices);
  alloc::Options options;
  options.new_share_id = [] { return std::string("11111111-1111-4111-8111-111111111111"); };
  for (const char* name : {"node-1", "node-t4"}) {
    api::Node node;
    node.metadata.name = name;
    const api::ResourceClaim* const wanted[] = {&claim};
    const alloc::NodeAnswer answer = alloc::Allocate(world, node, wanted, options);
    if (answer.outcome == alloc::Outcome::kError) return "error: " + answer.error;
    if (answer.outcome != alloc::Outcome::kAllocated) continue;
    api::ResourceClaim allocated = claim;
    allocated.metadata.resource_version = "1";
    allocated.status.allocation = answer.allocations.at(0);
    valid = api::ValidateResourceClaimStatusUpdate(allocated, claim);
    EXPECT_TRUE(valid.ok()) << valid;
    std::string text = name;
    for (const auto& result : answer.allocations[0].devices.results)
      text += "\n  " + Amounts(result);
    return text;
  }
  return "nowhere";
}

std::string LandingsOf(const fs::path& path) {
  std::vector<Json> pods, slices;
  DeviceConfig config;
  Inventory inventory;
  for (const Json& document : DocumentsOf(path)) {
    const std::string kind = document.value("kind", "");
    if (kind == "Pod") {
      pods.push_back(document);
    } else if (kind == "Deployment") {
      pods.push_back(document["spec"]["template"]);
      pods.back()["metadata"]["name"] = "deployed";
    } else if (kind == "ConfigMap") {
      config = *DeviceConfig::FromJson(*runtime::DeviceConfigDocument(document, path.string()));
    } else if (kind == "ResourceSlice") {
      AddToInventory(*Typed<api::ResourceSlice>(document), inventory);
    }
  }
  std::string text;
  for (const Json& pod : pods)
    text += (text.empty() ? "" : "\n") + LandingOf(pod, config, slices, inventory);
  return text;
}

TEST(Allocated, EveryGoldenInputAndExample) {
  std::map<std::string, fs::path> inputs;
  for (const auto& entry : fs::directory_iterator(kTree / "tests/golden/admission")) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".in.yaml") && !name.starts_with("refused-"))
      inputs[name.substr(0, name.size() - 8)] = entry.path();
  }
  for (const auto& folder : fs::directory_iterator(kTree / "config/examples"))
    for (const char* file : {"pod.yaml", "deployment.yaml"})
      if (fs::exists(folder.path() / file))
        inputs["examples/" + folder.path().filename().string()] = folder.path() / file;
  ASSERT_GT(inputs.size(), 60u);
  std::string text;
  for (const auto& [name, path] : inputs) {
    SCOPED_TRACE(name);
    text += name + ": " + LandingsOf(path) + "\n";
  }
  const fs::path golden = kTree / "tests/golden/admission/allocated.txt";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(golden) << text;
  // No selector, class or amount may end a scheduling attempt; but for a class of one's own.
  EXPECT_EQ(text.find("error: "), text.rfind("error: ")) << text;
  Result<std::string> recorded = runtime::ReadFile(golden);
  EXPECT_EQ(text, recorded.ok() ? *recorded : "");
}

// How many Pods with these limits a node with eight cards of each kind takes, one after the other.
int PodsThatFit(const Json& limits, const Json& annotations) {
  const Json pod = {
      {"metadata", {{"name", "p"}, {"annotations", annotations}}},
      {"spec", {{"containers", {{{"name", "c"}, {"resources", {{"limits", limits}}}}}}}}};
  Result<AdmissionPlan> plan = PlanAdmission(pod, "default", DeviceConfig());
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (!plan.ok() || !plan->claim_template) return -1;
  api::ResourceClaim claim;
  claim.metadata.name = "c";
  claim.spec = plan->claim_template->spec.spec;
  alloc::Snapshot world = World({});
  api::Node node;
  node.metadata.name = "node-1";
  const api::ResourceClaim* const wanted[] = {&claim};
  int share = 0;  // ids tell shares of one device apart
  alloc::Options options;
  options.new_share_id = [&share] { return std::to_string(++share); };
  for (int pods = 0;; ++pods) {
    const alloc::NodeAnswer answer = alloc::Allocate(world, node, wanted, options);
    if (answer.outcome != alloc::Outcome::kAllocated || pods == 1000) return pods;
    world.AddAllocation(answer.allocations.at(0));
  }
}

TEST(Allocated, SharesFillTheCards) {
  struct Case {
    Json limits;
    int pods;
    Json annotations = Json::object();
  };
  const std::string ascend = "huawei.com/Ascend";
  const Case cases[] = {
      {{{"nvidia.com/gpu", 1}}, 8},
      {{{"nvidia.com/gpumem", 8192}}, 80},
      {{{"nvidia.com/gpucores", 40}}, 8},
      {{{"nvidia.com/gpu", 2}, {"nvidia.com/gpumem", 40000}, {"nvidia.com/gpucores", 50}}, 8},
      {{{"nvidia.com/gpumem", 1000}}, 8, {{"hami.io/gpu-scheduler-policy", "mutex"}}},
      {{{"nvidia.com/gpumem", 5000}}, 8, {{"nvidia.com/vgpu-mode", "mig"}}},
      {{{"hygon.com/dcumem", 16000}, {"hygon.com/dcucores", 25}}, 32},
      {{{"hygon.com/dcumem", 100}, {"hygon.com/dcucores", 1}}, 32},  // four slices a card
      {{{"hygon.com/dcunum", 2}}, 4},
      {{{ascend + "910B2-memory", 8000}}, 64},
      {{{ascend + "910A-memory", 2000}}, 120},
      {{{ascend + "310P-memory", 3000}}, 56},
      {{{ascend + "910B4-memory", 10000}}, 16},
      {{{ascend + "910B3-memory", 4000}}, 128, {{"huawei.com/vnpu-mode", "hami-core"}}},
      {{{ascend + "910C", 1}}, 4},
      {{{"iluvatar.ai/MR-V100.vMem", 64}}, 16},
      {{{"cambricon.com/vmlu", 1}, {"cambricon.com/mlu.smlu.vmemory", 4}}, 8},
      {{{"cambricon.com/mlu.smlu.vmemory", 48}, {"cambricon.com/mlu.smlu.vcore", 50}}, 16},
      {{{"metax-tech.com/vmemory", 16}, {"metax-tech.com/vcore", 25}}, 32},
      {{{"metax-tech.com/sgpu", 1}, {"metax-tech.com/vmemory", "16Gi"}}, 8},
      {{{"enflame.com/drs-gcu", 1}}, 48},
      {{{"enflame.com/drs-gcu", 3}}, 16},
      {{{"mthreads.com/sgpu-memory", 32}, {"mthreads.com/sgpu-core", 4}}, 24},
      {{{"kunlunxin.com/vxpu-memory", 24000}}, 32},
      {{{"kunlunxin.com/xpu", 4}}, 2},
      {{{"amd.com/gpumem", 49152}, {"amd.com/gpucores", 25}}, 32},
      {{{"aws.amazon.com/neuroncore", 1}}, 16},
      {{{"aws.amazon.com/neuron", 1}}, 8},
      {{{"vastaitech.com/va", 1}}, 8},
      {{{"birentech.com/gpu", 3}}, 2},
  };
  for (const Case& one : cases)
    EXPECT_EQ(PodsThatFit(one.limits, one.annotations), one.pods) << one.limits;
}

}  // namespace
}  // namespace dray::admission
