// Manifest in, decision out: one pair of files per vendor, annotation and refusal in
// tests/golden/admission. NAME.in.yaml holds the Pod, and perhaps a ConfigMap with
// device-config.yaml and the cluster's ResourceSlices; NAME.out.yaml what became of it.
// UPDATE_GOLDEN=1 writes the latter anew.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dray/api/admission.h"
#include "dray/api/cel.h"
#include "dray/api/codec.h"
#include "dray/api/patch.h"
#include "dray/api/validation.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/yaml.h"

namespace dray::admission {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(DRAY_SOURCE_DIR) / "tests/golden/admission";

std::string Read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(".in.yaml")) names.push_back(name.substr(0, name.size() - 8));
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Case {
  Json pod;
  DeviceConfig config;
  Inventory inventory;
};

Case Load(const std::string& name) {
  Case one;
  Result<std::vector<Json>> documents =
      runtime::ParseYamlDocuments(Read(kFolder / (name + ".in.yaml")), name);
  EXPECT_TRUE(documents.ok()) << documents.status();
  for (Json& document : documents.ok() ? *documents : std::vector<Json>()) {
    const std::string kind = document.value("kind", "");
    if (kind == "Pod") {
      one.pod = std::move(document);
    } else if (kind == "ConfigMap") {
      Result<Json> inner = runtime::DeviceConfigDocument(document, name);
      EXPECT_TRUE(inner.ok()) << inner.status();
      Result<DeviceConfig> config = DeviceConfig::FromJson(*inner);
      EXPECT_TRUE(config.ok()) << config.status();
      if (config.ok()) one.config = *std::move(config);
    } else if (kind == "ResourceSlice") {
      AddToInventory(*api::FromJson<api::ResourceSlice>(document), one.inventory);
    }
  }
  return one;
}

// Every selector is one that an API server accepts.
void ExpectValid(const api::ResourceClaimTemplate& made) {
  auto compiles = [](std::string_view expression) -> Status {
    Result<std::shared_ptr<const cel::Program>> program = cel::Program::Compile(expression);
    if (!program.ok()) return program.status();
    EXPECT_LE((*program)->max_cost(), cel::kMaxSelectorCost) << expression;
    return {};
  };
  const Status valid = api::ValidateResourceClaimTemplate(made, compiles);
  EXPECT_TRUE(valid.ok()) << valid;
}

Json OutcomeOf(const Case& one) {
  Result<AdmissionPlan> plan = PlanAdmission(one.pod, "default", one.config, one.inventory);
  if (!plan.ok()) return {{"refused", plan.status().message()}};
  if (!plan->convert) return {{"unchanged", true}};
  Json outcome = {{"rules", plan->rules}};
  if (!plan->warnings.empty()) outcome["warnings"] = plan->warnings;
  Result<Json> after = api::ApplyJsonPatch(one.pod, Json::parse(plan->patch));
  EXPECT_TRUE(after.ok()) << after.status();
  if (after.ok()) outcome["pod"] = {{"metadata", (*after)["metadata"]}, {"spec", (*after)["spec"]}};
  if (plan->claim_template) {
    ExpectValid(*plan->claim_template);
    outcome["devices"] = api::ToJson(*plan->claim_template)["spec"]["spec"]["devices"];
  }
  // What was converted stays as it is when it is seen again.
  Result<AdmissionPlan> again = PlanAdmission(*after, "default", one.config, one.inventory);
  EXPECT_TRUE(again.ok() && !again->convert);
  return outcome;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, Decision) {
  const Json outcome = OutcomeOf(Load(GetParam()));
  EXPECT_EQ(outcome.contains("refused"), GetParam().starts_with("refused-")) << outcome.dump();
  EXPECT_EQ(outcome.contains("unchanged"), GetParam().starts_with("untouched-")) << outcome.dump();
  const std::filesystem::path path = kFolder / (GetParam() + ".out.yaml");
  const std::string text = runtime::ToYaml(outcome);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  EXPECT_EQ(text, Read(path));
}

INSTANTIATE_TEST_SUITE_P(Admission, Golden, ::testing::ValuesIn(CaseNames()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace dray::admission
