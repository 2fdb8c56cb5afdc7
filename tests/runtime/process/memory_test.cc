#include "dray/runtime/memory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_clock.h"

namespace dray::runtime {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnHeap = false;  // the sanitizer's, which keeps what was freed
#else
constexpr bool kOwnHeap = true;
#endif

size_t ResidentMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6)) / 1024;
  return 0;
}

// Freed, but kept by the heap: something above it is still in use. Returns that.
std::vector<std::string> Litter() {
  std::vector<std::string> pieces, kept;
  for (int i = 0; i < 4000; ++i) pieces.emplace_back(16 << 10, 'x');
  for (size_t i = 99; i < pieces.size(); i += 100) kept.push_back(std::move(pieces[i]));
  return kept;
}

TEST(Memory, WhatIsFreeGoesBackAndTheProgramGoesOn) {
  const std::vector<std::string> kept = Litter();
  const size_t before = ResidentMegabytes();
  ReleaseMemory();
  if (kOwnHeap) {
    EXPECT_LT(ResidentMegabytes() + 40, before);
  }
  // Text and constants of every library are there when they are wanted again.
  EXPECT_EQ(std::to_string(ResidentMegabytes() * 0), "0");
}

TEST(Memory, IsReleasedAgainAfterItHasGrown) {
  ::dray::testing::FakeClock clock;
  std::stop_source stop;
  std::jthread keeper([&] { EXPECT_TRUE(KeepMemorySmall(Context(clock, stop.get_token())).ok()); });
  for (int look = 0; look < 3; ++look) {
    ASSERT_TRUE(clock.AwaitWaiters(1));
    clock.Advance(std::chrono::seconds(30));
  }
  ASSERT_TRUE(clock.AwaitWaiters(1));
  const std::vector<std::string> kept = Litter();
  const size_t before = ResidentMegabytes();
  clock.Advance(std::chrono::seconds(30));
  ASSERT_TRUE(clock.AwaitWaiters(1));
  if (kOwnHeap) {
    EXPECT_LT(ResidentMegabytes() + 40, before);
  }
  stop.request_stop();
}

}  // namespace
}  // namespace dray::runtime
