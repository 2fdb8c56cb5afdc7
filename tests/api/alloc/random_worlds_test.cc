// The allocator against the plain one, on thousands of small random worlds. A failure names its
// seed; DRAY_SEEDS=FROM-TO runs others than the usual ones.
#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "tests/api/alloc/plain_allocator.h"
#include "tests/api/alloc/random_world.h"

namespace dray::alloc {
namespace {

std::vector<plain::Picked> PickedBy(const api::AllocationResult& allocation) {
  std::vector<plain::Picked> picked;
  for (const auto& result : allocation.devices.results) {
    plain::Picked& entry = picked.emplace_back();
    entry = {result.request,
             result.driver,
             result.pool,
             result.device,
             result.admin_access.value_or(false),
             result.share_id.has_value(),
             {}};
    for (const auto& [name, amount] : result.consumed_capacity)
      entry.consumed[name] = amount.nanos();
  }
  return picked;
}

std::string Text(const std::vector<plain::Picked>& picked) {
  std::string text;
  for (const auto& entry : picked) {
    text += " " + entry.request + "=" + entry.driver + "/" + entry.pool + "/" + entry.device;
    for (const auto& [name, amount] : entry.consumed) {
      text += "," + name + ":" + std::to_string(static_cast<int64_t>(amount / 1'000'000));
    }
  }
  return text;
}

std::string Text(const Scenario& scenario) {
  std::string text;
  for (const auto& slice : scenario.slices) text += api::Encode(*slice) + "\n";
  for (const auto& claim : scenario.claims) text += api::Encode(claim) + "\n";
  return text;
}

struct Tally {
  int allocated = 0, unsatisfiable = 0, errors = 0, given_up = 0;
};

struct Expected {
  std::vector<size_t> members;  // claims that are allocated together
  plain::Verdict verdict;
  std::string node;
};

// What the plain allocator says, cycle by cycle; nothing when that takes too long.
std::optional<std::vector<Expected>> Expect(const Scenario& scenario) {
  std::vector<const api::ResourceSlice*> slices;
  for (const auto& slice : scenario.slices) slices.push_back(slice.get());
  std::map<std::string, const api::DeviceClass*> classes;
  for (const auto& device_class : scenario.classes)
    classes[device_class->metadata.name] = device_class.get();
  plain::Allocator allocator(slices, classes);

  std::map<std::string, size_t> index_of;
  for (size_t i = 0; i < scenario.claims.size(); ++i)
    index_of[scenario.claims[i].metadata.name] = i;
  std::vector<bool> done(scenario.claims.size());
  std::vector<Expected> all;
  for (size_t i = 0; i < scenario.claims.size(); ++i) {
    if (done[i]) continue;
    Expected expected{{i}, {}, ""};
    for (const auto& group : scenario.groups) {
      std::vector<size_t> members;
      for (const std::string& name : group) members.push_back(index_of[name]);
      if (std::find(members.begin(), members.end(), i) != members.end()) expected.members = members;
    }
    std::vector<const api::ResourceClaim*> claims;
    for (size_t member : expected.members) {
      claims.push_back(&scenario.claims[member]);
      done[member] = true;
    }
    std::tie(expected.verdict, expected.node) = allocator.Run(scenario.nodes, claims);
    if (allocator.steps > plain::Allocator::kMostSteps) return std::nullopt;
    for (const auto& picked : expected.verdict.picked) allocator.taken.Add(picked);
    all.push_back(std::move(expected));
  }
  return all;
}

// Stops at the first difference: what follows would only repeat it.
void Compare(uint32_t seed, Tally& tally) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const Scenario scenario = RandomWorld(seed).Make();
  const auto expected = Expect(scenario);
  if (!expected) {
    ++tally.given_up;
    return;
  }
  ScenarioOptions options;
  options.reasons = seed % 4 == 0;
  options.new_share_id = [] { return std::string("*"); };
  const std::vector<ClaimAnswer> answers = RunScenario(scenario, options);
  for (const auto& [members, verdict, node] : *expected) {
    ++(verdict.outcome == Outcome::kAllocated ? tally.allocated
       : verdict.outcome == Outcome::kError   ? tally.errors
                                              : tally.unsatisfiable);
    for (size_t m = 0; m < members.size(); ++m) {
      const ClaimAnswer& answer = answers[members[m]];
      SCOPED_TRACE(answer.name + ": " + answer.reason);
      ASSERT_EQ(OutcomeName(answer.outcome), OutcomeName(verdict.outcome)) << Text(scenario);
      if (verdict.outcome != Outcome::kAllocated) continue;
      ASSERT_EQ(answer.node, node) << Text(scenario);
      ASSERT_EQ(Text(PickedBy(*answer.allocation)), Text(verdict.picked[m])) << Text(scenario);
      ASSERT_TRUE(PickedBy(*answer.allocation) == verdict.picked[m]) << Text(scenario);
    }
  }
}

TEST(RandomWorlds, AgreeWithThePlainAllocator) {
  uint32_t from = 1, to = 600;
  if (const char* seeds = std::getenv("DRAY_SEEDS")) {
    ASSERT_EQ(std::sscanf(seeds, "%u-%u", &from, &to), 2);
  }
  Tally tally;
  for (uint32_t seed = from; seed <= to && !HasFatalFailure(); ++seed) Compare(seed, tally);
  RecordProperty("allocated", tally.allocated);
  RecordProperty("unsatisfiable", tally.unsatisfiable);
  RecordProperty("errors", tally.errors);
  RecordProperty("given_up", tally.given_up);
  std::printf("allocated %d, unsatisfiable %d, errors %d, given up %d\n", tally.allocated,
              tally.unsatisfiable, tally.errors, tally.given_up);
  // The worlds are worth nothing if all claims end alike.
  const int sum = tally.allocated + tally.unsatisfiable + tally.errors;
  EXPECT_GT(tally.allocated, sum / 5);
  EXPECT_GT(tally.unsatisfiable, sum / 5);
  EXPECT_GT(tally.errors, sum / 100);
  EXPECT_LT(tally.given_up, static_cast<int>(to - from + 1) / 20);
}

}  // namespace
}  // namespace dray::alloc
