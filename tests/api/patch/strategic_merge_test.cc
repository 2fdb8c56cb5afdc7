#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dray/api/patch.h"

namespace dray::api {
namespace {

Json J(std::string_view text) {
  return Json::parse(text);
}

TEST(ApplyStrategicMergePatch, Rules) {
  struct Case {
    std::string name, group, kind, document, patch, want;
  } cases[] = {
      {"maps merge", "", "Pod", R"({"metadata":{"labels":{"a":"1","b":"2"}}})",
       R"({"metadata":{"labels":{"b":null,"c":"3"}}})",
       R"({"metadata":{"labels":{"a":"1","c":"3"}}})"},
      {"containers by name", "", "Pod",
       R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}})",
       R"({"spec":{"containers":[{"name":"b","image":"3"},{"name":"c","image":"4"}]}})",
       R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"3"},{"name":"c","image":"4"}]}})"},
      {"env inside a Deployment", "apps", "Deployment",
       R"({"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"}]}]}}}})",
       R"({"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}]}]}}}})",
       R"({"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]}]}}}})"},
      {"command is replaced", "", "Pod",
       R"({"spec":{"containers":[{"name":"a","command":["x","y"]}]}})",
       R"({"spec":{"containers":[{"name":"a","command":["z"]}]}})",
       R"({"spec":{"containers":[{"name":"a","command":["z"]}]}})"},
      {"tolerations are replaced", "", "Pod", R"({"spec":{"tolerations":[{"key":"a"}]}})",
       R"({"spec":{"tolerations":[{"key":"b"}]}})", R"({"spec":{"tolerations":[{"key":"b"}]}})"},
      {"resources.claims are replaced", "", "Pod",
       R"({"spec":{"containers":[{"name":"a","resources":{"claims":[{"name":"x"}]}}]}})",
       R"({"spec":{"containers":[{"name":"a","resources":{"claims":[{"name":"y"}]}}]}})",
       R"({"spec":{"containers":[{"name":"a","resources":{"claims":[{"name":"y"}]}}]}})"},
      {"ports by containerPort", "", "Pod",
       R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"x"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"y"}]}]}})",
       R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"y"}]}]}})"},
      {"delete an element", "resource.k8s.io", "ResourceClaim",
       R"({"status":{"reservedFor":[{"name":"p","uid":"1"},{"name":"q","uid":"2"}]}})",
       R"({"metadata":{"uid":"c"},"status":{"reservedFor":[{"$patch":"delete","uid":"1"}]}})",
       R"({"metadata":{"uid":"c"},"status":{"reservedFor":[{"name":"q","uid":"2"}]}})"},
      {"reservedFor by uid", "resource.k8s.io", "ResourceClaim",
       R"({"status":{"reservedFor":[{"name":"p","uid":"1"}]}})",
       R"({"status":{"reservedFor":[{"name":"q","uid":"2"}]}})",
       R"({"status":{"reservedFor":[{"name":"p","uid":"1"},{"name":"q","uid":"2"}]}})"},
      {"claim requests are replaced", "resource.k8s.io", "ResourceClaim",
       R"({"spec":{"devices":{"requests":[{"name":"a"}]}}})",
       R"({"spec":{"devices":{"requests":[{"name":"b"}]}}})",
       R"({"spec":{"devices":{"requests":[{"name":"b"}]}}})"},
      {"delete of an element that is not there", "", "Pod",
       R"({"spec":{"containers":[{"name":"a"}]}})",
       R"({"spec":{"containers":[{"name":"b","$patch":"delete"}]}})",
       R"({"spec":{"containers":[{"name":"a"}]}})"},
      {"replace a list", "", "Pod", R"({"spec":{"containers":[{"name":"a"}]}})",
       R"({"spec":{"containers":[{"name":"b"},{"$patch":"replace"}]}})",
       R"({"spec":{"containers":[{"name":"b"}]}})"},
      {"replace an object", "", "Pod", R"({"metadata":{"labels":{"a":"1"}}})",
       R"({"metadata":{"labels":{"$patch":"replace","b":"2"}}})",
       R"({"metadata":{"labels":{"b":"2"}}})"},
      {"delete an object's contents", "", "Pod", R"({"metadata":{"labels":{"a":"1"}}})",
       R"({"metadata":{"labels":{"$patch":"delete"}}})", R"({"metadata":{"labels":{}}})"},
      {"merge is the default", "", "Pod", R"({"metadata":{"labels":{"a":"1"}}})",
       R"({"metadata":{"labels":{"$patch":"merge","b":"2"}}})",
       R"({"metadata":{"labels":{"a":"1","b":"2"}}})"},
      {"finalizers merge as values", "", "Pod", R"({"metadata":{"finalizers":["a/b"]}})",
       R"({"metadata":{"finalizers":["a/b","c/d"]}})",
       R"({"metadata":{"finalizers":["a/b","c/d"]}})"},
      {"finalizers are taken out", "", "Pod", R"({"metadata":{"finalizers":["a/b","c/d"]}})",
       R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"]}})",
       R"({"metadata":{"finalizers":["c/d"]}})"},
      {"retain keys of a strategy", "apps", "Deployment",
       R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}})",
       R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})",
       R"({"spec":{"strategy":{"type":"Recreate"}}})"},
      {"retain keys of a volume", "", "Pod", R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
       R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"},"$retainKeys":["name","hostPath"]}]}})",
       R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}})"},
      {"element order", "", "Pod",
       R"({"spec":{"containers":[{"name":"a"},{"name":"s"},{"name":"b"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"i"}]}})",
       R"({"spec":{"containers":[{"name":"s"},{"name":"b"},{"name":"a","image":"i"}]}})"},
      {"new element goes before the server's own", "", "Pod",
       R"({"spec":{"containers":[{"name":"a"},{"name":"s"}]}})",
       R"({"spec":{"$setElementOrder/containers":[{"name":"a"},{"name":"n"}],"containers":[{"name":"n"}]}})",
       R"({"spec":{"containers":[{"name":"a"},{"name":"n"},{"name":"s"}]}})"},
      {"order of values", "", "Pod", R"({"metadata":{"finalizers":["a/a","b/b"]}})",
       R"({"metadata":{"$setElementOrder/finalizers":["b/b","a/a"]}})",
       R"({"metadata":{"finalizers":["b/b","a/a"]}})"},
      {"conditions by type", "", "Node",
       R"({"status":{"conditions":[{"type":"Ready","status":"False","reason":"x"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})",
       R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":"x"}]}})"},
      {"webhooks by name", "admissionregistration.k8s.io", "MutatingWebhookConfiguration",
       R"({"webhooks":[{"name":"w","clientConfig":{"url":"u"}}]})",
       R"({"webhooks":[{"name":"w","clientConfig":{"caBundle":"c"}}]})",
       R"({"webhooks":[{"name":"w","clientConfig":{"url":"u","caBundle":"c"}}]})"},
      {"what is new comes without nulls and directives", "", "Pod", "{}",
       R"({"metadata":{"labels":{"a":"1","b":null}},"spec":{"containers":[{"name":"a","x":null},{"name":"b","$patch":"delete"}]}})",
       R"({"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"a"}]}})"},
      {"another type replaces", "", "ConfigMap", R"({"data":{"a":"1"}})", R"({"data":"x"})",
       R"({"data":"x"})"},
      {"kinds without rules", "coordination.k8s.io", "Lease",
       R"({"metadata":{"finalizers":["a/b"]},"spec":{"a":1}})",
       R"({"metadata":{"finalizers":["c/d"]},"spec":{"b":2}})",
       R"({"metadata":{"finalizers":["a/b","c/d"]},"spec":{"a":1,"b":2}})"},
  };
  for (const Case& c : cases) {
    Result<Json> result = ApplyStrategicMergePatch(c.group, c.kind, J(c.document), J(c.patch));
    ASSERT_TRUE(result.ok()) << c.name << " " << result.status();
    EXPECT_EQ(result->dump(), J(c.want).dump()) << c.name;
  }
}

TEST(ApplyStrategicMergePatch, Refusals) {
  struct Case {
    std::string group, kind, patch;
    Reason want;
  } cases[] = {
      {"example.com", "Widget", "{}", Reason::kUnsupportedMediaType},
      {"", "Pod", "[]", Reason::kBadRequest},
      {"", "Pod", R"({"metadata":{"labels":{"$patch":"twist"}}})", Reason::kBadRequest},
      {"", "Pod", R"({"spec":{"containers":[{"name":"a","$patch":"twist"}]}})",
       Reason::kBadRequest},
      {"", "Pod", R"({"spec":{"containers":[{"name":"a","$patch":"merge"}]}})", Reason::kInvalid},
      {"", "Pod", R"({"spec":{"containers":[{"image":"a"}]}})", Reason::kInvalid},
      {"", "Pod", R"({"spec":{"containers":["a"]}})", Reason::kInvalid},
      {"", "Pod", R"({"metadata":{"labels":{"$retainKeys":["b"],"a":"1"}}})", Reason::kBadRequest},
      {"", "Pod",
       R"({"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"b"}]}})",
       Reason::kBadRequest},
      {"", "Pod", R"({"metadata":{"$deleteFromPrimitiveList/finalizers":"a"}})",
       Reason::kBadRequest},
  };
  const Json pod = J(
      R"({"metadata":{"labels":{"a":"1"},"finalizers":["a/b"]},"spec":{"containers":[{"name":"a"}]}})");
  for (const Case& c : cases) {
    Result<Json> result = ApplyStrategicMergePatch(c.group, c.kind, pod, J(c.patch));
    EXPECT_TRUE(result.Is(c.want)) << c.patch << " " << result.status();
  }
}

}  // namespace
}  // namespace dray::api
