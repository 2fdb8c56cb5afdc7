#include "tests/devcluster/workloads/workload_test.h"

namespace dray::devcluster {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TestCluster;
using testing::Wire;

struct ReplicaSetTest : WorkloadTest {
  api::ReplicaSet Make(int replicas, Json more = Json::object()) {
    Json spec = {{"replicas", replicas},
                 {"selector", {{"matchLabels", {{"app", "web"}}}}},
                 {"template", PodTemplate()}};
    spec.update(more);
    return cluster.CreateFrom<api::ReplicaSet>(WorkloadOf("apps/v1", "ReplicaSet", spec));
  }
  runtime::Requeue Reconcile() {
    Result<runtime::Requeue> done = Run<ReplicaSetReconciler>(sets);
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() ? *done : runtime::Requeue();
  }
  api::ReplicaSetStatus StatusNow() { return cluster.Get<api::ReplicaSet>(kName).status; }
};

TEST_F(ReplicaSetTest, MakesItsPodsFromTheTemplateAsWritten) {
  Json exotic = {{"template", PodTemplate()}};
  exotic["template"]["spec"]["containers"][0]["startupProbe"] = {
      {"httpGet", {{"path", "/"}, {"port", 80}}}};
  const api::ReplicaSet set = Make(3, exotic);
  Reconcile();
  const auto pods = Pods();
  ASSERT_THAT(pods, SizeIs(3));
  for (const api::Pod& pod : pods) {
    EXPECT_TRUE(pod.metadata.name.starts_with("web-"));
    EXPECT_EQ(pod.metadata.generate_name, "web-");
    EXPECT_EQ(pod.metadata.labels.at("app"), "web");
    EXPECT_EQ(pod.metadata.annotations.at("note"), "x");
    EXPECT_THAT(pod.metadata.owner_references,
                ElementsAre(api::OwnerReference{"apps/v1", "ReplicaSet", "web", set.metadata.uid,
                                                true, true}));
    EXPECT_EQ(pod.spec.containers[0].resources.limits.at("nvidia.com/gpu").ToString(), "1");
    EXPECT_EQ(cluster.GetJson<api::Pod>(
                  api::KeyOf(pod))["spec"]["containers"][0]["startupProbe"]["httpGet"]["path"],
              "/");
  }
  Reconcile();
  EXPECT_THAT(Pods(), SizeIs(3));
  EXPECT_EQ(StatusNow().replicas, 3);
  EXPECT_EQ(StatusNow().fully_labeled_replicas, 3);
  EXPECT_EQ(StatusNow().ready_replicas, 0);
  EXPECT_EQ(StatusNow().observed_generation, set.metadata.generation);
}

TEST_F(ReplicaSetTest, ReplacesWhatIsOver) {
  Make(2);
  Reconcile();
  cluster.SetPhase(api::KeyOf(Pods()[0]), "Failed");
  Reconcile();
  EXPECT_EQ(Running()["nginx"], 2);
  EXPECT_THAT(Pods(), SizeIs(3)) << "the failed one stays to be looked at";
  // One that is ending no longer counts, and is not deleted twice.
  const api::Pod ending = [&] {
    for (const api::Pod& pod : Pods())
      if (Active(pod)) return pod;
    return api::Pod();
  }();
  cluster.Bind(api::KeyOf(ending), "n1");
  ASSERT_TRUE(cluster.Delete<api::Pod>(api::KeyOf(ending)).ok());
  Reconcile();
  EXPECT_EQ(Running()["nginx"], 2);
}

TEST_F(ReplicaSetTest, TakesTheLeastUsefulPodsAway) {
  Make(4);
  Reconcile();
  auto pods = Pods();
  cluster.Bind(api::KeyOf(pods[0]), "n1");
  cluster.SetPhase(api::KeyOf(pods[0]), "Running", true);
  cluster.Bind(api::KeyOf(pods[1]), "n1");
  cluster.SetPhase(api::KeyOf(pods[1]), "Running", false);
  auto scale = [&](int replicas) {
    cluster.Merge<api::ReplicaSet>(kName, {{"spec", {{"replicas", replicas}}}});
    Reconcile();
    std::set<std::string> names;
    for (const api::Pod& pod : Pods())
      if (Active(pod)) names.insert(pod.metadata.name);
    return names;
  };
  EXPECT_THAT(scale(2), ElementsAre(std::min(pods[0].metadata.name, pods[1].metadata.name),
                                    std::max(pods[0].metadata.name, pods[1].metadata.name)));
  EXPECT_THAT(scale(1), ElementsAre(pods[0].metadata.name));
  EXPECT_THAT(scale(0), IsEmpty());
}

TEST_F(ReplicaSetTest, AdoptsAndReleasesByLabel) {
  api::Pod stray = TestCluster::MakePod("stray");
  stray.metadata.labels = {{"app", "web"}};
  cluster.Create(stray);
  api::Pod other = TestCluster::MakePod("other");
  other.metadata.labels = {{"app", "other"}};
  cluster.Create(other);
  api::Pod owned = TestCluster::MakePod("owned");
  owned.metadata.labels = {{"app", "web"}};
  owned.metadata.owner_references = {
      {"apps/v1", "ReplicaSet", "former", "0f000000-0000-4000-8000-000000000000", true, true}};
  cluster.Create(owned);
  api::Pod done = TestCluster::MakePod("done");
  done.metadata.labels = {{"app", "web"}};
  cluster.Create(done);
  cluster.SetPhase({"default", "done"}, "Succeeded");

  const api::ReplicaSet set = Make(2);
  Reconcile();
  EXPECT_EQ(api::ControllerOf(cluster.Get<api::Pod>({"default", "stray"}).metadata)->uid,
            set.metadata.uid);
  EXPECT_EQ(api::ControllerOf(cluster.Get<api::Pod>({"default", "other"}).metadata), nullptr);
  EXPECT_EQ(api::ControllerOf(cluster.Get<api::Pod>({"default", "done"}).metadata), nullptr);
  EXPECT_EQ(api::ControllerOf(cluster.Get<api::Pod>({"default", "owned"}).metadata)->name,
            "former");
  EXPECT_EQ(StatusNow().replicas, 2);
  EXPECT_THAT(Pods(), SizeIs(5));

  // Taken out of service to be looked at: released and replaced.
  cluster.Merge<api::Pod>({"default", "stray"},
                          {{"metadata", {{"labels", {{"app", "quarantine"}}}}}});
  Reconcile();
  EXPECT_THAT(cluster.Get<api::Pod>({"default", "stray"}).metadata.owner_references, IsEmpty());
  EXPECT_EQ(StatusNow().replicas, 2);
  EXPECT_THAT(Pods(), SizeIs(6));
}

TEST_F(ReplicaSetTest, CountsReadyAndAvailable) {
  Make(2, {{"minReadySeconds", 30}});
  Reconcile();
  cluster.clock.Advance(seconds(5));
  cluster.SetPhase(api::KeyOf(Pods()[0]), "Running", true);
  EXPECT_EQ(Reconcile().after, Duration(seconds(30)));
  EXPECT_EQ(StatusNow().ready_replicas, 1);
  EXPECT_EQ(StatusNow().available_replicas, 0);
  cluster.clock.Advance(seconds(29));
  EXPECT_EQ(Reconcile().after, Duration(seconds(1)));
  cluster.clock.Advance(seconds(1));
  EXPECT_FALSE(Reconcile().after);
  EXPECT_EQ(StatusNow().available_replicas, 1);
  cluster.SetPhase(api::KeyOf(Pods()[0]), "Running", false);
  Reconcile();
  EXPECT_EQ(StatusNow().ready_replicas, 0);
  EXPECT_EQ(StatusNow().available_replicas, 0);
}

TEST_F(ReplicaSetTest, SaysWhenAPodIsRefused) {
  Make(2);
  cluster.wire->RefuseWhere([](const runtime::ApiRequest& request) {
    return request.method == "POST" && request.path.find("/pods") != std::string::npos
               ? Status(Reason::kForbidden,
                        "admission webhook \"pods.dray.dev\" denied the request: too much memory")
               : Ok();
  });
  EXPECT_TRUE(Run<ReplicaSetReconciler>(sets).Is(Reason::kForbidden));
  EXPECT_EQ(StatusNow().observed_generation, 1) << "the status is told all the same";
  EXPECT_THAT(Events(), ElementsAre("ReplicaSet web: Warning FailedCreate: Error creating: "
                                    "admission webhook \"pods.dray.dev\" "
                                    "denied the request: too much memory x1"));
  cluster.wire->RefuseWhere(nullptr);
  Reconcile();
  EXPECT_EQ(Running()["nginx"], 2);
}

TEST_F(ReplicaSetTest, KilledAnywhereItHasTheRightNumber) {
  for (Wire::Cut how : {Wire::Cut::kBeforeTheWrite, Wire::Cut::kAfterTheWrite}) {
    for (int writes = 0; writes < 5; ++writes) {
      SCOPED_TRACE(writes);
      TestCluster fresh;
      testing::SyncedCache<api::ReplicaSet> cache;
      runtime::EventRecorder quiet(fresh.client, fresh.clock, "test");
      fresh.CreateFrom<api::ReplicaSet>(
          WorkloadOf("apps/v1", "ReplicaSet",
                     {{"replicas", 3},
                      {"selector", {{"matchLabels", {{"app", "web"}}}}},
                      {"template", PodTemplate()}}));
      cache.Sync(fresh.client, fresh.Ctx());
      fresh.wire->CutAt(writes, how);
      (void)ReplicaSetReconciler(fresh.Tested(), cache, quiet).Reconcile(fresh.Ctx(), kName);
      fresh.wire->Repair();
      // With a cache that has not moved.
      ASSERT_TRUE(
          ReplicaSetReconciler(fresh.Tested(), cache, quiet).Reconcile(fresh.Ctx(), kName).ok());
      EXPECT_EQ(fresh.List<api::Pod>().size(), 3u);
    }
  }
}

TEST_F(ReplicaSetTest, OneThatEndsMakesNothing) {
  Make(2);
  cluster.Merge<api::ReplicaSet>(kName, {{"metadata", {{"finalizers", {"example.com/hold"}}}}});
  ASSERT_TRUE(cluster.Delete<api::ReplicaSet>(kName).ok());
  Reconcile();
  EXPECT_THAT(Pods(), IsEmpty());
  cluster.Merge<api::ReplicaSet>(kName, {{"metadata", {{"finalizers", nullptr}}}});
  EXPECT_TRUE(
      ReplicaSetReconciler(cluster.Tested(), sets, *events).Reconcile(cluster.Ctx(), kName).ok())
      << "gone, the cache lags";
  EXPECT_THAT(Pods(), IsEmpty());
  // Another one has taken the name.
  api::ReplicaSet stale = *sets.Get(kName);
  stale.metadata.deletion_timestamp.reset();
  Make(0);
  sets.Put(stale);
  EXPECT_TRUE(
      ReplicaSetReconciler(cluster.Tested(), sets, *events).Reconcile(cluster.Ctx(), kName).ok());
  EXPECT_THAT(Pods(), IsEmpty());
}

TEST(OwnedPods, SelectorsAsListParameters) {
  api::LabelSelector selector;
  EXPECT_EQ(SelectorText(selector), "");
  selector.match_labels = {{"a", "b"}, {"c", "d"}};
  selector.match_expressions = {{"e", "In", {"f", "g"}},
                                {"h", "NotIn", {"i"}},
                                {"j", "Exists", {}},
                                {"k", "DoesNotExist", {}}};
  EXPECT_EQ(SelectorText(selector), "a=b,c=d,e in (f,g),h notin (i),j,!k");
}

TEST(OwnedPods, TemplateHashesAreStableAndDistinct) {
  const std::string hash = TemplateHash(PodTemplate("a"));
  EXPECT_EQ(hash.size(), 10u);
  EXPECT_EQ(hash.find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
  EXPECT_EQ(hash, TemplateHash(PodTemplate("a")));
  EXPECT_NE(hash, TemplateHash(PodTemplate("b")));
}

TEST(OwnedPods, ConditionTimesMoveWithTheStatus) {
  const api::Time then = api::ToTime(WallTime(seconds(1000))),
                  now = api::ToTime(WallTime(seconds(2000)));
  auto condition = [](const char* status, const char* reason) {
    api::WorkloadCondition one;
    one.type = "Available";
    one.status = status;
    one.reason = reason;
    one.last_update_time = api::Time();
    return one;
  };
  std::vector<api::WorkloadCondition> all;
  SetCondition(all, condition("False", "A"), then);
  SetCondition(all, condition("False", "A"), now);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].last_update_time, then);
  SetCondition(all, condition("False", "B"), now);
  EXPECT_EQ(all[0].last_update_time, now);
  EXPECT_EQ(all[0].last_transition_time, then);
  SetCondition(all, condition("True", "B"), now);
  EXPECT_EQ(all[0].last_transition_time, now);
}

}  // namespace
}  // namespace dray::devcluster
