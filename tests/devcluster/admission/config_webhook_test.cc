#include <gmock/gmock.h>

#include "devcluster/admission/match_conditions.h"
#include "dray/api/admission.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"
#include "tests/devcluster/admission/webhook_fixture.h"

// What config/webhook makes of the objects that clusters see: which are sent to us, and that no
// condition fails on any of them.
namespace dray::devcluster {
namespace {

std::vector<Json> WebhookDocuments() {
  const std::string file = std::string(DRAY_SOURCE_DIR) + "/config/webhook/base/webhook.yaml";
  return runtime::ParseYamlDocuments(runtime::ReadFile(file).value(), file).value();
}
Json ConfigurationOf(const std::string& kind) {
  for (Json& document : WebhookDocuments())
    if (document["kind"] == kind) return document;
  ADD_FAILURE() << "no " << kind;
  return {};
}

// The conditions of one webhook of config/webhook.
class Chosen {
 public:
  Chosen(const std::string& kind, const std::string& webhook)
      : configuration_(ConfigurationOf(kind)), conditions_(configuration_, nullptr) {
    for (const Json& one : configuration_["webhooks"]) {
      if (one["name"] == webhook) return;
      ++index_;
    }
    ADD_FAILURE() << "no " << webhook;
  }
  // "sent", "not sent", or the error that its failurePolicy would hide.
  std::string Of(const Json& object, const Json* old = nullptr) const {
    for (const char* policy : {"Fail", "Ignore"}) {
      Json strict = configuration_;
      strict["webhooks"][index_]["failurePolicy"] = policy;
      AdmissionCall call;
      call.old_object = old;
      const Result<bool> matches =
          MatchConditions(strict, &conditions_).Match(index_, call, object);
      if (!matches.ok()) return matches.status().message();
      if (policy == std::string("Fail")) continue;
      return *matches ? "sent" : "not sent";
    }
    return "";
  }

 private:
  Json configuration_;
  MatchConditions conditions_;
  size_t index_ = 0;
};

Json PodWith(const char* spec) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", "p"}, {"namespace", "default"}}},
          {"spec", Json::parse(spec)}};
}

struct PodCase {
  const char* what;
  const char* spec;
  bool sent;
};
const std::vector<PodCase>& PodCases() {
  static const auto* const cases = new std::vector<PodCase>{
      {"plain", R"({"containers":[{"name":"c","image":"x"}]})", false},
      {"without limits", R"({"containers":[{"name":"c","image":"x","resources":{}}]})", false},
      {"cpu",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1","memory":"1Gi"}}}]})",
       false},
      {"empty limits",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{},"requests":{}}}]})",
       false},
      {"only requests of cpu",
       R"({"containers":[{"name":"c","image":"x","resources":{"requests":{"ephemeral-storage":"1Gi"}}}]})",
       false},
      {"limits",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":"1"}}}]})",
       true},
      {"limits and requests",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":"1"},"requests":{"nvidia.com/gpu":"1"}}}]})",
       true},
      {"a part of a device",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpumem":"3000","cpu":"1"}}}]})",
       true},
      {"the second container",
       R"({"containers":[{"name":"c","image":"x"},{"name":"d","image":"x","resources":{"limits":{"hygon.com/dcunum":"1"}}}]})",
       true},
      {"an init container",
       R"({"containers":[{"name":"c","image":"x"}],"initContainers":[{"name":"i","image":"x","resources":{"limits":{"huawei.com/Ascend910B3":"1"}}}]})",
       true},
      {"init containers without",
       R"({"containers":[{"name":"c","image":"x"}],"initContainers":[{"name":"i","image":"x","resources":{"limits":{"cpu":"1"}}},{"name":"j","image":"x"}]})",
       false},
      {"a sidecar",
       R"({"containers":[{"name":"c","image":"x"}],"initContainers":[{"name":"i","image":"x","restartPolicy":"Always","resources":{"limits":{"amd.com/gpu":"1"}}}]})",
       true},
      {"a sidecar without",
       R"({"containers":[{"name":"c","image":"x"}],"initContainers":[{"name":"i","image":"x","restartPolicy":"Always"}]})",
       false},
      {"empty init containers", R"({"containers":[{"name":"c","image":"x"}],"initContainers":[]})",
       false},
      {"resources of the Pod",
       R"({"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}},"containers":[{"name":"c","image":"x"}]})",
       false},
      {"another's extended resource",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"example.com/nvidia.com":"1"}}}]})",
       false},
      {"a domain that ends alike",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"notnvidia.com/gpu":"1"}}}]})",
       false},
      {"a subdomain",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"gpu.nvidia.com/gpu":"1"}}}]})",
       false},
      {"huge pages and attachable volumes",
       R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"hugepages-2Mi":"4Mi","memory":"1Gi"}}}]})",
       false},
      {"claims",
       R"({"resourceClaims":[{"name":"a","resourceClaimName":"b"}],"containers":[{"name":"c","image":"x","resources":{"claims":[{"name":"a"}]}}]})",
       false},
      {"claims beside a resource",
       R"({"resourceClaims":[{"name":"a","resourceClaimName":"b"}],"containers":[{"name":"c","image":"x","resources":{"claims":[{"name":"a"}],"limits":{"enflame.com/gcu":"1"}}}]})",
       true},
      {"host network and volumes",
       R"({"hostNetwork":true,"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","image":"x","volumeMounts":[{"name":"v","mountPath":"/v"}]}]})",
       false},
  };
  return *cases;
}

TEST(ConfigWebhook, PodsThatNameAVendorsResource) {
  const Chosen pods("MutatingWebhookConfiguration", "pods.dray.dev");
  for (const PodCase& c : PodCases())
    EXPECT_EQ(pods.Of(PodWith(c.spec)), c.sent ? "sent" : "not sent") << c.what;
}

// What kube-apiserver shows to conditions: structures that are empty are there, so is a list that
// has no omitempty.
TEST(ConfigWebhook, PodsAsKubernetesShowsThem) {
  const Chosen pods("MutatingWebhookConfiguration", "pods.dray.dev");
  for (const PodCase& c : PodCases()) {
    Json pod = PodWith(c.spec);
    pod["metadata"]["creationTimestamp"] = nullptr;
    pod["status"] = Json::object();
    pod["spec"]["securityContext"] = Json::object();
    pod["spec"]["ephemeralContainers"] = {{{"name", "e"}, {"image", "x"}}};
    for (const char* list : {"containers", "initContainers", "ephemeralContainers"})
      if (pod["spec"].contains(list))
        for (Json& container : pod["spec"][list])
          if (!container.contains("resources")) container["resources"] = Json::object();
    EXPECT_EQ(pods.Of(pod), c.sent ? "sent" : "not sent") << c.what;
  }
  EXPECT_EQ(pods.Of(PodWith(R"({"containers":null})")), "not sent");
  EXPECT_EQ(pods.Of(PodWith(R"({"containers":null,"initContainers":null})")), "not sent");
  EXPECT_EQ(pods.Of(PodWith("{}")), "not sent");
  EXPECT_EQ(pods.Of({{"metadata", Json::object()}}), "not sent");
}

TEST(ConfigWebhook, EveryVendorIsKnown) {
  const Chosen pods("MutatingWebhookConfiguration", "pods.dray.dev");
  const std::vector<std::string> domains = admission::ResourceDomains(admission::DeviceConfig());
  EXPECT_GE(domains.size(), 13u);
  for (const std::string& domain : domains)
    for (const char* list : {"containers", "initContainers"})
      for (const char* part : {"limits", "requests"}) {
        Json pod = PodWith(R"({"containers":[{"name":"c","image":"x"}]})");
        pod["spec"][list] = {{{"name", "c"}, {"resources", {{part, {{domain + "/x", "1"}}}}}}};
        EXPECT_EQ(pods.Of(pod), "sent") << domain << list << part;
      }
}

TEST(ConfigWebhook, HowLargeAPodMayBe) {
  const Chosen pods("MutatingWebhookConfiguration", "pods.dray.dev");
  Json pod = PodWith(R"({"containers":[]})");
  for (int i = 0; i < 2000; ++i)
    pod["spec"]["containers"].push_back(
        {{"name", "c" + std::to_string(i)},
         {"resources",
          {{"limits", {{"cpu", "1"}, {"memory", "1Gi"}, {"ephemeral-storage", "1Gi"}}},
           {"requests", {{"cpu", "1"}, {"memory", "1Gi"}, {"ephemeral-storage", "1Gi"}}}}}});
  EXPECT_EQ(pods.Of(pod), "not sent") << "the cost of a run is bounded";
}

TEST(ConfigWebhook, UpdatesOfConvertedPods) {
  const Chosen converted("MutatingWebhookConfiguration", "converted-pods.dray.dev");
  const Json pod = PodWith(R"({"containers":[{"name":"c"}]})");
  Json annotated = pod, marked = pod, cleared = pod;
  annotated["metadata"]["annotations"] = {{"a", "b"}};
  marked["metadata"]["annotations"] = {{"dray.dev/converted", "{}"}};
  cleared["metadata"]["annotations"] = Json::object();
  EXPECT_EQ(converted.Of(pod, &pod), "not sent");
  EXPECT_EQ(converted.Of(pod, &annotated), "not sent");
  EXPECT_EQ(converted.Of(marked, &cleared), "not sent");
  EXPECT_EQ(converted.Of(pod, &marked), "sent") << "what is stored counts";
}

TEST(ConfigWebhook, ConfigurationsOfDevices) {
  const Chosen configs("ValidatingWebhookConfiguration", "configs.dray.dev");
  const Json with = {{"config", {{{"opaque", {{"driver", "gpu.nvidia.com"}}}}}}};
  const Json none = Json::object(), requests = {{"requests", {{{"name", "r"}}}}};
  auto of = [&](const Json& spec) { return configs.Of({{"metadata", none}, {"spec", spec}}); };
  EXPECT_EQ(of(with), "sent") << "a class";
  EXPECT_EQ(of(none), "not sent") << "a class, or a claim without devices";
  EXPECT_EQ(of({{"selectors", Json::array()}}), "not sent");
  EXPECT_EQ(of({{"devices", with}}), "sent") << "a claim";
  EXPECT_EQ(of({{"devices", requests}}), "not sent");
  EXPECT_EQ(of({{"devices", none}}), "not sent");
  EXPECT_EQ(of({{"spec", {{"devices", with}}}}), "sent") << "a template";
  EXPECT_EQ(of({{"spec", {{"devices", requests}}}}), "not sent");
  EXPECT_EQ(of({{"spec", none}, {"metadata", none}}), "not sent");
  EXPECT_EQ(configs.Of({{"metadata", none}}), "not sent");
}

TEST(ConfigWebhook, MarksOfConversion) {
  const Chosen marks("ValidatingWebhookConfiguration", "marks.dray.dev");
  Json pod = PodWith(R"({"containers":[{"name":"c"}]})");
  EXPECT_EQ(marks.Of(pod), "not sent");
  pod["metadata"]["annotations"] = {{"a", "b"}};
  EXPECT_EQ(marks.Of(pod), "not sent");
  pod["metadata"]["annotations"]["dray.dev/converted"] = "{}";
  EXPECT_EQ(marks.Of(pod), "sent");
}

// The configurations as they are, on an API server, with a webhook that counts.
class ConfigWebhookCallTest : public WebhookTest {
 protected:
  void SetUp() override {
    WebhookTest::SetUp();
    Endpoint("a", Serve([](const Json&) { return Json{{"allowed", true}}; }));
    for (Json& document : WebhookDocuments()) {
      if (document["kind"] == "Service") continue;
      for (Json& webhook : document["webhooks"]) {
        Json& client = webhook["clientConfig"];
        client["service"]["name"] = "hook";
        client["service"]["namespace"] = "default";
        client["caBundle"] = EncodeBase64(ca_.cert_pem);
      }
      const bool mutating = document["kind"] == "MutatingWebhookConfiguration";
      EXPECT_EQ(Post(mutating ? kMutating : kValidating, document).code, 201);
    }
  }
  // Creates it; how many calls that took.
  size_t CallsFor(const std::string& path, const Json& object) {
    const size_t before = calls();
    Create(path, object);
    return calls() - before;
  }
  static constexpr const char* kGpuSpec =
      R"({"containers":[{"name":"c","image":"x","resources":{"limits":{"nvidia.com/gpu":"1"}}}]})";
};

TEST_F(ConfigWebhookCallTest, PodsWithoutAVendorsResourceAreNeverSent) {
  int number = 0;
  for (const PodCase& c : PodCases()) {
    Json pod = PodWith(c.spec);
    pod["metadata"]["name"] = "p" + std::to_string(number++);
    EXPECT_EQ(CallsFor(In("v1", "pods"), pod), c.sent ? 1u : 0u) << c.what;
  }
}

TEST_F(ConfigWebhookCallTest, WhoIsLeftAlone) {
  for (const char* name : {"kube-system", "dray-system", "mine", "quiet"}) {
    Json space = Named(name);
    if (name == std::string("quiet")) space["metadata"]["labels"] = {{"hami.io/webhook", "ignore"}};
    Post("/api/v1/namespaces", space);
  }
  auto pods = [](const char* space) {
    return "/api/v1/namespaces/" + std::string(space) + "/pods";
  };
  Json pod = PodWith(kGpuSpec);
  pod["metadata"].erase("namespace");
  EXPECT_EQ(CallsFor(pods("mine"), pod), 1u);
  EXPECT_EQ(CallsFor(pods("kube-system"), pod), 0u);
  EXPECT_EQ(CallsFor(pods("dray-system"), pod), 0u);
  EXPECT_EQ(CallsFor(pods("quiet"), pod), 0u);
  pod["metadata"] = {{"name", "q"}, {"labels", {{"hami.io/webhook", "ignore"}}}};
  EXPECT_EQ(CallsFor(pods("mine"), pod), 0u);
  pod["metadata"] = {{"name", "r"}, {"labels", {{"hami.io/webhook", "please"}}}};
  EXPECT_EQ(CallsFor(pods("mine"), pod), 1u);
}

TEST_F(ConfigWebhookCallTest, WhileNobodyAnswersOnlyPodsThatAskForDevicesWait) {
  Delete(In("discovery.k8s.io/v1", "endpointslices/a"));
  Json plain = PodWith(R"({"containers":[{"name":"c","image":"x"}]})");
  Create(In("v1", "pods"), plain);
  EXPECT_EQ(Merge(In("v1", "pods/p"), {{"metadata", {{"labels", {{"a", "b"}}}}}}).code, 200);
  EXPECT_EQ(Delete(In("v1", "pods/p")).code, 200);
  Json asking = PodWith(kGpuSpec);
  asking["metadata"]["name"] = "asking";
  Reply reply = Post(In("v1", "pods"), asking);
  EXPECT_EQ(reply.code, 500) << reply.text;
  EXPECT_THAT(reply.Message(), ::testing::HasSubstr("failed calling webhook \"pods.dray.dev\""));
}

TEST_F(ConfigWebhookCallTest, UpdatesAndDeletions) {
  Json marked = PodWith(R"({"containers":[{"name":"c","image":"x"}]})");
  marked["metadata"]["annotations"] = {{"dray.dev/converted", "{}"}};
  EXPECT_EQ(CallsFor(In("v1", "pods"), marked), 1u) << "marks.dray.dev";
  Json plain = PodWith(R"({"containers":[{"name":"c","image":"x"}]})");
  plain["metadata"]["name"] = "plain";
  EXPECT_EQ(CallsFor(In("v1", "pods"), plain), 0u);
  const size_t before = calls();
  const Json change = {{"metadata", {{"labels", {{"a", "b"}}}}}};
  EXPECT_EQ(Merge(In("v1", "pods/plain"), change).code, 200);
  EXPECT_EQ(calls(), before);
  EXPECT_EQ(Merge(In("v1", "pods/p"), change).code, 200);
  EXPECT_EQ(calls(), before + 1);
  EXPECT_EQ(Delete(In("v1", "pods/p")).code, 200);
  EXPECT_EQ(Delete(In("v1", "pods/plain")).code, 200);
  EXPECT_EQ(calls(), before + 1);
}

TEST_F(ConfigWebhookCallTest, ClaimsAndClasses) {
  const std::string v1 = "/apis/resource.k8s.io/v1/";
  const Json config = {{{"opaque", {{"driver", "gpu.nvidia.com"}, {"parameters", {{"a", 1}}}}}}};
  const Json request = {{{"name", "r"}, {"exactly", {{"deviceClassName", "gpu.nvidia.com"}}}}};
  auto named = [](const char* name, const Json& spec) {
    return Json{{"metadata", {{"name", name}}}, {"spec", spec}};
  };
  EXPECT_EQ(CallsFor(v1 + "deviceclasses", named("plain", Json::object())), 0u);
  EXPECT_EQ(CallsFor(v1 + "deviceclasses", named("tuned", {{"config", config}})), 1u);
  const std::string claims = In("resource.k8s.io/v1", "resourceclaims");
  EXPECT_EQ(CallsFor(claims, named("plain", {{"devices", {{"requests", request}}}})), 0u);
  EXPECT_EQ(
      CallsFor(claims, named("tuned", {{"devices", {{"requests", request}, {"config", config}}}})),
      1u);
  const std::string templates = In("resource.k8s.io/v1", "resourceclaimtemplates");
  EXPECT_EQ(CallsFor(templates, named("plain", {{"spec", {{"devices", {{"requests", request}}}}}})),
            0u);
  EXPECT_EQ(CallsFor(templates,
                     named("tuned",
                           {{"spec", {{"devices", {{"requests", request}, {"config", config}}}}}})),
            1u);
}

}  // namespace
}  // namespace dray::devcluster
