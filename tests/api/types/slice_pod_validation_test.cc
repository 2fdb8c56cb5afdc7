#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dray/api/validation.h"

namespace dray::api {
namespace {

using ::testing::HasSubstr;

Quantity Amount(std::string_view text) {
  return *Quantity::Parse(text);
}

template <class T>
struct SliceCase {
  std::string want;  // part of the message; "" for valid
  std::function<void(T&)> change;
};
template <class T, size_t n>
void Check(const SliceCase<T> (&cases)[n], const T& good, Status (*validate)(const T&)) {
  for (const SliceCase<T>& c : cases) {
    T object = good;
    c.change(object);
    Status status = validate(object);
    if (c.want.empty())
      EXPECT_TRUE(status.ok()) << status;
    else
      EXPECT_THAT(status.message(), HasSubstr(c.want));
  }
}

ResourceSlice GoodSlice() {
  ResourceSlice slice;
  slice.metadata = {.name = "node-1-gpu", .resource_version = "1"};
  slice.spec.driver = "gpu.example.com";
  slice.spec.pool = {"node-1", 1, 1};
  slice.spec.node_name = "node-1";
  Device device{.name = "gpu-0"};
  device.attributes = {{"model", {"A100"}},
                       {"example.com/numa", {int64_t{0}}},
                       {"driverVersion", {Version{"1.2.3"}}}};
  device.capacity = {{"memory", {.value = Amount("80Gi")}}};
  slice.spec.devices = {device};
  return slice;
}

TEST(ValidateResourceSlice, Rules) {
  auto device = [](ResourceSlice& s) -> Device& { return s.spec.devices[0]; };
  auto version = [&](std::string text) {
    return [=](ResourceSlice& s) { device(s).attributes["driverVersion"].value = Version{text}; };
  };
  auto policy = [&](CapacityRequestPolicy p) {
    return [=](ResourceSlice& s) {
      device(s).allow_multiple_allocations = true;
      device(s).capacity["memory"].request_policy = p;
    };
  };
  auto range = [&](std::string min, std::string max, std::string step, std::string fallback) {
    CapacityRequestPolicyRange r;
    if (!min.empty()) r.min = Amount(min);
    if (!max.empty()) r.max = Amount(max);
    if (!step.empty()) r.step = Amount(step);
    return policy({.default_ = Amount(fallback), .valid_range = r});
  };
  const std::string memory = "spec.devices[0].capacity[memory].requestPolicy.";
  SliceCase<ResourceSlice> cases[] = {
      {"", [](auto&) {}},
      {"metadata.namespace: Forbidden", [](auto& s) { s.metadata.namespace_ = "n"; }},
      {"spec.driver: Required value", [](auto& s) { s.spec.driver = ""; }},
      {"", [](auto& s) { s.spec.driver = "GPU.example.com"; }},
      {"spec.driver: Too long", [](auto& s) { s.spec.driver = std::string(64, 'a'); }},
      {"spec.pool.name: Required value", [](auto& s) { s.spec.pool.name = ""; }},
      {"", [](auto& s) { s.spec.pool.name = "a/b.c/d"; }},
      {"spec.pool.name: Invalid value: \"\"", [](auto& s) { s.spec.pool.name = "a//b"; }},
      {"spec.pool.resourceSliceCount: Invalid value: 0", [](auto& s) { s.spec.pool.resource_slice_count = 0; }},
      {"spec.pool.generation: Invalid value: -1", [](auto& s) { s.spec.pool.generation = -1; }},
      {"spec: Required value: exactly one of nodeName", [](auto& s) { s.spec.node_name.reset(); }},
      {"spec: Invalid value: \"nodeName, allNodes\"", [](auto& s) { s.spec.all_nodes = true; }},
      {"spec.nodeName: Invalid value: \"\"", [](auto& s) { s.spec.node_name = ""; }},
      {"spec.allNodes: Invalid value: \"false\"", [](auto& s) { s.spec.node_name.reset(), s.spec.all_nodes = false; }},
      {"spec.nodeSelector.nodeSelectorTerms: Invalid value: 2",
       [](auto& s) { s.spec.node_name.reset(), s.spec.node_selector = NodeSelector{{{}, {}}}; }},
      {"spec.nodeSelector.nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value",
       [](auto& s) {
         s.spec.node_name.reset();
         s.spec.node_selector = NodeSelector{{{.match_expressions = {{"a", "Near", {}}}}}};
       }},
      {"spec: Invalid value: \"\": sharedCounters and devices", [](auto& s) { s.spec.shared_counters = {{"c", {{"m", {}}}}}; }},
      {"spec.devices: Too many: 129", [](auto& s) { s.spec.devices.resize(129); }},
      {"spec.devices: Too many: 65: must have at most 64 items",
       [&](auto& s) { device(s).taints = {{.key = "k", .effect = "None"}}, s.spec.devices.resize(65); }},
      {"spec.devices[1]: Duplicate value: \"gpu-0\"", [&](auto& s) { s.spec.devices.push_back(device(s)); }},
      {"spec.devices[0].name: Invalid value: \"gpu_0\"", [&](auto& s) { device(s).name = "gpu_0"; }},
      {"spec.devices[0].attributes: Invalid value: \"my-model\"", [&](auto& s) { device(s).attributes["my-model"].value = true; }},
      {"spec.devices[0].attributes: Too long", [&](auto& s) { device(s).attributes[std::string(33, 'a')].value = true; }},
      {"spec.devices[0].attributes: Invalid value: \"/x\"", [&](auto& s) { device(s).attributes["/x"].value = true; }},
      {"spec.devices[0].attributes: Invalid value: \"x/\"", [&](auto& s) { device(s).attributes["x/"].value = true; }},
      {"", [&](auto& s) { device(s).attributes["a.b/c"].value = true; }},
      // Kubernetes 1.36 does not look at names of three parts.
      {"", [&](auto& s) { device(s).attributes["a/b/c"].value = true; }},
      {"spec.devices[0].attributes[x]: Invalid value: \"\": exactly one value", [&](auto& s) { device(s).attributes["x"]; }},
      {"spec.devices[0].attributes[x].string: Too long", [&](auto& s) { device(s).attributes["x"].value = std::string(65, 'a'); }},
      {"spec.devices[0].attributes[x].ints: Invalid value", [&](auto& s) { device(s).attributes["x"].value = std::vector<int64_t>{}; }},
      {"spec.devices[0]: Invalid value: 51: must have at most 48",
       [&](auto& s) { device(s).attributes["x"].value = std::vector<int64_t>(48); }},
      {"spec.devices[0]: Invalid value: 36: must have at most 32",
       [&](auto& s) { for (char c = 'A'; c < 'A' + 32; ++c) device(s).attributes["a" + std::to_string(c)].value = true; }},
      {"", version("1.2.3-alpha.1+build.007")}, {"", version("0.0.0")},
      {"version: Invalid value: \"v1.2.3\"", version("v1.2.3")}, {"version: Invalid value", version("1.2")},
      {"version: Invalid value", version("1.02.3")}, {"version: Invalid value", version("1.2.3-01")},
      {"version: Invalid value", version("1.2.3-")}, {"version: Invalid value", version("1.2.3+")},
      {"version: Invalid value", version("1.2.3.4")}, {"version: Invalid value", version("")},
      {"spec.devices[0].capacity[memory].requestPolicy: Forbidden",
       [&](auto& s) { device(s).capacity["memory"].request_policy = CapacityRequestPolicy{}; }},
      {"", policy({})}, {"", policy({.default_ = Amount("1Gi")})},
      {memory + "default: Required value", policy({.valid_values = {Amount("1Gi")}})},
      {"", policy({.default_ = Amount("1Gi"), .valid_values = {Amount("1Gi"), Amount("2Gi")}})},
      {memory + "validValues: Invalid value: \"3Gi\"", policy({.default_ = Amount("3Gi"), .valid_values = {Amount("1Gi")}})},
      {memory + "validValues[1]: Invalid value: \"1Gi\": values must ascend", policy({.default_ = Amount("1Gi"), .valid_values = {Amount("2Gi"), Amount("1Gi")}})},
      {memory + "validValues[1]: Duplicate value", policy({.default_ = Amount("1Gi"), .valid_values = {Amount("1Gi"), Amount("1Gi")}})},
      {memory + "validValues[1]: Invalid value: \"81Gi\": is larger", policy({.default_ = Amount("1Gi"), .valid_values = {Amount("1Gi"), Amount("81Gi")}})},
      {"requestPolicy: Forbidden: validValues and validRange",
       policy({.default_ = Amount("1Gi"), .valid_values = {Amount("1Gi")}, .valid_range = CapacityRequestPolicyRange{}})},
      {"", range("1Gi", "80Gi", "1Mi", "4Gi")}, {"", range("1Gi", "", "", "1Gi")},
      {memory + "validRange.min: Required value", range("", "", "", "1Gi")},
      {memory + "validRange.min: Invalid value: \"81Gi\"", range("81Gi", "", "", "81Gi")},
      {memory + "validRange.default: Invalid value: \"1Gi\": is less than min", range("2Gi", "", "", "1Gi")},
      {memory + "validRange.default: Invalid value: \"5Gi\": is more than max", range("1Gi", "4Gi", "", "5Gi")},
      {memory + "validRange.max: Invalid value: \"90Gi\"", range("1Gi", "90Gi", "", "1Gi")},
      {memory + "validRange.step: Invalid value: \"0\"", range("1Gi", "", "0", "1Gi")},
      {memory + "validRange.step: Invalid value: \"80Gi\": one step", range("1Gi", "", "80Gi", "1Gi")},
      {memory + "validRange.step: Invalid value: \"4Gi\": is no multiple", range("1Gi", "", "2Gi", "4Gi")},
      {"spec.devices[0].taints[0].effect: Unsupported value: \"Nope\"",
       [&](auto& s) { device(s).taints = {{.key = "k", .effect = "Nope"}}; }},
      {"spec.devices[0].taints[0].key: Required value", [&](auto& s) { device(s).taints = {{.effect = "NoSchedule"}}; }},
      {"spec.devices[0].consumesCounters[0].counters: Required value", [&](auto& s) { device(s).consumes_counters = {{"set", {}}}; }},
      {"spec.devices[0].consumesCounters[1]: Duplicate value: \"set\"",
       [&](auto& s) { device(s).consumes_counters = {{"set", {{"m", {}}}}, {"set", {{"m", {}}}}}; }},
      {"spec.devices[0]: Invalid value: \"gpu-0\": nodeName", [&](auto& s) { device(s).node_name = "n"; }},
      {"spec.devices[0]: Required value: exactly one of nodeName",
       [&](auto& s) { s.spec.node_name.reset(), s.spec.per_device_node_selection = true; }},
      {"", [&](auto& s) { s.spec.node_name.reset(), s.spec.per_device_node_selection = true, device(s).all_nodes = true; }},
      {"spec.devices[0].bindingFailureConditions[0]: Invalid value: \"Ready\"",
       [&](auto& s) { device(s).binding_conditions = device(s).binding_failure_conditions = {"Ready"}; }},
      {"spec.sharedCounters[0].counters: Required value",
       [](auto& s) { s.spec.devices.clear(), s.spec.shared_counters = {{"set", {}}}; }},
  };
  Check(cases, GoodSlice(), &ValidateResourceSlice);
}

TEST(ValidateResourceSliceUpdate, IdentityIsFixedContentsAreNot) {
  ResourceSlice old = GoodSlice(), updated = old;
  updated.spec.devices[0].name = "gpu-1";
  updated.spec.pool.generation = 2;
  EXPECT_TRUE(ValidateResourceSliceUpdate(updated, old).ok());
  updated.spec.driver = "other.example.com";
  updated.spec.pool.name = "node-2";
  updated.spec.node_name = "node-2";
  Status status = ValidateResourceSliceUpdate(updated, old);
  for (std::string field : {"spec.driver", "spec.pool.name", "spec.nodeName"})
    EXPECT_THAT(status.message(), HasSubstr(field + ": Invalid value: field is immutable"));
}

TEST(ValidateDeviceClass, Rules) {
  DeviceClass good;
  good.metadata = {.name = "gpu.example.com", .resource_version = "1"};
  good.spec.selectors = {{CelDeviceSelector{"true"}}};
  good.spec.extended_resource_name = "example.com/gpu";
  SliceCase<DeviceClass> cases[] = {
      {"", [](auto&) {}},
      {"spec.extendedResourceName: Invalid value: \"gpu\"",
       [](auto& c) { c.spec.extended_resource_name = "gpu"; }},
      {"spec.extendedResourceName: Invalid value",
       [](auto& c) { c.spec.extended_resource_name = "kubernetes.io/gpu"; }},
      {"spec.extendedResourceName: Invalid value",
       [](auto& c) { c.spec.extended_resource_name = "requests.a/gpu"; }},
      {"spec.config[0].opaque: Required value", [](auto& c) { c.spec.config.resize(1); }},
      {"spec.config: Too many: 33", [](auto& c) { c.spec.config.resize(33); }},
      {"spec.selectors[0].cel.expression: Required value",
       [](auto& c) { c.spec.selectors[0].cel->expression = ""; }},
  };
  Check<DeviceClass>(cases, good, [](const DeviceClass& c) { return ValidateDeviceClass(c); });

  auto refuse = [](std::string_view) { return Status(Reason::kInvalid, "no"); };
  EXPECT_FALSE(ValidateDeviceClass(good, refuse).ok());
  EXPECT_TRUE(ValidateDeviceClassUpdate(good, good, refuse).ok())
      << "stored expressions are not compiled again";
  DeviceClass updated = good;
  updated.spec.selectors[0].cel->expression = "false";
  EXPECT_FALSE(ValidateDeviceClassUpdate(updated, good, refuse).ok());
}

Pod GoodPod() {
  Pod pod;
  pod.metadata = {.name = "p", .namespace_ = "default", .resource_version = "1"};
  Container main{.name = "main", .image = "busybox"};
  main.resources.limits = {{"cpu", Amount("500m")}, {"nvidia.com/gpu", Amount("2")}};
  main.resources.claims = {{"gpus", "a"}, {"gpus", "b"}};
  main.volume_mounts = {{.name = "scratch", .mount_path = "/scratch"}};
  pod.spec.containers = {main};
  pod.spec.volumes = {{.name = "scratch", .empty_dir = EmptyDirVolumeSource{}}};
  pod.spec.resource_claims = {{.name = "gpus", .resource_claim_template_name = "t"}};
  return pod;
}

TEST(ValidatePod, Rules) {
  auto main = [](Pod& p) -> Container& { return p.spec.containers[0]; };
  SliceCase<Pod> cases[] = {
      {"", [](auto&) {}},
      {"spec.containers: Required value", [](auto& p) { p.spec.containers.clear(); }},
      {"spec.containers[0].name: Required value", [&](auto& p) { main(p).name = ""; }},
      {"spec.containers[0].name: Invalid value: \"Main\"", [&](auto& p) { main(p).name = "Main"; }},
      {"spec.containers[1].name: Duplicate value: \"main\"",
       [&](auto& p) { p.spec.containers.push_back(main(p)); }},
      {"spec.initContainers[0].name: Duplicate value: \"main\"",
       [&](auto& p) { p.spec.init_containers = {main(p)}; }},
      {"spec.containers[0].image: Required value", [&](auto& p) { main(p).image = ""; }},
      {"spec.containers[0].restartPolicy: Forbidden",
       [&](auto& p) { main(p).restart_policy = "Always"; }},
      {"spec.containers[0].env[0].name: Invalid value: \"A=B\"",
       [&](auto& p) { main(p).env = {{.name = "A=B"}}; }},
      {"spec.containers[0].volumeMounts[0].name: Not found: \"data\"",
       [&](auto& p) { main(p).volume_mounts[0].name = "data"; }},
      {"spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/scratch\": must be unique",
       [&](auto& p) { main(p).volume_mounts.push_back(main(p).volume_mounts[0]); }},
      {"spec.volumes[1].name: Duplicate value: \"scratch\"",
       [](auto& p) { p.spec.volumes.push_back(p.spec.volumes[0]); }},
      {"spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\"",
       [](auto& p) {
         p.spec.volumes[0].host_path = HostPathVolumeSource{"/a/../b", ""};
       }},
      {"spec.containers[0].resources.limits: Invalid value: \"gpu\"",
       [&](auto& p) { main(p).resources.limits["gpu"] = Amount("1"); }},
      {"spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\"",
       [&](auto& p) { main(p).resources.limits["cpu"] = Amount("-1"); }},
      {"spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"500m\": must be an "
       "integer",
       [&](auto& p) { main(p).resources.limits["nvidia.com/gpu"] = Amount("0.5"); }},
      {"spec.containers[0].resources.requests[nvidia.com/gpu]: Invalid value: \"1\": must be equal "
       "to the limit",
       [&](auto& p) { main(p).resources.requests["nvidia.com/gpu"] = Amount("1"); }},
      {"spec.containers[0].resources.requests: Invalid value: \"1\": must be less than or equal",
       [&](auto& p) { main(p).resources.requests["cpu"] = Amount("1"); }},
      {"spec.containers[0].resources.claims[0].name: Not found: \"x\"",
       [&](auto& p) {
         main(p).resources.claims = {{"x", ""}};
       }},
      {"spec.containers[0].resources.claims[1]: Duplicate value: \"gpus/a\"",
       [&](auto& p) {
         main(p).resources.claims = {{"gpus", "a"}, {"gpus", "a"}};
       }},
      {"spec.containers[0].resources.claims[1]: Duplicate value: \"gpus\"",
       [&](auto& p) {
         main(p).resources.claims = {{"gpus", "a"}, {"gpus", ""}};
       }},
      {"spec.containers[0].resources.claims[1]: Duplicate value: \"gpus\"",
       [&](auto& p) {
         main(p).resources.claims = {{"gpus", ""}, {"gpus", "a"}};
       }},
      {"spec.resourceClaims[0]: Invalid value: \"gpus\": at most one",
       [](auto& p) { p.spec.resource_claims[0].resource_claim_name = "c"; }},
      {"spec.resourceClaims[0]: Invalid value: \"gpus\": one of",
       [](auto& p) { p.spec.resource_claims[0].resource_claim_template_name.reset(); }},
      {"spec.resourceClaims[1]: Duplicate value: \"gpus\"",
       [](auto& p) { p.spec.resource_claims.push_back(p.spec.resource_claims[0]); }},
      {"spec.resourceClaims[0].resourceClaimTemplateName: Invalid value: \"T\"",
       [](auto& p) { p.spec.resource_claims[0].resource_claim_template_name = "T"; }},
      {"spec.restartPolicy: Unsupported value: \"Sometimes\"",
       [](auto& p) { p.spec.restart_policy = "Sometimes"; }},
      {"spec.tolerations[0].operator: Invalid value",
       [](auto& p) { p.spec.tolerations = {{.op = "Equal"}}; }},
      {"spec.terminationGracePeriodSeconds: Invalid value: -1",
       [](auto& p) { p.spec.termination_grace_period_seconds = -1; }},
  };
  Check(cases, GoodPod(), &ValidatePod);
}

TEST(ValidatePodUpdate, OnlyWhatMayChange) {
  SliceCase<Pod> cases[] = {
      {"", [](auto&) {}},
      {"",
       [](auto& p) {
         p.metadata.labels = {{"a", "b"}};
       }},
      {"", [](auto& p) { p.spec.containers[0].image = "busybox:2"; }},
      {"", [](auto& p) { p.spec.active_deadline_seconds = 5; }},
      {"", [](auto& p) { p.spec.tolerations.push_back({.key = "k", .op = "Exists"}); }},
      {"", [](auto& p) { p.spec.scheduling_gates.clear(); }},
      {"spec.schedulingGates: Forbidden", [](auto& p) { p.spec.scheduling_gates = {{"other"}}; }},
      {"spec.tolerations: Forbidden", [](auto& p) { p.spec.tolerations.clear(); }},
      {"spec.activeDeadlineSeconds: Invalid value: 0",
       [](auto& p) { p.spec.active_deadline_seconds.reset(); }},
      {"spec.activeDeadlineSeconds: Invalid value: 11",
       [](auto& p) { p.spec.active_deadline_seconds = 11; }},
      {"spec: Forbidden",
       [](auto& p) { p.spec.resource_claims[0].resource_claim_template_name = "u"; }},
      {"spec: Forbidden", [](auto& p) { p.spec.containers[0].command = {"sh"}; }},
      {"metadata.name: Invalid value: field is immutable", [](auto& p) { p.metadata.name = "q"; }},
  };
  for (const SliceCase<Pod>& c : cases) {
    Pod old = GoodPod();
    old.spec.active_deadline_seconds = 10;
    old.spec.tolerations = {{.key = "t", .op = "Exists"}};
    old.spec.scheduling_gates = {{"gate"}};
    Pod updated = old;
    c.change(updated);
    Status status = ValidatePodUpdate(updated, old);
    if (c.want.empty())
      EXPECT_TRUE(status.ok()) << status;
    else
      EXPECT_THAT(status.message(), HasSubstr(c.want));
  }
}

TEST(Names, Syntax) {
  for (std::string good : {"a", "a-b", "0a", "a9"}) EXPECT_TRUE(IsDnsLabel(good)) << good;
  for (std::string bad : {"", "-a", "a-", "A", "a.b", "a_b"}) EXPECT_FALSE(IsDnsLabel(bad)) << bad;
  EXPECT_TRUE(IsDnsLabel(std::string(63, 'a')));
  EXPECT_FALSE(IsDnsLabel(std::string(64, 'a')));
  for (std::string good : {"a", "a.b", "a-b.c-d"}) EXPECT_TRUE(IsDnsSubdomain(good)) << good;
  for (std::string bad : {"", ".", "a..b", ".a", "a.", "a/b"})
    EXPECT_FALSE(IsDnsSubdomain(bad)) << bad;
  for (std::string good : {"a", "A_b.c-d", "example.com/A"})
    EXPECT_TRUE(IsQualifiedName(good)) << good;
  for (std::string bad : {"", "/a", "a/", "a/b/c", "Example.com/a", "-a", "a b"})
    EXPECT_FALSE(IsQualifiedName(bad)) << bad;
  for (std::string good : {"", "A_b.c-d", "0"}) EXPECT_TRUE(IsLabelValue(good)) << good;
  for (std::string bad : {"-", "a b", "a/b"}) EXPECT_FALSE(IsLabelValue(bad)) << bad;
}

}  // namespace
}  // namespace dray::api
