// The webhook as kube-apiserver sees it: reviews in, answers out, templates in the API.
#include "controllers/webhook/admission_webhook.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dray/api/patch.h"
#include "dray/base/base64.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class Answered final : public runtime::HttpResponder {
 public:
  void Send(runtime::HttpResponse response) override { answer = std::move(response); }
  std::shared_ptr<runtime::HttpStream> StartStream(int, std::string) override { return nullptr; }
  std::optional<runtime::HttpResponse> answer;
};

Json GpuPod(const Json& limits = {{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem", "4000"}}) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"generateName", "train-"}}},
          {"spec",
           {{"containers",
             {{{"name", "main"}, {"image", "cuda"}, {"resources", {{"limits", limits}}}}}}}}};
}

Json ReviewOf(const Json& pod, const std::string& operation = "CREATE", bool dry_run = false,
              const Json& old = nullptr) {
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"request",
           {{"uid", "review-1"},
            {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
            {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
            {"namespace", "default"},
            {"operation", operation},
            {"dryRun", dry_run},
            {"object", pod},
            {"oldObject", old}}}};
}

struct WebhookTest : ::testing::Test {
  AdmissionWebhook Make(Duration grace = minutes(10)) {
    return AdmissionWebhook(
        {cluster.Tested(), &cluster.clock, &templates, &slices, grace, &metrics},
        admission::DeviceConfig());
  }

  static runtime::HttpRequest Post(std::string body) {
    runtime::HttpRequest request;
    request.method = "POST";
    request.target = "/mutate?timeout=10s";
    request.headers["content-type"] = "application/json";
    request.body = std::move(body);
    return request;
  }
  runtime::HttpResponse Send(const AdmissionWebhook& webhook, const runtime::HttpRequest& request) {
    Answered responder;
    webhook.Handle(cluster.Ctx(), request, responder);
    EXPECT_TRUE(responder.answer);
    return responder.answer.value_or(runtime::HttpResponse());
  }
  // The answer's "response", for a review that is one.
  Json Review(const AdmissionWebhook& webhook, const Json& review) {
    const runtime::HttpResponse response = Send(webhook, Post(review.dump()));
    EXPECT_EQ(response.code, 200) << response.body;
    const Json answer = Json::parse(response.body);
    EXPECT_EQ(answer["apiVersion"], "admission.k8s.io/v1");
    EXPECT_EQ(answer["kind"], "AdmissionReview");
    EXPECT_EQ(answer["response"]["uid"], "review-1");
    EXPECT_EQ(answer["response"].contains("patch"), answer["response"].contains("patchType"));
    return answer["response"];
  }
  static Json Patched(const Json& pod, const Json& response) {
    if (!response.contains("patch")) return pod;
    EXPECT_EQ(response["patchType"], "JSONPatch");
    std::optional<std::string> patch = DecodeBase64(response["patch"].get<std::string>());
    EXPECT_TRUE(patch);
    Result<Json> after = api::ApplyJsonPatch(pod, Json::parse(*patch));
    EXPECT_TRUE(after.ok()) << after.status();
    return after.ok() ? *after : pod;
  }
  std::string Metric(const std::string& line_start) {
    std::istringstream text(metrics.Text());
    for (std::string line; std::getline(text, line);)
      if (line.starts_with(line_start)) return line.substr(line.rfind(' ') + 1);
    return "absent";
  }
  // Over all vendors and reasons.
  std::string Outcome(const std::string& outcome) {
    std::istringstream text(metrics.Text());
    std::string total = "absent";
    for (std::string line; std::getline(text, line);)
      if (line.starts_with("dray_admissions_total{outcome=\"" + outcome + "\""))
        total = std::to_string(std::stoi(line.substr(line.rfind(' ') + 1)) +
                               (total == "absent" ? 0 : std::stoi(total)));
    return total;
  }

  testing::TestCluster cluster;
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  testing::SyncedCache<api::ResourceSlice> slices;
  runtime::Metrics metrics;
};

TEST_F(WebhookTest, ConvertsAPodAndMakesItsTemplate) {
  const AdmissionWebhook webhook = Make();
  const Json pod = GpuPod();
  const Json response = Review(webhook, ReviewOf(pod));
  EXPECT_EQ(response["allowed"], true);
  EXPECT_FALSE(response.contains("status"));
  const Json after = Patched(pod, response);
  const Json& container = after["spec"]["containers"][0];
  EXPECT_FALSE(container["resources"].contains("limits"));
  const std::string entry = after["spec"]["resourceClaims"][0]["name"];
  EXPECT_EQ(container["resources"]["claims"][0]["name"], entry);
  EXPECT_EQ(after["metadata"]["labels"]["hami.io/dra"], "true");

  const auto made = cluster.List<api::ResourceClaimTemplate>();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].metadata.namespace_, "default");
  EXPECT_EQ(made[0].metadata.name, after["spec"]["resourceClaims"][0]["resourceClaimTemplateName"]);
  EXPECT_TRUE(made[0].metadata.name.starts_with("dray-"));
  EXPECT_EQ(made[0].metadata.labels.at("app.kubernetes.io/managed-by"), "dray");
  EXPECT_EQ(made[0].metadata.annotations.at(std::string(kLastUsedAnnotation)),
            "2026-01-01T00:00:00Z");
  EXPECT_EQ(made[0].metadata.annotations.at("dray.dev/request-hash").substr(0, 16),
            made[0].metadata.name.substr(5));
  const auto& request = made[0].spec.spec.devices.requests.at(0);
  EXPECT_EQ(request.name, container["resources"]["claims"][0]["request"]);
  EXPECT_EQ(request.exactly->capacity->requests.at("memory").ToString(), "4000Mi");

  // What the server stores of it is a valid Pod, and the API server accepts what the webhook
  // answered.
  api::Pod stored = cluster.CreateFrom<api::Pod>([&] {
    Json named = after;
    named["metadata"]["namespace"] = "default";
    return named;
  }());
  EXPECT_EQ(stored.spec.resource_claims.size(), 1u);
}

TEST_F(WebhookTest, PatchTouchesOnlyWhatChanges) {
  Json pod = GpuPod();
  pod["spec"]["containers"][0]["x-unknown"] = {{"kept", true}};
  pod["spec"]["containers"].push_back(
      {{"name", "side"}, {"image", "nginx"}, {"resources", {{"limits", {{"cpu", "1"}}}}}});
  const Json response = Review(Make(), ReviewOf(pod));
  const Json patch = Json::parse(*DecodeBase64(response["patch"].get<std::string>()));
  for (const Json& operation : patch) {
    const std::string path = operation["path"];
    EXPECT_TRUE(path.starts_with("/metadata/") || path.starts_with("/spec/resourceClaims") ||
                path.starts_with("/spec/containers/0/resources"))
        << path;
  }
  EXPECT_EQ(Patched(pod, response)["spec"]["containers"][1], pod["spec"]["containers"][1]);
  EXPECT_EQ(Patched(pod, response)["spec"]["containers"][0]["x-unknown"],
            pod["spec"]["containers"][0]["x-unknown"]);
}

TEST_F(WebhookTest, DryRunWritesNothingAndAnswersTheSame) {
  const AdmissionWebhook webhook = Make();
  const Json dry = Review(webhook, ReviewOf(GpuPod(), "CREATE", true));
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  EXPECT_THAT(cluster.List<api::ResourceClaimTemplate>(), IsEmpty());
  EXPECT_EQ(dry, Review(webhook, ReviewOf(GpuPod())));
  EXPECT_EQ(cluster.List<api::ResourceClaimTemplate>().size(), 1u);
}

TEST_F(WebhookTest, ReinvocationChangesNothing) {
  const AdmissionWebhook webhook = Make();
  const Json once = Patched(GpuPod(), Review(webhook, ReviewOf(GpuPod())));
  cluster.wire->TakeWrites();
  const Json again = Review(webhook, ReviewOf(once));
  EXPECT_EQ(again["allowed"], true);
  EXPECT_FALSE(again.contains("patch"));
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(WebhookTest, OneTemplateWhateverReplicasAndPodsDo) {
  AdmissionWebhook replicas[] = {Make(), Make()};
  constexpr int kThreads = 4, kReviews = 25;
  std::vector<std::string> patches[kThreads];
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] {
        for (int j = 0; j < kReviews; ++j)
          patches[i].push_back(
              Review(replicas[i % 2], ReviewOf(GpuPod()))["patch"].get<std::string>());
      });
  }
  EXPECT_EQ(cluster.List<api::ResourceClaimTemplate>().size(), 1u);
  for (const auto& some : patches) EXPECT_THAT(some, ::testing::Each(patches[0][0]));
  EXPECT_EQ(Outcome("converted"), std::to_string(kThreads * kReviews));
  // Another request is another template; the same one in another namespace too.
  Review(replicas[0], ReviewOf(GpuPod({{"nvidia.com/gpu", "2"}})));
  EXPECT_EQ(cluster.List<api::ResourceClaimTemplate>().size(), 2u);
  api::Namespace other;
  other.metadata.name = "other";
  cluster.Create(other);
  Json elsewhere = ReviewOf(GpuPod());
  elsewhere["request"]["namespace"] = "other";
  Review(replicas[1], elsewhere);
  EXPECT_EQ(cluster.List<api::ResourceClaimTemplate>("other").size(), 1u);
}

// The stamp keeps the cleanup away (grace 10 minutes) at a write per 5 minutes at most, whether the
// cache knows it or lags.
TEST_F(WebhookTest, LastUseIsRefreshedWhenHalfTheGraceIsOver) {
  struct Case {
    const char* name;
    Duration later;
    bool cached;
    std::vector<const char*> writes;  // methods
    const char* stamp;
  };
  const Case cases[] = {
      {"at once, known", seconds(0), true, {}, "2026-01-01T00:00:00Z"},
      {"at once, cache behind", seconds(0), false, {"POST"}, "2026-01-01T00:00:00Z"},
      {"just below half", seconds(299), true, {}, "2026-01-01T00:00:00Z"},
      {"half", seconds(300), true, {"PATCH"}, "2026-01-01T00:05:00Z"},
      {"old, cache behind", minutes(9), false, {"POST", "PATCH"}, "2026-01-01T00:09:00Z"},
      {"ancient", std::chrono::hours(240), true, {"PATCH"}, "2026-01-11T00:00:00Z"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    testing::TestCluster fresh_cluster;
    testing::SyncedCache<api::ResourceClaimTemplate> cache;
    const AdmissionWebhook webhook(
        {fresh_cluster.Tested(), &fresh_cluster.clock, &cache, nullptr, minutes(10), &metrics},
        admission::DeviceConfig());
    Review(webhook, ReviewOf(GpuPod()));
    fresh_cluster.wire->TakeWrites();
    if (one.cached) cache.Sync(fresh_cluster.client, fresh_cluster.Ctx());
    fresh_cluster.clock.Advance(one.later);
    Review(webhook, ReviewOf(GpuPod()));
    std::vector<std::string> writes = fresh_cluster.wire->TakeWrites();
    ASSERT_EQ(writes.size(), one.writes.size());
    for (size_t i = 0; i < writes.size(); ++i) EXPECT_THAT(writes[i], StartsWith(one.writes[i]));
    EXPECT_EQ(fresh_cluster.List<api::ResourceClaimTemplate>().at(0).metadata.annotations.at(
                  std::string(kLastUsedAnnotation)),
              one.stamp);
  }
}

TEST_F(WebhookTest, TemplateThatTheCleanupTookIsMadeAgain) {
  const AdmissionWebhook webhook = Make();
  Review(webhook, ReviewOf(GpuPod()));
  templates.Sync(cluster.client, cluster.Ctx());
  const api::ObjectKey key = api::KeyOf(*templates.List().at(0));
  ASSERT_TRUE(cluster.Delete<api::ResourceClaimTemplate>(key).ok());
  cluster.clock.Advance(minutes(6));  // the cache still shows it
  const Json response = Review(webhook, ReviewOf(GpuPod()));
  EXPECT_EQ(response["allowed"], true);
  EXPECT_TRUE(cluster.Find<api::ResourceClaimTemplate>(key));
}

TEST_F(WebhookTest, TemplateBeingDeletedIsNotHandedOut) {
  const AdmissionWebhook webhook = Make();
  Review(webhook, ReviewOf(GpuPod()));
  const api::ObjectKey key = api::KeyOf(cluster.List<api::ResourceClaimTemplate>().at(0));
  cluster.Merge<api::ResourceClaimTemplate>(key,
                                            {{"metadata", {{"finalizers", {"example.com/hold"}}}}});
  ASSERT_TRUE(cluster.Delete<api::ResourceClaimTemplate>(key).ok());
  for (bool cached : {false, true}) {
    if (cached) templates.Sync(cluster.client, cluster.Ctx());
    const Json response = Review(webhook, ReviewOf(GpuPod()));
    EXPECT_EQ(response["allowed"], false);
    EXPECT_EQ(response["status"]["code"], 503);
    EXPECT_THAT(response["status"]["message"].get<std::string>(),
                HasSubstr("is being deleted: try again"));
  }
}

TEST_F(WebhookTest, LeavesAloneWhatIsNotItsBusiness) {
  Json foreign = GpuPod();
  foreign["spec"]["schedulerName"] = "volcano";
  Json ignored = GpuPod();
  ignored["metadata"]["labels"]["hami.io/webhook"] = "ignore";
  Json subresource = ReviewOf(GpuPod());
  subresource["request"]["subResource"] = "status";
  Json deployments = ReviewOf(GpuPod());
  deployments["request"]["resource"]["resource"] = "deployments";
  Json other_group = ReviewOf(GpuPod());
  other_group["request"]["resource"]["group"] = "metrics.k8s.io";
  Json deletion = ReviewOf(nullptr, "DELETE", false, GpuPod());
  const std::pair<const char*, Json> cases[] = {
      {"no devices", ReviewOf(GpuPod({{"cpu", "1"}}))},
      {"another scheduler", ReviewOf(foreign)},
      {"opted out", ReviewOf(ignored)},
      {"a subresource", subresource},
      {"another resource", deployments},
      {"another group's pods", other_group},
      {"a deletion", deletion},
      {"an update of a Pod that was not converted", ReviewOf(GpuPod(), "UPDATE", false, GpuPod())},
      {"a connect", ReviewOf(nullptr, "CONNECT")},
  };
  const AdmissionWebhook webhook = Make();
  for (const auto& [name, review] : cases) {
    SCOPED_TRACE(name);
    const Json response = Review(webhook, review);
    EXPECT_EQ(response, Json({{"uid", "review-1"}, {"allowed", true}}));
  }
  EXPECT_EQ(Outcome("unchanged"), std::to_string(std::size(cases)));
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

// `kubectl apply -f` of the original file brings the vendor's resources back into the converted
// Pod.
TEST_F(WebhookTest, ApplyingTheOriginalFileAgainChangesNothing) {
  const AdmissionWebhook webhook = Make();
  Json original = GpuPod({{"nvidia.com/gpu", 1}, {"nvidia.com/gpumem", "4000"}, {"cpu", "2"}});
  original["metadata"] = {{"name", "p"}, {"namespace", "default"}};
  original["spec"]["schedulerName"] = "hami-scheduler";
  original["spec"]["initContainers"] = {{{"name", "init"},
                                         {"image", "cuda"},
                                         {"resources", {{"limits", {{"nvidia.com/gpu", "1"}}}}}}};
  const Json stored = Patched(original, Review(webhook, ReviewOf(original)));
  cluster.wire->TakeWrites();

  // The three-way merge adds; defaulting copies extended resources into requests.
  Json again = stored;
  for (const char* list : {"limits", "requests"}) {
    again["spec"]["containers"][0]["resources"][list]["nvidia.com/gpu"] = "1";
    again["spec"]["containers"][0]["resources"][list]["nvidia.com/gpumem"] = "4k";
    again["spec"]["initContainers"][0]["resources"][list]["nvidia.com/gpu"] = "1";
  }
  again["spec"]["schedulerName"] = "hami-scheduler";
  again["spec"]["containers"][0]["image"] = "cuda:13";  // what may change does
  Json expected = stored;
  expected["spec"]["containers"][0]["image"] = "cuda:13";
  const Json response = Review(webhook, ReviewOf(again, "UPDATE", false, stored));
  EXPECT_EQ(response["allowed"], true);
  EXPECT_EQ(Patched(again, response), expected);
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  EXPECT_FALSE(Review(webhook, ReviewOf(expected, "UPDATE", false, stored)).contains("patch"));

  Json more = again;
  more["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] = "2";
  const Json refused = Review(webhook, ReviewOf(more, "UPDATE", false, stored));
  EXPECT_EQ(refused["allowed"], false);
  EXPECT_EQ(refused["status"]["code"], 403);
  EXPECT_EQ(refused["status"]["message"],
            "container main: nvidia.com/gpu: 2: a running Pod keeps the devices it was made with "
            "(1): delete it and create "
            "it again");
}

TEST_F(WebhookTest, RefusesInOneSentence) {
  cluster.AddDevices("n1", 1);
  slices.Sync(cluster.client, cluster.Ctx());
  Json bound = GpuPod();
  bound["spec"]["nodeName"] = "n1";
  Json privileged = GpuPod();
  privileged["spec"]["containers"][0]["securityContext"]["privileged"] = true;
  Json mps = GpuPod();
  mps["metadata"]["annotations"]["nvidia.com/vgpu-mode"] = "mps";
  Json injected = GpuPod();
  injected["metadata"]["annotations"]["nvidia.com/use-gpuuuid"] = "GPU-1\" || true || \"";
  struct Case {
    Json pod;
    int code;  // 200: allowed
    const char* words;
  };
  const Case cases[] = {
      {bound, 403, "spec.nodeName: n1"},
      {privileged, 403, "privileged"},
      {mps, 422, "nvidia.com/vgpu-mode: mps"},
      {GpuPod({{"nvidia.com/gpu", "x"}}), 422, "nvidia.com/gpu: x"},
      {GpuPod({{"nvidia.com/gpu", "-1"}}), 422, "nvidia.com/gpu: -1"},
      {GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem-percentage", "101"}}), 422,
       "gpumem-percentage: 101"},
      {GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem-percentage", "50"}}), 422,
       "gpumem-percentage: 50"},
      {GpuPod({{"nvidia.com/gpu", "33"}}), 422, "33"},
      {GpuPod({{"nvidia.com/gpu", "99999999999999999999"}}), 422,
       "nvidia.com/gpu: 99999999999999999999"},
      {injected, 200, ""},
  };
  const AdmissionWebhook webhook = Make();
  int refused = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.pod.dump());
    const Json response = Review(webhook, ReviewOf(one.pod));
    EXPECT_EQ(response["allowed"], one.code == 200);
    if (one.code == 200) continue;
    ++refused;
    EXPECT_FALSE(response.contains("patch"));
    EXPECT_EQ(response["status"]["code"], one.code);
    const std::string message = response["status"]["message"];
    EXPECT_THAT(message, HasSubstr(one.words));
    EXPECT_THAT(message, Not(HasSubstr("\n")));
    EXPECT_THAT(message, Not(EndsWith(".")));
    EXPECT_LT(message.size(), 300u);
  }
  EXPECT_EQ(Outcome("refused"), std::to_string(refused));
  // A refusal leaves nothing behind: the only template is that of the Pod that was let in.
  EXPECT_EQ(cluster.List<api::ResourceClaimTemplate>().size(), 1u);
}

TEST_F(WebhookTest, KnowsTheClustersDevices) {
  api::ResourceSlice slice;
  slice.metadata.name = "n1-gpu";
  slice.spec.driver = "hami-core-gpu.project-hami.io";
  slice.spec.pool = {"n1", 1, 1};
  slice.spec.node_name = "n1";
  slice.spec.devices.emplace_back().name = "hami-gpu-0";
  slice.spec.devices[0].capacity["memory"].value = testing::Q("80Gi");
  slice.spec.devices.emplace_back().name = "hami-gpu-1";
  slice.spec.devices[1].capacity["hami-core-gpu.project-hami.io/memory"].value = testing::Q("40Gi");
  cluster.Create(slice);
  slices.Sync(cluster.client, cluster.Ctx());
  const AdmissionWebhook webhook = Make();
  const Json too_much =
      Review(webhook, ReviewOf(GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem", "90000"}})));
  EXPECT_EQ(too_much["allowed"], false);
  EXPECT_THAT(too_much["status"]["message"].get<std::string>(), HasSubstr("the largest device"));
  const Json half = Review(
      webhook, ReviewOf(GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem-percentage", "50"}})));
  EXPECT_EQ(half["allowed"], true);
  const auto request =
      cluster.List<api::ResourceClaimTemplate>().at(0).spec.spec.devices.requests.at(0);
  ASSERT_EQ(request.first_available.size(), 2u);
  EXPECT_EQ(request.first_available[0].capacity->requests.at("memory").ToString(), "20Gi");
  EXPECT_EQ(request.first_available[1].capacity->requests.at("memory").ToString(), "40Gi");
}

TEST_F(WebhookTest, JudgesNoPodBeforeTheDevicesAreKnown) {
  slices.synced = false;
  const AdmissionWebhook webhook = Make();
  const Json response = Review(
      webhook, ReviewOf(GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem-percentage", "50"}})));
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["code"], 503);
  EXPECT_EQ(response["status"]["message"],
            "this replica has not seen the cluster's ResourceSlices yet: try again");
  EXPECT_EQ(Review(webhook, ReviewOf(GpuPod({{"cpu", "1"}})))["allowed"], true);
}

// A server with DRAConsumableCapacity off drops the field: said once, where the template is made.
TEST_F(WebhookTest, SaysWhenTheServerDropsRequestsForAPart) {
  struct Dropping final : runtime::Transport {
    explicit Dropping(std::shared_ptr<runtime::Transport> inner) : inner(std::move(inner)) {}
    Result<runtime::ApiResponse> Do(const Context& ctx,
                                    const runtime::ApiRequest& request) override {
      Result<runtime::ApiResponse> answer = inner->Do(ctx, request);
      if (!answer.ok() || request.method != "POST") return answer;
      Json object = Json::parse(answer->body);
      object["spec"]["spec"]["devices"]["requests"][0]["exactly"].erase("capacity");
      answer->body = object.dump();
      return answer;
    }
    Status Watch(const Context& ctx, const runtime::ApiRequest& request,
                 const std::function<bool(std::string_view)>& on_line) override {
      return inner->Watch(ctx, request, on_line);
    }
    std::shared_ptr<runtime::Transport> inner;
  };
  const AdmissionWebhook webhook({runtime::Client(std::make_shared<Dropping>(cluster.wire)),
                                  &cluster.clock, &templates, &slices, minutes(10), &metrics},
                                 admission::DeviceConfig());
  const Json response =
      Review(webhook, ReviewOf(GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/gpumem", "4000"}})));
  EXPECT_EQ(response["allowed"], true);
  EXPECT_THAT(response["warnings"].back().get<std::string>(), HasSubstr("DRAConsumableCapacity"));
}

TEST_F(WebhookTest, SaysWhenTheTemplateCannotBeMade) {
  struct Case {
    Status failure;
    int code;
    const char* tail;
  };
  const Case cases[] = {
      {Status(Reason::kUnavailable, "connection refused"), 503, "connection refused: try again"},
      {Status(Reason::kTimeout, "deadline exceeded"), 503, ": try again"},
      {Status(Reason::kForbidden, "exceeded quota: claims"), 403, "exceeded quota: claims"},
  };
  const AdmissionWebhook webhook = Make();
  for (const Case& one : cases) {
    cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
      return request.method == "POST" ? one.failure : Ok();
    });
    const Json response = Review(webhook, ReviewOf(GpuPod()));
    EXPECT_EQ(response["allowed"], false);
    EXPECT_EQ(response["status"]["code"], one.code);
    EXPECT_THAT(response["status"]["message"].get<std::string>(),
                StartsWith("ResourceClaimTemplate dray-"));
    EXPECT_THAT(response["status"]["message"].get<std::string>(), EndsWith(one.tail));
    EXPECT_FALSE(response.contains("patch"));
  }
  EXPECT_EQ(Outcome("failed"), std::to_string(std::size(cases)));
  cluster.wire->RefuseWhere(nullptr);
  EXPECT_EQ(Review(webhook, ReviewOf(GpuPod()))["allowed"], true);
}

// The API server behind does not answer: the caller still hears something within its patience.
TEST_F(WebhookTest, IsBoundedInTime) {
  struct Case {
    const char* target;
    Duration patience;
  };
  const Case cases[] = {{"/mutate", seconds(8)},
                        {"/mutate?timeout=10s", seconds(8)},
                        {"/mutate?timeout=30s", seconds(8)},
                        {"/mutate?a=b&timeout=5s", seconds(4)},
                        {"/mutate?timeout=", seconds(8)},
                        {"/mutate?timeout=-1s", seconds(8)}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.target);
    testing::FakeClock clock;
    std::stop_source stop;
    // Nothing answers: a call waits for its deadline.
    struct Silent final : runtime::Transport {
      Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest&) override {
        EXPECT_NE(ctx.deadline(), SteadyTime::max());
        return ctx.Sleep(std::chrono::hours(1));
      }
      Status Watch(const Context& ctx, const runtime::ApiRequest&,
                   const std::function<bool(std::string_view)>&) override {
        return ctx.Sleep(std::chrono::hours(1));
      }
    };
    const AdmissionWebhook webhook({runtime::Client(std::make_shared<Silent>()), &clock, nullptr,
                                    nullptr, minutes(10), &metrics},
                                   admission::DeviceConfig());
    runtime::HttpRequest request = Post(ReviewOf(GpuPod()).dump());
    request.target = one.target;
    Answered responder;
    std::jthread handler(
        [&] { webhook.Handle(Context(clock, stop.get_token()), request, responder); });
    ASSERT_TRUE(clock.AwaitWaiters(1));
    EXPECT_EQ(*clock.NextDeadline() - clock.Steady(), one.patience);
    clock.Advance(one.patience);
    handler.join();
    ASSERT_TRUE(responder.answer);
    const Json answer = Json::parse(responder.answer->body);
    EXPECT_EQ(answer["response"]["allowed"], false);
    EXPECT_EQ(answer["response"]["status"]["code"], 503);
  }
}

TEST_F(WebhookTest, HttpErrors) {
  const std::string good = ReviewOf(GpuPod()).dump();
  struct Case {
    const char* name;
    int code;
    std::function<void(runtime::HttpRequest&)> change;
  };
  auto body = [](std::string text) {
    return [text](runtime::HttpRequest& request) { request.body = text; };
  };
  auto type = [](const char* text) {
    return [text](runtime::HttpRequest& request) { request.headers["content-type"] = text; };
  };
  auto edited = [&](const char* pointer, Json value) {
    Json review = Json::parse(good);
    review[Json::json_pointer(pointer)] = std::move(value);
    return body(review.dump());
  };
  const Case cases[] = {
      {"plain", 200, [](auto&) {}},
      {"with a charset", 200, type("Application/JSON; charset=utf-8")},
      {"another path", 404, [](auto& request) { request.target = "/verify"; }},
      {"a longer path", 404, [](auto& request) { request.target = "/mutate/x"; }},
      {"GET", 405, [](auto& request) { request.method = "GET"; }},
      {"no content type", 415, [](auto& request) { request.headers.clear(); }},
      {"yaml", 415, type("application/yaml")},
      {"protobuf", 415, type("application/vnd.kubernetes.protobuf")},
      {"json-like", 415, type("application/jsonp")},
      {"empty", 400, body("")},
      {"no JSON", 400, body("uid: 1")},
      {"an array", 400, body("[]")},
      {"null", 400, body("null")},
      {"another kind", 400, edited("/kind", "Pod")},
      {"another version", 400, edited("/apiVersion", "admission.k8s.io/v1beta1")},
      {"no request", 400, edited("/request", nullptr)},
      {"a request that is none", 400, edited("/request", 5)},
      {"no uid", 400, edited("/request/uid", "")},
      {"a uid that is none", 400, edited("/request/uid", {{"a", 1}})},
      {"dryRun that is none", 400, edited("/request/dryRun", "yes")},
      {"deep", 400, body(std::string(200'000, '['))},
      {"deep inside", 400,
       body(
           R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","object":)" +
           std::string(200'000, '['))},
      {"huge and no JSON", 400, body(std::string(8 << 20, 'x'))},
      {"no UTF-8", 400, edited("/request/uid", "u")},  // replaced below
  };
  const AdmissionWebhook webhook = Make();
  int malformed = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    runtime::HttpRequest request = Post(good);
    one.change(request);
    if (std::string_view(one.name) == "no UTF-8")
      request.body.replace(request.body.find("train-"), 6, "\xff\xfe\xc3\x28\x80\x80");
    const runtime::HttpResponse response = Send(webhook, request);
    EXPECT_EQ(response.code, one.code) << response.body;
    if (one.code == 200) continue;
    ++malformed;
    EXPECT_EQ(response.content_type, "text/plain");
    EXPECT_LT(response.body.size(), 400u);
    EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 1) << response.body;
    EXPECT_THAT(response.body, EndsWith("\n"));
  }
  EXPECT_EQ(Outcome("malformed"), std::to_string(malformed));
  EXPECT_EQ(Metric("dray_admission_duration_seconds_count"), std::to_string(std::size(cases)));
}

TEST_F(WebhookTest, EveryTruncationIsAnError) {
  const AdmissionWebhook webhook = Make();
  const std::string good = ReviewOf(GpuPod()).dump();
  for (size_t length = 0; length < good.size(); ++length)
    ASSERT_EQ(Send(webhook, Post(good.substr(0, length))).code, 400) << good.substr(0, length);
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

// The review is well-formed, the Pod in it is not: kube-apiserver would not send it, anybody else
// might.
TEST_F(WebhookTest, PodsOfOddShapeDoNoHarm) {
  Json deep = GpuPod();
  Json* at = &deep["spec"]["affinity"];
  for (int i = 0; i < 200; ++i) at = &(*at)["x"];
  std::vector<Json> pods = {nullptr, 5, "pod", Json::array(), Json::object(), deep};
  pods.push_back(GpuPod({{"nvidia.com/gpu", std::string(100'000, '9')}}));
  for (const char* pointer : {"/metadata",
                              "/spec",
                              "/spec/containers",
                              "/spec/containers/0",
                              "/spec/containers/0/name",
                              "/spec/containers/0/resources",
                              "/spec/containers/0/resources/limits",
                              "/spec/containers/0/resources/limits/nvidia.com~1gpu",
                              "/spec/containers/0/resources/claims",
                              "/spec/containers/0/env",
                              "/spec/containers/0/securityContext",
                              "/spec/containers/0/securityContext/privileged",
                              "/spec/initContainers",
                              "/spec/resourceClaims",
                              "/spec/resourceClaims/0",
                              "/spec/schedulerName",
                              "/spec/nodeName",
                              "/metadata/annotations",
                              "/metadata/labels",
                              "/metadata/labels/hami.io~1webhook"})
    for (const Json& odd : {Json(nullptr), Json(5), Json("x"), Json(true), Json::array(),
                            Json::array({1}), Json::object(), Json({{"a", 1}})}) {
      Json pod = GpuPod({{"nvidia.com/gpu", "1"}, {"nvidia.com/priority", "1"}});
      if (std::string_view(pointer) == "/spec/resourceClaims/0")
        pod["spec"]["resourceClaims"] = Json::array({nullptr});
      pod[Json::json_pointer(pointer)] = odd;
      pods.push_back(std::move(pod));
    }
  const AdmissionWebhook webhook = Make();
  for (const Json& pod : pods) {
    SCOPED_TRACE(pod.dump().substr(0, 300));
    const Json response = Review(webhook, ReviewOf(pod, "CREATE", true));
    if (response["allowed"] == false) {
      EXPECT_GE(response["status"]["code"].get<int>(), 400);
      EXPECT_LT(response["status"]["code"].get<int>(), 500);
    }
    Review(webhook,
           ReviewOf(pod, "UPDATE", true,
                    Patched(GpuPod(), Review(webhook, ReviewOf(GpuPod(), "CREATE", true)))));
    Review(webhook, ReviewOf(GpuPod(), "UPDATE", true, pod));
  }
}

// Nesting far beyond what the stack would take if anything here recursed into it.
TEST_F(WebhookTest, NestingIsBounded) {
  const AdmissionWebhook webhook = Make();
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const char* field :
       {"\"image\":\"cuda\"", "\"1\"", "\"limits\":", "\"generateName\":\"train-\""}) {
    std::string body = ReviewOf(GpuPod({{"nvidia.com/gpu", "1"}})).dump();
    const size_t at = body.find(field);
    ASSERT_NE(at, std::string::npos) << field;
    const std::string_view text = field;
    if (text == "\"1\"")
      body.replace(at, text.size(), deep);
    else
      body.insert(at, "\"deep\":" + deep + ",");
    const runtime::HttpResponse response = Send(webhook, Post(body));
    EXPECT_EQ(response.code, 400) << field << ": " << response.body.substr(0, 200);
  }
}

TEST_F(WebhookTest, ConfigurationIsReplacedWhileServing) {
  AdmissionWebhook webhook = Make();
  const Json pod = GpuPod({{"example.com/vgpu", "1"}});
  EXPECT_FALSE(Review(webhook, ReviewOf(pod)).contains("patch"));
  Result<admission::DeviceConfig> config =
      admission::DeviceConfig::FromJson({{"nvidia", {{"resourceCountName", "example.com/vgpu"}}}});
  ASSERT_TRUE(config.ok()) << config.status();
  webhook.SetConfig(std::move(*config));
  EXPECT_TRUE(Review(webhook, ReviewOf(pod)).contains("patch"));
}

// What takes no call to the API server is answered at once; the rest is left, uncounted, to a
// thread that may wait.
TEST_F(WebhookTest, OnlyANewTemplateHasToWait) {
  const AdmissionWebhook webhook = Make();
  auto tried = [&](const Json& review) {
    Answered responder;
    const bool answered = webhook.TryHandle(Post(review.dump()), responder);
    EXPECT_EQ(answered, responder.answer.has_value());
    return answered;
  };
  EXPECT_FALSE(tried(ReviewOf(GpuPod())));
  EXPECT_EQ(Outcome("converted"), "0");
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  EXPECT_TRUE(tried(ReviewOf(GpuPod(), "CREATE", /*dry_run=*/true)));
  EXPECT_TRUE(tried(ReviewOf(GpuPod({{"cpu", "1"}}))));
  EXPECT_TRUE(tried(ReviewOf(GpuPod({{"nvidia.com/gpu", "-1"}}))));
  EXPECT_TRUE(tried(Json::array()));
  Review(webhook, ReviewOf(GpuPod()));
  EXPECT_FALSE(tried(ReviewOf(GpuPod())));  // the cache does not know it yet
  templates.Sync(cluster.client, cluster.Ctx());
  EXPECT_TRUE(tried(ReviewOf(GpuPod())));
  cluster.clock.Advance(minutes(6));
  EXPECT_FALSE(tried(ReviewOf(GpuPod())));  // used again after half the grace: to be written down
}

TEST_F(WebhookTest, MetricsExistBeforeTheFirstReview) {
  Make();
  for (const char* outcome : {"converted", "unchanged", "refused", "failed", "malformed"})
    EXPECT_EQ(Outcome(outcome), "0");
}

}  // namespace
}  // namespace dray::controllers
