// What HAMi-DRA 0.0.1 gets wrong around the API at admission, one test each (see
// tests/api/admission/defects_test.cc), and abuse.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/webhook/admission_webhook.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HamiDraDefect : public ::testing::Test {
 protected:
  class Catch final : public runtime::HttpResponder {
   public:
    void Send(runtime::HttpResponse response) override { answer = std::move(response); }
    std::shared_ptr<runtime::HttpStream> StartStream(int, std::string) override { return nullptr; }
    runtime::HttpResponse answer;
  };

  static Json PodWith(std::vector<Json> limits) {
    Json pod = {{"apiVersion", "v1"},
                {"kind", "Pod"},
                {"metadata", {{"name", "p"}}},
                {"spec", {{"containers", Json::array()}}}};
    for (size_t i = 0; i < limits.size(); ++i)
      pod["spec"]["containers"].push_back({{"name", "c" + std::to_string(i)},
                                           {"image", "i"},
                                           {"resources", {{"limits", limits[i]}}}});
    return pod;
  }
  static Json ReviewWith(const Json& object, bool dry_run = false,
                         const std::string& resource = "pods", const std::string& group = "") {
    return {{"apiVersion", "admission.k8s.io/v1"},
            {"kind", "AdmissionReview"},
            {"request",
             {{"uid", "u"},
              {"kind", {{"group", group}, {"version", "v1"}, {"kind", object.value("kind", "")}}},
              {"resource", {{"group", group}, {"version", "v1"}, {"resource", resource}}},
              {"namespace", "default"},
              {"operation", "CREATE"},
              {"dryRun", dry_run},
              {"object", object}}}};
  }
  runtime::HttpResponse Post(const std::string& body, const std::string& path = "/mutate") {
    runtime::HttpRequest request;
    request.method = "POST";
    request.target = path;
    request.headers["content-type"] = "application/json";
    request.body = body;
    Catch caught;
    webhook.Handle(cluster.Ctx(), request, caught);
    return caught.answer;
  }
  Json Answer(const Json& review, const std::string& path = "/mutate") {
    const runtime::HttpResponse response = Post(review.dump(), path);
    EXPECT_EQ(response.code, 200) << response.body;
    return Json::parse(response.body)["response"];
  }
  static const Json& Gpu() {
    static const Json kGpu = {{"nvidia.com/gpu", "1"}};
    return kGpu;
  }

  testing::TestCluster cluster;
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  runtime::Metrics metrics;
  AdmissionWebhook webhook{
      {cluster.Tested(), &cluster.clock, &templates, nullptr, std::chrono::minutes(10), &metrics},
      admission::DeviceConfig()};
};

TEST_F(HamiDraDefect, C2_1_ARefusedPodLeavesNothingBehind) {
  // The second container is refused: nothing of the first one is there either. No claim is ever
  // made at admission.
  const Json response = Answer(
      ReviewWith(PodWith({Gpu(), {{"nvidia.com/gpu", "1"}, {"nvidia.com/gpucores", "130"}}})));
  EXPECT_EQ(response["allowed"], false);
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  Answer(ReviewWith(PodWith({Gpu()})));
  EXPECT_THAT(cluster.List<api::ResourceClaim>(), IsEmpty());
}

TEST_F(HamiDraDefect, C2_2_DryRunWritesNothing) {
  const Json response = Answer(ReviewWith(PodWith({Gpu()}), /*dry_run=*/true));
  EXPECT_TRUE(response.contains("patch"));
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(HamiDraDefect, C2_3_WhatIsMadeIsFoundAgainByItsLabel) {
  // Not owned at admission (the Pod has no UID yet), but labelled and stamped, so that the cleanup
  // knows it. Claims are stamped out by kube-controller-manager, which owns them to the Pod.
  Answer(ReviewWith(PodWith({Gpu()})));
  const auto made = cluster.List<api::ResourceClaimTemplate>();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].metadata.labels.at("app.kubernetes.io/managed-by"), "dray");
  EXPECT_TRUE(made[0].metadata.annotations.contains(std::string(kLastUsedAnnotation)));
}

Json Manifest(const std::string& path, const std::string& kind, const std::string& name) {
  const std::string file = std::string(DRAY_SOURCE_DIR) + "/config/" + path;
  const std::vector<Json> documents =
      runtime::ParseYamlDocuments(runtime::ReadFile(file).value(), file).value();
  for (const Json& document : documents)
    if (document.is_object() && document["kind"] == kind && document["metadata"]["name"] == name)
      return document;
  ADD_FAILURE() << path << " has no " << kind << " " << name;
  return Json::object();
}

TEST_F(HamiDraDefect, C2_16_AnOutageStopsOnlyPodsThatAskForDevices) {
  const Json mutating =
      Manifest("webhook/base/webhook.yaml", "MutatingWebhookConfiguration", "dray")["webhooks"][0];
  const Json spaces = mutating["namespaceSelector"]["matchExpressions"][0];
  EXPECT_EQ(
      spaces,
      Json::parse(
          R"({"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["kube-system","dray-system"]})"));
  EXPECT_EQ(mutating["sideEffects"], "NoneOnDryRun");
  EXPECT_EQ(mutating["rules"][0]["operations"], Json::array({"CREATE"}));
  // What runs already is changed whether we answer or not.
  const Json changing =
      Manifest("webhook/base/webhook.yaml", "MutatingWebhookConfiguration", "dray")["webhooks"][1];
  EXPECT_EQ(changing["rules"][0]["operations"], Json::array({"UPDATE"}));
  EXPECT_EQ(changing["failurePolicy"], "Ignore");
  EXPECT_THAT(changing["matchConditions"][0]["expression"].get<std::string>(),
              HasSubstr("'dray.dev/converted' in oldObject.metadata.annotations"));
  // Every vendor's resources are in the condition; tests/devcluster/admission runs it.
  const std::string condition = mutating["matchConditions"][0]["expression"];
  for (const std::string& domain : admission::ResourceDomains(admission::DeviceConfig()))
    EXPECT_THAT(condition, HasSubstr("'" + domain + "'"));
  const Json validating =
      Manifest("webhook/base/webhook.yaml", "ValidatingWebhookConfiguration", "dray");
  for (const Json& one : validating["webhooks"]) EXPECT_EQ(one["failurePolicy"], "Ignore");
  const Json deployment = Manifest("manager/manager.yaml", "Deployment", "dray-controller-manager");
  EXPECT_GE(deployment["spec"]["replicas"], 2);
  EXPECT_TRUE(deployment["spec"]["template"]["spec"]["containers"][0].contains("readinessProbe"));
  EXPECT_EQ(Manifest("manager/manager.yaml", "PodDisruptionBudget",
                     "dray-controller-manager")["spec"]["minAvailable"],
            1);
}

TEST_F(HamiDraDefect, C3_AnswersWarnAboutWhatHasNoEffect) {
  Json pod = PodWith({Gpu()});
  pod["metadata"]["annotations"]["hami.io/gpu-scheduler-policy"] = "spread";
  const Json response = Answer(ReviewWith(pod));
  EXPECT_EQ(response["allowed"], true);
  ASSERT_EQ(response["warnings"].size(), 1u);
  EXPECT_THAT(response["warnings"][0].get<std::string>(),
              HasSubstr("hami.io/gpu-scheduler-policy: spread"));
}

TEST_F(HamiDraDefect, ValidateNamesTheField) {
  const Json claim = {{"apiVersion", "resource.k8s.io/v1"},
                      {"kind", "ResourceClaim"},
                      {"spec",
                       {{"devices",
                         {{"config",
                           {{{"opaque",
                              {{"driver", "gpu.nvidia.com"},
                               {"parameters",
                                {{"apiVersion", "resource.nvidia.com/v1beta1"},
                                 {"kind", "GpuConfig"},
                                 {"sharing", {{"strategy", "x"}}}}}}}}}}}}}}};
  const Json response =
      Answer(ReviewWith(claim, false, "resourceclaims", "resource.k8s.io"), "/validate");
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["code"], 422);
  EXPECT_EQ(response["status"]["details"]["causes"][0]["field"],
            "spec.devices.config[0].opaque.parameters.sharing.strategy");
  EXPECT_FALSE(response.contains("patch"));
  // Stored before the rules were these: its finalizer must go all the same.
  Json update = ReviewWith(claim, false, "resourceclaims", "resource.k8s.io");
  update["request"]["operation"] = "UPDATE";
  update["request"]["oldObject"] = claim;
  update["request"]["object"]["metadata"]["labels"] = {{"a", "b"}};
  EXPECT_EQ(Answer(update, "/validate")["allowed"], true);
  update["request"]["oldObject"]["spec"]["devices"].erase("config");
  EXPECT_EQ(Answer(update, "/validate")["allowed"], false);
  Json marked = PodWith({Gpu()});
  marked["metadata"]["annotations"]["dray.dev/converted"] = "{}";
  EXPECT_EQ(Answer(ReviewWith(marked), "/validate")["warnings"].size(), 1u);
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(HamiDraDefect, MetricsSayVendorOutcomeAndReason) {
  Answer(ReviewWith(PodWith({Gpu()})));
  Answer(ReviewWith(PodWith({Gpu(), {{"hygon.com/dcunum", "1"}}})));
  Answer(ReviewWith(PodWith({{{"hygon.com/dcunum", "-1"}}})));
  Answer(ReviewWith(PodWith({{{"cpu", "1"}}})));
  const std::string text = metrics.Text();
  for (const char* line :
       {R"(dray_admissions_total{outcome="converted",reason="",vendor="NVIDIA"} 1)",
        R"(dray_admissions_total{outcome="converted",reason="",vendor="several"} 1)",
        R"(dray_admissions_total{outcome="refused",reason="Invalid",vendor="Hygon DCU"} 1)",
        R"(dray_admissions_total{outcome="unchanged",reason="",vendor="none"} 1)"})
    EXPECT_THAT(text, HasSubstr(line));
}

int64_t ResidentKilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  return 0;
}

// Nothing is kept of what nobody can use: neither memory nor a metric per mistake.
TEST_F(HamiDraDefect, TenThousandMalformedReviewsLeaveNoTrace) {
  const std::string good = ReviewWith(PodWith({Gpu()})).dump();
  auto abuse = [&](int i) {
    std::string body;
    switch (i % 5) {
      case 0:
        body = good.substr(0, static_cast<size_t>(i) % good.size());
        break;
      case 1:
        body = std::string(2000, '[');
        break;
      case 2:
        body = good, body.replace(body.find("AdmissionReview"), 15, "Rubbish" + std::to_string(i));
        break;
      case 3:
        body = "{\"kind\":\"" + std::to_string(i) + std::string(1000, 'x');
        break;
      default:
        body = std::string(3000, static_cast<char>(i));
        break;
    }
    const runtime::HttpResponse response =
        Post(body, i % 7 == 0 ? "/" + std::to_string(i) : "/mutate");
    EXPECT_GE(response.code, 400);
    EXPECT_LT(response.code, 500);
  };
  for (int i = 0; i < 2000; ++i) abuse(i);
  const int64_t before = ResidentKilobytes();
  const size_t lines = metrics.Text().size();
  for (int i = 2000; i < 12000; ++i) abuse(i);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // those keep what was freed
  EXPECT_LT(ResidentKilobytes() - before, 8 * 1024);
#else
  EXPECT_GT(before, 0);
#endif
  EXPECT_LT(metrics.Text().size(), lines + 200);  // the same lines, larger numbers
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  EXPECT_EQ(Answer(ReviewWith(PodWith({Gpu()})))["allowed"], true);
}

}  // namespace
}  // namespace dray::controllers
