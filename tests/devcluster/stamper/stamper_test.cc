// Stops 2 and 8 on the API's side: claims made from templates, and taken back. Against the API
// server's own rules; killed after each write and started again.
#include "devcluster/stamper/stamper.h"

#include <condition_variable>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devcluster/stamper/release_reconciler.h"
#include "devcluster/stamper/stamp_reconciler.h"
#include "dray/runtime/controller.h"
#include "tests/support/test_cluster.h"

namespace dray::devcluster {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TestCluster;
using testing::Wire;

const api::ObjectKey kPod{"default", "p"};
const api::ObjectKey kClaim{"default", "c"};

struct Caches {
  void Sync(TestCluster& cluster) {
    pods.Sync(cluster.client, cluster.Ctx());
    claims.Sync(cluster.client, cluster.Ctx());
    templates.Sync(cluster.client, cluster.Ctx());
  }
  testing::SyncedCache<api::Pod> pods;
  testing::SyncedCache<api::ResourceClaim> claims;
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
};

struct StampTest : ::testing::Test {
  Result<runtime::Requeue> Stamp(bool sync = true) {
    if (sync) caches.Sync(cluster);
    StampReconciler reconciler(cluster.Tested(), caches.pods, caches.claims, caches.templates,
                               *events, cluster.clock.Now());
    return reconciler.Reconcile(cluster.Ctx(), kPod);
  }
  void MustStamp() {
    Result<runtime::Requeue> done = Stamp();
    EXPECT_TRUE(done.ok()) << done.status();
  }
  api::Pod MakePod(std::vector<api::PodResourceClaim> entries) {
    return cluster.Create(TestCluster::MakePod("p", std::move(entries)));
  }
  // "entry -> claim" as the Pod's status says it.
  std::map<std::string, std::string> Names() {
    std::map<std::string, std::string> names;
    for (const auto& status : cluster.Get<api::Pod>(kPod).status.resource_claim_statuses)
      names[status.name] = status.resource_claim_name.value_or("");
    return names;
  }

  TestCluster cluster;
  Caches caches;
  std::optional<runtime::EventRecorder> events{std::in_place, cluster.client, cluster.clock,
                                               "resourceclaim-controller"};
};

TEST_F(StampTest, MakesAClaimPerEntryAndSaysItsName) {
  api::ResourceClaimTemplate one = TestCluster::MakeTemplate("t");
  one.spec.metadata.labels["app"] = "train";
  one.spec.metadata.annotations["note"] = "x";
  cluster.Create(one);
  const api::Pod pod = MakePod(
      {{"gpu", std::nullopt, "t"}, {"shared", "own", std::nullopt}, {"more", std::nullopt, "t"}});
  MustStamp();
  const auto names = Names();
  ASSERT_THAT(names, SizeIs(2));  // an entry with a claim of its own has none
  for (const char* entry : {"gpu", "more"}) {
    const api::ResourceClaim claim = cluster.Get<api::ResourceClaim>({"default", names.at(entry)});
    EXPECT_TRUE(claim.metadata.name.starts_with(std::string("p-") + entry + "-"));
    EXPECT_EQ(claim.metadata.generate_name, std::string("p-") + entry + "-");
    EXPECT_EQ(claim.metadata.annotations.at("resource.kubernetes.io/pod-claim-name"), entry);
    EXPECT_EQ(claim.metadata.annotations.at("note"), "x");
    EXPECT_EQ(claim.metadata.labels.at("app"), "train");
    EXPECT_THAT(
        claim.metadata.owner_references,
        ElementsAre(api::OwnerReference{"v1", "Pod", "p", pod.metadata.uid, true, std::nullopt}));
    EXPECT_EQ(claim.spec.devices.requests.at(0).exactly->device_class_name, "gpu");
  }
  // As kube-controller-manager does it: by apply, under its name.
  const Json stored = cluster.GetJson<api::Pod>(kPod);
  bool applied = false;
  for (const Json& entry : stored["metadata"]["managedFields"])
    applied = applied || (entry["manager"] == "ResourceClaimController" &&
                          entry["operation"] == "Apply" && entry["subresource"] == "status");
  EXPECT_TRUE(applied);
  // Nothing more to do.
  cluster.wire->TakeWrites();
  MustStamp();
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(StampTest, KilledAnywhereItMakesEachClaimOnce) {
  for (Wire::Cut how : {Wire::Cut::kBeforeTheWrite, Wire::Cut::kAfterTheWrite}) {
    for (int writes = 0;; ++writes) {
      SCOPED_TRACE("killed at write " + std::to_string(writes) +
                   (how == Wire::Cut::kAfterTheWrite ? ", which arrived" : ""));
      TestCluster fresh;
      Caches known;
      runtime::EventRecorder quiet(fresh.client, fresh.clock, "test");
      fresh.Create(TestCluster::MakeTemplate("t"));
      fresh.Create(TestCluster::MakePod("p", {{"a", std::nullopt, "t"}, {"b", std::nullopt, "t"}}));
      known.Sync(fresh);
      fresh.wire->CutAt(writes, how);
      const bool cut = !StampReconciler(fresh.Tested(), known.pods, known.claims, known.templates,
                                        quiet, fresh.clock.Now())
                            .Reconcile(fresh.Ctx(), kPod)
                            .ok();
      EXPECT_EQ(cut, fresh.wire->dead());
      fresh.wire->Repair();
      // The next process, first with caches that know nothing of what the last one did.
      for (int i = 0; i < 2; ++i) {
        StampReconciler next(fresh.Tested(), known.pods, known.claims, known.templates, quiet,
                             fresh.clock.Now());
        ASSERT_TRUE(next.Reconcile(fresh.Ctx(), kPod).ok());
        known.Sync(fresh);
      }
      const auto claims = fresh.List<api::ResourceClaim>();
      EXPECT_EQ(claims.size(), 2u);
      std::map<std::string, std::string> by_entry;
      for (const api::ResourceClaim& claim : claims)
        by_entry[claim.metadata.annotations.at("resource.kubernetes.io/pod-claim-name")] =
            claim.metadata.name;
      for (const auto& status : fresh.Get<api::Pod>(kPod).status.resource_claim_statuses)
        EXPECT_EQ(by_entry.at(status.name), status.resource_claim_name);
      EXPECT_EQ(fresh.Get<api::Pod>(kPod).status.resource_claim_statuses.size(), 2u);
      if (!cut) {
        EXPECT_EQ(writes, 3);
        break;
      }
    }
  }
}

TEST_F(StampTest, FindsItsClaimByOwnerAndAnnotationOnly) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  const api::Pod pod = MakePod({{"gpu", std::nullopt, "t"}});
  auto claim = [&](const char* name, const std::string& uid, const char* entry,
                   bool controller = true) {
    api::ResourceClaim one = TestCluster::MakeClaim(name);
    if (*entry) one.metadata.annotations["resource.kubernetes.io/pod-claim-name"] = entry;
    one.metadata.owner_references = {{"v1", "Pod", "p", uid, controller, std::nullopt}};
    cluster.Create(one);
  };
  claim("of-a-former-pod", "0f000000-0000-4000-8000-000000000000", "gpu");
  claim("of-another-entry", pod.metadata.uid, "other");
  claim("without-annotation", pod.metadata.uid, "");
  claim("not-controlled", pod.metadata.uid, "gpu", false);
  MustStamp();
  EXPECT_TRUE(Names().at("gpu").starts_with("p-gpu-"));
  EXPECT_THAT(cluster.List<api::ResourceClaim>(), SizeIs(5));
}

TEST_F(StampTest, OneOfItsClaimsIsFoundAgain) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  const api::Pod pod = MakePod({{"gpu", std::nullopt, "t"}});
  api::ResourceClaim made = TestCluster::MakeClaim("found");
  made.metadata.annotations["resource.kubernetes.io/pod-claim-name"] = "gpu";
  made.metadata.owner_references = {{"v1", "Pod", "p", pod.metadata.uid, true, std::nullopt}};
  cluster.Create(made);
  MustStamp();
  EXPECT_EQ(Names().at("gpu"), "found");
  EXPECT_THAT(cluster.List<api::ResourceClaim>(), SizeIs(1));
}

// To look through all claims for each of many new Pods would take the square of their number.
TEST_F(StampTest, ClaimsOfANewPodAreLookedForOnlyAfterAFailure) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  StampReconciler reconciler(cluster.Tested(), caches.pods, caches.claims, caches.templates,
                             *events, cluster.clock.Now());
  cluster.clock.Advance(seconds(1));
  MakePod({{"a", std::nullopt, "t"}, {"b", std::nullopt, "t"}});
  caches.Sync(cluster);
  int lists = 0;
  cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
    const std::string path = request.path.substr(0, request.path.find('?'));
    lists += request.method == "GET" && path.ends_with("/resourceclaims");
    return Ok();
  });
  // The claim of "a" is made and the answer lost.
  cluster.wire->CutAt(0, Wire::Cut::kAfterTheWrite);
  EXPECT_FALSE(reconciler.Reconcile(cluster.Ctx(), kPod).ok());
  EXPECT_EQ(lists, 0);
  cluster.wire->Repair();
  EXPECT_TRUE(reconciler.Reconcile(cluster.Ctx(), kPod).ok());
  EXPECT_GT(lists, 0);
  EXPECT_THAT(cluster.List<api::ResourceClaim>(), SizeIs(2));
  EXPECT_THAT(Names(), SizeIs(2));
}

TEST_F(StampTest, AClaimDeletedUnderItsPodIsMadeAgain) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  MakePod({{"a", std::nullopt, "t"}, {"b", std::nullopt, "t"}});
  MustStamp();
  const auto before = Names();
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>({"default", before.at("a")}).ok());
  MustStamp();
  const auto after = Names();
  EXPECT_NE(after.at("a"), before.at("a"));
  EXPECT_EQ(after.at("b"), before.at("b"));
  EXPECT_TRUE(cluster.Find<api::ResourceClaim>({"default", after.at("a")}));
}

TEST_F(StampTest, AnEntryThatNeedsNoClaimGetsNone) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  MakePod({{"a", std::nullopt, "t"}});
  cluster.Merge<api::Pod>(kPod, {{"status", {{"resourceClaimStatuses", {{{"name", "a"}}}}}}},
                          "status");
  MustStamp();
  EXPECT_THAT(cluster.List<api::ResourceClaim>(), IsEmpty());
}

TEST_F(StampTest, APodThatIsOverGetsNone) {
  struct Case {
    const char* name;
    std::function<void()> end;
    bool cache_knows;
  };
  auto hold = [this] {
    cluster.Merge<api::Pod>(kPod, {{"metadata", {{"finalizers", {"example.com/hold"}}}}});
    EXPECT_TRUE(cluster.Delete<api::Pod>(kPod).ok());
  };
  const Case cases[] = {
      {"succeeded", [this] { cluster.SetPhase(kPod, "Succeeded"); }, true},
      {"failed", [this] { cluster.SetPhase(kPod, "Failed"); }, true},
      {"being deleted", hold, true},
      {"gone", [this] { EXPECT_TRUE(cluster.Delete<api::Pod>(kPod).ok()); }, true},
      {"succeeded, the cache lags", [this] { cluster.SetPhase(kPod, "Succeeded"); }, false},
      {"being deleted, the cache lags", hold, false},
      {"gone, the cache lags", [this] { EXPECT_TRUE(cluster.Delete<api::Pod>(kPod).ok()); }, false},
      {"replaced, the cache lags",
       [this] {
         EXPECT_TRUE(cluster.Delete<api::Pod>(kPod).ok());
         MakePod({{"a", std::nullopt, "t"}});
       },
       false},
  };
  cluster.Create(TestCluster::MakeTemplate("t"));
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    MakePod({{"a", std::nullopt, "t"}});
    caches.Sync(cluster);
    one.end();
    if (one.cache_knows) caches.Sync(cluster);
    EXPECT_TRUE(Stamp(false).ok());
    EXPECT_THAT(cluster.List<api::ResourceClaim>(), IsEmpty());
    if (cluster.Find<api::Pod>(kPod)) {
      cluster.Merge<api::Pod>(kPod, {{"metadata", {{"finalizers", nullptr}}}});
      (void)cluster.Delete<api::Pod>(kPod);
    }
  }
}

TEST_F(StampTest, AMissingTemplateIsSaidAndWaitedFor) {
  MakePod({{"a", std::nullopt, "t"}});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Stamp().Is(Reason::kNotFound));
  events.reset();
  const auto said = cluster.Events();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_THAT(said[0],
              ::testing::StartsWith(
                  "Pod p: Warning FailedResourceClaimCreation: PodResourceClaim a: resource claim "
                  "template \"t\" of entry a: "));
  EXPECT_THAT(said[0], ::testing::EndsWith(" x2"));
  events.emplace(cluster.client, cluster.clock, "resourceclaim-controller");
  cluster.Create(TestCluster::MakeTemplate("t"));
  EXPECT_TRUE(Stamp(false).ok()) << "the cache has not seen it, the server has";
  EXPECT_THAT(cluster.List<api::ResourceClaim>(), SizeIs(1));
}

TEST_F(StampTest, LongNamesAreCutTheSameWayAsKubernetesDoes) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  const std::string name(100, 'p'), entry(40, 'e');
  cluster.Create(TestCluster::MakePod(name, {{entry, std::nullopt, "t"}}));
  caches.Sync(cluster);
  StampReconciler reconciler(cluster.Tested(), caches.pods, caches.claims, caches.templates,
                             *events, cluster.clock.Now());
  ASSERT_TRUE(reconciler.Reconcile(cluster.Ctx(), {"default", name}).ok());
  const std::string made = cluster.List<api::ResourceClaim>().at(0).metadata.name;
  EXPECT_LE(made.size(), 63u);
  EXPECT_THAT(made, HasSubstr("p-e"));
}

// Someone else than the scheduler bound the Pod.
TEST_F(StampTest, ReservesForAPodThatIsBoundAlready) {
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Create(TestCluster::MakeClaim("unallocated"));
  const api::Pod other = cluster.Create(TestCluster::MakePod("other", {{"c", "c", std::nullopt}}));
  const api::Pod pod = MakePod({{"c", "c", std::nullopt},
                                {"u", "unallocated", std::nullopt},
                                {"m", "missing", std::nullopt}});
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {other});
  MustStamp();
  EXPECT_THAT(cluster.Get<api::ResourceClaim>(kClaim).status.reserved_for, SizeIs(1))
      << "not bound yet";
  cluster.Bind(kPod, "n1");
  for (int i = 0; i < 2; ++i) {
    MustStamp();
    const auto reserved = cluster.Get<api::ResourceClaim>(kClaim).status.reserved_for;
    ASSERT_THAT(reserved, SizeIs(2));
    EXPECT_EQ(reserved[0].uid, other.metadata.uid);
    EXPECT_EQ(reserved[1],
              (api::ResourceClaimConsumerReference{"", "pods", "p", pod.metadata.uid}));
  }
  EXPECT_THAT(cluster.Get<api::ResourceClaim>({"default", "unallocated"}).status.reserved_for,
              IsEmpty());
}

struct ReleaseTest : ::testing::Test {
  Result<runtime::Requeue> Release(const api::ObjectKey& key = kClaim) {
    caches.Sync(cluster);
    return ReleaseReconciler(cluster.Tested(), caches.claims, caches.pods)
        .Reconcile(cluster.Ctx(), key);
  }
  void MustRelease(const api::ObjectKey& key = kClaim) {
    Result<runtime::Requeue> done = Release(key);
    EXPECT_TRUE(done.ok()) << done.status();
  }
  static api::ResourceClaim Generated(const api::Pod& pod) {
    api::ResourceClaim claim = TestCluster::MakeClaim("c");
    claim.metadata.owner_references = {
        {"v1", "Pod", pod.metadata.name, pod.metadata.uid, true, std::nullopt}};
    return claim;
  }
  TestCluster cluster;
  Caches caches;
};

TEST_F(ReleaseTest, TakesAClaimBackWhenItsLastUserIsDone) {
  struct Case {
    const char* name;
    std::function<void(TestCluster&)> then;  // Pods p and q use the claim and are bound
    std::vector<const char*> reserved;
    bool allocated;
  };
  auto phase = [](const char* name, const char* phase) {
    return [=](TestCluster& cluster) { cluster.SetPhase({"default", name}, phase); };
  };
  auto gone = [](TestCluster& cluster, const char* name) {
    EXPECT_TRUE(cluster.Delete<api::Pod>({"default", name}, "", 0).ok());
  };
  const Case cases[] = {
      {"both run", [](auto&) {}, {"p", "q"}, true},
      {"one runs", phase("p", "Running"), {"p", "q"}, true},
      {"one succeeded", phase("p", "Succeeded"), {"q"}, true},
      {"one failed", phase("q", "Failed"), {"p"}, true},
      {"one is being deleted but still bound",
       [](auto& cluster) {
         EXPECT_TRUE(cluster.template Delete<api::Pod>({"default", "p"}).ok());
       },
       {"p", "q"},
       true},
      {"one is gone", [&](auto& cluster) { gone(cluster, "p"); }, {"q"}, true},
      {"one is another now",
       [&](auto& cluster) {
         gone(cluster, "p");
         cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
       },
       {"q"},
       true},
      {"both are done",
       [&](auto& cluster) {
         cluster.SetPhase({"default", "p"}, "Succeeded");
         gone(cluster, "q");
       },
       {},
       false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TestCluster fresh;
    Caches known;
    fresh.Create(TestCluster::MakeClaim("c"));
    std::vector<api::Pod> pods;
    for (const char* name : {"p", "q"}) {
      pods.push_back(fresh.Create(TestCluster::MakePod(name, {{"c", "c", std::nullopt}})));
      fresh.Bind(api::KeyOf(pods.back()), "n1");
    }
    fresh.Allocate(kClaim, "n1", {"gpu-0"}, pods);
    fresh.Merge<api::ResourceClaim>(
        kClaim,
        {{"status",
          {{"devices", {{{"driver", "gpu.example.com"}, {"pool", "n1"}, {"device", "gpu-0"}}}}}}},
        "status");
    one.then(fresh);
    known.Sync(fresh);
    ASSERT_TRUE(ReleaseReconciler(fresh.Tested(), known.claims, known.pods)
                    .Reconcile(fresh.Ctx(), kClaim)
                    .ok());
    const api::ResourceClaim claim = fresh.Get<api::ResourceClaim>(kClaim);
    std::vector<std::string> reserved;
    for (const auto& consumer : claim.status.reserved_for) reserved.push_back(consumer.name);
    EXPECT_EQ(reserved, std::vector<std::string>(one.reserved.begin(), one.reserved.end()));
    EXPECT_EQ(claim.status.allocation.has_value(), one.allocated);
    EXPECT_EQ(claim.status.devices.size(), one.allocated ? 1u : 0u);
    EXPECT_EQ(claim.metadata.finalizers.size(), one.allocated ? 1u : 0u);
    // At rest.
    fresh.wire->TakeWrites();
    known.Sync(fresh);
    ASSERT_TRUE(ReleaseReconciler(fresh.Tested(), known.claims, known.pods)
                    .Reconcile(fresh.Ctx(), kClaim)
                    .ok());
    EXPECT_THAT(fresh.wire->TakeWrites(), IsEmpty());
  }
}

TEST_F(ReleaseTest, LeavesWhatIsNotItsToTake) {
  struct Case {
    const char* name;
    std::function<void(TestCluster&)> make;
  };
  const Case cases[] = {
      {"allocated, not reserved yet",
       [](auto& cluster) {
         cluster.Create(TestCluster::MakeClaim("c"));
         cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
       }},
      {"a consumer of another kind",
       [](auto& cluster) {
         cluster.Create(TestCluster::MakeClaim("c"));
         cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
         cluster.template Merge<api::ResourceClaim>(kClaim,
                                                    {{"status",
                                                      {{"reservedFor",
                                                        {{{"apiGroup", "example.com"},
                                                          {"resource", "jobs"},
                                                          {"name", "j"},
                                                          {"uid", "u"}}}}}}},
                                                    "status");
       }},
      {"a user's claim that nobody uses",
       [](auto& cluster) { cluster.Create(TestCluster::MakeClaim("c")); }},
      {"a generated claim whose Pod waits",
       [](auto& cluster) { cluster.Create(Generated(cluster.Create(TestCluster::MakePod("p")))); }},
      {"someone else's finalizer holds it",
       [](auto& cluster) {
         api::ResourceClaim claim = TestCluster::MakeClaim("c");
         claim.metadata.finalizers = {"example.com/hold"};
         cluster.Create(claim);
         EXPECT_TRUE(cluster.template Delete<api::ResourceClaim>(kClaim).ok());
       }},
      {"gone", [](auto&) {}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TestCluster fresh;
    Caches known;
    one.make(fresh);
    known.Sync(fresh);
    EXPECT_TRUE(ReleaseReconciler(fresh.Tested(), known.claims, known.pods)
                    .Reconcile(fresh.Ctx(), kClaim)
                    .ok());
    EXPECT_THAT(fresh.wire->TakeWrites(), IsEmpty());
  }
}

TEST_F(ReleaseTest, AGeneratedClaimGoesWithItsPod) {
  for (const char* phase : {"Succeeded", "Failed", ""}) {
    SCOPED_TRACE(phase);
    const api::Pod pod = cluster.Create(TestCluster::MakePod("p"));
    cluster.Create(Generated(pod));
    cluster.Allocate(kClaim, "n1", {"gpu-0"}, {pod});
    if (*phase)
      cluster.SetPhase(kPod, phase);
    else
      EXPECT_TRUE(cluster.Delete<api::Pod>(kPod).ok());
    MustRelease();
    EXPECT_FALSE(cluster.Find<api::ResourceClaim>(kClaim));
    (void)cluster.Delete<api::Pod>(kPod);
  }
}

TEST_F(ReleaseTest, ADeletedClaimIsLetGoWhenNobodyUsesIt) {
  const api::Pod pod = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Bind(kPod, "n1");
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {pod});
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaim).ok());
  MustRelease();
  EXPECT_TRUE(cluster.Get<api::ResourceClaim>(kClaim).status.allocation) << "in use: protected";
  cluster.SetPhase(kPod, "Succeeded");
  MustRelease();
  EXPECT_FALSE(cluster.Find<api::ResourceClaim>(kClaim));
}

TEST_F(ReleaseTest, OtherFinalizersStay) {
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {cluster.Create(TestCluster::MakePod("p"))});
  cluster.Merge<api::ResourceClaim>(
      kClaim,
      {{"metadata", {{"finalizers", {std::string(api::kClaimFinalizer), "example.com/hold"}}}}});
  ASSERT_TRUE(cluster.Delete<api::Pod>(kPod).ok());
  MustRelease();
  const api::ResourceClaim claim = cluster.Get<api::ResourceClaim>(kClaim);
  EXPECT_THAT(claim.metadata.finalizers, ElementsAre("example.com/hold"));
  EXPECT_FALSE(claim.status.allocation);
}

TEST_F(ReleaseTest, KilledAnywhereItEndsTheSame) {
  for (bool generated : {false, true}) {
    for (Wire::Cut how : {Wire::Cut::kBeforeTheWrite, Wire::Cut::kAfterTheWrite}) {
      for (int writes = 0;; ++writes) {
        SCOPED_TRACE((generated ? "generated, " : "named, ") + std::string("killed at write ") +
                     std::to_string(writes) +
                     (how == Wire::Cut::kAfterTheWrite ? ", which arrived" : ""));
        TestCluster fresh;
        Caches known;
        const api::Pod pod = fresh.Create(TestCluster::MakePod("p"));
        fresh.Create(generated ? Generated(pod) : TestCluster::MakeClaim("c"));
        fresh.Allocate(kClaim, "n1", {"gpu-0"}, {pod});
        ASSERT_TRUE(fresh.Delete<api::Pod>(kPod).ok());
        known.Sync(fresh);
        fresh.wire->CutAt(writes, how);
        const bool cut = !ReleaseReconciler(fresh.Tested(), known.claims, known.pods)
                              .Reconcile(fresh.Ctx(), kClaim)
                              .ok();
        fresh.wire->Repair();
        // A user may delete the claim afterwards; either way nothing is left that holds it or the
        // device.
        for (int i = 0; i < 3; ++i) {
          known.Sync(fresh);
          ASSERT_TRUE(ReleaseReconciler(fresh.Tested(), known.claims, known.pods)
                          .Reconcile(fresh.Ctx(), kClaim)
                          .ok());
        }
        std::optional<api::ResourceClaim> left = fresh.Find<api::ResourceClaim>(kClaim);
        EXPECT_EQ(left.has_value(), !generated);
        if (left) {
          EXPECT_FALSE(left->status.allocation);
          EXPECT_THAT(left->status.reserved_for, IsEmpty());
          ASSERT_TRUE(fresh.Delete<api::ResourceClaim>(kClaim).ok());
          known.Sync(fresh);
          ASSERT_TRUE(ReleaseReconciler(fresh.Tested(), known.claims, known.pods)
                          .Reconcile(fresh.Ctx(), kClaim)
                          .ok());
          EXPECT_FALSE(fresh.Find<api::ResourceClaim>(kClaim)) << "a finalizer is left";
        }
        if (!cut) {
          EXPECT_EQ(writes, generated ? 3 : 2);
          break;
        }
      }
    }
  }
}

// Someone else wrote meanwhile: nothing of theirs is lost, the next look decides anew.
TEST_F(ReleaseTest, AReservationMadeMeanwhileIsNotLost) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p")),
                 q = cluster.Create(TestCluster::MakePod("q"));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {p});
  ASSERT_TRUE(cluster.Delete<api::Pod>(kPod).ok());
  caches.Sync(cluster);
  const Json reserve = {{"status",
                         {{"reservedFor",
                           {{{"resource", "pods"}, {"name", "p"}, {"uid", p.metadata.uid}},
                            {{"resource", "pods"}, {"name", "q"}, {"uid", q.metadata.uid}}}}}}};
  cluster.Merge<api::ResourceClaim>(kClaim, reserve, "status", "kube-scheduler");
  ReleaseReconciler stale(cluster.Tested(), caches.claims, caches.pods);
  EXPECT_TRUE(stale.Reconcile(cluster.Ctx(), kClaim).Is(Reason::kConflict));
  MustRelease();
  const api::ResourceClaim claim = cluster.Get<api::ResourceClaim>(kClaim);
  ASSERT_THAT(claim.status.reserved_for, SizeIs(1));
  EXPECT_EQ(claim.status.reserved_for[0].uid, q.metadata.uid);
  EXPECT_TRUE(claim.status.allocation);
}

// The cache of Pods lags behind that of claims, or the server can't be asked: nobody loses a
// device.
TEST_F(ReleaseTest, OnlyTheServerCanSayThatAPodIsGone) {
  const api::Pod pod = cluster.Create(TestCluster::MakePod("p"));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {pod});
  caches.claims.Sync(cluster.client, cluster.Ctx());
  ReleaseReconciler reconciler(cluster.Tested(), caches.claims, caches.pods);
  EXPECT_TRUE(reconciler.Reconcile(cluster.Ctx(), kClaim).ok());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  cluster.wire->RefuseWhere(
      [](const runtime::ApiRequest&) { return Status(Reason::kUnavailable, "no route"); });
  EXPECT_TRUE(reconciler.Reconcile(cluster.Ctx(), kClaim).Is(Reason::kUnavailable));
  EXPECT_TRUE(cluster.Get<api::ResourceClaim>(kClaim).status.allocation);
}

// Both controllers with their informers, queues and triggers, as a process runs them.
struct StamperRunTest : ::testing::Test {
  StamperRunTest()
      : pods(cluster.client), claims(cluster.client), stamper(cluster.Tested(), cluster.clock) {
    auto wake = [this](auto&, auto&) {
      std::lock_guard lock(mutex);
      changed.notify_all();
    };
    pods.AddHandler({wake});
    claims.AddHandler({wake});
    runtime::AddCache(manager, pods);
    runtime::AddCache(manager, claims);
    stamper.AddTo(manager);
    running = std::jthread([this] { EXPECT_TRUE(manager.Run(cluster.Ctx()).ok()); });
  }
  ~StamperRunTest() override { cluster.stop.request_stop(); }

  // Real time only bounds how long a failure takes.
  void Await(const char* what, std::function<bool()> holds) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, seconds(30), holds)) << what;
  }
  std::optional<std::string> NameOf(const std::string& pod, const std::string& entry) {
    auto found = pods.Get({"default", pod});
    if (found == nullptr) return std::nullopt;
    for (const auto& status : found->status.resource_claim_statuses)
      if (status.name == entry) return status.resource_claim_name;
    return std::nullopt;
  }

  TestCluster cluster;
  runtime::Informer<api::Pod> pods;
  runtime::Informer<api::ResourceClaim> claims;
  std::mutex mutex;
  std::condition_variable changed;
  Stamper stamper;
  runtime::Manager manager;
  std::jthread running;
};

TEST_F(StamperRunTest, FromPodToClaimAndBack) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  const api::Pod pod = cluster.Create(TestCluster::MakePod("p", {{"gpu", std::nullopt, "t"}}));
  Await("the claim", [&] {
    return NameOf("p", "gpu") && claims.Get({"default", *NameOf("p", "gpu")}) != nullptr;
  });
  const api::ObjectKey claim{"default", *NameOf("p", "gpu")};
  cluster.Allocate(claim, "n1", {"gpu-0"}, {pod});
  cluster.Bind(kPod, "n1");
  cluster.SetPhase(kPod, "Succeeded");
  Await("the claim's end", [&] { return claims.Get(claim) == nullptr; });
}

TEST_F(StamperRunTest, ATemplateMayComeAfterItsPod) {
  cluster.Create(TestCluster::MakePod("p", {{"gpu", std::nullopt, "late"}}));
  Await("the Pod", [&] { return pods.Get(kPod) != nullptr; });
  cluster.Create(TestCluster::MakeTemplate("late"));
  Await("the claim", [&] { return NameOf("p", "gpu").has_value(); });
}

TEST_F(StamperRunTest, AClaimTakenFromAPodComesBack) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  cluster.Create(TestCluster::MakePod("p", {{"gpu", std::nullopt, "t"}}));
  Await("the claim", [&] { return NameOf("p", "gpu").has_value(); });
  const std::string first = *NameOf("p", "gpu");
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>({"default", first}).ok());
  Await("another claim",
        [&] { return NameOf("p", "gpu").has_value() && NameOf("p", "gpu") != first; });
}

TEST_F(StamperRunTest, AUsersClaimIsFreedWhenItsPodsAreGone) {
  cluster.Create(TestCluster::MakeClaim("c"));
  const api::Pod pod = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {pod});
  Await("the allocation", [&] {
    auto claim = claims.Get(kClaim);
    return claim != nullptr && claim->status.allocation.has_value();
  });
  ASSERT_TRUE(cluster.Delete<api::Pod>(kPod).ok());
  Await("the release", [&] {
    auto claim = claims.Get(kClaim);
    return claim != nullptr && !claim->status.allocation && claim->metadata.finalizers.empty();
  });
}

TEST_F(StamperRunTest, ManyPodsAtOnce) {
  cluster.Create(TestCluster::MakeTemplate("t"));
  constexpr int kPods = 60;
  for (int i = 0; i < kPods; ++i)
    cluster.Create(TestCluster::MakePod("p" + std::to_string(i),
                                        {{"a", std::nullopt, "t"}, {"b", std::nullopt, "t"}}));
  Await("every claim", [&] {
    for (int i = 0; i < kPods; ++i)
      if (!NameOf("p" + std::to_string(i), "a") || !NameOf("p" + std::to_string(i), "b"))
        return false;
    return true;
  });
  EXPECT_EQ(cluster.List<api::ResourceClaim>().size(), 2u * kPods);
}

}  // namespace
}  // namespace dray::devcluster
