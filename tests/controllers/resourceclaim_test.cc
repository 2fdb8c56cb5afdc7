// Where claims stand, said in conditions, events and metrics.
#include "controllers/resourceclaim/resourceclaim_reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TestCluster;

const api::ObjectKey kClaim{"default", "c"};

struct ResourceClaimTest : ::testing::Test {
  ResourceClaimTest() { Restart(); }

  void Restart() {
    reconciler = std::make_unique<ResourceClaimReconciler>(ResourceClaimReconciler::Options{
        cluster.Tested(), &claims, &pods, &slices, &classes, &nodes, &*events, &metrics});
  }
  void Sync() {
    claims.Sync(cluster.client, cluster.Ctx());
    pods.Sync(cluster.client, cluster.Ctx());
    slices.Sync(cluster.client, cluster.Ctx());
    classes.Sync(cluster.client, cluster.Ctx());
    nodes.Sync(cluster.client, cluster.Ctx());
  }
  runtime::Requeue Reconcile(const api::ObjectKey& key = kClaim) {
    Sync();
    Result<runtime::Requeue> result = reconciler->Reconcile(cluster.Ctx(), key);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : runtime::Requeue();
  }
  // What was said since the last call.
  std::vector<std::string> News() {
    events.reset();  // sends what it has
    std::vector<std::string> all = cluster.Events(), news;
    std::set_difference(all.begin(), all.end(), told.begin(), told.end(), std::back_inserter(news));
    told = std::move(all);
    cluster.clock.Advance(seconds(1));  // a new recorder names its events by the time
    events.emplace(cluster.client, cluster.clock, "dray-controller-manager");
    return news;
  }
  std::string Metric(const std::string& start) {
    std::istringstream text(metrics.Text());
    for (std::string line; std::getline(text, line);)
      if (line.starts_with(start)) return line.substr(line.rfind(' ') + 1);
    return "absent";
  }
  // "pending=1 running=2": the standings that are not 0.
  std::string Gauges() {
    std::string shown;
    std::istringstream text(metrics.Text());
    const std::string start = "dray_resourceclaims{standing=\"";
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with(start)) continue;
      const std::string value = line.substr(line.rfind(' ') + 1);
      if (value != "0")
        shown += (shown.empty() ? "" : " ") +
                 line.substr(start.size(), line.find('"', start.size()) - start.size()) + "=" +
                 value;
    }
    return shown;
  }
  // The driver's own entry in status.devices.
  void DriverReports(const std::string& device, bool ready, int more_conditions = 0) {
    Json conditions = {{{"type", "Ready"},
                        {"status", ready ? "True" : "False"},
                        {"reason", "Prepared"},
                        {"message", "m"},
                        {"lastTransitionTime", "2025-12-31T00:00:00Z"}}};
    for (int i = 0; i < more_conditions; ++i)
      conditions.push_back({{"type", "T" + std::to_string(i)},
                            {"status", "True"},
                            {"reason", "R"},
                            {"message", ""},
                            {"lastTransitionTime", "2025-12-31T00:00:00Z"}});
    const Json applied = {{"apiVersion", "resource.k8s.io/v1"},
                          {"kind", "ResourceClaim"},
                          {"metadata", {{"name", "c"}, {"namespace", "default"}}},
                          {"status",
                           {{"devices",
                             {{{"driver", "gpu.example.com"},
                               {"pool", "n1"},
                               {"device", device},
                               {"conditions", conditions},
                               {"data", {{"slot", 7}}},
                               {"networkData", {{"interfaceName", "eth0"}}}}}}}}};
    runtime::PatchOptions options;
    options.subresource = "status";
    options.field_manager = "gpu.example.com";
    Status applied_status =
        cluster.client
            .Patch<api::ResourceClaim>(cluster.Ctx(), kClaim, runtime::PatchType::kApply,
                                       applied.dump(), options)
            .status();
    EXPECT_TRUE(applied_status.ok()) << applied_status;
  }
  api::Pod PodUsing(const std::string& name, std::vector<std::string> claim_names = {"c"}) {
    std::vector<api::PodResourceClaim> entries;
    for (const std::string& claim : claim_names) entries.push_back({claim, claim, std::nullopt});
    return cluster.Create(TestCluster::MakePod(name, std::move(entries)));
  }
  // "gpu-0: dray.dev/InUse=True Reserved 'used by pod p', Ready=True Prepared 'm'"
  std::vector<std::string> Conditions() {
    std::vector<std::string> lines;
    for (const api::AllocatedDeviceStatus& device :
         cluster.Get<api::ResourceClaim>(kClaim).status.devices) {
      std::vector<std::string> some;
      for (const api::Condition& one : device.conditions)
        some.push_back(one.type + "=" + one.status + " " + one.reason + " '" + one.message + "'");
      std::sort(some.begin(), some.end());
      std::string line = device.device + ":";
      for (const std::string& one : some) line += (line.back() == ':' ? " " : ", ") + one;
      lines.push_back(line);
    }
    return lines;
  }

  TestCluster cluster;
  testing::SyncedCache<api::ResourceClaim> claims;
  testing::SyncedCache<api::Pod> pods{{{"claim", ClaimsOfPod}}};
  testing::SyncedCache<api::ResourceSlice> slices{{{"pool", PoolOfSlice}}};
  testing::SyncedCache<api::DeviceClass> classes;
  testing::SyncedCache<api::Node> nodes;
  std::optional<runtime::EventRecorder> events{std::in_place, cluster.client, cluster.clock,
                                               "dray-controller-manager"};
  runtime::Metrics metrics;
  std::vector<std::string> told;
  std::unique_ptr<ResourceClaimReconciler> reconciler;
};

TEST_F(ResourceClaimTest, CountsAClaimWhereItStands) {
  EXPECT_EQ(Gauges(), "");
  EXPECT_EQ(Metric("dray_resourceclaims{standing=\"pending\"}"),
            "0");  // there before the first claim
  cluster.Create(TestCluster::MakeClaim("c"));
  auto stands = [&](const char* where) {
    for (int i = 0; i < 2; ++i) {
      Reconcile();
      EXPECT_EQ(Gauges(), where);
    }
  };
  stands("pending=1");
  const api::Pod pod = PodUsing("p");
  stands("unschedulable=1");
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
  stands("allocated=1");
  cluster.Merge<api::ResourceClaim>(
      kClaim,
      {{"status",
        {{"reservedFor", {{{"resource", "pods"}, {"name", "p"}, {"uid", pod.metadata.uid}}}}}}},
      "status");
  stands("reserved=1");
  DriverReports("gpu-0", false);
  stands("reserved=1");
  DriverReports("gpu-0", true);
  stands("prepared=1");
  cluster.Bind(api::KeyOf(pod), "n1");
  cluster.SetPhase(api::KeyOf(pod), "Running");
  stands("running=1");
  cluster.SetPhase(api::KeyOf(pod), "Succeeded");
  stands("releasing=1");
  // The next one of the name is another claim.
  cluster.Merge<api::ResourceClaim>(kClaim, {{"status", nullptr}}, "status");
  cluster.Merge<api::ResourceClaim>(kClaim, {{"metadata", {{"finalizers", nullptr}}}});
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaim).ok());
  cluster.Create(TestCluster::MakeClaim("c"));
  stands("pending=1");
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaim).ok());
  stands("");
}

TEST_F(ResourceClaimTest, TotalsAreExactOverManyClaims) {
  for (int i = 0; i < 30; ++i) cluster.Create(TestCluster::MakeClaim("c" + std::to_string(i)));
  auto all = [&] {
    for (int i = 0; i < 30; ++i) Reconcile({"default", "c" + std::to_string(i)});
  };
  all();
  EXPECT_EQ(Gauges(), "pending=30");
  for (int i = 0; i < 10; ++i)
    cluster.Allocate({"default", "c" + std::to_string(i)}, "n1", {"gpu-" + std::to_string(i)}, {});
  for (int i = 20; i < 30; ++i)
    ASSERT_TRUE(cluster.Delete<api::ResourceClaim>({"default", "c" + std::to_string(i)}).ok());
  all();
  EXPECT_EQ(Gauges(), "allocated=10 pending=10");
  // A new leader begins at nothing and comes to the same.
  Restart();
  EXPECT_EQ(Gauges(), "");
  all();
  EXPECT_EQ(Gauges(), "allocated=10 pending=10");
}

TEST_F(ResourceClaimTest, SaysOfEachDeviceWhetherItIsReady) {
  cluster.AddDevices("n1", 2);
  cluster.Create(TestCluster::MakeClaim("c", "gpu", 2));
  const api::Pod p = PodUsing("p"), q = PodUsing("q");
  cluster.Allocate(kClaim, "n1", {"gpu-0", "gpu-1"}, {p, q});
  Reconcile();
  const std::string healthy = " dray.dev/Healthy=True NoTaint '',";
  EXPECT_THAT(
      Conditions(),
      ElementsAre("gpu-0:" + healthy + " dray.dev/Ready=False Reserved 'used by pod p, q'",
                  "gpu-1:" + healthy + " dray.dev/Ready=False Reserved 'used by pod p, q'"));
  const auto began = api::ToTime(cluster.clock.Now());
  auto turned = [&] {
    const api::ResourceClaim now = cluster.Get<api::ResourceClaim>(kClaim);
    for (const api::Condition& one : now.status.devices.at(0).conditions)
      if (one.type == "dray.dev/Ready") return *one.last_transition_time;
    return api::Time();
  };
  EXPECT_EQ(turned(), began);

  // The driver's part is the driver's.
  DriverReports("gpu-1", true);
  cluster.clock.Advance(minutes(1));
  cluster.Bind(api::KeyOf(p), "n1");
  cluster.SetPhase(api::KeyOf(p), "Running");
  Reconcile();
  EXPECT_THAT(Conditions(),
              ElementsAre("gpu-0:" + healthy + " dray.dev/Ready=True Running 'used by pod p, q'",
                          "gpu-1: Ready=True Prepared 'm'," + healthy +
                              " dray.dev/Ready=True Running 'used by pod p, q'"));
  const api::ResourceClaim now = cluster.Get<api::ResourceClaim>(kClaim);
  EXPECT_EQ(turned(), began + minutes(1));
  EXPECT_EQ(now.status.devices.at(1).data, "{\"slot\":7}");
  EXPECT_EQ(now.status.devices.at(1).network_data->interface_name, "eth0");
  EXPECT_EQ(now.status.reserved_for.size(), 2u);

  // Nothing new, nothing written.
  cluster.wire->TakeWrites();
  Reconcile();
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());

  // The driver takes its part back; ours stays, and so does the time of what has not turned.
  const Json nothing = {{"apiVersion", "resource.k8s.io/v1"},
                        {"kind", "ResourceClaim"},
                        {"metadata", {{"name", "c"}, {"namespace", "default"}}}};
  runtime::PatchOptions options;
  options.subresource = "status";
  options.field_manager = "gpu.example.com";
  ASSERT_TRUE(cluster.client
                  .Patch<api::ResourceClaim>(cluster.Ctx(), kClaim, runtime::PatchType::kApply,
                                             nothing.dump(), options)
                  .ok());
  ASSERT_TRUE(cluster.Delete<api::Pod>(api::KeyOf(q)).ok());
  cluster.clock.Advance(minutes(1));
  Reconcile();
  EXPECT_EQ(turned(), began + minutes(1));

  // The last user is done: the condition turns, and its time with it.
  cluster.SetPhase(api::KeyOf(p), "Succeeded");
  Reconcile();
  EXPECT_THAT(Conditions(),
              ElementsAre("gpu-0:" + healthy + " dray.dev/Ready=False Releasing 'no consumer'",
                          "gpu-1:" + healthy + " dray.dev/Ready=False Releasing 'no consumer'"));
  EXPECT_EQ(turned(), began + minutes(2));
}

TEST_F(ResourceClaimTest, SaysOfEachDeviceWhetherItIsHealthy) {
  cluster.AddDevices("n1", 1);
  cluster.Create(TestCluster::MakeClaim("c", "gpu", 1));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
  Reconcile();
  EXPECT_THAT(
      Conditions(),
      ElementsAre(
          "gpu-0: dray.dev/Healthy=True NoTaint '', dray.dev/Ready=False Allocated 'no consumer'"));
  Json devices = cluster.GetJson<api::ResourceSlice>({"", "n1-gpu"})["spec"]["devices"];
  devices[0]["taints"] = {
      {{"key", "dray.dev/fault"}, {"value", "xid-79"}, {"effect", "NoExecute"}}};
  cluster.Merge<api::ResourceSlice>({"", "n1-gpu"}, {{"spec", {{"devices", devices}}}});
  Reconcile();
  EXPECT_THAT(
      Conditions(),
      ElementsAre("gpu-0: dray.dev/Healthy=False Tainted 'dray.dev/fault=xid-79:NoExecute', "
                  "dray.dev/Ready=False Allocated 'no consumer'"));
  ASSERT_TRUE(cluster.Delete<api::ResourceSlice>({"", "n1-gpu"}).ok());
  Reconcile();
  EXPECT_THAT(Conditions(),
              ElementsAre("gpu-0: dray.dev/Healthy=Unknown NotPublished 'no ResourceSlice shows "
                          "the device', dray.dev/Ready=False Allocated 'no consumer'"));
}

TEST_F(ResourceClaimTest, LeavesADeviceWhoseConditionsAreFull) {
  cluster.Create(TestCluster::MakeClaim("c", "gpu", 2));
  cluster.Allocate(kClaim, "n1", {"gpu-0", "gpu-1"}, {PodUsing("p")});
  DriverReports("gpu-0", true, 7);
  Reconcile();
  const auto devices = cluster.Get<api::ResourceClaim>(kClaim).status.devices;
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].conditions.size(), 8u);
  EXPECT_EQ(devices[1].conditions.size(), 2u);
  cluster.wire->TakeWrites();
  Reconcile();
  EXPECT_THAT(cluster.wire->TakeWrites(), IsEmpty());
}

// A thousand replicas that wait for the same are tried once in a while, not each after each change.
TEST_F(ResourceClaimTest, WhatIsGatheredOnceIsGoodEnoughForAWhile) {
  cluster.AddNode("n1");
  cluster.AddClass();
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Create(TestCluster::MakeClaim("d"));
  const api::Pod p = PodUsing("p"), q = PodUsing("q", {"d"});
  Sync();
  PendingReasons reasons(cluster.client, claims, slices, classes, nodes, seconds(2));
  const std::string why = reasons.Why(cluster.Ctx(), p);
  EXPECT_THAT(why, ::testing::StartsWith("0/1 nodes: "));
  cluster.AddDevices("n1", 1);
  Sync();
  EXPECT_EQ(reasons.Why(cluster.Ctx(), q), why);
  cluster.clock.Advance(seconds(2));
  EXPECT_EQ(reasons.Why(cluster.Ctx(), q), "");
}

// What was gathered is every device of the cluster: kept only as long as somebody waits.
TEST_F(ResourceClaimTest, LetsGoOfTheDevicesWhenNobodyWaits) {
  cluster.AddNode("n1");
  cluster.AddClass();
  cluster.AddDevices("n1", 1);
  for (const char* name : {"c", "d"}) {
    api::ResourceClaim claim = TestCluster::MakeClaim(name);
    claim.spec.devices.requests[0].exactly->count = 7;
    cluster.Create(claim);
    PodUsing(std::string("p") + name, {name});
  }
  auto held = [&] { return slices.List().front().use_count() > 2; };  // the cache, and this one
  Reconcile({"default", "c"});
  EXPECT_TRUE(held());
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"default", "d"}).ok());
  ASSERT_TRUE(cluster.Delete<api::Pod>({"default", "pc"}).ok());
  pods.Sync(cluster.client, cluster.Ctx());
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"default", "c"}).ok());
  EXPECT_TRUE(held()) << "d waits";
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>({"default", "d"}).ok());
  ASSERT_TRUE(cluster.Delete<api::Pod>({"default", "pd"}).ok());
  pods.Sync(cluster.client, cluster.Ctx());
  claims.Sync(cluster.client, cluster.Ctx());
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), {"default", "d"}).ok());
  EXPECT_FALSE(held());
}

// A report that the API server does not accept is no reason to ask again and again.
TEST_F(ResourceClaimTest, AReportThatIsForbiddenIsNotHammered) {
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
  cluster.wire->RefuseWhere([](const runtime::ApiRequest& request) {
    return request.method == "PATCH"
               ? Status(Reason::kInvalid,
                        "changing status.devices requires resourceclaims/driver permission")
               : Ok();
  });
  Sync();
  const Result<runtime::Requeue> result = reconciler->Reconcile(cluster.Ctx(), kClaim);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->after, minutes(5));
  EXPECT_NE(metrics.Text().find("dray_resourceclaim_reports_refused_total{reason=\"Invalid\"} 1"),
            std::string::npos);
}

// A missing right is the same for all claims of a namespace and driver: one of them asks for all.
TEST_F(ResourceClaimTest, OneClaimAsksWhetherTheRightIsThereByNow) {
  for (const char* name : {"c", "d", "e"}) {
    cluster.Create(TestCluster::MakeClaim(name));
    cluster.Allocate({"default", name}, "n1", {"gpu-0"}, {});
  }
  for (const Status& refusal :
       {Status(Reason::kForbidden, "cannot patch resource resourceclaims/status"),
        Status(Reason::kInvalid,
               "changing status.devices requires resourceclaims/driver permission")}) {
    cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
      return request.method == "PATCH" ? refusal : Ok();
    });
    cluster.wire->TakeWrites();
    EXPECT_EQ(Reconcile({"default", "c"}).after, minutes(5));
    cluster.clock.Advance(minutes(1));
    for (const char* name : {"c", "d", "e"})
      EXPECT_EQ(Reconcile({"default", name}).after, minutes(4)) << name;
    EXPECT_THAT(cluster.wire->TakeWrites(), SizeIs(1));
    cluster.clock.Advance(minutes(4));
    for (const char* name : {"e", "c", "d"})
      EXPECT_EQ(Reconcile({"default", name}).after, minutes(5)) << name;
    EXPECT_THAT(cluster.wire->TakeWrites(), SizeIs(1));
    cluster.clock.Advance(minutes(5));
  }
  // The right is there: everybody reports.
  cluster.wire->RefuseWhere(nullptr);
  for (const char* name : {"d", "e", "c"}) EXPECT_FALSE(Reconcile({"default", name}).after) << name;
  EXPECT_THAT(cluster.wire->TakeWrites(), SizeIs(3));
  EXPECT_THAT(Conditions(), SizeIs(1));
}

// What is wrong with one report says nothing about the others.
TEST_F(ResourceClaimTest, AnInvalidReportIsItsClaimsOnly) {
  for (const char* name : {"c", "d"}) {
    cluster.Create(TestCluster::MakeClaim(name));
    cluster.Allocate({"default", name}, "n1", {"gpu-0"}, {});
  }
  cluster.wire->RefuseWhere([&](const runtime::ApiRequest& request) {
    return request.method == "PATCH" ? Status(Reason::kInvalid, "status.devices: too many") : Ok();
  });
  Reconcile({"default", "c"});
  Reconcile({"default", "d"});
  EXPECT_THAT(cluster.wire->TakeWrites(), SizeIs(2));
}

TEST_F(ResourceClaimTest, WaitsForAClaimThatAPodNames) {
  PodUsing("p");
  EXPECT_EQ(Reconcile().after, minutes(5));
  EXPECT_EQ(Gauges(), "waiting for claim=1");
  cluster.clock.Advance(minutes(5));
  Reconcile();
  EXPECT_THAT(News(),
              ElementsAre("Pod p: Warning Stuck: claim c has been missing for more than 5m0s x1"));
  cluster.Create(TestCluster::MakeClaim("c"));
  Reconcile();
  EXPECT_EQ(Gauges(), "unschedulable=1");
  EXPECT_EQ(metrics.Text().find("dray_resourceclaim_stuck{"), std::string::npos);
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaim).ok());
  ASSERT_TRUE(cluster.Delete<api::Pod>({"default", "p"}).ok());
  Reconcile();
  EXPECT_EQ(Gauges(), "");
}

TEST_F(ResourceClaimTest, FailuresOfTheReport) {
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
  Sync();
  cluster.wire->RefuseWhere([](const runtime::ApiRequest& request) {
    return request.method == "PATCH" ? Status(Reason::kUnavailable, "no route") : Ok();
  });
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), kClaim).Is(Reason::kUnavailable));
  cluster.wire->RefuseWhere(nullptr);
  // Gone, and there again under the same name: nothing is written into the new one.
  cluster.Merge<api::ResourceClaim>(kClaim, {{"status", nullptr}}, "status");
  cluster.Merge<api::ResourceClaim>(kClaim, {{"metadata", {{"finalizers", nullptr}}}});
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaim).ok());
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), kClaim).ok());
  EXPECT_FALSE(cluster.Find<api::ResourceClaim>(kClaim)) << "the report must not create a claim";
  cluster.Create(TestCluster::MakeClaim("c"));
  EXPECT_TRUE(reconciler->Reconcile(cluster.Ctx(), kClaim).Is(Reason::kConflict));
  EXPECT_THAT(cluster.Get<api::ResourceClaim>(kClaim).status.devices, IsEmpty());
}

TEST_F(ResourceClaimTest, SaysOnceWhyAPodWaits) {
  cluster.AddNode("n1");
  cluster.AddNode("n2");
  cluster.AddNode("n3");
  cluster.AddDevices("n1", 1);
  cluster.AddDevices("n2", 1);
  cluster.Create(TestCluster::MakeClaim("c", "gpu", 2));
  // Nobody waits for it: nothing to say.
  Reconcile();
  EXPECT_THAT(News(), IsEmpty());

  PodUsing("p");
  for (int i = 0; i < 3; ++i) Reconcile();
  std::vector<std::string> news = News();
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_THAT(news[0],
              ::testing::StartsWith("Pod p: Warning DevicesUnavailable: claim c: 0/3 nodes: "));
  EXPECT_THAT(news[0], HasSubstr("device class gpu does not exist"));
  EXPECT_THAT(news[1],
              ::testing::StartsWith("ResourceClaim c: Warning DevicesUnavailable: 0/3 nodes: "));
  EXPECT_THAT(news[1], ::testing::EndsWith(" x1"));

  // Another reason is news.
  cluster.AddClass();
  for (int i = 0; i < 3; ++i) Reconcile();
  news = News();
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_THAT(news[1], HasSubstr("0/3 nodes: 2 had "));
  EXPECT_THAT(news[1], HasSubstr("1 had no devices"));

  // A second Pod is told, the first one is not bothered again.
  PodUsing("q");
  Reconcile();
  news = News();
  ASSERT_THAT(news, SizeIs(1));
  EXPECT_THAT(news[0],
              ::testing::StartsWith("Pod q: Warning DevicesUnavailable: claim c: 0/3 nodes: "));

  // It fits; the scheduler will come round. When it no longer fits, that is news, whatever was said
  // before.
  cluster.AddDevices("n3", 2);
  Reconcile();
  EXPECT_THAT(News(), IsEmpty());
  ASSERT_TRUE(cluster.Delete<api::ResourceSlice>({"", "n3-gpu"}).ok());
  Reconcile();
  EXPECT_THAT(News(), SizeIs(3));
}

// A recorder that has no room is asked again, with what is still so.
TEST_F(ResourceClaimTest, WhatWasLeftOutIsSaidLater) {
  cluster.AddNode("n1");
  cluster.AddClass();
  const api::ResourceClaim claim = cluster.Create(TestCluster::MakeClaim("c"));
  const api::Pod pod = PodUsing("p");
  for (int i = 0; i < 25; ++i) {
    EXPECT_TRUE(events->Record(runtime::ReferenceTo(claim), "Normal", "Noise", "n"));
    EXPECT_TRUE(events->Record(runtime::ReferenceTo(pod), "Normal", "Noise", "n"));
  }
  EXPECT_FALSE(events->Record(runtime::ReferenceTo(claim), "Normal", "Noise", "n"));
  EXPECT_EQ(Reconcile().after, seconds(10));
  EXPECT_EQ(Gauges(), "unschedulable=1");
  EXPECT_THAT(News(), SizeIs(2)) << "nothing but noise";
  Reconcile();
  EXPECT_THAT(News(), ElementsAre(HasSubstr("Pod p: Warning DevicesUnavailable"),
                                  HasSubstr("ResourceClaim c: Warning DevicesUnavailable")));
  Reconcile();
  EXPECT_THAT(News(), IsEmpty());
}

TEST_F(ResourceClaimTest, OnlyAPodThatWaitsIsTold) {
  struct Case {
    const char* name;
    std::function<void(TestCluster&, const api::ObjectKey&)> then;
    bool told;
  };
  const Case cases[] = {
      {"waits", [](auto&, auto&) {}, true},
      {"bound", [](auto& cluster, auto& key) { cluster.Bind(key, "n1"); }, false},
      {"done", [](auto& cluster, auto& key) { cluster.SetPhase(key, "Failed"); }, false},
      {"being deleted",
       [](auto& cluster, auto& key) {
         cluster.template Merge<api::Pod>(key,
                                          {{"metadata", {{"finalizers", {"example.com/hold"}}}}});
         EXPECT_TRUE(cluster.template Delete<api::Pod>(key).ok());
       },
       false},
      {"gone",
       [](auto& cluster, auto& key) { EXPECT_TRUE(cluster.template Delete<api::Pod>(key).ok()); },
       false},
  };
  cluster.AddNode("n1");
  cluster.AddClass();
  int i = 0;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    const std::string name = "c" + std::to_string(i++);
    cluster.Create(TestCluster::MakeClaim(name));
    const api::Pod pod = PodUsing("p-" + name, {name});
    one.then(cluster, api::KeyOf(pod));
    Reconcile({"default", name});
    EXPECT_EQ(News().size(), one.told ? 2u : 0u);
  }
}

TEST_F(ResourceClaimTest, ThePodsClaimsAreJudgedTogether) {
  cluster.AddNode("n1");
  cluster.AddClass();
  cluster.AddDevices("n1", 3);
  for (const char* name : {"a", "b"}) cluster.Create(TestCluster::MakeClaim(name, "gpu", 2));
  PodUsing("p", {"a", "b"});
  Reconcile({"default", "a"});
  Reconcile({"default", "b"});
  std::vector<std::string> news = News();
  // Either would fit. One event for the Pod, one for each claim.
  ASSERT_THAT(news, SizeIs(3)) << ::testing::PrintToString(news);
  EXPECT_THAT(news[0],
              ::testing::StartsWith("Pod p: Warning DevicesUnavailable: claims a, b: 0/1 nodes: "));
  EXPECT_THAT(news[1], ::testing::StartsWith("ResourceClaim a: "));
  EXPECT_THAT(news[2], ::testing::StartsWith("ResourceClaim b: "));
}

TEST_F(ResourceClaimTest, AnAllocatedClaimHoldsThePodWhereItIs) {
  for (const char* node : {"n1", "n2"}) {
    cluster.AddNode(node);
    cluster.AddDevices(node, 1);
  }
  cluster.AddClass();
  for (const char* name : {"a", "b"}) cluster.Create(TestCluster::MakeClaim(name));
  PodUsing("p", {"a", "b"});
  for (const char* name : {"a", "b"}) Reconcile({"default", name});
  EXPECT_THAT(News(), SizeIs(3)) << "two devices on one node are asked for";
  cluster.Allocate({"default", "a"}, "n1", {"gpu-0"}, {});
  // Without a node selector the claim can be used anywhere: b fits on n2.
  Reconcile({"default", "b"});
  EXPECT_THAT(News(), IsEmpty());
  // As the scheduler writes it: n1 is full, n2 out of reach.
  cluster.Merge<api::ResourceClaim>({"default", "a"}, {{"status", nullptr}}, "status");
  cluster.Merge<api::ResourceClaim>(
      {"default", "a"},
      {{"status",
        {{"allocation",
          {{"devices",
            {{"results",
              {{{"request", "r"},
                {"driver", "gpu.example.com"},
                {"pool", "n1"},
                {"device", "gpu-0"}}}}}},
           {"nodeSelector",
            {{"nodeSelectorTerms",
              {{{"matchFields",
                 {{{"key", "metadata.name"}, {"operator", "In"}, {"values", {"n1"}}}}}}}}}}}}}}},
      "status");
  Reconcile({"default", "b"});
  std::vector<std::string> news = News();
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_THAT(news[0],
              ::testing::StartsWith("Pod p: Warning DevicesUnavailable: claim b: 0/2 nodes: "));
  EXPECT_THAT(news[0], HasSubstr("1 lay outside the allocation of another claim of the Pod"));
}

TEST_F(ResourceClaimTest, AClaimThatIsNotThereYetExplainsItself) {
  cluster.AddNode("n1");
  cluster.AddClass();
  cluster.Create(TestCluster::MakeClaim("c"));
  PodUsing("p", {"c", "missing"});
  api::Pod generated =
      TestCluster::MakePod("q", {{"c", "c", std::nullopt}, {"t", std::nullopt, "t"}});
  cluster.Create(generated);
  Reconcile();
  EXPECT_THAT(News(), IsEmpty());
}

TEST_F(ResourceClaimTest, ReasonsAreBoundedAndNameTheNodes) {
  cluster.AddClass();
  cluster.Create(TestCluster::MakeClaim("c"));
  PodUsing("p");
  Reconcile();
  std::vector<std::string> news = News();
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_THAT(news[0], HasSubstr("0/0 nodes: there is no node"));
  for (int i = 0; i < 200; ++i) cluster.AddNode("node-" + std::to_string(i));
  Reconcile();
  news = News();
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_THAT(news[0], HasSubstr("0/200 nodes: 200 had no devices"));
}

TEST_F(ResourceClaimTest, NamesClaimsThatAreStuck) {
  const std::string gauge = "dray_resourceclaim_stuck{name=\"c\",namespace=\"default\"}";
  cluster.AddNode("n1");
  cluster.Create(TestCluster::MakeClaim("c"));
  EXPECT_FALSE(Reconcile().after) << "a claim that nobody waits for is at rest";
  const api::Pod pod = PodUsing("p");
  EXPECT_EQ(Reconcile().after, Duration(minutes(5)));
  cluster.clock.Advance(minutes(2));
  EXPECT_EQ(Reconcile().after, Duration(minutes(3)));
  EXPECT_EQ(Metric(gauge), "absent");
  // Progress starts the time anew.
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {pod});
  EXPECT_EQ(Reconcile().after, Duration(minutes(5)));
  News();
  cluster.clock.Advance(minutes(5));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(Reconcile().after);
  EXPECT_EQ(Metric(gauge), "1");
  EXPECT_THAT(
      News(),
      ElementsAre("ResourceClaim c: Warning Stuck: has been reserved for more than 5m0s x1"));
  // It moves on.
  DriverReports("gpu-0", true);
  EXPECT_FALSE(Reconcile().after);
  EXPECT_EQ(Metric(gauge), "absent");
  // Stuck once more, then gone.
  cluster.Bind(api::KeyOf(pod), "n1");
  cluster.SetPhase(api::KeyOf(pod), "Succeeded");
  EXPECT_EQ(Reconcile().after, Duration(minutes(5)));
  cluster.clock.Advance(minutes(6));
  Reconcile();
  EXPECT_EQ(Metric(gauge), "1");
  EXPECT_THAT(
      News(),
      ElementsAre("ResourceClaim c: Warning Stuck: has been releasing for more than 5m0s x1"));
  cluster.Merge<api::ResourceClaim>(kClaim, {{"status", nullptr}}, "status");
  cluster.Merge<api::ResourceClaim>(kClaim, {{"metadata", {{"finalizers", nullptr}}}});
  ASSERT_TRUE(cluster.Delete<api::ResourceClaim>(kClaim).ok());
  Reconcile();
  EXPECT_EQ(Metric(gauge), "absent");
}

TEST_F(ResourceClaimTest, MeasuresTheTimeToEachStop) {
  cluster.Create(TestCluster::MakeClaim("c"));
  Reconcile();
  cluster.clock.Advance(seconds(3));
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
  for (int i = 0; i < 2; ++i) Reconcile();
  EXPECT_EQ(Metric("dray_resourceclaim_standing_seconds_count{standing=\"allocated\"}"), "1");
  EXPECT_EQ(Metric("dray_resourceclaim_standing_seconds_sum{standing=\"allocated\"}"), "3");
  EXPECT_EQ(Metric("dray_resourceclaim_standing_seconds_count{standing=\"pending\"}"), "absent");
  // A new leader does not know when the claim got there.
  Restart();
  cluster.clock.Advance(minutes(1));
  Reconcile();
  EXPECT_EQ(Metric("dray_resourceclaim_standing_seconds_count{standing=\"allocated\"}"), "1");
}

// The server's clock is ahead of ours: nothing takes less than no time.
TEST_F(ResourceClaimTest, AClaimFromTheFutureTakesNoTime) {
  cluster.Create(TestCluster::MakeClaim("c"));
  Reconcile();
  cluster.Allocate(kClaim, "n1", {"gpu-0"}, {});
  Sync();
  api::ResourceClaim claim = *claims.Get(kClaim);
  claim.metadata.creation_timestamp = api::ToTime(cluster.clock.Now() + minutes(2));
  claims.Put(claim);
  ASSERT_TRUE(reconciler->Reconcile(cluster.Ctx(), kClaim).ok());
  EXPECT_EQ(Metric("dray_resourceclaim_standing_seconds_count{standing=\"allocated\"}"), "1");
  EXPECT_EQ(Metric("dray_resourceclaim_standing_seconds_sum{standing=\"allocated\"}"), "0");
}

TEST(ClaimsOfPod, NamesEveryClaimThatHasAName) {
  api::Pod pod = TestCluster::MakePod("p", {{"own", "mine", std::nullopt},
                                            {"made", std::nullopt, "t"},
                                            {"unmade", std::nullopt, "t"},
                                            {"none", std::nullopt, "t"}});
  pod.status.resource_claim_statuses = {{"made", "p-made-x1"}, {"none", std::nullopt}};
  pod.status.extended_resource_claim_status.emplace().resource_claim_name = "p-extended";
  EXPECT_THAT(ClaimsOfPod(pod),
              ElementsAre("default/mine", "default/p-made-x1", "default/p-extended"));
}

}  // namespace
}  // namespace dray::controllers
