// What is left over goes away, and nothing else.
#include "controllers/cleanup/cleanup_reconcilers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/resourceclaim/pending_reasons.h"
#include "controllers/webhook/admission_webhook.h"
#include "dray/base/log.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TestCluster;

const api::ObjectKey kTemplate{"default", "dray-0123456789abcdef"};
constexpr char kManagedBy[] = "app.kubernetes.io/managed-by";

struct CleanupTest : ::testing::Test {
  CleanupOptions Options() {
    return {.client = cluster.Tested(), .pods = &pods, .metrics = &metrics};
  }
  void Sync() {
    pods.Sync(cluster.client, cluster.Ctx());
    templates.Sync(cluster.client, cluster.Ctx());
    claims.Sync(cluster.client, cluster.Ctx());
  }
  api::ResourceClaimTemplate Template(std::optional<std::string> last_used = {},
                                      const std::string& managed_by = "dray") {
    api::ResourceClaimTemplate made = TestCluster::MakeTemplate(kTemplate.name);
    if (!managed_by.empty()) made.metadata.labels[kManagedBy] = managed_by;
    made.metadata.annotations["dray.dev/request-hash"] = "0123456789abcdef" + std::string(48, '0');
    if (last_used) made.metadata.annotations[std::string(kLastUsedAnnotation)] = *last_used;
    return made;
  }
  api::Pod PodNaming(const std::string& name, const std::string& claim_template) {
    return cluster.Create(TestCluster::MakePod(name, {{"dray", std::nullopt, claim_template}}));
  }
  api::ResourceClaim ClaimOf(const api::Pod& pod, const std::string& managed_by = "dray") {
    api::ResourceClaim claim = TestCluster::MakeClaim(pod.metadata.name + "-dray-x");
    if (!managed_by.empty()) claim.metadata.labels[kManagedBy] = managed_by;
    claim.metadata.owner_references = {
        {"v1", "Pod", pod.metadata.name, pod.metadata.uid, true, std::nullopt}};
    return claim;
  }
  std::string Deleted(const std::string& kind) {
    std::istringstream text(metrics.Text());
    for (std::string line; std::getline(text, line);)
      if (line.starts_with("dray_cleanup_deleted_total{kind=\"" + kind + "\"}"))
        return line.substr(line.rfind(' ') + 1);
    return "absent";
  }

  TestCluster cluster;
  testing::SyncedCache<api::Pod> pods{{{"claim", ClaimsOfPod}, {"template", TemplatesOfPod}}};
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  testing::SyncedCache<api::ResourceClaim> claims;
  runtime::Metrics metrics;
};

TEST_F(CleanupTest, TemplatesByAgeUseAndMaker) {
  struct Case {
    const char* name;
    std::optional<std::string> last_used;  // the cluster begins at 2026-01-01T00:00:00Z
    const char* managed_by;
    Duration age;  // when it is looked at
    bool named;    // by a Pod
    bool stays;
    std::optional<Duration> again;
  };
  const Case cases[] = {
      {"new", {}, "dray", seconds(0), false, true, minutes(10)},
      {"young", {}, "dray", minutes(9), false, true, minutes(1)},
      {"a second before its time", {}, "dray", seconds(599), false, true, seconds(1)},
      {"exactly of age", {}, "dray", minutes(10), false, false, {}},
      {"old", {}, "dray", hours(1000), false, false, {}},
      {"old, named", {}, "dray", hours(1000), true, true, {}},
      {"old, handed out lately", "2026-01-01T00:55:00Z", "dray", hours(1), false, true, minutes(5)},
      {"old, handed out long ago", "2026-01-01T00:45:00Z", "dray", hours(1), false, false, {}},
      {"a stamp older than the object", "2020-01-01T00:00:00Z", "dray", minutes(5), false, true,
       minutes(5)},
      {"a clock a little ahead", "2026-01-01T01:01:00Z", "dray", hours(1), false, true,
       minutes(11)},
      {"a stamp from the far future", "2099-01-01T00:00:00Z", "dray", hours(1), false, false, {}},
      {"a stamp that is none", "yesterday", "dray", hours(1), false, false, {}},
      {"a user's", {}, "", hours(1000), false, true, {}},
      {"another tool's", {}, "helm", hours(1000), false, true, {}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TestCluster fresh;
    CleanupOptions options = Options();
    options.client = fresh.Tested();
    TemplateCleanup cleanup(options, &templates);
    fresh.Create(Template(one.last_used, one.managed_by));
    if (one.named)
      fresh.Create(TestCluster::MakePod("p", {{"dray", std::nullopt, kTemplate.name}}));
    fresh.clock.Advance(one.age);
    pods.Sync(fresh.client, fresh.Ctx());
    templates.Sync(fresh.client, fresh.Ctx());
    Result<runtime::Requeue> result = cleanup.Reconcile(fresh.Ctx(), kTemplate);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->after, one.again);
    EXPECT_EQ(fresh.Find<api::ResourceClaimTemplate>(kTemplate).has_value(), one.stays);
    EXPECT_EQ(fresh.wire->TakeWrites().size(), one.stays ? 0u : 1u);
  }
}

TEST_F(CleanupTest, DeletesOnlyTheObjectItLookedAt) {
  struct Case {
    const char* name;
    std::function<void()> meanwhile;
    bool stays;
  };
  const Case cases[] = {
      {"handed out again",
       [&] {
         cluster.Merge<api::ResourceClaimTemplate>(
             kTemplate,
             {{"metadata",
               {{"annotations", {{std::string(kLastUsedAnnotation), "2026-01-01T02:00:00Z"}}}}}});
       },
       true},
      {"made anew",
       [&] {
         ASSERT_TRUE(cluster.Delete<api::ResourceClaimTemplate>(kTemplate).ok());
         cluster.Create(Template());
       },
       true},
      {"gone", [&] { ASSERT_TRUE(cluster.Delete<api::ResourceClaimTemplate>(kTemplate).ok()); },
       false},
  };
  TemplateCleanup cleanup(Options(), &templates);
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    (void)cluster.Delete<api::ResourceClaimTemplate>(kTemplate);
    cluster.Create(Template());
    cluster.clock.Advance(hours(1));
    Sync();
    one.meanwhile();
    Result<runtime::Requeue> result = cleanup.Reconcile(cluster.Ctx(), kTemplate);
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(cluster.Find<api::ResourceClaimTemplate>(kTemplate).has_value(), one.stays);
  }
  EXPECT_EQ(Deleted("ResourceClaimTemplate"), "0");
}

// A copy that a user made of a template carries its label and its annotation.
TEST_F(CleanupTest, OnlyTemplatesThatAreNamedByTheirHashAreOurs) {
  struct Case {
    const char* name;
    std::string called, hash;
    bool stays;
  };
  const std::string hash = "0123456789abcdef" + std::string(48, '0');
  const Case cases[] = {
      {"ours", "dray-0123456789abcdef", hash, false},
      {"a renamed copy", "my-gpus", hash, true},
      {"a copy with a name like ours", "dray-my-gpus", hash, true},
      {"of another hash", "dray-0123456789abcdee", hash, true},
      {"without a hash", "dray-0123456789abcdef", "", true},
      {"a longer name", "dray-0123456789abcdef0", hash, true},
  };
  TemplateCleanup cleanup(Options(), &templates);
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    api::ResourceClaimTemplate made = Template();
    made.metadata.name = one.called;
    made.metadata.annotations["dray.dev/request-hash"] = one.hash;
    cluster.Create(made);
    cluster.clock.Advance(hours(1));
    Sync();
    EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), api::KeyOf(made)).ok());
    EXPECT_EQ(cluster.Find<api::ResourceClaimTemplate>(api::KeyOf(made)).has_value(), one.stays);
    (void)cluster.Delete<api::ResourceClaimTemplate>(api::KeyOf(made));
  }
}

// Looks through an index are counted: each opens all that it finds.
class CountedPods final : public runtime::Lister<api::Pod> {
 public:
  explicit CountedPods(const runtime::Lister<api::Pod>& pods) : pods_(pods) {}
  std::shared_ptr<const api::Pod> Get(const api::ObjectKey& key) const override {
    return pods_.Get(key);
  }
  std::vector<std::shared_ptr<const api::Pod>> List() const override { return pods_.List(); }
  std::vector<std::shared_ptr<const api::Pod>> By(std::string_view index,
                                                  std::string_view value) const override {
    ++searches;
    return pods_.By(index, value);
  }
  mutable int searches = 0;

 private:
  const runtime::Lister<api::Pod>& pods_;
};

TEST_F(CleanupTest, ATemplateOfManyPodsIsNotSearchedForAtEachOfThem) {
  const CountedPods counted(pods);
  CleanupOptions options = Options();
  options.pods = &counted;
  TemplateCleanup cleanup(options, &templates);
  cluster.Create(Template());
  for (const char* name : {"a", "b", "c"}) PodNaming(name, kTemplate.name);
  cluster.clock.Advance(hours(1));
  Sync();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), kTemplate).ok());
  EXPECT_EQ(counted.searches, 1);
  auto remove = [&](const char* name) {
    ASSERT_TRUE(cluster.Delete<api::Pod>({"default", name}, "", 0).ok());
    Sync();
    EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), kTemplate).ok());
  };
  remove("c");
  EXPECT_EQ(counted.searches, 1);
  remove("a");
  // One of the name that uses another template.
  cluster.Create(TestCluster::MakePod("a"));
  remove("b");
  EXPECT_FALSE(cluster.Find<api::ResourceClaimTemplate>(kTemplate));
  EXPECT_LE(counted.searches, 3);
}

TEST_F(CleanupTest, LeavesWhatIsBeingDeletedOrUnknown) {
  TemplateCleanup cleanup(Options(), &templates);
  EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), kTemplate).ok());
  api::ResourceClaimTemplate held = Template();
  held.metadata.finalizers = {"example.com/hold"};
  cluster.Create(held);
  ASSERT_TRUE(cluster.Delete<api::ResourceClaimTemplate>(kTemplate).ok());
  cluster.clock.Advance(hours(1));
  Sync();
  EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), kTemplate).ok());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(CleanupTest, DryRunWritesNothing) {
  CleanupOptions options = Options();
  options.dry_run = true;
  TemplateCleanup template_cleanup(options, &templates);
  ClaimCleanup claim_cleanup(options, &claims);
  cluster.Create(Template());
  api::Pod gone = TestCluster::MakePod("p");
  gone.metadata.uid = "0f000000-0000-4000-8000-000000000000";
  const api::ResourceClaim claim = cluster.Create(ClaimOf(gone));
  cluster.clock.Advance(hours(1));
  Sync();
  EXPECT_TRUE(template_cleanup.Reconcile(cluster.Ctx(), kTemplate).ok());
  EXPECT_TRUE(claim_cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim)).ok());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  EXPECT_EQ(Deleted("ResourceClaimTemplate"), "0");
  EXPECT_EQ(Deleted("ResourceClaim"), "0");
}

TEST_F(CleanupTest, ClaimsByOwnerUidAndAge) {
  struct Case {
    const char* name;
    std::function<void(TestCluster&, api::Pod&)> before;  // the claim is made
    std::function<void(api::ResourceClaim&)> edit;
    std::function<void(TestCluster&, const api::ObjectKey&)> after;  // the claim was made
    Duration age;
    bool stays;
    std::optional<Duration> again;
  };
  auto none = [](auto&&...) {};
  auto delete_pod = [](TestCluster& cluster, const api::ObjectKey&) {
    EXPECT_TRUE(cluster.Delete<api::Pod>({"default", "p"}).ok());
  };
  const Case cases[] = {
      {"its Pod is there", none, none, none, hours(1), true, {}},
      {"its Pod is gone", none, none, delete_pod, hours(1), false, {}},
      {"its Pod is gone, it is young", none, none, delete_pod, minutes(4), true, minutes(6)},
      {"another Pod has the name",
       none,
       none,
       [](TestCluster& cluster, const api::ObjectKey&) {
         EXPECT_TRUE(cluster.Delete<api::Pod>({"default", "p"}).ok());
         cluster.Create(TestCluster::MakePod("p"));
       },
       hours(1),
       false,
       {}},
      {"a user's claim",
       none,
       [](auto& claim) { claim.metadata.labels.clear(); },
       delete_pod,
       hours(1),
       true,
       {}},
      {"without an owner",
       none,
       [](auto& claim) { claim.metadata.owner_references.clear(); },
       delete_pod,
       hours(1),
       true,
       {}},
      {"an owner that does not control",
       none,
       [](auto& claim) { claim.metadata.owner_references[0].controller.reset(); },
       delete_pod,
       hours(1),
       true,
       {}},
      {"an owner of another kind",
       none,
       [](auto& claim) { claim.metadata.owner_references[0].kind = "Job"; },
       delete_pod,
       hours(1),
       true,
       {}},
      {"a Pod of another group",
       none,
       [](auto& claim) { claim.metadata.owner_references[0].api_version = "example.com/v1"; },
       delete_pod,
       hours(1),
       true,
       {}},
      {"reserved",
       none,
       none,
       [](TestCluster& cluster, const api::ObjectKey& key) {
         cluster.Allocate(key, "n1", {"gpu-0"}, {cluster.Get<api::Pod>({"default", "p"})});
         EXPECT_TRUE(cluster.Delete<api::Pod>({"default", "p"}).ok());
       },
       hours(1),
       true,
       {}},
      {"being deleted",
       none,
       [](auto& claim) { claim.metadata.finalizers = {"example.com/hold"}; },
       [](TestCluster& cluster, const api::ObjectKey& key) {
         EXPECT_TRUE(cluster.Delete<api::Pod>({"default", "p"}).ok());
         EXPECT_TRUE(cluster.Delete<api::ResourceClaim>(key).ok());
       },
       hours(1),
       true,
       {}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TestCluster fresh;
    CleanupOptions options = Options();
    options.client = fresh.Tested();
    ClaimCleanup cleanup(options, &claims);
    api::Pod pod = fresh.Create(TestCluster::MakePod("p"));
    one.before(fresh, pod);
    api::ResourceClaim claim = ClaimOf(pod);
    one.edit(claim);
    claim = fresh.Create(claim);
    one.after(fresh, api::KeyOf(claim));
    fresh.clock.Advance(one.age);
    pods.Sync(fresh.client, fresh.Ctx());
    claims.Sync(fresh.client, fresh.Ctx());
    Result<runtime::Requeue> result = cleanup.Reconcile(fresh.Ctx(), api::KeyOf(claim));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->after, one.again);
    EXPECT_EQ(fresh.Find<api::ResourceClaim>(api::KeyOf(claim)).has_value(), one.stays);
    EXPECT_EQ(fresh.wire->TakeWrites().size(), one.stays ? 0u : 1u);
  }
}

// The cache of Pods has not seen the owner yet: the server is asked before anything is deleted.
TEST_F(CleanupTest, ACacheThatLagsCostsNobodyAClaim) {
  ClaimCleanup cleanup(Options(), &claims);
  const api::Pod pod = cluster.Create(TestCluster::MakePod("p"));
  const api::ResourceClaim claim = cluster.Create(ClaimOf(pod));
  cluster.clock.Advance(hours(1));
  claims.Sync(cluster.client, cluster.Ctx());  // but not pods
  EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim)).ok());
  EXPECT_TRUE(cluster.Find<api::ResourceClaim>(api::KeyOf(claim)));
  // And when it can't be asked, nothing is deleted either.
  cluster.wire->RefuseWhere([](const runtime::ApiRequest& request) {
    return request.method == "GET" ? Status(Reason::kUnavailable, "no route") : Ok();
  });
  EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim)).Is(Reason::kUnavailable));
  cluster.wire->RefuseWhere(nullptr);
  EXPECT_TRUE(cluster.Find<api::ResourceClaim>(api::KeyOf(claim)));
}

TEST_F(CleanupTest, DeletionsAreBudgetedPerMinute) {
  CleanupOptions options = Options();
  options.budget = std::make_shared<DeletionBudget>(3);
  TemplateCleanup template_cleanup(options, &templates);
  ClaimCleanup claim_cleanup(options, &claims);
  auto key_of = [](int i) {
    return api::ObjectKey{"default", "dray-" + std::to_string(i) + std::string(15, 'a')};
  };
  for (int i = 0; i < 5; ++i) {
    api::ResourceClaimTemplate one = Template();
    one.metadata.name = key_of(i).name;
    one.metadata.annotations["dray.dev/request-hash"] = one.metadata.name.substr(5) + "0";
    cluster.Create(one);
  }
  api::Pod gone = TestCluster::MakePod("p");
  gone.metadata.uid = "0f000000-0000-4000-8000-000000000000";
  const api::ResourceClaim claim = cluster.Create(ClaimOf(gone));
  cluster.clock.Advance(hours(1));
  Sync();
  for (int i = 0; i < 3; ++i) {
    Result<runtime::Requeue> result = template_cleanup.Reconcile(cluster.Ctx(), key_of(i));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_FALSE(result->after);
  }
  // The two share one budget, which refills evenly: a deletion every 20 s, one after the other.
  int reads = 0;
  cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
    reads += request.method == "GET";
    return Ok();
  });
  EXPECT_EQ(template_cleanup.Reconcile(cluster.Ctx(), key_of(3))->after, Duration(seconds(20)));
  EXPECT_EQ(claim_cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim))->after,
            Duration(seconds(40)));
  EXPECT_EQ(template_cleanup.Reconcile(cluster.Ctx(), key_of(4))->after, Duration(seconds(60)));
  EXPECT_EQ(reads, 0) << "nothing is asked of the server for what may not be done yet";
  EXPECT_EQ(cluster.List<api::ResourceClaimTemplate>().size(), 2u);
  cluster.clock.Advance(seconds(20));
  EXPECT_EQ(claim_cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim))->after, Duration(seconds(20)))
      << "an event brings it back before its turn";
  EXPECT_FALSE(template_cleanup.Reconcile(cluster.Ctx(), key_of(3))->after);
  EXPECT_FALSE(cluster.Find<api::ResourceClaimTemplate>(key_of(3)));
  cluster.clock.Advance(seconds(20));
  EXPECT_FALSE(claim_cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim))->after);
  EXPECT_FALSE(cluster.Find<api::ResourceClaim>(api::KeyOf(claim)));
  EXPECT_GE(reads, 1);
  cluster.wire->RefuseWhere(nullptr);
  EXPECT_EQ(Deleted("ResourceClaimTemplate"), "4");
  EXPECT_EQ(Deleted("ResourceClaim"), "1");
}

// What turned out not to be needed is there for the next.
TEST_F(CleanupTest, ATurnThatWasNotNeededGoesBack) {
  CleanupOptions options = Options();
  options.budget = std::make_shared<DeletionBudget>(1);
  ClaimCleanup cleanup(options, &claims);
  const api::Pod pod = cluster.Create(TestCluster::MakePod("p"));
  const api::ResourceClaim claim = cluster.Create(ClaimOf(pod));
  cluster.clock.Advance(hours(1));
  claims.Sync(cluster.client, cluster.Ctx());  // but not pods
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(cleanup.Reconcile(cluster.Ctx(), api::KeyOf(claim))->after, std::nullopt);
  EXPECT_TRUE(cluster.Find<api::ResourceClaim>(api::KeyOf(claim)));
  EXPECT_EQ(options.budget->Take("other", cluster.clock.Steady()), Duration::zero());
}

TEST(DeletionBudget, GivesTurnsAndForgetsThoseThatNobodyTakesUp) {
  DeletionBudget budget(3);
  SteadyTime now{hours(1)};
  auto take = [&](const std::string& who) {
    return std::chrono::duration_cast<seconds>(budget.Take(who, now));
  };
  for (const char* who : {"a", "a", "b"}) EXPECT_EQ(take(who), seconds(0));
  EXPECT_EQ(take("c"), seconds(20));
  EXPECT_EQ(take("d"), seconds(40));
  EXPECT_EQ(take("c"), seconds(20)) << "the same turn";
  now += seconds(20);
  EXPECT_EQ(take("e"), seconds(40));
  EXPECT_EQ(take("c"), seconds(0));
  EXPECT_EQ(take("c"), seconds(60)) << "one turn, one deletion";
  now += hours(1);  // no more than a minute's worth is saved up
  EXPECT_EQ(take("x"), seconds(0));
  EXPECT_EQ(take("d"), seconds(0)) << "its turn was lost";
  EXPECT_EQ(take("x"), seconds(0));
  EXPECT_EQ(take("x"), seconds(20));
}

TEST(DeletionBudget, SaysOnceAMinuteThatItIsEmpty) {
  struct Counting final : google::LogSink {
    void send(google::LogSeverity severity, const char*, const char*, int, const struct tm*,
              const char*, size_t) override {
      lines += severity == google::GLOG_WARNING;
    }
    int lines = 0;
  } counting;
  const int quiet = std::exchange(FLAGS_minloglevel, google::GLOG_WARNING);
  google::AddLogSink(&counting);
  DeletionBudget budget(60);
  SteadyTime now{hours(1)};
  for (int i = 0; i < 1000; ++i) budget.Take(std::to_string(i), now);
  EXPECT_EQ(counting.lines, 1);
  now += minutes(1);
  for (int i = 1000; i < 2000; ++i) budget.Take(std::to_string(i), now);
  EXPECT_EQ(counting.lines, 2);
  google::RemoveLogSink(&counting);
  FLAGS_minloglevel = quiet;
}

// Cleanup and webhook against each other: whoever comes second, a Pod that was let in has its
// template.
TEST_F(CleanupTest, TheWebhookWinsARace) {
  const AdmissionWebhook webhook(
      {cluster.client, &cluster.clock, &templates, nullptr, minutes(10), &metrics},
      admission::DeviceConfig());
  api::AdmissionRequest request;
  request.uid = "u";
  request.operation = "CREATE";
  request.namespace_ = "default";
  request.resource = {"", "v1", "pods"};
  request.object =
      R"({"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"1"}}}]}})";
  TemplateCleanup cleanup(Options(), &templates);
  for (bool cleanup_first : {false, true}) {
    ASSERT_TRUE(webhook.Review(cluster.Ctx(), request).allowed);
    const api::ObjectKey key = api::KeyOf(cluster.List<api::ResourceClaimTemplate>().at(0));
    cluster.clock.Advance(hours(1));
    Sync();
    for (bool cleanup_now : {cleanup_first, !cleanup_first}) {
      if (cleanup_now)
        EXPECT_TRUE(cleanup.Reconcile(cluster.Ctx(), key).ok());
      else
        EXPECT_TRUE(webhook.Review(cluster.Ctx(), request).allowed);
    }
    EXPECT_TRUE(cluster.Find<api::ResourceClaimTemplate>(key));
  }
}

TEST(TemplatesOfPod, NamesEachOnce) {
  EXPECT_THAT(TemplatesOfPod(TestCluster::MakePod(
                  "p", {{"a", "claim", std::nullopt}, {"b", std::nullopt, "t"}})),
              ElementsAre("default/t"));
}

}  // namespace
}  // namespace dray::controllers
