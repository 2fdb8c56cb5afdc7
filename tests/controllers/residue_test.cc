// Reservations, slices, foreign claims and what is left on nodes: it goes when its time has come,
// and nothing else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "controllers/resourceclaim/resourceclaim_reconciler.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TestCluster;

const api::ObjectKey kClaimKey{"default", "c"};

struct ResidueTest : ::testing::Test {
  CleanupOptions Options() {
    return {.client = cluster.Tested(), .pods = &pods, .metrics = &metrics};
  }
  void Sync() {
    pods.Sync(cluster.client, cluster.Ctx());
    claims.Sync(cluster.client, cluster.Ctx());
    slices.Sync(cluster.client, cluster.Ctx());
    nodes.Sync(cluster.client, cluster.Ctx());
  }
  std::optional<Duration> Run(runtime::Reconciler& reconciler, const api::ObjectKey& key) {
    Sync();
    Result<runtime::Requeue> result = reconciler.Reconcile(cluster.Ctx(), key);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->after : std::nullopt;
  }
  // Looks, waits for the grace age that it asks for, looks again.
  void RunAfterGrace(runtime::Reconciler& reconciler, const api::ObjectKey& key) {
    const std::optional<Duration> wait = Run(reconciler, key);
    ASSERT_EQ(wait, minutes(10));
    EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
    cluster.clock.Advance(*wait);
    EXPECT_EQ(Run(reconciler, key), std::nullopt);
  }
  void RemovePod(const std::string& name) {
    ASSERT_TRUE(cluster.Delete<api::Pod>({"default", name}, "", 0).ok());
  }

  TestCluster cluster;
  testing::SyncedCache<api::Pod> pods{{{"claim", ClaimsOfPod}, {"template", TemplatesOfPod}}};
  testing::SyncedCache<api::ResourceClaim> claims;
  testing::SyncedCache<api::ResourceSlice> slices{{{"pool", PoolOfSlice}, {"node", NodeOfSlice}}};
  testing::SyncedCache<api::Node> nodes;
  runtime::Metrics metrics;
};

// --- Reservations. ---

TEST_F(ResidueTest, TheLastReservationTakesTheAllocationAlong) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p});
  ReservationCleanup cleanup(Options(), &claims);
  EXPECT_EQ(Run(cleanup, kClaimKey), std::nullopt) << "its Pod is there";
  RemovePod("p");
  RunAfterGrace(cleanup, kClaimKey);
  const api::ResourceClaim released = cluster.Get<api::ResourceClaim>(kClaimKey);
  EXPECT_FALSE(released.status.allocation);
  EXPECT_THAT(released.status.reserved_for, IsEmpty());
  EXPECT_THAT(released.metadata.finalizers, IsEmpty());
  EXPECT_NE(metrics.Text().find("dray_cleanup_reservations_released_total 1"), std::string::npos);
}

TEST_F(ResidueTest, OthersKeepTheirReservation) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  const api::Pod q = cluster.Create(TestCluster::MakePod("q", {{"c", "c", std::nullopt}}));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p, q});
  ReservationCleanup cleanup(Options(), &claims);
  RemovePod("p");
  cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));  // another one of the name
  RunAfterGrace(cleanup, kClaimKey);
  const api::ResourceClaim left = cluster.Get<api::ResourceClaim>(kClaimKey);
  ASSERT_EQ(left.status.reserved_for.size(), 1u);
  EXPECT_EQ(left.status.reserved_for[0].uid, q.metadata.uid);
  EXPECT_TRUE(left.status.allocation);
  // One that is done but there is not ours to judge.
  cluster.SetPhase({"default", "q"}, "Succeeded");
  EXPECT_EQ(Run(cleanup, kClaimKey), std::nullopt);
  EXPECT_EQ(cluster.Get<api::ResourceClaim>(kClaimKey).status.reserved_for.size(), 1u);
}

// On a claim that many share, Pods come and go all the time: each has a grace age of its own.
TEST_F(ResidueTest, AReservationGoesHoweverManyFollowIt) {
  std::vector<api::Pod> users;
  for (const char* name : {"p", "q", "r"})
    users.push_back(cluster.Create(TestCluster::MakePod(name, {{"c", "c", std::nullopt}})));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, users);
  auto left = [&] {
    std::vector<std::string> names;
    for (const auto& one : cluster.Get<api::ResourceClaim>(kClaimKey).status.reserved_for)
      names.push_back(one.name);
    return names;
  };
  ReservationCleanup cleanup(Options(), &claims);
  RemovePod("p");
  EXPECT_EQ(Run(cleanup, kClaimKey), minutes(10));
  cluster.clock.Advance(minutes(6));
  RemovePod("q");
  EXPECT_EQ(Run(cleanup, kClaimKey), minutes(4));
  cluster.clock.Advance(minutes(4));
  Run(cleanup, kClaimKey);
  EXPECT_THAT(left(), ElementsAre("q", "r"));
  EXPECT_EQ(Run(cleanup, kClaimKey), minutes(6));
  cluster.clock.Advance(minutes(6));
  Run(cleanup, kClaimKey);
  EXPECT_THAT(left(), ElementsAre("r"));
  EXPECT_TRUE(cluster.Get<api::ResourceClaim>(kClaimKey).status.allocation);
  EXPECT_EQ(Run(cleanup, kClaimKey), std::nullopt);
}

TEST_F(ResidueTest, ACacheThatLagsReleasesNothing) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p});
  claims.Sync(cluster.client, cluster.Ctx());  // and no Pods
  ReservationCleanup cleanup(Options(), &claims);
  ASSERT_TRUE(cleanup.Reconcile(cluster.Ctx(), kClaimKey).ok());
  cluster.clock.Advance(minutes(20));
  ASSERT_TRUE(cleanup.Reconcile(cluster.Ctx(), kClaimKey).ok());
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

TEST_F(ResidueTest, WhatHasChangedMeanwhileStays) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p});
  ReservationCleanup cleanup(Options(), &claims);
  RemovePod("p");
  EXPECT_EQ(Run(cleanup, kClaimKey), minutes(10));
  cluster.clock.Advance(minutes(10));
  Sync();
  const api::Pod q = cluster.Create(TestCluster::MakePod("q", {{"c", "c", std::nullopt}}));
  cluster.Merge<api::ResourceClaim>(
      kClaimKey,
      {{"status",
        {{"reservedFor", {{{"resource", "pods"}, {"name", "q"}, {"uid", q.metadata.uid}}}}}}},
      "status");
  ASSERT_TRUE(cleanup.Reconcile(cluster.Ctx(), kClaimKey).ok());
  EXPECT_EQ(cluster.Get<api::ResourceClaim>(kClaimKey).status.reserved_for.size(), 1u);
  EXPECT_TRUE(cluster.Get<api::ResourceClaim>(kClaimKey).status.allocation);
}

// The second of its two writes was lost: who comes next takes it up.
TEST_F(ResidueTest, AFinalizerThatWasLeftIsTakenToo) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p});
  ReservationCleanup cleanup(Options(), &claims);
  RemovePod("p");
  EXPECT_EQ(Run(cleanup, kClaimKey), minutes(10));
  cluster.clock.Advance(minutes(10));
  Sync();
  cluster.wire->CutAt(1, testing::Wire::Cut::kBeforeTheWrite);
  EXPECT_FALSE(cleanup.Reconcile(cluster.Ctx(), kClaimKey).ok());
  cluster.wire->Repair();
  cluster.wire->TakeWrites();
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaimKey).ok());
  EXPECT_THAT(cluster.Get<api::ResourceClaim>(kClaimKey).metadata.finalizers,
              ElementsAre(api::kClaimFinalizer));
  ReservationCleanup next(Options(), &claims);  // another process
  RunAfterGrace(next, kClaimKey);
  EXPECT_FALSE(cluster.Find<api::ResourceClaim>(kClaimKey));
}

// The scheduler sets the finalizer before the allocation.
TEST_F(ResidueTest, AFinalizerOfAClaimThatIsBeingAllocatedStays) {
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Merge<api::ResourceClaim>(
      kClaimKey,
      {{"metadata", {{"finalizers", {std::string(api::kClaimFinalizer), "example.com/hold"}}}}});
  ReservationCleanup cleanup(Options(), &claims);
  EXPECT_EQ(Run(cleanup, kClaimKey), minutes(10));
  cluster.clock.Advance(minutes(9));
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p});
  EXPECT_EQ(Run(cleanup, kClaimKey), std::nullopt);
  cluster.clock.Advance(minutes(9));
  EXPECT_EQ(Run(cleanup, kClaimKey), std::nullopt);
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

// --- Claims of HAMi-DRA. ---

TEST_F(ResidueTest, ClaimsOfHamiGoWhenAskedFor) {
  auto hami = [](const std::string& name) {
    api::ResourceClaim claim = TestCluster::MakeClaim(name, "hami-core-gpu.project-hami.io");
    claim.spec.devices.requests[0].name = "gpu";
    return claim;
  };
  struct Case {
    const char* name;
    api::ResourceClaim claim;
    bool opted_in, stays;
  };
  Case cases[] = {
      {"left behind", hami("default-p-main"), true, false},
      {"not asked for", hami("default-p-main"), false, true},
      {"of another name", hami("mine"), true, true},
      {"labelled", TestCluster::MakeClaim("x"), true, false},
      {"of a Pod that names it", hami("default-user-main"), true, true},
      {"owned", hami("default-p-main"), true, true},
  };
  cases[3].claim.metadata.labels["hami.io/dra"] = "true";
  cases[5].claim.metadata.owner_references = {{"v1", "Pod", "p", "u", true, std::nullopt}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    TestCluster fresh;
    fresh.Create(one.claim);
    fresh.Create(TestCluster::MakePod("user", {{"c", "default-user-main", std::nullopt}}));
    fresh.clock.Advance(minutes(11));
    pods.Sync(fresh.client, fresh.Ctx());
    claims.Sync(fresh.client, fresh.Ctx());
    CleanupOptions options = Options();
    options.client = fresh.Tested();
    ClaimCleanup cleanup(options, &claims, one.opted_in);
    const api::ObjectKey key = api::KeyOf(one.claim);
    ASSERT_TRUE(cleanup.Reconcile(fresh.Ctx(), key).ok());
    EXPECT_EQ(fresh.Find<api::ResourceClaim>(key).has_value(), one.stays);
  }
}

// --- Slices. ---

TEST_F(ResidueTest, SlicesOfANodeThatIsGone) {
  cluster.AddNode("n1");
  cluster.AddDevices("n1", 1);
  cluster.AddDevices("n2", 1);
  SliceCleanup cleanup(Options(), &slices, &nodes);
  EXPECT_EQ(Run(cleanup, {"", "n1-gpu"}), std::nullopt);
  RunAfterGrace(cleanup, {"", "n2-gpu"});
  EXPECT_TRUE(cluster.Find<api::ResourceSlice>({"", "n1-gpu"}));
  EXPECT_FALSE(cluster.Find<api::ResourceSlice>({"", "n2-gpu"}));
}

TEST_F(ResidueTest, ANodeThatComesBackKeepsItsSlices) {
  cluster.AddDevices("n1", 1);
  SliceCleanup cleanup(Options(), &slices, &nodes);
  EXPECT_EQ(Run(cleanup, {"", "n1-gpu"}), minutes(10));
  cluster.clock.Advance(minutes(9));
  cluster.AddNode("n1");
  EXPECT_EQ(Run(cleanup, {"", "n1-gpu"}), std::nullopt);
  ASSERT_TRUE(cluster.Delete<api::Node>({"", "n1"}).ok());
  EXPECT_EQ(Run(cleanup, {"", "n1-gpu"}), minutes(10)) << "its time begins anew";
  // The cache has not seen the node yet, the server has.
  cluster.clock.Advance(minutes(10));
  Sync();
  cluster.AddNode("n1");
  EXPECT_EQ(cleanup.Reconcile(cluster.Ctx(), {"", "n1-gpu"})->after, minutes(10));
  EXPECT_TRUE(cluster.Find<api::ResourceSlice>({"", "n1-gpu"}));
}

TEST_F(ResidueTest, SlicesOfAnOlderGeneration) {
  cluster.AddNode("n1");
  cluster.AddDevices("n1", 1);
  api::ResourceSlice newer = cluster.Get<api::ResourceSlice>({"", "n1-gpu"});
  newer.metadata = {};
  newer.spec.pool.generation = 2;
  newer.spec.pool.resource_slice_count = 2;
  newer.metadata.name = "n1-gpu-a";
  cluster.Create(newer);
  SliceCleanup cleanup(Options(), &slices, &nodes);
  EXPECT_EQ(Run(cleanup, {"", "n1-gpu"}), std::nullopt) << "half of the new generation is there";
  newer.metadata.name = "n1-gpu-b";
  newer.spec.devices[0].name = "gpu-9";
  cluster.Create(newer);
  EXPECT_EQ(Run(cleanup, {"", "n1-gpu-a"}), std::nullopt);
  RunAfterGrace(cleanup, {"", "n1-gpu"});
  EXPECT_EQ(cluster.List<api::ResourceSlice>().size(), 2u);
}

// --- Nodes. ---

TEST_F(ResidueTest, WhatDrayLeftOnANode) {
  cluster.AddNode("n1");
  cluster.Merge<api::Node>({"", "n1"},
                           {{"metadata",
                             {{"labels",
                               {{"dray.dev/profile", "a100"},
                                {"dray.dev/mock-profile", "nvidia-a100-80gb"},
                                {"zone", "z"}}},
                              {"annotations", {{"dray.dev/devices", "8"}, {"note", "mine"}}}}}});
  cluster.Merge<api::Node>({"", "n1"},
                           {{"status",
                             {{"capacity", {{"dray.dev/gpu", "0"}, {"cpu", "4"}}},
                              {"allocatable", {{"dray.dev/gpu", "0"}, {"cpu", "4"}}}}}},
                           "status");
  NodeCleanup cleanup(Options(), &nodes, &slices);
  cluster.AddDevices("n1", 1);
  EXPECT_EQ(Run(cleanup, {"", "n1"}), std::nullopt) << "its driver is there";
  ASSERT_TRUE(cluster.Delete<api::ResourceSlice>({"", "n1-gpu"}).ok());
  RunAfterGrace(cleanup, {"", "n1"});
  const api::Node left = cluster.Get<api::Node>({"", "n1"});
  EXPECT_FALSE(left.metadata.labels.contains("dray.dev/profile"));
  EXPECT_TRUE(left.metadata.labels.contains("dray.dev/mock-profile"));
  EXPECT_TRUE(left.metadata.labels.contains("zone"));
  EXPECT_EQ(left.metadata.annotations.count("dray.dev/devices"), 0u);
  EXPECT_EQ(left.metadata.annotations.at("note"), "mine");
  EXPECT_EQ(left.status.capacity.count("dray.dev/gpu"), 0u);
  EXPECT_EQ(left.status.allocatable.count("dray.dev/gpu"), 0u);
  EXPECT_EQ(left.status.capacity.count("cpu"), 1u);
}

// A user labels nodes before any driver is there, and reserves what else they like in our domain.
TEST_F(ResidueTest, WhatUsersSetOnANodeStays) {
  cluster.AddNode("n1");
  const Json labels = {{"dray.dev/mock-profile", "nvidia-a100-80gb"}, {"dray.dev/pool", "mine"}};
  cluster.Merge<api::Node>(
      {"", "n1"}, {{"metadata", {{"labels", labels}, {"annotations", {{"dray.dev/why", "me"}}}}}});
  // A node of which only the device plugin shows something: it has no slice, and is in use.
  cluster.Merge<api::Node>(
      {"", "n1"},
      {{"status",
        {{"capacity", {{"dray.dev/gpu", "8"}}}, {"allocatable", {{"dray.dev/gpu", "8"}}}}}},
      "status");
  NodeCleanup cleanup(Options(), &nodes, &slices);
  EXPECT_EQ(Run(cleanup, {"", "n1"}), std::nullopt);
  cluster.clock.Advance(minutes(11));
  EXPECT_EQ(Run(cleanup, {"", "n1"}), std::nullopt);
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
  const api::Node left = cluster.Get<api::Node>({"", "n1"});
  EXPECT_EQ(left.metadata.labels.size(), 2u);
  EXPECT_EQ(left.metadata.annotations.count("dray.dev/why"), 1u);
  EXPECT_EQ(left.status.capacity.count("dray.dev/gpu"), 1u);
}

TEST_F(ResidueTest, ADryRunOnlySays) {
  const api::Pod p = cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaimKey, "n1", {"gpu-0"}, {p});
  RemovePod("p");
  cluster.AddDevices("n2", 1);
  cluster.AddNode("n1");
  cluster.Merge<api::Node>({"", "n1"},
                           {{"metadata", {{"labels", {{"dray.dev/profile", "a100"}}}}}});
  CleanupOptions options = Options();
  options.dry_run = true;
  ReservationCleanup reservations(options, &claims);
  SliceCleanup slice_cleanup(options, &slices, &nodes);
  NodeCleanup node_cleanup(options, &nodes, &slices);
  RunAfterGrace(reservations, kClaimKey);
  RunAfterGrace(slice_cleanup, {"", "n2-gpu"});
  RunAfterGrace(node_cleanup, {"", "n1"});
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

}  // namespace
}  // namespace dray::controllers
