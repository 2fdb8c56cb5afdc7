#include "devcluster/scheduler/scheduling_queue.h"

#include <array>
#include <random>
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

// What the queue promises, by looking through everything every time.
class PlainQueue {
 public:
  explicit PlainQueue(testing::FakeClock& clock) : clock_(clock) {}

  void Add(const api::ObjectKey& pod, int32_t priority) {
    auto [found, added] = items_.try_emplace(pod);
    if (added) found->second.age = next_age_++;
    found->second.priority = priority;
    found->second.removed = false;
    if (found->second.place == kTaken)
      found->second.again = true;
    else
      found->second.place = kReady;
  }
  void Remove(const api::ObjectKey& pod) {
    if (auto found = items_.find(pod); found != items_.end())
      found->second.place == kTaken ? void(found->second.removed = true)
                                    : void(items_.erase(found));
  }
  void Wake(uint32_t causes, const std::optional<api::ObjectKey>& claim) {
    for (auto& [pod, item] : items_) {
      auto concerned = [&] {
        return (item.wait.causes & causes) != 0 || (claim && item.wait.claims.contains(*claim));
      };
      if (item.place == kTaken) {
        item.missed_causes |= causes;
        if (claim) item.missed_claims.insert(*claim);
      } else if (item.place == kParked && concerned()) {
        Wake(item);
      }
    }
  }
  std::optional<api::ObjectKey> Take() {
    auto best = items_.end();
    for (auto at = items_.begin(); at != items_.end(); ++at) {
      Item& item = at->second;
      if ((item.place == kBackingOff && item.due <= clock_.Steady()) ||
          (item.place == kParked && item.wait.deadline && *item.wait.deadline <= clock_.Steady()))
        item.place = kReady;
      if (item.place != kReady) continue;
      if (best == items_.end() || item.priority > best->second.priority ||
          (item.priority == best->second.priority && item.age < best->second.age))
        best = at;
    }
    if (best == items_.end()) return std::nullopt;
    best->second.place = kTaken;
    best->second.again = best->second.removed = false;
    best->second.missed_causes = 0;
    best->second.missed_claims.clear();
    return best->first;
  }
  void Done(const api::ObjectKey& pod) {
    Item& item = items_.at(pod);
    item.again && !item.removed ? void(item.place = kReady) : void(items_.erase(pod));
  }
  void Park(const api::ObjectKey& pod, const WaitFor& wait, bool counts, bool wake = false) {
    Item& item = items_.at(pod);
    if (item.removed) return void(items_.erase(pod));
    if (counts) {
      ++item.attempts;
      item.attempted = clock_.Steady();
    }
    item.wait = wait;
    item.place = item.again ? kReady : kParked;
    for (const api::ObjectKey& claim : item.missed_claims) wake |= wait.claims.contains(claim);
    if (item.place == kParked && (wake || (wait.causes & item.missed_causes) != 0)) Wake(item);
  }
  size_t size() const { return items_.size(); }
  size_t parked() const {
    return static_cast<size_t>(std::count_if(
        items_.begin(), items_.end(), [](const auto& one) { return one.second.place == kParked; }));
  }

 private:
  enum Place { kReady, kBackingOff, kParked, kTaken };
  struct Item {
    int32_t priority = 0;
    uint64_t age = 0;
    Place place = kReady;
    int attempts = 0;
    SteadyTime attempted{}, due{};
    WaitFor wait;
    bool again = false, removed = false;
    uint32_t missed_causes = 0;
    std::set<api::ObjectKey> missed_claims;
  };
  void Wake(Item& item) {
    Duration wait = milliseconds(100);
    for (int i = 1; i < item.attempts && wait < seconds(10); ++i) wait *= 2;
    item.due =
        item.attempted + (item.attempts == 0 ? Duration(0) : std::min<Duration>(wait, seconds(10)));
    item.place = item.due <= clock_.Steady() ? kReady : kBackingOff;
  }

  testing::FakeClock& clock_;
  std::map<api::ObjectKey, Item> items_;
  uint64_t next_age_ = 0;
};

TEST_F(Queue, AsAPlainOne) {
  PlainQueue plain(clock);
  std::mt19937 random(7);
  auto pick = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
  auto some_pod = [&] { return Pod("p" + std::to_string(pick(6))); };
  auto some_claim = [&] { return api::ObjectKey{"default", "c" + std::to_string(pick(3))}; };
  std::vector<api::ObjectKey> taken;
  for (int step = 0; step < 3000; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const int what = pick(10);
    if (what == 0) {
      clock.Advance(milliseconds(pick(400)));
    } else if (what <= 2) {
      const api::ObjectKey pod = some_pod();
      const int priority = pick(3);
      queue.Add(pod, priority);
      plain.Add(pod, priority);
    } else if (what == 3) {
      const api::ObjectKey pod = some_pod();
      queue.Remove(pod);
      plain.Remove(pod);
    } else if (what == 4) {
      const Cause cause = std::array{kNodesChanged, kPodsGone, kDevicesChanged}[pick(3)];
      queue.Wake(cause);
      plain.Wake(cause, std::nullopt);
    } else if (what == 5) {
      const api::ObjectKey claim = some_claim();
      queue.WakeFor(claim);
      plain.Wake(0, claim);
    } else if (what <= 7 && taken.size() < 2) {
      const std::optional<api::ObjectKey> next = plain.Take();
      ASSERT_EQ(Next(), next);
      if (next) taken.push_back(*next);
    } else if (!taken.empty()) {
      const api::ObjectKey pod = taken.front();
      taken.erase(taken.begin());
      WaitFor wait{static_cast<uint32_t>(pick(8)), {some_claim(), some_claim()}, {}};
      if (pick(3) == 0) wait.deadline = clock.Steady() + milliseconds(pick(1000));
      switch (pick(4)) {
        case 0:
          queue.Done(pod);
          plain.Done(pod);
          break;
        case 1:
          queue.Park(pod, wait);
          plain.Park(pod, wait, true);
          break;
        case 2:
          queue.Hold(pod, wait);
          plain.Park(pod, wait, false);
          break;
        default:
          queue.Retry(pod);
          plain.Park(pod, {}, true, true);
      }
    }
    ASSERT_EQ(queue.size(), plain.size());
    ASSERT_EQ(queue.parked(), plain.parked());
  }
}

}  // namespace
}  // namespace dray::devcluster
