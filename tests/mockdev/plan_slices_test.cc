#include "mockdev/slices/plan.h"

#include "tests/mockdev/mockdev_fixture.h"

namespace dray::mockdev {
namespace {

// A server that applies plans: names, resource versions and UIDs as kube-apiserver gives them.
class Server {
 public:
  SlicePlan Apply(const PoolDescription& wanted) {
    SlicePlan plan = PlanSlices(wanted, slices_);
    for (const api::ResourceSlice& gone : plan.remove) {
      std::erase_if(slices_,
                    [&](const auto& slice) { return slice.metadata.name == gone.metadata.name; });
    }
    for (const api::ResourceSlice& changed : plan.update) {
      for (api::ResourceSlice& slice : slices_) {
        if (slice.metadata.name == changed.metadata.name) slice = changed;
      }
    }
    for (api::ResourceSlice slice : plan.create) {
      slice.metadata.name = slice.metadata.generate_name + "x" + std::to_string(++serial_);
      slice.metadata.uid = "uid-" + std::to_string(serial_);
      slices_.push_back(std::move(slice));
    }
    return plan;
  }
  // What a scheduler would use: all slices of the newest generation, complete.
  void ExpectComplete(size_t slices, size_t devices, int64_t generation) const {
    ASSERT_EQ(slices_.size(), slices);
    size_t count = 0;
    std::set<std::string> names;
    for (const api::ResourceSlice& slice : slices_) {
      EXPECT_EQ(slice.spec.pool.generation, generation);
      EXPECT_EQ(slice.spec.pool.resource_slice_count, static_cast<int64_t>(slices));
      count += slice.spec.devices.size();
      for (const api::Device& device : slice.spec.devices) names.insert(device.name);
    }
    EXPECT_EQ(count, devices);
    EXPECT_EQ(names.size(), devices);
  }
  std::vector<api::ResourceSlice>& slices() { return slices_; }

 private:
  std::vector<api::ResourceSlice> slices_;
  int serial_ = 0;
};

PoolDescription Pool(int devices) {
  PoolDescription pool{"gpu.example.com", "node-1", "node-1", "node-uid", {}};
  for (int i = 0; i < devices; ++i) {
    api::Device device;
    device.name = "gpu-" + std::to_string(i);
    pool.devices.push_back(device);
  }
  return pool;
}

api::DeviceTaint Taint(const std::string& key) {
  return {key, "79", "NoSchedule", {}};
}

TEST(PlanSlices, FirstPublication) {
  Server server;
  SlicePlan plan = server.Apply(Pool(8));
  ASSERT_EQ(plan.create.size(), 1u);
  const api::ResourceSlice& slice = plan.create[0];
  EXPECT_EQ(slice.metadata.generate_name, "00000-gpu.example.com-node-1-");
  ASSERT_EQ(slice.metadata.owner_references.size(), 1u);
  EXPECT_EQ(slice.metadata.owner_references[0].kind, "Node");
  EXPECT_EQ(slice.metadata.owner_references[0].uid, "node-uid");
  EXPECT_EQ(slice.metadata.owner_references[0].controller, true);
  EXPECT_EQ(slice.spec.node_name, "node-1");
  server.ExpectComplete(1, 8, 1);
  EXPECT_TRUE(server.Apply(Pool(8)).empty());
}

TEST(PlanSlices, APoolWithoutDevicesHasOneSlice) {
  Server server;
  server.Apply(Pool(0));
  server.ExpectComplete(1, 0, 1);
}

TEST(PlanSlices, LimitsOfASlice) {
  Server server;
  server.Apply(Pool(300));
  server.ExpectComplete(3, 300, 1);
  PoolDescription tainted = Pool(300);
  tainted.devices[299].taints = {Taint("gone")};
  server.Apply(tainted);
  server.ExpectComplete(5, 300, 2);
  EXPECT_TRUE(server.Apply(tainted).remove.empty());
  server.Apply(Pool(300));
  server.ExpectComplete(3, 300, 3);
}

TEST(PlanSlices, OneSliceThatChangesInPlaceKeepsTheGeneration) {
  Server server;
  server.Apply(Pool(130));
  PoolDescription tainted = Pool(130);
  tainted.devices[1].attributes["healthy"] = {false};
  SlicePlan plan = server.Apply(tainted);
  EXPECT_EQ(plan.update.size(), 1u);
  EXPECT_TRUE(plan.create.empty() && plan.remove.empty());
  server.ExpectComplete(2, 130, 1);
  tainted.devices[0].attributes["healthy"] = {false};
  tainted.devices[129].attributes["healthy"] = {false};
  server.Apply(tainted);
  server.ExpectComplete(2, 130, 2);
}

TEST(PlanSlices, WhatSomebodyDeletedComesBack) {
  Server server;
  server.Apply(Pool(130));
  server.slices().erase(server.slices().begin());
  server.Apply(Pool(130));
  server.ExpectComplete(2, 130, 2);
  server.slices().clear();
  server.Apply(Pool(130));
  server.ExpectComplete(2, 130, 1);
}

TEST(PlanSlices, ACreateThatWasSentTwice) {
  Server server;
  server.Apply(Pool(8));
  api::ResourceSlice twin = server.slices()[0];
  twin.metadata.name += "-twin";
  server.slices().push_back(twin);
  SlicePlan plan = server.Apply(Pool(8));
  EXPECT_EQ(plan.remove.size(), 1u);
  server.ExpectComplete(1, 8, 1);
}

TEST(PlanSlices, ANodeMadeAnewOwnsNewSlices) {
  Server server;
  server.Apply(Pool(8));
  PoolDescription pool = Pool(8);
  pool.node_uid = "another";
  SlicePlan plan = server.Apply(pool);
  EXPECT_EQ(plan.remove.size(), 1u);
  EXPECT_EQ(plan.create.size(), 1u);
  server.ExpectComplete(1, 8, 2);
}

TEST(PlanSlices, TaintsKeepTheirTime) {
  Server server;
  PoolDescription pool = Pool(2);
  pool.devices[0].taints = {Taint("xid")};
  server.Apply(pool);
  api::Time added{std::chrono::seconds(1000)};
  server.slices()[0].spec.devices[0].taints[0].time_added = added;  // the server's default
  EXPECT_TRUE(server.Apply(pool).empty());
  pool.devices[0].taints.push_back(Taint("lost"));
  server.Apply(pool);
  EXPECT_EQ(server.slices()[0].spec.devices[0].taints[0].time_added, added);
}

TEST(PlanSlices, LongNamesStayValid) {
  PoolDescription pool = Pool(1);
  pool.driver = "hami-core-gpu.project-hami.io";
  pool.node_name = "gke-a-very-long.node.name.example.com";
  SlicePlan plan = PlanSlices(pool, {});
  EXPECT_LE(plan.create[0].metadata.generate_name.size(), 58u);
  EXPECT_TRUE(plan.create[0].metadata.generate_name.starts_with(
      "00000-hami-core-gpu.project-hami.io-gke-a"));
  EXPECT_NE(plan.create[0].metadata.generate_name[plan.create[0].metadata.generate_name.size() - 2],
            '.');
}

TEST(DroppedFields, NamesTheGate) {
  api::ResourceSlice sent;
  sent.spec.devices.resize(1);
  sent.spec.devices[0].allow_multiple_allocations = true;
  api::ResourceSlice stored = sent;
  EXPECT_EQ(DroppedFields(sent, stored), "");
  stored.spec.devices[0].allow_multiple_allocations.reset();
  EXPECT_EQ(DroppedFields(sent, stored),
            "allowMultipleAllocations (feature gate DRAConsumableCapacity)");
}

}  // namespace
}  // namespace dray::mockdev
