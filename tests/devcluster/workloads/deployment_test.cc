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

TEST(ScaledValue, RoundsAsAsked) {
  struct Case {
    api::IntOrString value;
    int total, up, down;
  };
  const Case cases[] = {{{int64_t{3}}, 10, 3, 3},        {{std::string("25%")}, 10, 3, 2},
                        {{std::string("25%")}, 4, 1, 1}, {{std::string("25%")}, 1, 1, 0},
                        {{std::string("0%")}, 7, 0, 0},  {{std::string("100%")}, 7, 7, 7}};
  for (const Case& one : cases) {
    EXPECT_EQ(ScaledValue(one.value, one.total, true), one.up);
    EXPECT_EQ(ScaledValue(one.value, one.total, false), one.down);
  }
}

struct DeploymentTest : WorkloadTest {
  api::Deployment Make(const Json& document) {
    return cluster.CreateFrom<api::Deployment>(document);
  }
  void SetImage(const std::string& image) {
    const Json patch = {
        {"spec",
         {{"template", {{"spec", {{"containers", {{{"name", "main"}, {"image", image}}}}}}}}}}};
    EXPECT_TRUE(cluster.client
                    .Patch<api::Deployment>(cluster.Ctx(), kName, runtime::PatchType::kStrategic,
                                            patch.dump())
                    .ok());
  }
  api::DeploymentStatus StatusNow() { return cluster.Get<api::Deployment>(kName).status; }
  std::string Revision() {
    return cluster.Get<api::Deployment>(kName)
        .metadata.annotations["deployment.kubernetes.io/revision"];
  }
};

TEST_F(DeploymentTest, ComesUp) {
  const api::Deployment made = Make(DeploymentOf(3));
  Settle();
  const auto all = cluster.List<api::ReplicaSet>();
  ASSERT_THAT(all, SizeIs(1));
  const std::string hash = all[0].metadata.labels.at("pod-template-hash");
  EXPECT_EQ(all[0].metadata.name, "web-" + hash);
  EXPECT_EQ(all[0].spec.selector.match_labels.at("pod-template-hash"), hash);
  EXPECT_EQ(api::ControllerOf(all[0].metadata)->uid, made.metadata.uid);
  ASSERT_THAT(Pods(), SizeIs(3));
  for (const api::Pod& pod : Pods()) EXPECT_EQ(pod.metadata.labels.at("pod-template-hash"), hash);
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Available"), "False MinimumReplicasUnavailable");
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Progressing"), "True ReplicaSetUpdated");
  EXPECT_EQ(StatusNow().unavailable_replicas, 3);
  AllReady();
  Settle();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Available"), "True MinimumReplicasAvailable");
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Progressing"), "True NewReplicaSetAvailable");
  EXPECT_EQ(StatusNow().available_replicas, 3);
  EXPECT_EQ(StatusNow().updated_replicas, 3);
  EXPECT_EQ(StatusNow().unavailable_replicas, 0);
  EXPECT_EQ(StatusNow().observed_generation,
            cluster.Get<api::Deployment>(kName).metadata.generation);
  EXPECT_EQ(Revision(), "1");
}

// At no moment fewer available or more Pods than the strategy allows.
TEST_F(DeploymentTest, RollsWithinItsBounds) {
  struct Case {
    int replicas;
    Json surge, unavailable;
    int most, least;
  };
  const Case cases[] = {{4, "25%", "25%", 5, 3},
                        {3, 1, 0, 4, 3},
                        {3, 0, 1, 3, 2},
                        {1, "25%", "25%", 2, 1},
                        {5, "100%", "100%", 10, 0},
                        {4, 0, 0, 4, 3},
                        {10, "30%", "10%", 13, 9}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.surge.dump() + " " + one.unavailable.dump());
    for (const api::Deployment& left : cluster.List<api::Deployment>())
      ASSERT_TRUE(cluster.Delete<api::Deployment>(api::KeyOf(left)).ok());
    for (const api::ReplicaSet& left : cluster.List<api::ReplicaSet>())
      ASSERT_TRUE(cluster.Delete<api::ReplicaSet>(api::KeyOf(left)).ok());
    for (const api::Pod& left : Pods())
      ASSERT_TRUE(cluster.Delete<api::Pod>(api::KeyOf(left), "", 0).ok());
    Make(DeploymentOf(
        one.replicas, "v1",
        {{"type", "RollingUpdate"},
         {"rollingUpdate", {{"maxSurge", one.surge}, {"maxUnavailable", one.unavailable}}}}));
    Settle();
    AllReady();
    Settle();
    SetImage("v2");
    for (int step = 0; step < 60 && Running() != std::map<std::string, int>{{"v2", one.replicas}};
         ++step) {
      Round();
      int active = 0, ready = 0;
      for (const api::Pod& pod : Pods()) {
        active += Active(pod);
        ready += Active(pod) && Ready(pod);
      }
      EXPECT_LE(active, one.most);
      EXPECT_GE(ready, one.least);
      // One Pod at a time becomes ready.
      for (const api::Pod& pod : Pods())
        if (Active(pod) && !Ready(pod)) {
          cluster.SetPhase(api::KeyOf(pod), "Running", true);
          break;
        }
    }
    AllReady();
    Settle();
    EXPECT_EQ(Running(), (std::map<std::string, int>{{"v2", one.replicas}}));
    EXPECT_EQ(Wanted()["v1"], 0);
    EXPECT_EQ(ConditionIn(StatusNow().conditions, "Progressing"), "True NewReplicaSetAvailable");
  }
}

// The status of the old set says less than is true: nothing that may be in service goes before its
// successor is there.
TEST_F(DeploymentTest, TrustsNoStatusThatMayLagBehind) {
  Make(DeploymentOf(
      3, "v1",
      {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxSurge", 1}, {"maxUnavailable", 0}}}}));
  Settle();
  AllReady();  // but the ReplicaSet has not counted yet
  SetImage("v2");
  ASSERT_TRUE(RunDeployment().ok());
  EXPECT_EQ(Wanted(), (std::map<std::string, int>{{"v1", 3}, {"v2", 1}}));
}

TEST_F(DeploymentTest, ABrokenVersionDoesNotTakeTheOldOneDown) {
  Make(DeploymentOf(4));
  Settle();
  AllReady();
  Settle();
  SetImage("broken");
  Settle();
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"nginx", 3}, {"broken", 2}}));
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Available"), "True MinimumReplicasAvailable");
  // The next version takes the place of what never came up.
  SetImage("v3");
  Settle();
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"nginx", 3}, {"v3", 2}}));
  AllReady();
  for (int i = 0; i < 5; ++i) {
    Settle();
    AllReady();
  }
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"v3", 4}}));
}

TEST_F(DeploymentTest, RecreateWaitsForTheLastOldPod) {
  Make(DeploymentOf(2, "v1", {{"type", "Recreate"}}));
  Settle();
  for (const api::Pod& pod : Pods()) cluster.Bind(api::KeyOf(pod), "n1");
  AllReady();
  Settle();
  SetImage("v2");
  Settle();
  EXPECT_EQ(Running(), (std::map<std::string, int>{}));
  ASSERT_THAT(Pods(), SizeIs(2)) << "they are ending, and hold their devices";
  ASSERT_TRUE(cluster.Delete<api::Pod>(api::KeyOf(Pods()[0]), "", 0).ok());
  Settle();
  EXPECT_EQ(Running(), (std::map<std::string, int>{}));
  ASSERT_TRUE(cluster.Delete<api::Pod>(api::KeyOf(Pods()[0]), "", 0).ok());
  Settle();
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"v2", 2}}));
}

TEST_F(DeploymentTest, ScalesWithoutANewSet) {
  Make(DeploymentOf(3));
  Settle();
  for (int replicas : {5, 1, 0, 2}) {
    cluster.Merge<api::Deployment>(kName, {{"spec", {{"replicas", replicas}}}});
    Settle();
    EXPECT_EQ(Running()["nginx"], replicas);
    AllReady();
  }
  EXPECT_THAT(cluster.List<api::ReplicaSet>(), SizeIs(1));
  // Paused: it scales, but does not roll.
  cluster.Merge<api::Deployment>(kName, {{"spec", {{"paused", true}, {"replicas", 4}}}});
  Settle();
  EXPECT_EQ(Running()["nginx"], 4);
  SetImage("v2");
  Settle();
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"nginx", 4}}));
  AllReady();
  Settle();
  cluster.Merge<api::Deployment>(kName, {{"spec", {{"paused", false}}}});
  for (int i = 0; i < 5; ++i) {
    Settle();
    AllReady();
  }
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"v2", 4}}));
}

TEST_F(DeploymentTest, RollsBackToTheOldSetWithANewRevision) {
  Make(DeploymentOf(1, "v1"));
  auto roll = [&] {
    for (int i = 0; i < 3; ++i) {
      Settle();
      AllReady();
    }
    Settle();
  };
  roll();
  SetImage("v2");
  roll();
  EXPECT_EQ(Revision(), "2");
  SetImage("v1");
  roll();
  EXPECT_EQ(Running(), (std::map<std::string, int>{{"v1", 1}}));
  const auto all = cluster.List<api::ReplicaSet>();
  EXPECT_THAT(all, SizeIs(2));
  EXPECT_EQ(Revision(), "3");
  for (const api::ReplicaSet& set : all)
    EXPECT_EQ(set.metadata.annotations.at("deployment.kubernetes.io/revision"),
              set.spec.template_.spec.containers[0].image == "v1" ? "3" : "2");
}

TEST_F(DeploymentTest, KeepsAsMuchHistoryAsAsked) {
  Json document = DeploymentOf(1, "v0");
  document["spec"]["revisionHistoryLimit"] = 2;
  Make(document);
  for (int version = 0; version < 6; ++version) {
    SetImage("v" + std::to_string(version));
    for (int i = 0; i < 3; ++i) {
      Settle();
      AllReady();
    }
  }
  std::set<std::string> images;
  for (const api::ReplicaSet& set : cluster.List<api::ReplicaSet>())
    images.insert(set.spec.template_.spec.containers[0].image);
  EXPECT_THAT(images, ElementsAre("v3", "v4", "v5"));
}

TEST_F(DeploymentTest, AdoptsTheSetOfAFormerDeployment) {
  Make(DeploymentOf(2));
  Settle();
  // What the garbage collector leaves after --cascade=orphan.
  const api::ReplicaSet set = cluster.List<api::ReplicaSet>().at(0);
  ASSERT_TRUE(cluster.Delete<api::Deployment>(kName).ok());
  cluster.Merge<api::ReplicaSet>(api::KeyOf(set), {{"metadata", {{"ownerReferences", nullptr}}}});
  const api::Deployment again = Make(DeploymentOf(2));
  Settle();
  const auto all = cluster.List<api::ReplicaSet>();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].metadata.uid, set.metadata.uid);
  EXPECT_EQ(api::ControllerOf(all[0].metadata)->uid, again.metadata.uid);
  EXPECT_THAT(Pods(), SizeIs(2));
}

TEST_F(DeploymentTest, KilledAnywhereItComesUpTheSame) {
  for (Wire::Cut how : {Wire::Cut::kBeforeTheWrite, Wire::Cut::kAfterTheWrite}) {
    for (int writes = 0;; ++writes) {
      SCOPED_TRACE(writes);
      TestCluster fresh;
      testing::SyncedCache<api::Deployment> cache;
      testing::SyncedCache<api::ReplicaSet> set_cache;
      runtime::EventRecorder quiet(fresh.client, fresh.clock, "test");
      fresh.CreateFrom<api::Deployment>(DeploymentOf(3));
      cache.Sync(fresh.client, fresh.Ctx());
      auto once = [&] {
        return DeploymentReconciler(fresh.Tested(), cache, set_cache, quiet)
            .Reconcile(fresh.Ctx(), kName);
      };
      fresh.wire->CutAt(writes, how);
      const bool cut = !once().ok();
      fresh.wire->Repair();
      ASSERT_TRUE(once().ok());
      ASSERT_TRUE(once().ok());
      const auto all = fresh.List<api::ReplicaSet>();
      ASSERT_EQ(all.size(), 1u);
      EXPECT_EQ(all[0].spec.replicas, 3);
      EXPECT_EQ(fresh.Get<api::Deployment>(kName).metadata.annotations.at(
                    "deployment.kubernetes.io/revision"),
                "1");
      if (!cut) break;
    }
  }
}

TEST_F(DeploymentTest, SaysWhatItScales) {
  Make(DeploymentOf(3));
  Settle();
  cluster.Merge<api::Deployment>(kName, {{"spec", {{"replicas", 1}}}});
  Settle();
  std::vector<std::string> ours;
  for (const std::string& line : Events())
    if (line.starts_with("Deployment "))
      ours.push_back(line.substr(0, line.find(" web-")) + line.substr(line.find(" from")));
  EXPECT_THAT(
      ours, ElementsAre(
                "Deployment web: Normal ScalingReplicaSet: Scaled down replica set from 3 to 1 x1",
                "Deployment web: Normal ScalingReplicaSet: Scaled up replica set from 0 to 3 x1"));
}

}  // namespace
}  // namespace dray::devcluster
