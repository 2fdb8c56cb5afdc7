#include "devcluster/apiserver/field_check.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dray::devcluster {
namespace {

TEST(SchemaTest, EveryKindOfTheRegistryHasItsType) {
  Registry registry;
  for (const Resource& resource : registry.resources()) {
    const SchemaMessage* message = Schema::Kubernetes().ForKind(resource.group, resource.kind);
    ASSERT_NE(message, nullptr) << resource.QualifiedKind();
    EXPECT_EQ(message->ShortName(), resource.kind);
    EXPECT_TRUE(message->members.contains("metadata")) << resource.QualifiedKind();
    for (const FieldSelector& field : resource.fields) {
      // Selectors can only see what the type has.
      std::string first = field.path.substr(0, field.path.find('.'));
      const SchemaMessage* stored = Schema::Kubernetes().ForKind(
          resource.stored_as_group ? resource.stored_as_group : resource.group, resource.kind);
      EXPECT_TRUE(stored->members.contains(first)) << resource.QualifiedKind() << " " << field.path;
    }
  }
}

TEST(SchemaTest, SameNamesInTwoGroups) {
  const Schema& schema = Schema::Kubernetes();
  EXPECT_TRUE(schema.ForKind("", "Event")->members.contains("involvedObject"));
  EXPECT_TRUE(schema.ForKind("events.k8s.io", "Event")->members.contains("regarding"));
  EXPECT_TRUE(schema.ForKind("resource.k8s.io", "ResourceClaim")->members.contains("spec"));
  EXPECT_EQ(schema.ForKind("resource.k8s.io", "ResourceClaim")->FullName(),
            "io.k8s.api.resource.v1.ResourceClaim");
  EXPECT_EQ(schema.ForKind("example.com", "Widget"), nullptr);
  EXPECT_TRUE(schema.Find("Volume")->members.contains("emptyDir")) << "inlined";
}

TEST(CheckFieldsTest, BringsDocumentsIntoTheFormOfTheStore) {
  struct Case {
    const char* kind;
    const char* sent;
    const char* stored;
    std::vector<std::string> unknown;
  };
  for (
      const Case& c : {
          Case{
              "Pod",
              R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","creationTimestamp":null}})",
              R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"}})",
              {}},
          Case{
              "Pod",
              R"({"metadata":{"nam":"p"},"spec":{"containers":[{"name":"c","imag":"x"}],"foo":{"bar":1}},"oops":1})",
              R"({"metadata":{},"spec":{"containers":[{"name":"c"}]}})",
              {"metadata.nam", "oops", "spec.containers[0].imag", "spec.foo"}},
          Case{
              "Pod",
              R"({"spec":{"containers":[{"name":"c","command":[],"resources":{"limits":{},"requests":{"cpu":"0.5","memory":"1024Mi","nvidia.com/gpu":2}}}]}})",
              R"({"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"500m","memory":"1Gi","nvidia.com/gpu":"2"}}}]}})",
              {}},
          Case{"Pod",
               R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}],"nodeSelector":{"a":null}}})",
               R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}],"nodeSelector":{"a":""}}})",
               {}},
          Case{"Pod",
               R"({"metadata":{"managedFields":[],"labels":{},"finalizers":[]},"spec":null})",
               R"({"metadata":{"managedFields":[]}})",
               {}},
          Case{"Pod",
               R"({"metadata":{"deletionTimestamp":"2026-01-02T03:04:05.678+01:00"}})",
               R"({"metadata":{"deletionTimestamp":"2026-01-02T02:04:05Z"}})",
               {}},
          Case{
              "Lease",
              R"({"spec":{"renewTime":"2026-01-02T03:04:05.000001+01:00","leaseDurationSeconds":15}})",
              R"({"spec":{"renewTime":"2026-01-02T02:04:05.000001Z","leaseDurationSeconds":15}})",
              {}},
          Case{
              "Deployment",
              R"({"spec":{"replicas":0,"strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":"25%"}}}})",
              R"({"spec":{"replicas":0,"strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":"25%"}}}})",
              {}},
          Case{
              "DeviceClass",
              R"({"spec":{"config":[{"opaque":{"driver":"d","parameters":{"any":[1,null,{}]}}}]}})",
              R"({"spec":{"config":[{"opaque":{"driver":"d","parameters":{"any":[1,null,{}]}}}]}})",
              {}},
          Case{"Secret",
               R"({"data":{"a":"YQ=="},"stringData":{"b":"c"}})",
               R"({"data":{"a":"YQ=="},"stringData":{"b":"c"}})",
               {}},
      }) {
    Json document = Json::parse(c.sent);
    std::vector<std::string> unknown;
    Status status = CheckFields(*Schema::Kubernetes().Find(c.kind), document, unknown);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(document, Json::parse(c.stored)) << c.sent;
    EXPECT_EQ(unknown, c.unknown) << c.sent;
  }
}

TEST(CheckFieldsTest, WrongTypes) {
  struct Case {
    const char* kind;
    const char* sent;
    const char* message;
  };
  for (const Case& c : {
           Case{"Pod", R"({"metadata":{"labels":{"a":true}}})",
                "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of "
                "type string"},
           Case{"Pod", R"({"metadata":[]})",
                "json: cannot unmarshal array into Go struct field Pod.metadata of type "
                "v1.ObjectMeta"},
           Case{"Pod", R"({"spec":{"containers":{}}})",
                "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of "
                "type []v1.Container"},
           Case{"Pod", R"({"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}})",
                "json: cannot unmarshal string into Go struct field "
                "ContainerPort.spec.containers.ports.containerPort of type int32"},
           Case{"Pod", R"({"spec":{"terminationGracePeriodSeconds":1.5}})",
                "json: cannot unmarshal number 1.5 into Go struct field "
                "PodSpec.spec.terminationGracePeriodSeconds of type int64"},
           Case{"Pod", R"({"spec":{"priority":2147483648}})",
                "json: cannot unmarshal number 2147483648 into Go struct field "
                "PodSpec.spec.priority of type int32"},
           Case{"Pod", R"({"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}})",
                "quantities must match the regular expression "
                "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
           Case{"Lease", R"({"spec":{"renewTime":"2026-01-02T03:04:05Z"}})",
                "parsing time \"2026-01-02T03:04:05Z\" as \"2006-01-02T15:04:05.000000Z07:00\": "
                "cannot parse it"},
           Case{"Pod", R"({"metadata":{"creationTimestamp":"yesterday"}})",
                "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse it"},
           Case{"Secret", R"({"data":{"a":"not base64!"}})", "illegal base64 data in data[a]"},
           Case{"Deployment", R"({"spec":{"strategy":{"rollingUpdate":{"maxSurge":true}}}})",
                "json: cannot unmarshal bool into Go struct field "
                "RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type "
                "intstr.IntOrString"},
           Case{"Pod", R"({"kind":7})",
                "json: cannot unmarshal number into Go struct field TypeMeta.kind of type string"},
       }) {
    Json document = Json::parse(c.sent);
    std::vector<std::string> unknown;
    Status status = CheckFields(*Schema::Kubernetes().Find(c.kind), document, unknown);
    EXPECT_EQ(status.reason(), Reason::kBadRequest) << c.sent;
    EXPECT_EQ(status.message(), c.message) << c.sent;
  }
}

}  // namespace
}  // namespace dray::devcluster
