// Trying nodes in order with a memory of who refused, against trying each of them anew.
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "api/alloc/node_order.h"
#include "dray/api/alloc.h"
#include "tests/api/alloc/random_world.h"

namespace dray::alloc {
namespace {

TEST(NodeSet, FindsTheNextNodeOutside) {
  for (size_t size : {1u, 63u, 64u, 65u, 200u}) {
    SCOPED_TRACE(size);
    NodeSet set(size);
    EXPECT_EQ(set.NextOutside(0), 0u);
    for (size_t n = 0; n < size; ++n) {
      set.Add(n);
      if (n + 1 < size) {
        EXPECT_EQ(set.NextOutside(0), n + 1);
        EXPECT_EQ(set.NextOutside(n), n + 1);
      }
    }
    EXPECT_GE(set.NextOutside(0), size);
    EXPECT_GE(set.NextOutside(size), size);
    set.Remove(size / 2);
    EXPECT_EQ(set.NextOutside(0), size / 2);
    set.Clear();
    EXPECT_EQ(set.NextOutside(size - 1), size - 1);
  }
}

std::string Text(const NodeAnswer& answer) {
  std::string text = std::string(OutcomeName(answer.outcome)) + " " + answer.error;
  for (const api::AllocationResult& allocation : answer.allocations) {
    for (const auto& result : allocation.devices.results)
      text += " " + result.request + "=" + result.driver + "/" + result.pool + "/" + result.device;
  }
  return text;
}

// Claims come and go, of a few shapes again and again.
TEST(NodeOrder, AgreesWithTryingEachNodeAnew) {
  int found = 0, refused = 0, later = 0;
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Scenario world = RandomWorld(seed).Make();
    const Snapshot::Input input{world.slices, world.classes, {}, {}};
    Snapshot kept(input), anew(input);
    NodeOrder order(kept, world.nodes);
    std::mt19937 random(seed);
    std::vector<api::AllocationResult> taken;
    Options options;
    options.max_steps = 5000;
    options.new_share_id = [] { return std::string("*"); };
    for (int round = 0; round < 30; ++round) {
      const api::ResourceClaim* claims[] = {&world.claims[random() % world.claims.size()]};
      const Placement got = Cycle(kept, claims, options).FirstFit(order);
      NodeAnswer want;
      int tried = 0;
      Cycle cycle(anew, claims, options);
      for (const api::Node& node : world.nodes) {
        ++tried;
        want = cycle.Try(node);
        if (want.outcome != Outcome::kUnsatisfiable) break;
      }
      ASSERT_EQ(Text(got.answer), Text(want));
      ASSERT_EQ(got.tried, tried);
      const bool placed = want.outcome != Outcome::kUnsatisfiable;
      ASSERT_EQ(got.node, placed ? &world.nodes[static_cast<size_t>(tried - 1)] : nullptr);
      ++(placed ? found : refused);
      later += placed && tried > 1;
      for (const api::AllocationResult& allocation : want.allocations) {
        taken.push_back(allocation);
        kept.AddAllocation(allocation);
        anew.AddAllocation(allocation);
      }
      while (!taken.empty() && random() % 3 == 0) {
        const size_t which = random() % taken.size();
        kept.RemoveAllocation(taken[which]);
        anew.RemoveAllocation(taken[which]);
        taken.erase(taken.begin() + static_cast<ptrdiff_t>(which));
      }
    }
  }
  // Of 4500 rounds.
  EXPECT_GT(found, 1000);
  EXPECT_GT(refused, 1000);
  EXPECT_GT(later, 100);
}

struct OneDevice {
  explicit OneDevice(std::string node_name) {
    slice->metadata.name = node_name;
    slice->spec.driver = "gpu.x";
    slice->spec.pool = {node_name, 1, 1};
    slice->spec.node_name = node_name;
    slice->spec.devices.emplace_back().name = "d";
    node.metadata.name = std::move(node_name);
  }
  std::shared_ptr<api::ResourceSlice> slice = std::make_shared<api::ResourceSlice>();
  api::Node node;
};

api::ResourceClaim Wants(const std::string& name, std::vector<api::DeviceToleration> tolerations) {
  api::ResourceClaim claim;
  claim.metadata.name = name;
  api::ExactDeviceRequest exact;
  exact.device_class_name = "any";
  exact.tolerations = std::move(tolerations);
  claim.spec.devices.requests = {{"r", std::move(exact), {}}};
  return claim;
}

std::shared_ptr<const api::DeviceClass> AnyClass() {
  auto any = std::make_shared<api::DeviceClass>();
  any->metadata.name = "any";
  return any;
}

// A memory of changes has an end.
TEST(NodeOrder, SeesWhatBecameFreeAfterManyChanges) {
  const OneDevice first("n1"), second("n2");
  for (size_t rounds : {size_t{0}, Snapshot::State::kRecent / 2 - 1, Snapshot::State::kRecent / 2,
                        3 * Snapshot::State::kRecent}) {
    SCOPED_TRACE(rounds);
    Snapshot snapshot({{first.slice, second.slice}, {AnyClass()}, {}, {}});
    const std::vector<api::Node> nodes = {first.node, second.node};
    NodeOrder order(snapshot, nodes);
    const api::ResourceClaim claim = Wants("c", {});
    const api::ResourceClaim* claims[] = {&claim};
    auto fit = [&] { return Cycle(snapshot, claims, {}).FirstFit(order); };
    const Placement on_first = fit();
    ASSERT_EQ(on_first.node, &nodes[0]);
    snapshot.AddAllocation(on_first.answer.allocations[0]);
    const Placement on_second = fit();
    ASSERT_EQ(on_second.node, &nodes[1]);
    EXPECT_EQ(on_second.tried, 2);
    snapshot.RemoveAllocation(on_first.answer.allocations[0]);
    for (size_t i = 0; i < rounds; ++i) {
      snapshot.AddAllocation(on_second.answer.allocations[0]);
      snapshot.RemoveAllocation(on_second.answer.allocations[0]);
    }
    EXPECT_EQ(fit().node, &nodes[0]);
  }
}

TEST(NodeOrder, OfNoNodes) {
  const Snapshot snapshot({{}, {}, {}, {}});
  NodeOrder order(snapshot, {});
  const api::ResourceClaim claim = Wants("c", {});
  const api::ResourceClaim* claims[] = {&claim};
  const Placement placement = Cycle(snapshot, claims, {}).FirstFit(order);
  EXPECT_EQ(placement.node, nullptr);
  EXPECT_EQ(placement.tried, 0);
  EXPECT_EQ(placement.answer.outcome, Outcome::kUnsatisfiable);
}

// One snapshot, many threads: what it finds out on the way is found out once, by whoever comes
// first.
TEST(Snapshot, IsSharedByThreads) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Scenario world = RandomWorld(seed).Make();
    const Snapshot::Input input{world.slices, world.classes, {}, {}};
    Options options;
    options.max_steps = 5000;
    auto answers = [&](const Snapshot& snapshot, size_t begin) {
      std::vector<std::string> texts(world.claims.size());
      for (size_t i = 0; i < texts.size(); ++i) {
        const size_t c = (begin + i) % texts.size();
        const api::ResourceClaim* claims[] = {&world.claims[c]};
        for (const api::Node& node : world.nodes)
          texts[c] += Text(Allocate(snapshot, node, claims, options)) + "; ";
      }
      return texts;
    };
    const std::vector<std::string> want = answers(Snapshot(input), 0);
    const Snapshot shared(input);
    std::vector<std::vector<std::string>> got(4);
    {
      std::vector<std::jthread> threads;
      for (size_t t = 0; t < got.size(); ++t)
        threads.emplace_back([&, t] { got[t] = answers(shared, t); });
    }
    for (const auto& texts : got) ASSERT_EQ(texts, want);
  }
}

// What claims that ask alike have in common is looked up once; what the results say of each is its
// own.
TEST(Plans, ResultsSayWhatTheClaimItselfAskedFor) {
  const OneDevice first("n1");
  const auto slice = std::make_shared<api::ResourceSlice>(*first.slice);
  slice->spec.devices[0].allow_multiple_allocations = true;
  slice->spec.devices[0].capacity["memory"] = {api::Quantity::Parse("80Gi").value(), {}};
  const Snapshot snapshot({{slice}, {AnyClass()}, {}, {}});
  struct {
    const char* name;
    std::optional<int64_t> seconds;
    const char* memory;
    const char* consumed;
  } constexpr kCases[] = {{"a", std::nullopt, "1Gi", "1Gi"},
                          {"b", 30, "1Gi", "1Gi"},
                          {"c", 60, "1073741824", "1073741824"},
                          {"d", std::nullopt, "1024Mi", "1Gi"}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    api::ResourceClaim claim = Wants(c.name, {{"k", "Exists", "", "NoExecute", c.seconds}});
    claim.spec.devices.requests[0].exactly->capacity =
        api::CapacityRequirements{{{"memory", api::Quantity::Parse(c.memory).value()}}};
    claim.spec.devices.config.emplace_back().opaque.emplace().driver = c.name;
    const api::ResourceClaim* claims[] = {&claim};
    const NodeAnswer answer = Allocate(snapshot, first.node, claims, {});
    ASSERT_EQ(answer.outcome, Outcome::kAllocated) << answer.error;
    const api::DeviceAllocationResult& devices = answer.allocations[0].devices;
    EXPECT_EQ(devices.results[0].tolerations[0].toleration_seconds, c.seconds);
    EXPECT_EQ(devices.results[0].consumed_capacity.at("memory").ToString(), c.consumed);
    EXPECT_EQ(devices.config[0].opaque->driver, c.name);
  }
}

}  // namespace
}  // namespace dray::alloc
