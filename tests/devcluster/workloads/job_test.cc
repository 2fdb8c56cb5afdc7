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

struct JobTest : WorkloadTest {
  void Make(Json spec, const std::string& restart = "Never") {
    spec["template"] = PodTemplate("train", restart);
    cluster.CreateFrom<api::Job>(WorkloadOf("batch/v1", "Job", std::move(spec)));
  }
  runtime::Requeue Reconcile() {
    Result<runtime::Requeue> done = Run<JobReconciler>(jobs);
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() ? *done : runtime::Requeue();
  }
  api::JobStatus StatusNow() { return cluster.Get<api::Job>(kName).status; }
  // Ends `count` of the active Pods so.
  void End(int count, const std::string& phase) {
    for (const api::Pod& pod : Pods())
      if (count > 0 && Active(pod)) {
        cluster.SetPhase(api::KeyOf(pod), phase);
        --count;
      }
    EXPECT_EQ(count, 0);
  }
};

TEST_F(JobTest, RunsToCompletion) {
  Make({{"completions", 5}, {"parallelism", 2}});
  Reconcile();
  EXPECT_EQ(Running()["train"], 2);
  EXPECT_EQ(StatusNow().active, 2);
  EXPECT_EQ(StatusNow().start_time, api::ToTime(cluster.clock.Now()));
  for (const api::Pod& pod : Pods()) {
    EXPECT_EQ(pod.metadata.labels.at("job-name"), "web");
    EXPECT_EQ(api::ControllerOf(pod.metadata)->kind, "Job");
  }
  End(2, "Succeeded");
  Reconcile();
  EXPECT_EQ(StatusNow().succeeded, 2);
  EXPECT_EQ(Running()["train"], 2);
  End(2, "Succeeded");
  Reconcile();
  EXPECT_EQ(Running()["train"], 1) << "one is left to do";
  cluster.clock.Advance(seconds(10));
  End(1, "Succeeded");
  Reconcile();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Complete"), "True CompletionsReached");
  EXPECT_EQ(StatusNow().completion_time, api::ToTime(cluster.clock.Now()));
  EXPECT_EQ(StatusNow().succeeded, 5);
  EXPECT_EQ(StatusNow().active, 0);
  EXPECT_THAT(Pods(), SizeIs(5)) << "they stay, for their logs";
  cluster.wire->TakeWrites();
  Reconcile();
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(JobTest, WorkQueueEndsWhenOneSucceededAndNoneRuns) {
  Make({{"parallelism", 3}});
  Reconcile();
  EXPECT_EQ(Running()["train"], 3);
  End(1, "Succeeded");
  Reconcile();
  EXPECT_EQ(Running()["train"], 2) << "none is started any more";
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Complete"), "absent");
  End(2, "Succeeded");
  Reconcile();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Complete"), "True CompletionsReached");
}

TEST_F(JobTest, GivesUpAfterTheBackoffLimit) {
  Make({{"backoffLimit", 2}});
  for (int i = 0; i < 3; ++i) {
    Reconcile();
    EXPECT_EQ(Running()["train"], 1);
    End(1, "Failed");
  }
  Reconcile();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Failed"), "True BackoffLimitExceeded");
  EXPECT_EQ(StatusNow().failed, 3);
  EXPECT_EQ(Running()["train"], 0);
  EXPECT_FALSE(StatusNow().completion_time);
}

TEST_F(JobTest, RestartsOfContainersCountAsFailures) {
  Make({{"backoffLimit", 3}}, "OnFailure");
  Reconcile();
  auto restarts = [&](int count) {
    cluster.Merge<api::Pod>(
        api::KeyOf(Pods().at(0)),
        {{"status",
          {{"phase", "Running"},
           {"containerStatuses", {{{"name", "main"}, {"restartCount", count}}}}}}},
        "status");
    Reconcile();
  };
  restarts(2);
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Failed"), "absent");
  restarts(3);
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Failed"), "True BackoffLimitExceeded");
  EXPECT_EQ(Running()["train"], 0);
}

TEST_F(JobTest, EndsAtItsDeadline) {
  Make({{"activeDeadlineSeconds", 60}});
  EXPECT_EQ(Reconcile().after, Duration(seconds(60)));
  cluster.clock.Advance(seconds(59));
  EXPECT_EQ(Reconcile().after, Duration(seconds(1)));
  cluster.clock.Advance(seconds(1));
  Reconcile();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Failed"), "True DeadlineExceeded");
  EXPECT_EQ(Running()["train"], 0);
}

TEST_F(JobTest, FailedDeletionsAreTriedAgainBeforeItCountsAsEnded) {
  Make({{"activeDeadlineSeconds", 60}, {"parallelism", 2}, {"completions", 2}});
  Reconcile();
  cluster.clock.Advance(minutes(2));
  cluster.wire->RefuseWhere([](const runtime::ApiRequest& request) {
    return request.method == "DELETE" ? Status(Reason::kUnavailable, "no route") : Ok();
  });
  EXPECT_TRUE(Run<JobReconciler>(jobs).Is(Reason::kUnavailable));
  cluster.wire->RefuseWhere(nullptr);
  Reconcile();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Failed"), "True DeadlineExceeded");
  EXPECT_EQ(Running()["train"], 0) << "a Pod of a finished Job goes on";
}

TEST_F(JobTest, SuspendsAndResumes) {
  Make({{"parallelism", 2}, {"completions", 2}, {"activeDeadlineSeconds", 60}, {"suspend", true}});
  EXPECT_FALSE(Reconcile().after);
  EXPECT_THAT(Pods(), IsEmpty());
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Suspended"), "True JobSuspended");
  EXPECT_FALSE(StatusNow().start_time);
  cluster.clock.Advance(hours(1));
  cluster.Merge<api::Job>(kName, {{"spec", {{"suspend", false}}}});
  EXPECT_EQ(Reconcile().after, Duration(seconds(60))) << "the deadline counts from here";
  EXPECT_EQ(Running()["train"], 2);
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Suspended"), "False JobResumed");
  cluster.Merge<api::Job>(kName, {{"spec", {{"suspend", true}}}});
  Reconcile();
  EXPECT_EQ(Running()["train"], 0);
  EXPECT_EQ(StatusNow().active, 0);
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Suspended"), "True JobSuspended");
  cluster.clock.Advance(hours(1));
  Reconcile();
  EXPECT_EQ(ConditionIn(StatusNow().conditions, "Failed"), "absent");
}

TEST_F(JobTest, GoesWhenItsTimeToLiveIsOver) {
  Make({{"ttlSecondsAfterFinished", 100}});
  Reconcile();
  End(1, "Succeeded");
  Reconcile();
  EXPECT_EQ(Reconcile().after, Duration(seconds(100)));
  cluster.clock.Advance(seconds(100));
  Reconcile();
  EXPECT_FALSE(cluster.Find<api::Job>(kName));
}

TEST_F(JobTest, ParallelismMayChange) {
  Make({{"completions", 8}, {"parallelism", 4}});
  for (auto [parallelism, running] : {std::pair{4, 4}, {2, 2}, {0, 0}, {6, 6}}) {
    cluster.Merge<api::Job>(kName, {{"spec", {{"parallelism", parallelism}}}});
    Reconcile();
    EXPECT_EQ(Running()["train"], running);
  }
}

TEST_F(JobTest, KilledAnywhereItStartsTheRightNumber) {
  for (Wire::Cut how : {Wire::Cut::kBeforeTheWrite, Wire::Cut::kAfterTheWrite}) {
    for (int writes = 0; writes < 5; ++writes) {
      SCOPED_TRACE(writes);
      TestCluster fresh;
      testing::SyncedCache<api::Job> cache;
      runtime::EventRecorder quiet(fresh.client, fresh.clock, "test");
      Json spec = {
          {"completions", 3}, {"parallelism", 3}, {"template", PodTemplate("train", "Never")}};
      fresh.CreateFrom<api::Job>(WorkloadOf("batch/v1", "Job", spec));
      cache.Sync(fresh.client, fresh.Ctx());
      fresh.wire->CutAt(writes, how);
      (void)JobReconciler(fresh.Tested(), cache, quiet).Reconcile(fresh.Ctx(), kName);
      fresh.wire->Repair();
      ASSERT_TRUE(JobReconciler(fresh.Tested(), cache, quiet).Reconcile(fresh.Ctx(), kName).ok());
      EXPECT_EQ(fresh.List<api::Pod>().size(), 3u);
      EXPECT_EQ(fresh.Get<api::Job>(kName).status.active, 3);
    }
  }
}

}  // namespace
}  // namespace dray::devcluster
