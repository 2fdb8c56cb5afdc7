#include "dray/api/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dray/api/types/admission.h"
#include "dray/api/types/coordination.h"
#include "dray/api/types/resource.h"
#include "dray/api/types/workload.h"

namespace dray::api {
namespace {

using ::testing::HasSubstr;

Quantity Q(std::string_view text) {
  return *Quantity::Parse(text);
}

constexpr std::string_view kClaim = R"({
  "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
  "metadata": {"name": "c", "namespace": "n", "uid": "u", "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z",
               "labels": {"a.b/c": "d"}, "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}}],
               "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "pu", "controller": true}]},
  "spec": {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 2,
             "selectors": [{"cel": {"expression": "device.driver == \"x\""}}],
             "capacity": {"requests": {"memory": "4Gi"}}}}],
           "config": [{"opaque": {"driver": "d", "parameters": {"z": [1, 2.5], "a": null}}}]}},
  "status": {"allocation": {"devices": {"results": [{"request": "gpu", "driver": "d", "pool": "p", "device": "gpu-0",
             "shareID": "s", "consumedCapacity": {"memory": "4096Mi"}}]}},
             "reservedFor": [{"resource": "pods", "name": "p", "uid": "pu"}]}})";

TEST(Codec, DecodesAClaim) {
  Result<ResourceClaim> decoded = Decode<ResourceClaim>(kClaim);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const ResourceClaim& claim = *decoded;
  EXPECT_EQ(claim.metadata.name, "c");
  EXPECT_EQ(FormatTime(*claim.metadata.creation_timestamp), "2026-01-02T03:04:05Z");
  EXPECT_EQ(claim.metadata.labels.at("a.b/c"), "d");
  ASSERT_NE(ControllerOf(claim.metadata), nullptr);
  EXPECT_EQ(ControllerOf(claim.metadata)->uid, "pu");
  const ExactDeviceRequest& exactly = *claim.spec.devices.requests[0].exactly;
  EXPECT_EQ(exactly.count, 2);
  EXPECT_EQ(exactly.selectors[0].cel->expression, "device.driver == \"x\"");
  EXPECT_EQ(exactly.capacity->requests.at("memory"), Q("4Gi"));
  EXPECT_EQ(claim.spec.devices.config[0].opaque->parameters, R"({"z": [1, 2.5], "a": null})");
  EXPECT_EQ(claim.status.allocation->devices.results[0].share_id, "s");
  EXPECT_EQ(claim.status.reserved_for[0].uid, "pu");
}

TEST(Codec, BothReadersAgreeAndEncodingIsStable) {
  Result<ResourceClaim> fast = Decode<ResourceClaim>(kClaim);
  Result<ResourceClaim> slow = FromJson<ResourceClaim>(Json::parse(kClaim));
  ASSERT_TRUE(fast.ok() && slow.ok());
  // The raw parameters keep their own spelling when read from text.
  EXPECT_EQ(ToJson(*fast), ToJson(*slow));
  Result<ResourceClaim> again = Decode<ResourceClaim>(Encode(*fast));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(Encode(*again), Encode(*fast));
  EXPECT_EQ(*again, *slow);
}

TEST(Codec, EmitsWhatKubernetesAlwaysEmits) {
  EXPECT_EQ(
      Encode(ResourceClaim{}),
      R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","spec":{"devices":{"requests":null}}})");
  EXPECT_EQ(ToJsonValue(AllocationResult{}).dump(), R"({"devices":{}})");
  EXPECT_EQ(ToJsonValue(AllocatedDeviceStatus{}).dump(),
            R"({"conditions":null,"device":"","driver":"","pool":""})");
  DeviceCapacity capacity{.value = Q("80Gi"), .request_policy = CapacityRequestPolicy{}};
  EXPECT_EQ(ToJsonValue(capacity).dump(), R"({"requestPolicy":{"default":null},"value":"80Gi"})");
  ContainerStateTerminated exited;
  exited.reason = "Completed";
  ContainerState state;
  state.terminated = exited;
  ContainerStatus status;
  status.state = state;
  EXPECT_EQ(ToJsonValue(status)["state"]["terminated"]["exitCode"], 0);
  Volume scratch;
  PodSpec spec;
  spec.volumes.push_back({.name = "scratch", .empty_dir = EmptyDirVolumeSource{}});
  EXPECT_EQ(ToJsonValue(spec)["volumes"].dump(), R"([{"emptyDir":{},"name":"scratch"}])");
}

TEST(Codec, LeavesOutZeroValuesButKeepsEngagedOptionals) {
  Deployment deployment;
  deployment.metadata.name = "d";
  deployment.spec.replicas = 0;
  Json json = ToJson(deployment);
  EXPECT_EQ(json["spec"]["replicas"], 0);
  EXPECT_FALSE(json.contains("status"));
  EXPECT_FALSE(json["spec"].contains("minReadySeconds"));
}

TEST(Codec, IgnoresUnknownFieldsWhateverTheyHold) {
  Result<Pod> pod =
      Decode<Pod>(R"({"x": {"y": [{"z": "}\""}]}, "metadata": {"name": "p", "selfLink": 7},
    "spec": {"containers": [{"name": "c", "livenessProbe": {"exec": {"command": ["a", "]"]}}, "image": "i"}], "w": null},
    "trailing": [[], {}, 1e9]})");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->metadata.name, "p");
  EXPECT_EQ(pod->spec.containers[0].image, "i");
}

TEST(Codec, NullIsAbsent) {
  Result<ResourceClaim> claim = Decode<ResourceClaim>(
      R"({"metadata": {"name": "c", "labels": null, "creationTimestamp": null}, "spec": {"devices": {"requests": null}},
          "status": {"allocation": null, "devices": null}})");
  ASSERT_TRUE(claim.ok()) << claim.status();
  EXPECT_FALSE(claim->status.allocation.has_value());
  EXPECT_FALSE(claim->metadata.creation_timestamp.has_value());
}

TEST(Codec, WrongTypesAreNamedWithTheirPath) {
  struct Case {
    std::string json, want;
  } cases[] = {
      {R"({"metadata": {"name": 1}})", "metadata.name: want a string, got 1"},
      {R"({"metadata": []})", "metadata: want an object, got a list"},
      {R"({"metadata": {"labels": {"a": {"b": 1}}}})",
       "metadata.labels[a]: want a string, got an object"},
      {R"({"spec": {"devices": [{"name": "a"}, {"name": true}]}})",
       "spec.devices[1].name: want a string, got a boolean"},
      {R"({"spec": {"devices": {"a": 1}}})", "spec.devices: want a list, got an object"},
      {R"({"spec": {"devices": ["x"]}})", "spec.devices[0]: want an object, got a string"},
      {R"({"spec": {"pool": {"generation": "1"}}})",
       "spec.pool.generation: want an integer, got a string"},
      {R"({"spec": {"pool": {"generation": 1.5}}})",
       "spec.pool.generation: want an integer, got 1.5"},
      {R"({"spec": {"allNodes": "yes"}})", "spec.allNodes: want true or false, got a string"},
      {R"({"spec": {"devices": [{"capacity": {"m": {"value": "4GB"}}}]}})",
       "spec.devices[0].capacity[m].value: \"4GB\" is not a quantity"},
      {R"({"spec": {"devices": [{"capacity": {"m": {"value": {}}}}]}})",
       "spec.devices[0].capacity[m].value: want a quantity, got an object"},
      {R"({"metadata": {"creationTimestamp": "yesterday"}})",
       "metadata.creationTimestamp: \"yesterday\" is not a time"},
      {R"({"spec": {"devices": [{"attributes": {"a": {"bools": [true, 1]}}}]}})",
       "spec.devices[0].attributes[a].bools[1]: want true or false, got 1"},
      {R"({"spec": {"devices": [{"attributes": {"a": {"int": 1, "bool": true}}}]}})",
       "spec.devices[0].attributes[a].bool: exactly one value may be set"},
      {R"([1])", "want an object"},
      {R"("text")", "want an object"},
  };
  for (const Case& c : cases) {
    Result<ResourceSlice> fast = Decode<ResourceSlice>(c.json);
    ASSERT_TRUE(fast.Is(Reason::kInvalid)) << c.json << " " << fast.status();
    EXPECT_THAT(fast.status().message(), HasSubstr(c.want));
    Result<ResourceSlice> slow = FromJson<ResourceSlice>(Json::parse(c.json));
    ASSERT_TRUE(slow.Is(Reason::kInvalid)) << c.json;
    EXPECT_THAT(slow.status().message(), HasSubstr(c.want));
  }
}

TEST(Codec, IntegersHaveTheirRange) {
  EXPECT_TRUE(
      Decode<Lease>(R"({"spec": {"leaseDurationSeconds": 2147483648}})").Is(Reason::kInvalid));
  EXPECT_TRUE(
      Decode<Lease>(R"({"metadata": {"generation": 9223372036854775808}})").Is(Reason::kInvalid));
  Result<Lease> most = Decode<Lease>(R"({"metadata": {"generation": 9223372036854775807}})");
  ASSERT_TRUE(most.ok());
  EXPECT_EQ(most->metadata.generation, std::numeric_limits<int64_t>::max());
}

TEST(Codec, BrokenJsonIsABadRequest) {
  for (std::string json : {"", " ", "{", "}", R"({"metadata")", R"({"metadata": {"name": "x})",
                           R"({"metadata": {"name" "x"}})", R"({"metadata": {"name": "x"},})",
                           R"({"metadata": {}} {})", R"({"metadata": {"name": "\x"}})",
                           "{\"a\": \"\xff\"}", R"({"metadata": {"labels": {"a": "b" "c": "d"}}})",
                           R"({"metadata": {"finalizers": ["a",,"b"]}})", "nul"}) {
    Result<Pod> pod = Decode<Pod>(json);
    EXPECT_FALSE(pod.ok()) << json;
    EXPECT_FALSE(pod.Is(Reason::kInternal)) << json;
  }
}

TEST(Codec, QuantitiesMayBeNumbers) {
  Result<Node> node =
      Decode<Node>(R"({"status": {"capacity": {"cpu": 4 , "m": 0.5, "e": 1e3, "s": " 2Gi "}}})");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->status.capacity.at("cpu").ToString(), "4");
  EXPECT_EQ(node->status.capacity.at("m").ToString(), "500m");
  EXPECT_EQ(node->status.capacity.at("e").ToString(), "1e3");
  EXPECT_EQ(node->status.capacity.at("s").ToString(), "2Gi");
}

TEST(Codec, IntOrString) {
  Result<Service> service = Decode<Service>(
      R"({"spec": {"ports": [{"port": 443, "targetPort": 9443}, {"port": 80, "targetPort": "http"}]}})");
  ASSERT_TRUE(service.ok());
  EXPECT_EQ(ToJson(*service)["spec"]["ports"].dump(),
            R"([{"port":443,"targetPort":9443},{"port":80,"targetPort":"http"}])");
}

TEST(Codec, EndpointReadinessStandsInConditions) {
  constexpr std::string_view kText =
      R"({"addressType":"IPv4","apiVersion":"discovery.k8s.io/v1","endpoints":[{"addresses":["10.0.0.1"],"conditions":)"
      R"({"ready":false}},{"addresses":["10.0.0.2"]}],"kind":"EndpointSlice","ports":[{"port":443}]})";
  Result<EndpointSlice> slice = Decode<EndpointSlice>(kText);
  ASSERT_TRUE(slice.ok()) << slice.status();
  EXPECT_EQ(slice->endpoints[0].ready, false);
  EXPECT_FALSE(slice->endpoints[1].ready.has_value());
  EXPECT_EQ(Encode(*slice), kText);
}

TEST(Codec, EscapesAndUnicodeSurvive) {
  Pod pod;
  pod.metadata.name = "a\"b\\c\n\t\x01 é 😀";
  pod.metadata.annotations["k\"ey\n"] = "v/\\";
  Result<Pod> again = Decode<Pod>(Encode(pod));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, pod);
  Result<Pod> escaped = Decode<Pod>(R"({"met\u0061data": {"name": "\ud83d\ude00\/"}})");
  ASSERT_TRUE(escaped.ok());
  EXPECT_EQ(escaped->metadata.name, "😀/");
}

TEST(Codec, InvalidUtf8InAStructDoesNotThrow) {
  Pod pod;
  pod.metadata.name = "\xff\xfe";
  EXPECT_THAT(Encode(pod), HasSubstr("\xEF\xBF\xBD"));
}

TEST(Codec, AttributesKeepZeroValues) {
  for (std::string text :
       {R"({"int":0})", R"({"bool":false})", R"({"string":""})", R"({"version":"1.2.3"})",
        R"({"ints":[1,2]})", R"({"bools":[false,true]})", R"({"strings":["a"]})",
        R"({"versions":["1.0.0"]})"}) {
    Result<DeviceAttribute> attribute = FromJsonValue<DeviceAttribute>(Json::parse(text));
    ASSERT_TRUE(attribute.ok()) << text;
    EXPECT_EQ(ToJsonValue(*attribute).dump(), text);
  }
  EXPECT_EQ(FromJsonValue<DeviceAttribute>(Json::parse(R"({"quantity": "1"})"))->value.index(), 0u);
}

TEST(Codec, ValuesForPatches) {
  std::map<std::string, Quantity> amounts = {{"memory", Q("1024Mi")}};
  EXPECT_EQ(ToJsonValue(amounts).dump(), R"({"memory":"1Gi"})");
  Result<ResourceList> list = FromJsonValue<ResourceList>(Json::parse(R"({"cpu": "0.5"})"));
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->at("cpu").ToString(), "500m");
  EXPECT_TRUE(FromJsonValue<Condition>(Json::parse(R"({"type": []})")).Is(Reason::kInvalid));
}

TEST(Codec, LeaseTimesHaveSixDigits) {
  Lease lease;
  lease.spec.renew_time = ToMicroTime(*ParseTime("2026-11-21T10:00:00.5Z"));
  lease.spec.holder_identity = "";
  EXPECT_EQ(
      Encode(lease),
      R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{"holderIdentity":"","renewTime":"2026-11-21T10:00:00.500000Z"}})");
}

TEST(Codec, WebhookConfigurationsCarryDefaultsAndBytes) {
  Result<MutatingWebhookConfiguration> decoded = Decode<MutatingWebhookConfiguration>(
      R"({"webhooks": [{"name": "a", "clientConfig": {"caBundle": "UEVN", "service": {"namespace": "n", "name": "s"}}}]})");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const Webhook& webhook = decoded->webhooks[0];
  EXPECT_EQ(webhook.client_config.ca_bundle, "PEM");
  EXPECT_EQ(webhook.client_config.service->port, 443);
  EXPECT_EQ(webhook.failure_policy, "Fail");
  EXPECT_EQ(webhook.timeout_seconds, 10);
  EXPECT_EQ(ToJson(*decoded)["webhooks"][0]["clientConfig"]["caBundle"], "UEVN");
  EXPECT_TRUE(
      Decode<MutatingWebhookConfiguration>(R"({"webhooks": [{"clientConfig": {"caBundle": "!"}}]})")
          .Is(Reason::kInvalid));
}

}  // namespace
}  // namespace dray::api
