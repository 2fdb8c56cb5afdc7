// NoExecute taints of devices end the Pods that hold them, as kube-controller-manager 1.36 does it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "devcluster/eviction/device_taint_eviction.h"
#include "devcluster/eviction/evict_reconciler.h"
#include "devcluster/eviction/eviction_time.h"
#include "dray/runtime/controller.h"
#include "tests/support/test_cluster.h"

namespace dray::devcluster {
namespace {

using ::testing::HasSubstr;
using testing::TestCluster;

constexpr char kDriver[] = "gpu.example.com";
const api::ObjectKey kPod{"default", "p"};

api::Time At(int second) {
  return api::Time(std::chrono::seconds(second));
}

api::DeviceTaint Taint(const std::string& key, int added, const std::string& effect = "NoExecute") {
  return {key, "bad", effect, At(added)};
}

TEST(EvictionTime, TaintsAndTolerations) {
  using Tolerations = std::vector<api::DeviceToleration>;
  struct Case {
    const char* name;
    std::vector<api::DeviceTaint> taints;
    Tolerations tolerations;
    std::optional<api::Time> when;
  };
  const Case cases[] = {
      {"none", {}, {}, std::nullopt},
      {"at once", {Taint("k", 100)}, {}, At(100)},
      {"only NoExecute evicts", {Taint("k", 100, "NoSchedule"), Taint("k", 90, "None")}, {}, {}},
      {"the earliest", {Taint("k", 100), Taint("l", 50)}, {}, At(50)},
      {"for ever", {Taint("k", 100)}, {{"k", "Exists", "", "NoExecute", {}}}, std::nullopt},
      {"for a while", {Taint("k", 100)}, {{"k", "Exists", "", "NoExecute", 30}}, At(130)},
      {"the shortest while",
       {Taint("k", 100)},
       {{"k", "Exists", "", "NoExecute", 30}, {"", "Exists", "", "NoExecute", 7}},
       At(107)},
      {"below zero is zero", {Taint("k", 100)}, {{"k", "Exists", "", "NoExecute", -5}}, At(100)},
      {"by value", {Taint("k", 100)}, {{"k", "Equal", "bad", "NoExecute", {}}}, std::nullopt},
      {"another value", {Taint("k", 100)}, {{"k", "", "good", "NoExecute", {}}}, At(100)},
      {"another key", {Taint("k", 100)}, {{"l", "Exists", "", "NoExecute", {}}}, At(100)},
      // Enough to be scheduled there, not to stay: the controller wants the effect in words.
      {"without an effect", {Taint("k", 100)}, {{"k", "Exists", "", "", {}}}, At(100)},
      {"one is tolerated, one is not",
       {Taint("k", 100), Taint("l", 110)},
       {{"k", "Exists", "", "NoExecute", {}}},
       At(110)},
  };
  for (const Case& test : cases) {
    api::AllocationResult allocation;
    api::DeviceRequestAllocationResult& result = allocation.devices.results.emplace_back();
    result.driver = kDriver;
    result.pool = "n1";
    result.device = "gpu-0";
    result.tolerations = test.tolerations;
    EXPECT_EQ(EvictionTime(allocation,
                           [&](const auto&, const auto&, const auto&) { return test.taints; }),
              test.when)
        << test.name;
  }
}

TEST(TaintsIn, OldGenerationsDoNotCount) {
  auto slice = [](int64_t generation, const std::string& device, api::DeviceTaint taint) {
    auto made = std::make_shared<api::ResourceSlice>();
    made->spec.pool.generation = generation;
    api::Device& one = made->spec.devices.emplace_back();
    one.name = device;
    one.taints = {std::move(taint)};
    return std::shared_ptr<const api::ResourceSlice>(std::move(made));
  };
  const std::vector slices = {slice(1, "gpu-0", Taint("old", 1)),
                              slice(2, "gpu-0", Taint("new", 2)),
                              slice(2, "gpu-1", Taint("other", 3))};
  EXPECT_EQ(TaintsIn(slices, "gpu-0"), std::vector{Taint("new", 2)});
  EXPECT_EQ(TaintsIn(slices, "gpu-1"), std::vector{Taint("other", 3)});
  EXPECT_TRUE(TaintsIn(slices, "gpu-2").empty());
}

struct EvictTest : ::testing::Test {
  // A bound Pod whose claim holds gpu-0 of n1.
  void SetUp() override {
    api::ResourceClaim claim;
    claim.metadata.namespace_ = "default";
    claim.metadata.name = "c";
    api::ExactDeviceRequest exact;
    exact.device_class_name = "gpu";
    claim.spec.devices.requests = {{"r", exact, {}}};
    cluster.Create(claim);
    const api::Pod pod = cluster.Create(TestCluster::MakePod("p", {{"gpu", "c", std::nullopt}}));
    const Json status = {
        {"status",
         {{"allocation",
           {{"devices",
             {{"results",
               {{{"request", "r"}, {"driver", kDriver}, {"pool", "n1"}, {"device", "gpu-0"}}}}}}}},
          {"reservedFor", {{{"resource", "pods"}, {"name", "p"}, {"uid", pod.metadata.uid}}}}}}};
    cluster.Merge<api::ResourceClaim>({"default", "c"}, status, "status");
    ASSERT_TRUE(
        cluster.client
            .CreateSubresource(cluster.Ctx(), api::KindOf<api::Pod>::value, kPod, "binding",
                               R"({"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},)"
                               R"("target":{"kind":"Node","name":"n1"}})")
            .ok());
    slice.metadata.name = "n1-gpu";
    slice.spec.driver = kDriver;
    slice.spec.pool = {"n1", 1, 1};
    slice.spec.node_name = "n1";
    for (const char* name : {"gpu-0", "gpu-1"}) slice.spec.devices.emplace_back().name = name;
    slice = cluster.Create(slice);
  }
  // The driver taints a device: now, or in the future for who knows why.
  void TaintDevice(size_t index, Duration from_now = Duration(0)) {
    slice.spec.devices[index].taints = {
        {"example.com/broken", "", "NoExecute", api::ToTime(cluster.clock.Now() + from_now)}};
    Result<api::ResourceSlice> stored = cluster.client.Update(cluster.Ctx(), slice);
    ASSERT_TRUE(stored.ok()) << stored.status();
    slice = *stored;
  }
  Result<runtime::Requeue> Run() {
    pods.Sync(cluster.client, cluster.Ctx());
    claims.Sync(cluster.client, cluster.Ctx());
    slices.Sync(cluster.client, cluster.Ctx());
    return EvictReconciler(cluster.Tested(), pods, claims, slices, *events)
        .Reconcile(cluster.Ctx(), kPod);
  }
  bool Deleting() {
    std::optional<api::Pod> pod = cluster.Find<api::Pod>(kPod);
    return !pod || pod->metadata.deletion_timestamp.has_value();
  }

  TestCluster cluster;
  api::ResourceSlice slice;
  testing::SyncedCache<api::Pod> pods;
  testing::SyncedCache<api::ResourceClaim> claims;
  testing::SyncedCache<api::ResourceSlice> slices{
      {{kPoolIndex, [](const api::ResourceSlice& one) {
          return std::vector{PoolKey(one.spec.driver, one.spec.pool.name)};
        }}}};
  std::optional<runtime::EventRecorder> events{std::in_place, cluster.client, cluster.clock,
                                               "device-taint-eviction-controller"};
};

TEST_F(EvictTest, ATaintEndsThePod) {
  ASSERT_TRUE(Run().ok());
  EXPECT_FALSE(Deleting());
  TaintDevice(1);  // of nobody
  ASSERT_TRUE(Run().ok());
  EXPECT_FALSE(Deleting());
  TaintDevice(0);
  ASSERT_TRUE(Run().ok());
  ASSERT_TRUE(Deleting());
  const api::Pod pod = cluster.Get<api::Pod>(kPod);
  auto target = std::find_if(pod.status.conditions.begin(), pod.status.conditions.end(),
                             [](const auto& one) { return one.type == "DisruptionTarget"; });
  ASSERT_NE(target, pod.status.conditions.end());
  EXPECT_EQ(target->status, "True");
  EXPECT_EQ(target->reason, "DeletionByDeviceTaintManager");
  // Once is enough.
  cluster.wire->TakeWrites();
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(cluster.wire->TakeWrites().empty());
  events.reset();
  EXPECT_THAT(cluster.Events(), ::testing::Contains(HasSubstr("DeviceTaintManagerEviction")));
}

TEST_F(EvictTest, WaitsForItsTime) {
  TaintDevice(0, std::chrono::seconds(60));
  Result<runtime::Requeue> again = Run();
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE(again->after);
  EXPECT_LE(*again->after, std::chrono::seconds(60));
  EXPECT_GT(*again->after, std::chrono::seconds(58));
  EXPECT_FALSE(Deleting());
  cluster.clock.Advance(std::chrono::seconds(60));
  ASSERT_TRUE(Run().ok());
  EXPECT_TRUE(Deleting());
}

TEST_F(EvictTest, OnlyWhoMayUseTheClaim) {
  cluster.Merge<api::ResourceClaim>(
      {"default", "c"},
      {{"status", {{"reservedFor", {{{"resource", "pods"}, {"name", "p"}, {"uid", "another"}}}}}}},
      "status");
  TaintDevice(0);
  ASSERT_TRUE(Run().ok());
  EXPECT_FALSE(Deleting());
}

// With caches and queue: the slice's event finds the Pod through its claim.
TEST_F(EvictTest, TheTaintFindsThePod) {
  DeviceTaintEviction eviction(cluster.client, cluster.clock);
  runtime::Informer<api::Pod> watched(cluster.client);
  std::mutex mutex;
  std::condition_variable changed;
  watched.AddHandler({[&](auto&, auto&) {
    std::lock_guard lock(mutex);
    changed.notify_all();
  }});
  runtime::Manager manager;
  eviction.AddTo(manager);
  runtime::AddCache(manager, watched);
  std::jthread running([&] { EXPECT_TRUE(manager.Run(cluster.Ctx()).ok()); });
  TaintDevice(0);
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] {
      auto pod = watched.Get(kPod);
      return pod != nullptr && pod->metadata.deletion_timestamp;
    }));
  }
  cluster.stop.request_stop();
}

}  // namespace
}  // namespace dray::devcluster
