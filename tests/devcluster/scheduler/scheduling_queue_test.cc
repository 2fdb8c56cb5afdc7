#include "devcluster/scheduler/scheduling_queue.h"

#include <thread>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace dray::devcluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Queue : ::testing::Test {
  // What Take() gives now, without waiting.
  std::optional<api::ObjectKey> Next() {
    std::optional<api::ObjectKey> taken;
    std::stop_source stop;
    std::jthread worker([&] {
      taken = queue.Take(Context(clock, stop.get_token()));
      done = true;
    });
    while (!done && clock.waiters() == 0) std::this_thread::yield();
    stop.request_stop();
    worker.join();
    done = false;
    return taken;
  }
  static api::ObjectKey Pod(std::string name) { return {"default", std::move(name)}; }

  testing::FakeClock clock;
  SchedulingQueue queue{clock, {milliseconds(100), seconds(10)}};
  std::atomic<bool> done = false;
};

TEST_F(Queue, PriorityThenAge) {
  queue.Add(Pod("a"), 0);
  queue.Add(Pod("b"), 0);
  queue.Add(Pod("c"), 10);
  queue.Add(Pod("a"), 0);  // once
  EXPECT_EQ(Next(), Pod("c"));
  EXPECT_EQ(Next(), Pod("a"));
  EXPECT_EQ(Next(), Pod("b"));
  EXPECT_EQ(Next(), std::nullopt);
}

TEST_F(Queue, ParkedUntilACauseThenBackOff) {
  queue.Add(Pod("a"), 0);
  ASSERT_EQ(Next(), Pod("a"));
  queue.Park(Pod("a"), {kPodsGone, {}, {}});
  queue.Wake(kNodesChanged);
  clock.Advance(seconds(60));
  EXPECT_EQ(Next(), std::nullopt);
  EXPECT_EQ(queue.parked(), 1u);
  queue.Wake(kPodsGone);  // the back-off since the attempt is over
  ASSERT_EQ(Next(), Pod("a"));
  queue.Park(Pod("a"), {kPodsGone, {}, {}});
  queue.Wake(kPodsGone);
  EXPECT_EQ(Next(), std::nullopt);
  clock.Advance(milliseconds(199));
  EXPECT_EQ(Next(), std::nullopt);
  clock.Advance(milliseconds(1));
  EXPECT_EQ(Next(), Pod("a"));
}

TEST_F(Queue, WhoWaitsWithoutADeadlineSeesTheBackOff) {
  queue.Add(Pod("a"), 0);
  ASSERT_EQ(Next(), Pod("a"));
  queue.Park(Pod("a"), {kPodsGone, {}, {}});
  std::stop_source stop;
  std::optional<api::ObjectKey> taken;
  std::jthread worker([&] { taken = queue.Take(Context(clock, stop.get_token())); });
  ASSERT_TRUE(clock.AwaitWaiters(1));
  queue.Wake(kPodsGone);
  clock.Advance(milliseconds(100));
  worker.join();
  EXPECT_EQ(taken, Pod("a"));
}

TEST_F(Queue, WhatHappensDuringAnAttemptCounts) {
  queue.Add(Pod("a"), 0);
  ASSERT_EQ(Next(), Pod("a"));
  queue.Wake(kDevicesChanged);
  queue.Park(Pod("a"), {kDevicesChanged, {}, {}});
  clock.Advance(milliseconds(100));
  ASSERT_EQ(Next(), Pod("a"));
  queue.WakeFor({"default", "claim"});
  queue.Park(Pod("a"), {0, {{"default", "claim"}}, {}});
  clock.Advance(seconds(1));
  ASSERT_EQ(Next(), Pod("a"));
  queue.Add(Pod("a"), 0);  // changed meanwhile: at once
  queue.Park(Pod("a"), {});
  ASSERT_EQ(Next(), Pod("a"));
  queue.Add(Pod("a"), 0);
  queue.Done(Pod("a"));
  ASSERT_EQ(Next(), Pod("a"));
  queue.Remove(Pod("a"));
  queue.Park(Pod("a"), {});
  EXPECT_EQ(queue.size(), 0u);
}

TEST_F(Queue, HoldDoesNotBackOff) {
  queue.Add(Pod("a"), 0);
  ASSERT_EQ(Next(), Pod("a"));
  queue.Hold(Pod("a"), {0, {{"default", "claim"}}, {}});
  EXPECT_EQ(Next(), std::nullopt);
  queue.WakeFor({"default", "other"});
  EXPECT_EQ(Next(), std::nullopt);
  queue.WakeFor({"default", "claim"});
  EXPECT_EQ(Next(), Pod("a"));
}

TEST_F(Queue, RetryAndDeadline) {
  queue.Add(Pod("a"), 0);
  ASSERT_EQ(Next(), Pod("a"));
  queue.Retry(Pod("a"));
  EXPECT_EQ(Next(), std::nullopt);
  clock.Advance(milliseconds(100));
  ASSERT_EQ(Next(), Pod("a"));
  queue.Park(Pod("a"), {0, {}, clock.Steady() + seconds(600)});
  clock.Advance(seconds(599));
  EXPECT_EQ(Next(), std::nullopt);
  clock.Advance(seconds(1));
  EXPECT_EQ(Next(), Pod("a"));
}

TEST_F(Queue, BackOffHasACeiling) {
  queue.Add(Pod("a"), 0);
  ASSERT_EQ(Next(), Pod("a"));
  for (int i = 0; i < 20; ++i) {
    queue.Retry(Pod("a"));
    clock.Advance(seconds(10));
    ASSERT_EQ(Next(), Pod("a")) << i;
  }
}

}  // namespace
}  // namespace dray::devcluster
