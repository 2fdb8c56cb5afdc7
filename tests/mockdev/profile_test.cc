#include "mockdev/profiles/profile.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/api/validation.h"
#include "mockdev/slices/plan.h"
#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

const std::vector<std::string> kAll = {
    "amd-mi300x",     "ascend-910b3",     "aws-inf2",         "biren-br166",    "cambricon-mlu370",
    "enflame-gcu",    "hygon-k100-ai",    "iluvatar-mr-v100", "kunlunxin-p800", "metax-c500",
    "mthreads-s4000", "nvidia-a100-80gb", "nvidia-a30-mig",   "nvidia-t4",      "vastai-va16"};

TEST(Template, ExpandsAndRefuses) {
  Variables variables = {{"a", "1"}, {"b.c:Mi", "2"}};
  EXPECT_EQ(ValueOf(Expand("x{a}y{b.c:Mi}{{z}}", variables)), "x1y2{z}");
  EXPECT_EQ(ValueOf(Expand("", variables)), "");
  for (const char* text : {"{", "}", "a{b", "{unknown}", "x}y"}) {
    EXPECT_TRUE(Expand(text, variables).Is(Reason::kInvalid)) << text;
  }
  EXPECT_EQ(ValueOf(Placeholders("{a}{b}{a}{{c}}")), (std::set<std::string>{"a", "b"}));
}

TEST(BuiltInProfiles, AreAllInTheProgramAndLoad) {
  EXPECT_EQ(BuiltInProfiles(), kAll);
  for (const std::string& name : kAll) {
    Result<DeviceProfile> profile = LoadProfile(name);
    ASSERT_TRUE(profile.ok()) << profile.status();
    EXPECT_EQ(profile->name, name);
  }
}

// The names and values of the real drivers (facts: hami.md C6, A2, A3) are pinned by the goldens.
TEST(BuiltInProfiles, FirstDeviceAsPublished) {
  for (const std::string& name : kAll) {
    DeviceProfile profile = ProfileFromTree(name);
    std::vector<MockDevice> devices = ValueOf(EnumerateDevices(profile, "node-1"));
    ASSERT_EQ(devices.size(), static_cast<size_t>(profile.count));
    SlicePlan plan = PlanSlices(
        {profile.driver, "node-1", "node-1", "node-uid", {devices[0].device, devices[1].device}},
        {});
    ASSERT_EQ(plan.create.size(), 1u);
    EXPECT_TRUE(api::ValidateResourceSlice(plan.create[0]).ok())
        << api::ValidateResourceSlice(plan.create[0]);
    ExpectGolden(name + ".slice.json", api::ToJson(plan.create[0]).dump(1) + "\n");
  }
}

TEST(EnumerateDevices, UuidsDependOnNodeDriverAndIndexOnly) {
  DeviceProfile profile = ProfileFromTree("nvidia-a100-80gb");
  std::vector<MockDevice> a = ValueOf(EnumerateDevices(profile, "node-1"));
  std::vector<MockDevice> again = ValueOf(EnumerateDevices(profile, "node-1"));
  std::vector<MockDevice> other = ValueOf(EnumerateDevices(profile, "node-2"));
  std::set<std::string> uuids;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].uuid, again[i].uuid);
    EXPECT_EQ(a[i].uuid.size(), std::string("GPU-").size() + 36);
    uuids.insert(a[i].uuid);
    uuids.insert(other[i].uuid);
  }
  EXPECT_EQ(uuids.size(), 16u);
}

constexpr char kMinimal[] = R"(apiVersion: mockdev.dray.dev/v1
kind: DeviceProfile
metadata: {name: mini}
driver: gpu.example.com
deviceClass: gpu.example.com
devices:
  count: 2
  name: "gpu-{index}"
  values: {uuid: "X-{hash}", bus: ["01", "02"]}
  attributes:
    model: {string: Mini}
    index: {int: "{index}"}
    version: {version: 1.0.0}
  allowMultipleAllocations: true
  capacity:
    memory:
      value: 8Gi
      requestPolicy: {default: 8Gi, validRange: {min: 1Mi, max: 8Gi, step: 1Mi}}
edits:
  device:
    env:
    - {name: LIMIT, value: "{consumed.memory:Mi}"}
)";

TEST(ParseProfile, Minimal) {
  Result<DeviceProfile> profile = ParseProfile(kMinimal, "mini.yaml");
  ASSERT_TRUE(profile.ok()) << profile.status();
  EXPECT_EQ(profile->partial_by, std::vector<std::string>{"memory"});
}

// Each mistake is one sentence with file, field, value and what is right.
TEST(ParseProfile, SaysWhatIsWrong) {
  struct Case {
    const char* find;
    const char* put;
    const char* sentence;
  };
  const Case cases[] = {
      {"driver: gpu.example.com", "driver: GPU_1",
       "bad.yaml:4: driver: \"GPU_1\" is not a DNS name of at most 63 lower-case characters"},
      {"  count: 2", "  count: many",
       "bad.yaml:7: devices.count: \"many\" is not a whole number from 0 to 4096"},
      {"  count: 2", "  count: 3",
       "bad.yaml:9: devices.values.bus: has 2 values; want one for each of the 3 devices"},
      {"  count: 2", "  count: 2\n  cuont: 3",
       "bad.yaml:8: devices.cuont: unknown field; known here are allowMultipleAllocations, "
       "attributes, capacity, count, name, "
       "values"},
      {"gpu-{index}", "gpu",
       "bad.yaml:8: devices.name: gives two devices the name \"gpu\"; use {index}"},
      {"gpu-{index}", "GPU {index}",
       "bad.yaml:8: devices.name: \"GPU 0\" is not a DNS label (a-z, 0-9, '-', at most 63)"},
      {"value: 8Gi", "value: 8Gx",
       "bad.yaml:17: devices.capacity.memory.value: \"8Gx\" is not a quantity such as 80Gi"},
      {"max: 8Gi", "max: 9Gi",
       "bad.yaml:18: devices.capacity.memory.requestPolicy.validRange.max: 9Gi is above the "
       "capacity of 8Gi"},
      {"step: 1Mi", "step: 3Mi",
       "bad.yaml:18: devices.capacity.memory.requestPolicy.validRange.step: 3Mi does not lead from "
       "min to default and max"},
      {"{version: 1.0.0}", "{version: v1}",
       "bad.yaml:13: devices.attributes.version: \"v1\" is not a semantic version such as 8.0.0"},
      {"{string: Mini}", "{string: Mini, int: 1}",
       "bad.yaml:11: devices.attributes.model: {\"int\":1,\"string\":\"Mini\"} does not have "
       "exactly one of string, int, bool, "
       "version"},
      {"{consumed.memory:Mi}", "{consumed.memroy:Mi}",
       "bad.yaml:22: edits.device.env[0].value: {consumed.memroy:Mi} means nothing here; known are "
       "bus, capacity.memory, "
       "capacity.memory:Mi, claim, claimName, claimNamespace, consumed.memory, consumed.memory:Mi, "
       "hash, index, list:bus, "
       "list:hash, list:index, list:node, list:uuid, node, ordinal, request, share, slot, uuid"},
      {"kind: DeviceProfile", "kind: Profile",
       "bad.yaml:2: kind: \"Profile\" is none of DeviceProfile"},
      {"uuid: \"X-{hash}\", ", "",
       "bad.yaml:9: devices.values.uuid: is missing; want a text such as \"GPU-{hash}\""},
      {"edits:\n", "faults:\n- {after: soon, device: 0, do: recover}\nedits:\n",
       "bad.yaml:20: faults[0].after: \"soon\" is not a duration such as 90s, 1m30s or 500ms"},
      {"edits:\n",
       "devicePlugin:\n- {name: example.com/mem, capacity: memory, unit: 64Ki}\nedits:\n",
       "bad.yaml:20: devicePlugin[0].unit: 64Ki makes 262144 kubelet devices, more than the 110000 "
       "that fit into one message; want "
       "a larger unit"},
      {"edits:\n",
       "faults:\n- {after: 1s, device: 0, do: taint, taint: {key: a b, effect: "
       "NoSchedule}}\nedits:\n",
       "bad.yaml:20: faults[0].taint.key: \"a b\" is not a taint key such as example.com/broken"},
      {"edits:\n",
       "faults:\n- {after: 1s, device: 0, do: taint, taint: {key: a, value: -b, effect: "
       "NoSchedule}}\nedits:\n",
       "bad.yaml:20: faults[0].taint.value: \"-b\" is not a taint value (at most 63 letters, "
       "digits, "
       "'-', '_' and '.')"},
      {"validRange: {min: 1Mi, max: 8Gi, step: 1Mi}", "validRange: {min: 8Gi, max: 8Gi, step: 1Mi}",
       "bad.yaml:6: devices: device gpu-0: capacity[memory].requestPolicy.validRange.step: "},
      {"allowMultipleAllocations: true", "allowMultipleAllocations: false",
       "bad.yaml:18: devices.capacity.memory.requestPolicy: needs "
       "devices.allowMultipleAllocations: true"},
  };
  for (const Case& test : cases) {
    std::string text = kMinimal;
    size_t at = text.find(test.find);
    ASSERT_NE(at, std::string::npos) << test.find;
    text.replace(at, std::string(test.find).size(), test.put);
    Result<DeviceProfile> profile = ParseProfile(text, "bad.yaml");
    ASSERT_FALSE(profile.ok()) << test.put;
    // The server's own rules end in its own words.
    std::string message = profile.status().message();
    if (std::string_view(test.sentence).ends_with(": "))
      message.resize(std::min(message.size(), std::strlen(test.sentence)));
    EXPECT_EQ(message, test.sentence) << profile.status();
    EXPECT_TRUE(profile.Is(Reason::kInvalid));
  }
}

// The timeline would point behind the end of nothing.
TEST(ParseProfile, FaultsOfNoDevice) {
  std::string text = kMinimal;
  for (auto [find, put] :
       {std::pair("  count: 2", "  count: 0"),
        std::pair("edits:\n", "faults:\n- {after: 1s, device: 0, do: unhealthy}\nedits:\n")}) {
    text.replace(text.find(find), std::string(find).size(), put);
  }
  EXPECT_EQ(ParseProfile(text, "bad.yaml").status().message(),
            "bad.yaml:20: faults[0]: is for a node without devices");
}

// The server takes 16 taints on a device; what it would refuse is said before a node starts.
TEST(ParseProfile, MoreTaintsThanADeviceMayHave) {
  std::string faults = "faults:\n";
  for (int i = 0; i < 17; ++i) {
    faults += "- {after: 1s, device: 1, do: taint, taint: {key: k" + std::to_string(i) +
              ", effect: NoSchedule}}\n";
  }
  std::string text = kMinimal;
  text.replace(text.find("edits:\n"), 0, faults);
  EXPECT_THAT(ParseProfile(text, "bad.yaml").status().message(),
              ::testing::StartsWith("bad.yaml:6: devices: device gpu-1: taints: "));
}

// The list of a resource must fit into one message of gRPC, however its devices are counted.
TEST(ParseProfile, TooManySlots) {
  std::string text = kMinimal;
  for (auto [find, put] :
       {std::pair("  count: 2", "  count: 200"), std::pair(", bus: [\"01\", \"02\"]", ""),
        std::pair("edits:\n",
                  "devicePlugin:\n- {name: example.com/gpu, slotsPerDevice: 1000}\nedits:\n")}) {
    size_t at = text.find(find);
    ASSERT_NE(at, std::string::npos) << find;
    text.replace(at, std::string(find).size(), put);
  }
  EXPECT_EQ(ParseProfile(text, "bad.yaml").status().message(),
            "bad.yaml:20: devicePlugin[0].slotsPerDevice: 1000 makes 200000 kubelet devices, more "
            "than the 110000 that fit into one message; want fewer slots");
}

TEST(LoadProfile, UnknownNameListsTheKnownOnes) {
  std::string names;
  for (const std::string& name : kAll) names += (names.empty() ? "" : ", ") + name;
  EXPECT_EQ(
      LoadProfile("nvidia-b300").status().message(),
      "profile \"nvidia-b300\" is neither built in (" + names + ") nor the path of a .yaml file");
  EXPECT_TRUE(LoadProfile("/nowhere/x.yaml").Is(Reason::kInvalid));
}

}  // namespace
}  // namespace dray::mockdev
