#include "devcluster/kubelet/cdi_spec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dray::devcluster {
namespace {

struct SpecCase {
  const char* name;
  const char* document;
  const char* error;  // a part of the message; "" : accepted
};

class CdiSpecTest : public ::testing::TestWithParam<SpecCase> {};

TEST_P(CdiSpecTest, IsReadStrictly) {
  Result<CdiSpec> spec = ParseCdiSpec(Json::parse(GetParam().document));
  std::string wanted = GetParam().error;
  if (wanted.empty()) {
    EXPECT_TRUE(spec.ok()) << spec.status();
  } else {
    ASSERT_FALSE(spec.ok());
    EXPECT_NE(spec.status().message().find(wanted), std::string::npos) << spec.status();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CdiSpecTest,
    ::testing::Values(
        SpecCase{
            "Small",
            R"({"cdiVersion":"0.3.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"env":["A=1"]}}]})",
            ""},
        SpecCase{
            "LeadingV",
            R"({"cdiVersion":"v0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"env":["A=1"]}}]})",
            ""},
        SpecCase{
            "Everything",
            R"({"cdiVersion":"1.1.0","kind":"v.com/g.x","annotations":{"a":"b"},"containerEdits":{"env":["G=1"]},
                     "devices":[{"name":"0","annotations":{"x":"y"},"containerEdits":{"env":["A=1"],
                     "deviceNodes":[{"path":"/dev/x","hostPath":"/dev/null","type":"c","major":1,"minor":3,"fileMode":438,"permissions":"rw","uid":1,"gid":2}],
                     "mounts":[{"hostPath":"/a","containerPath":"/b","options":["ro"],"type":"bind"}],
                     "hooks":[{"hookName":"prestart","path":"/x","args":["x"],"env":["A=b"],"timeout":3}],
                     "intelRdt":{"closID":"a","schemata":["x"]},"additionalGids":[0,5],
                     "netDevices":[{"hostInterfaceName":"eth1","name":"net0"}]}}]})",
            ""},
        SpecCase{"UnknownTopField", R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","device":[]})",
                 "device: unknown field"},
        SpecCase{
            "UnknownNestedField",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"mounts":[{"hostPath":"/a","containerPath":"/b","ro":true}]}}]})",
            "devices[0].containerEdits.mounts[0].ro: unknown field"},
        SpecCase{
            "HostPathNeeds050",
            R"({"cdiVersion":"0.4.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"deviceNodes":[{"path":"/dev/x","hostPath":"/dev/y"}]}}]})",
            "cdiVersion 0.4.0 is too low: devices[0].containerEdits.deviceNodes[0].hostPath needs "
            "0.5.0"},
        SpecCase{
            "DigitNameNeeds050",
            R"({"cdiVersion":"0.4.0","kind":"v.com/gpu","devices":[{"name":"0","containerEdits":{"env":["A=1"]}}]})",
            "needs 0.5.0"},
        SpecCase{
            "MountTypeNeeds040",
            R"({"cdiVersion":"0.3.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"mounts":[{"hostPath":"/a","containerPath":"/b","type":"bind"}]}}]})",
            "needs 0.4.0"},
        SpecCase{
            "ClassDotNeeds060",
            R"({"cdiVersion":"0.5.0","kind":"v.com/g.x","devices":[{"name":"a","containerEdits":{"env":["A=1"]}}]})",
            "needs 0.6.0"},
        SpecCase{
            "AnnotationsNeed060",
            R"({"cdiVersion":"0.5.0","kind":"v.com/gpu","annotations":{"a":"b"},"devices":[{"name":"a","containerEdits":{"env":["A=1"]}}]})",
            "needs 0.6.0"},
        SpecCase{"UnknownVersion", R"({"cdiVersion":"2.0.0","kind":"v.com/gpu","devices":[]})",
                 "unknown version"},
        SpecCase{"NoVersion", R"({"kind":"v.com/gpu","devices":[]})", "cdiVersion: required"},
        SpecCase{"BadKind", R"({"cdiVersion":"0.6.0","kind":"gpu","devices":[]})",
                 "want vendor/class"},
        SpecCase{"NoDevices", R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[]})",
                 "at least one"},
        SpecCase{
            "EmptyEdits",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{}}]})",
            "empty"},
        SpecCase{
            "TwiceTheName",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"env":["A=1"]}},{"name":"a","containerEdits":{"env":["A=1"]}}]})",
            "stands twice"},
        SpecCase{
            "EnvWithoutEquals",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"env":["A"]}}]})",
            "NAME=value"},
        SpecCase{
            "EnvEqualsFirst",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"env":["=A"]}}]})",
            "NAME=value"},
        SpecCase{
            "BadPermissions",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"deviceNodes":[{"path":"/dev/x","permissions":"rwx"}]}}]})",
            "subset"},
        SpecCase{
            "BadHook",
            R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"a","containerEdits":{"hooks":[{"hookName":"later","path":"/x"}]}}]})",
            "unknown hook"},
        SpecCase{"NotAnObject", R"([])", "want an object"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(CdiNameTest, HasThreeParts) {
  Result<CdiName> name = ParseCdiName("k8s.gpu.nvidia.com/claim=1234-gpu-0");
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->vendor, "k8s.gpu.nvidia.com");
  EXPECT_EQ(name->device_class, "claim");
  EXPECT_EQ(name->device, "1234-gpu-0");
  for (const char* bad : {"", "a", "a/b", "a=b/c", "/b=c", "a/=c", "a/b=", "1a/b=c", "a/b=-c"}) {
    EXPECT_FALSE(ParseCdiName(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace dray::devcluster
