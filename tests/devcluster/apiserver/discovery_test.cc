#include "devcluster/apiserver/discovery.h"

#include "devcluster/apiserver/registry.h"
#include "tests/devcluster/apiserver/api_fixture.h"

namespace dray::devcluster {
namespace {

using DiscoveryTest = ApiFixture;

constexpr const char* kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

TEST_F(DiscoveryTest, Aggregated) {
  Reply apis = Get("/apis", kAggregated);
  EXPECT_EQ(apis.headers["content-type"],
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(apis.At("/kind"), "APIGroupDiscoveryList");
  EXPECT_EQ(apis.At("/apiVersion"), "apidiscovery.k8s.io/v2");
  std::set<std::string> groups;
  for (const Json& group : apis.At("/items"))
    groups.insert(group["metadata"]["name"].get<std::string>());
  EXPECT_EQ(groups, (std::set<std::string>{
                        "admissionregistration.k8s.io", "apps", "authentication.k8s.io",
                        "authorization.k8s.io", "batch", "coordination.k8s.io", "discovery.k8s.io",
                        "events.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io"}));
  Reply core = Get("/api", kAggregated);
  EXPECT_FALSE(core.At("/items/0/metadata").contains("name"));
  bool pods = false;
  for (const Json& resource : core.At("/items/0/versions/0/resources"))
    if (resource["resource"] == "pods") {
      pods = true;
      EXPECT_EQ(resource["responseKind"],
                Json({{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}));
      EXPECT_EQ(resource["scope"], "Namespaced");
      EXPECT_EQ(resource["shortNames"], Json({"po"}));
      EXPECT_EQ(resource["singularResource"], "pod");
      EXPECT_EQ(resource["subresources"].size(), 4u);
    }
  EXPECT_TRUE(pods);
  EXPECT_EQ(
      Get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList")
          .At("/apiVersion"),
      "apidiscovery.k8s.io/v2beta1");
}

TEST_F(DiscoveryTest, Legacy) {
  EXPECT_EQ(Get("/api").At("/versions"), Json({"v1"}));
  Reply groups = Get("/apis");
  EXPECT_EQ(groups.At("/kind"), "APIGroupList");
  EXPECT_EQ(groups.At("/groups").size(), 10u);
  Reply group = Get("/apis/resource.k8s.io");
  EXPECT_EQ(group.At("/kind"), "APIGroup");
  EXPECT_EQ(group.At("/preferredVersion/groupVersion"), "resource.k8s.io/v1");
  EXPECT_EQ(group.At("/versions").size(), 1u) << "only v1 is on by default";
  Reply resources = Get("/apis/apps/v1");
  EXPECT_EQ(resources.At("/kind"), "APIResourceList");
  EXPECT_EQ(resources.At("/groupVersion"), "apps/v1");
  std::map<std::string, Json> by_name;
  for (const Json& resource : resources.At("/resources")) by_name[resource["name"]] = resource;
  EXPECT_EQ(by_name["deployments"]["kind"], "Deployment");
  EXPECT_EQ(by_name["deployments/scale"]["kind"], "Scale");
  EXPECT_EQ(by_name["deployments/scale"]["group"], "autoscaling");
  EXPECT_EQ(by_name["deployments/status"]["verbs"], Json({"get", "patch", "update"}));
  for (const char* path :
       {"/apis/nothing.example.com", "/apis/apps/v2", "/api/v2", "/apis/resource.k8s.io/v1beta1"})
    EXPECT_EQ(Get(path).code, 404) << path;
}

TEST_F(DiscoveryTest, OpenApiLeadsKubectlToTheServer) {
  Reply index = Get("/openapi/v3");
  std::string url = index.At("/paths/apis~1apps~1v1/serverRelativeURL");
  EXPECT_EQ(url.substr(0, 30), "/openapi/v3/apis/apps/v1?hash=");
  Reply document = Get(url);
  EXPECT_EQ(document.headers["cache-control"], "public, immutable");
  EXPECT_EQ(document.At("/openapi"), "3.0.0");
  const Json patch =
      document.At("/paths/~1apis~1apps~1v1~1namespaces~1{namespace}~1deployments~1{name}/patch");
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"],
            Json({{"group", "apps"}, {"version", "v1"}, {"kind", "Deployment"}}));
  std::set<std::string> parameters;
  for (const Json& parameter : patch["parameters"])
    parameters.insert(parameter["name"].get<std::string>());
  EXPECT_TRUE(parameters.contains("fieldValidation"));
  EXPECT_TRUE(patch["requestBody"]["content"].contains("application/apply-patch+yaml"));

  Reply moved = Get("/openapi/v3/apis/apps/v1?hash=OLD");
  EXPECT_EQ(moved.code, 301);
  EXPECT_EQ(moved.headers["location"], url);
  EXPECT_EQ(Get("/openapi/v3/apis/none/v1").code, 404);
}

// kubectl refuses a List where there is no such document.
TEST_F(DiscoveryTest, OpenApiOfTheOldVersionIsThereForLists) {
  const Reply json = Get("/openapi/v2");
  EXPECT_EQ(json.At("/swagger"), "2.0");
  EXPECT_EQ(json.At("/paths"), Json::object());
  const Reply binary =
      Get("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_EQ(binary.headers.at("content-type"),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_EQ(binary.text.substr(0, 6), std::string("\x0a\x03"
                                                  "2.0\x12"));
  EXPECT_EQ(static_cast<size_t>(binary.text[6]), binary.text.size() - 9);
  EXPECT_EQ(binary.text.substr(binary.text.size() - 2), std::string("\x42\x00", 2));
}

TEST_F(DiscoveryTest, OpenApiTypesAreComplete) {
  Registry registry;
  const Json index = Get("/openapi/v3").At("/paths");
  for (const auto& [name, entry] : index.items()) {
    Json document = Get(entry["serverRelativeURL"]).body;
    const Json& schemas = document["components"]["schemas"];
    std::function<void(const Json&)> check = [&](const Json& node) {
      if (node.is_object() && node.contains("$ref")) {
        std::string target = node["$ref"];
        EXPECT_TRUE(schemas.contains(target.substr(target.rfind('/') + 1))) << target;
      }
      if (node.is_structured())
        for (const Json& child : node) check(child);
    };
    check(document);
    size_t kinds = 0;
    for (const Json& schema : schemas) kinds += schema.contains("x-kubernetes-group-version-kind");
    EXPECT_GT(kinds, 0u) << name;
  }
  Json core =
      Get(Get("/openapi/v3").At("/paths/api~1v1/serverRelativeURL")).body["components"]["schemas"];
  const Json& spec = core["io.k8s.api.core.v1.PodSpec"]["properties"];
  EXPECT_EQ(
      spec["containers"],
      Json::parse(
          R"({"type":"array","items":{"$ref":"#/components/schemas/io.k8s.api.core.v1.Container"}})"));
  EXPECT_EQ(spec["nodeSelector"],
            Json::parse(R"({"type":"object","additionalProperties":{"type":"string"}})"));
  EXPECT_EQ(core["io.k8s.api.core.v1.Pod"]["x-kubernetes-group-version-kind"],
            Json::parse(R"([{"group":"","version":"v1","kind":"Pod"}])"));
  EXPECT_EQ(core["io.k8s.apimachinery.pkg.api.resource.Quantity"],
            Json::parse(R"({"oneOf":[{"type":"string"},{"type":"number"}]})"));
}

TEST_F(DiscoveryTest, Probes) {
  for (const char* path :
       {"/healthz", "/livez", "/readyz", "/readyz/ping", "/healthz?exclude=store"}) {
    Reply reply = Get(path);
    EXPECT_EQ(reply.code, 200) << path;
    EXPECT_EQ(reply.text, "ok") << path;
  }
  EXPECT_EQ(Get("/readyz?verbose").text, "[+]ping ok\n[+]store ok\nreadyz check passed\n");
  EXPECT_EQ(Get("/readyz/nothing").code, 404);
  Reply version = Get("/version");
  EXPECT_EQ(version.At("/major"), "1");
  EXPECT_EQ(version.At("/minor"), "36");
  EXPECT_EQ(version.At("/gitVersion").get<std::string>().substr(0, 7), "v1.36.2");
  EXPECT_EQ(Get("/").At("/paths").is_array(), true);
}

TEST_F(DiscoveryTest, QuestionsAreAnsweredAndForgotten) {
  Reply who = Post("/apis/authentication.k8s.io/v1/selfsubjectreviews", Json::object());
  EXPECT_EQ(who.code, 201) << who.text;
  EXPECT_EQ(who.At("/status/userInfo/username"), "tester");
  EXPECT_EQ(who.At("/status/userInfo/groups"), Json({"system:masters", "system:authenticated"}));
  const std::string tokens = "/apis/authentication.k8s.io/v1/tokenreviews";
  EXPECT_EQ(Post(tokens, {{"spec", {{"token", "secret"}}}}).At("/status/user/username"), "robot");
  EXPECT_EQ(Post(tokens, {{"spec", {{"token", "guess"}}}}).At("/status/authenticated"), false);
  const std::string access = "/apis/authorization.k8s.io/v1/";
  EXPECT_EQ(Post(access + "selfsubjectaccessreviews", Json::object()).At("/status/allowed"), true);
  EXPECT_EQ(Post(access + "subjectaccessreviews", Json::object()).At("/status/allowed"), true);
  EXPECT_EQ(Post(access + "selfsubjectrulesreviews", Json::object())
                .At("/status/resourceRules/0/verbs/0"),
            "*");
  EXPECT_EQ(Get(tokens).code, 405);
  EXPECT_EQ(Get(tokens + "/x").code, 404);
  EXPECT_EQ(Get(tokens + "?watch=true").code, 405);
}

// Answers of the server to a request without the in-process transport's certificate.
class Collector final : public runtime::HttpResponder {
 public:
  void Send(runtime::HttpResponse response) override { answer = std::move(response); }
  std::shared_ptr<runtime::HttpStream> StartStream(int, std::string) override { return nullptr; }
  runtime::HttpResponse answer;
};

TEST_F(DiscoveryTest, OnlyTheKnownMayAsk) {
  struct Case {
    const char* authorization;
    const char* common_name;
    int code;
    const char* manager;
  };
  for (const Case& c :
       {Case{"", "", 401, ""}, Case{"Bearer wrong", "", 401, ""},
        Case{"Basic c2VjcmV0", "", 401, ""}, Case{"Bearer secret", "", 201, "curl"},
        Case{"", "alice", 201, "curl"}, Case{"Bearer wrong", "alice", 201, "curl"}}) {
    auto collector = std::make_shared<Collector>();
    runtime::HttpRequest request;
    request.method = "POST";
    request.target = In("v1", "configmaps");
    request.body = R"({"metadata":{"generateName":"a-"},"data":{"x":"y"}})";
    request.headers = {{"user-agent", "curl/8.0"}};
    if (*c.authorization) request.headers["authorization"] = c.authorization;
    request.peer_common_name = c.common_name;
    server_.Handle(request, collector);
    EXPECT_EQ(collector->answer.code, c.code) << c.authorization << "|" << c.common_name;
    Json body = Json::parse(collector->answer.body);
    if (c.code == 401) {
      EXPECT_EQ(body["reason"], "Unauthorized");
    } else {
      EXPECT_EQ(body["metadata"]["managedFields"][0]["manager"], c.manager);
    }
  }
  auto probe = std::make_shared<Collector>();
  runtime::HttpRequest request;
  request.method = "GET";
  request.target = "/readyz";
  server_.Handle(request, probe);
  EXPECT_EQ(probe->answer.code, 200) << "probes need no name";
}

}  // namespace
}  // namespace dray::devcluster
