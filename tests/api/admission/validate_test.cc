#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include "dray/api/admission.h"

namespace dray::admission {
namespace {

Json ClaimWith(const std::string& driver, const Json& parameters) {
  return {{"kind", "ResourceClaim"},
          {"spec",
           {{"devices",
             {{"config", {{{"opaque", {{"driver", driver}, {"parameters", parameters}}}}}}}}}}};
}
const char kNvidia[] = "gpu.nvidia.com";
Json Gpu(const Json& sharing) {
  return {
      {"apiVersion", "resource.nvidia.com/v1beta1"}, {"kind", "GpuConfig"}, {"sharing", sharing}};
}

TEST(CheckClaimObject, SaysWhichFieldIsWrong) {
  struct Case {
    Json object;
    const char* message;  // "" for accepted
  };
  const std::string at = "spec.devices.config[0].opaque.parameters";
  const Case cases[] = {
      {ClaimWith(kNvidia,
                 Gpu({{"strategy", "TimeSlicing"}, {"timeSlicingConfig", {{"interval", "Long"}}}})),
       ""},
      {ClaimWith(kNvidia, Gpu({{"strategy", "MPS"},
                               {"mpsConfig",
                                {{"defaultActiveThreadPercentage", 50},
                                 {"defaultPinnedDeviceMemoryLimit", "4Gi"},
                                 {"defaultPerDevicePinnedMemoryLimit", {{"0", "2Gi"}}}}}})),
       ""},
      {ClaimWith(kNvidia, Gpu({{"strategy", "Sometimes"}})),
       "sharing.strategy: Sometimes: want one of TimeSlicing, MPS"},
      {ClaimWith(kNvidia, Gpu({{"timeSlicingConfig", {{"interval", "Longer"}}}})),
       "sharing.timeSlicingConfig.interval: Longer: want one of Default, Short, Medium, Long"},
      {ClaimWith(kNvidia, Gpu({{"mpsConfig", {{"defaultActiveThreadPercentage", 101}}}})),
       "sharing.mpsConfig.defaultActiveThreadPercentage: 101: want an integer from 1 to 100"},
      {ClaimWith(kNvidia,
                 Gpu({{"mpsConfig", {{"defaultPerDevicePinnedMemoryLimit", {{"0", "lots"}}}}}})),
       "sharing.mpsConfig.defaultPerDevicePinnedMemoryLimit.0: lots: want a quantity, as in 4Gi"},
      {ClaimWith(kNvidia, Gpu({{"strategi", "MPS"}})),
       "sharing.strategi: MPS: want one of the members mpsConfig, strategy, timeSlicingConfig"},
      {ClaimWith(kNvidia, {{"apiVersion", "resource.nvidia.com/v1"}, {"kind", "GpuConfig"}}),
       "apiVersion: resource.nvidia.com/v1: want resource.nvidia.com/v1beta1, which is what driver "
       "gpu.nvidia.com decodes"},
      {ClaimWith(kNvidia, {{"apiVersion", "resource.nvidia.com/v1beta1"}, {"kind", "Gpu"}}),
       "kind: Gpu: want one of GpuConfig, MigDeviceConfig, VfioDeviceConfig"},
      {ClaimWith("metax.dray.dev", {{"apiVersion", "config.dray.dev/v1"},
                                    {"kind", "SharingConfig"},
                                    {"qosPolicy", "fast"}}),
       "qosPolicy: fast: want one of best-effort, fixed-share, burst-share"},
      {ClaimWith("metax.dray.dev", {{"apiVersion", "config.dray.dev/v1"},
                                    {"kind", "SharingConfig"},
                                    {"oversubscription", 1}}),
       "oversubscription: 1: want true or false"},
      {ClaimWith("gpu.example.com", {{"anything", "goes"}}), ""},
  };
  for (const Case& one : cases) {
    const ClaimFindings found = CheckClaimObject(one.object, DeviceConfig());
    const std::string message = *one.message == '\0' ? "" : at + "." + one.message;
    EXPECT_EQ(found.status.message(), message) << one.object;
    if (message.empty()) continue;
    ASSERT_EQ(found.status.causes.size(), 1u);
    EXPECT_TRUE(message.starts_with(found.status.causes[0].field + ": "))
        << found.status.causes[0].field;
  }
  EXPECT_EQ(CheckClaimObject(ClaimWith(kNvidia, "text"), DeviceConfig()).status.message(),
            at + ": text: want an object");
}

TEST(CheckClaimObject, KnowsWhereEachKindKeepsItsConfigurations) {
  const Json bad = {
      {"config", {{{"opaque", {{"driver", kNvidia}, {"parameters", {{"kind", "x"}}}}}}}}};
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"kind", "ResourceClaim"}, {"spec", {{"devices", bad}}}}, "spec.devices.config[0]"},
      {{{"kind", "ResourceClaimTemplate"}, {"spec", {{"spec", {{"devices", bad}}}}}},
       "spec.spec.devices.config[0]"},
      {{{"kind", "DeviceClass"}, {"spec", bad}}, "spec.config[0]"},
  };
  for (const auto& [object, path] : cases)
    EXPECT_TRUE(CheckClaimObject(object, DeviceConfig())
                    .status.message()
                    .starts_with(path + ".opaque.parameters.apiVersion"))
        << object;
}

TEST(CheckClaimObject, WarnsAboutWhatHasNoEffect) {
  const ClaimFindings slices = CheckClaimObject(
      ClaimWith("hami-core-gpu.project-hami.io", Gpu({{"strategy", "MPS"}})), DeviceConfig());
  EXPECT_TRUE(slices.status.ok());
  ASSERT_EQ(slices.warnings.size(), 1u);
  EXPECT_TRUE(slices.warnings[0].starts_with(
      "spec.devices.config[0].opaque.parameters.sharing: has no effect"));
  const ClaimFindings unknown =
      CheckClaimObject(ClaimWith("dra.hygon.com", Json::object()), DeviceConfig());
  EXPECT_TRUE(unknown.status.ok());
  EXPECT_EQ(unknown.warnings.size(), 1u);
}

TEST(CheckClaimObject, OddShapesAreNoHarm) {
  for (const char* text :
       {"null", "5", "[]", "{}", R"({"kind":5})", R"({"kind":"ResourceClaim","spec":[]})",
        R"({"kind":"ResourceClaim","spec":{"devices":5}})",
        R"({"kind":"DeviceClass","spec":{"config":{}}})",
        R"({"kind":"DeviceClass","spec":{"config":[null,5,{"opaque":7},{"opaque":{}}]}})"})
    EXPECT_TRUE(CheckClaimObject(Json::parse(text), DeviceConfig()).status.ok()) << text;
}

TEST(CheckPodMark, RefusesWhatTheWebhookDidNotWriteAndWarnsWhereItKeepsAPodFromBeingConverted) {
  auto pod = [](const Json& mark, const Json& limits) -> Json {
    return {{"metadata", {{"annotations", {{"dray.dev/converted", mark}}}}},
            {"spec", {{"containers", {{{"name", "c"}, {"resources", {{"limits", limits}}}}}}}}};
  };
  EXPECT_TRUE(CheckPodMark(Json::object(), DeviceConfig()).status.ok());
  EXPECT_TRUE(CheckPodMark(pod(R"({"c":{"nvidia.com/gpu":"1"}})", {{"cpu", "1"}}), DeviceConfig())
                  .warnings.empty());
  for (const char* mark : {"yes", "[]", R"({"c":5})"}) {
    const Status refused = CheckPodMark(pod(mark, Json::object()), DeviceConfig()).status;
    EXPECT_TRUE(refused.Is(Reason::kInvalid)) << mark;
    EXPECT_TRUE(refused.message().starts_with("metadata.annotations[dray.dev/converted]"))
        << refused;
  }
  const ClaimFindings forged = CheckPodMark(pod("{}", {{"nvidia.com/gpu", "1"}}), DeviceConfig());
  EXPECT_TRUE(forged.status.ok());
  ASSERT_EQ(forged.warnings.size(), 1u);
  EXPECT_NE(forged.warnings[0].find("container c still asks for nvidia.com/gpu"),
            std::string::npos);
}

}  // namespace
}  // namespace dray::admission
