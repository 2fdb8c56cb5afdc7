#include "tests/support/fake_clock.h"

#include <gtest/gtest.h>

#include "dray/base/context.h"
#include "dray/runtime/real_clock.h"

namespace dray::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(FakeClock, SleeperWakesWhenItsDeadlinePassesAndNotBefore) {
  FakeClock clock;
  Context ctx(clock, {});
  std::atomic<bool> done = false;
  std::jthread sleeper([&] {
    EXPECT_TRUE(ctx.Sleep(seconds(2)).ok());
    done = true;
  });
  clock.AwaitWaiters(1);
  clock.Advance(milliseconds(1999));
  clock.AwaitWaiters(1);
  EXPECT_FALSE(done);
  clock.Advance(milliseconds(1));
  sleeper.join();
  EXPECT_TRUE(done);
  EXPECT_EQ(clock.waiters(), 0);
}

TEST(FakeClock, WallAndSteadyMoveTogether) {
  FakeClock clock;
  WallTime wall = clock.Now();
  SteadyTime steady = clock.Steady();
  clock.Advance(milliseconds(1500));
  EXPECT_EQ(clock.Now() - wall, milliseconds(1500));
  EXPECT_EQ(clock.Steady() - steady, milliseconds(1500));
}

TEST(FakeClock, StopEndsAWait) {
  FakeClock clock;
  std::stop_source stop;
  Context ctx(clock, stop.get_token());
  std::jthread sleeper([&] { EXPECT_TRUE(ctx.Sleep(seconds(1)).Is(Reason::kCancelled)); });
  clock.AwaitWaiters(1);
  stop.request_stop();
}

TEST(FakeClock, StoppedBeforehandDoesNotWait) {
  FakeClock clock;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(Context(clock, stop.get_token()).Sleep(seconds(1)).Is(Reason::kCancelled));
}

TEST(FakeClock, DeadlineOfTheContextCutsASleep) {
  FakeClock clock;
  std::jthread sleeper([&] {
    Context ctx = Context(clock, {}).WithTimeout(seconds(1));
    EXPECT_TRUE(ctx.Sleep(seconds(2)).Is(Reason::kTimeout));
  });
  clock.AwaitWaiters(1);
  EXPECT_TRUE(clock.AdvanceToNextDeadline());
}

TEST(FakeClock, NotificationWakesAndAnswersThePredicate) {
  FakeClock clock;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool ready = false;
  std::jthread waiter([&] {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(clock.WaitUntil(lock, changed, SteadyTime::max(), {}, [&] { return ready; }));
    EXPECT_TRUE(lock.owns_lock());
  });
  clock.AwaitWaiters(1);
  EXPECT_FALSE(clock.AdvanceToNextDeadline());  // nobody has one
  {
    std::lock_guard lock(mutex);
    ready = true;
  }
  changed.notify_all();
}

// Every combination of notifying, advancing and stopping at the same moment: nobody may sleep
// through it.
TEST(FakeClock, NoWakeUpIsLostUnderContention) {
  FakeClock clock;
  for (int round = 0; round < 300; ++round) {
    std::stop_source stop;
    std::mutex mutex;
    std::condition_variable_any changed;
    int ready = 0;
    SteadyTime second = clock.Steady() + seconds(1);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, i] {
        std::unique_lock lock(mutex);
        SteadyTime deadline = i == 0 ? second : SteadyTime::max();
        std::stop_token token = i == 1 ? stop.get_token() : std::stop_token();
        bool woken =
            clock.WaitUntil(lock, changed, deadline, token, [&] { return i == 2 && ready > 0; });
        EXPECT_EQ(woken, i == 2);
      });
    }
    if (round % 2 == 0) clock.AwaitWaiters(3);
    threads.emplace_back([&] { stop.request_stop(); });
    threads.emplace_back([&] {
      std::lock_guard lock(mutex);
      ++ready;
      changed.notify_all();
    });
    threads.emplace_back([&] { clock.Advance(seconds(1)); });
  }
}

TEST(RealClock, WaitsForNotificationStopAndDeadline) {
  Clock& clock = runtime::RealClock();
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  auto never = [] { return false; };
  EXPECT_FALSE(clock.WaitUntil(lock, changed, clock.Steady() + milliseconds(1), {}, never));
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(clock.WaitUntil(lock, changed, SteadyTime::max(), stop.get_token(), never));
  bool ready = false;
  std::jthread notifier([&] {
    std::lock_guard guard(mutex);
    ready = true;
    changed.notify_all();
  });
  EXPECT_TRUE(clock.WaitUntil(lock, changed, SteadyTime::max(), {}, [&] { return ready; }));
  lock.unlock();
}

}  // namespace
}  // namespace dray::testing
