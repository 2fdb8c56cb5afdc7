#include "dray/runtime/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "dray/base/log.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/real_clock.h"
#include "tests/support/fake_clock.h"

namespace dray::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeClock;

api::ObjectKey Key(const std::string& name) {
  return {"ns", name};
}

class Queue : public ::testing::Test {
 protected:
  // The next key at this moment, or "".
  std::string Next() {
    std::optional<WorkQueue::Ticket> ticket = TryTake();
    return ticket ? ticket->key().name : "";
  }
  std::optional<WorkQueue::Ticket> TryTake() {
    return queue_.Take(Context(clock_, {}).WithTimeout(Duration(0)));
  }

  FakeClock clock_;
  WorkQueue queue_{clock_, {"test", milliseconds(5), milliseconds(50)}};
};

TEST_F(Queue, InOrderWithoutDuplicates) {
  for (const char* name : {"a", "b", "a", "c", "b"}) queue_.Add(Key(name));
  EXPECT_EQ(queue_.depth(), 3u);
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "b");
  EXPECT_EQ(Next(), "c");
  EXPECT_EQ(Next(), "");
}

TEST_F(Queue, AKeyAddedDuringItsWorkComesAgainAfterwards) {
  queue_.Add(Key("a"));
  {
    auto ticket = TryTake();
    ASSERT_TRUE(ticket);
    queue_.Add(Key("a"));
    queue_.Add(Key("a"));
    EXPECT_EQ(Next(), "");  // one worker per key
    auto moved = std::move(*ticket);
    EXPECT_EQ(Next(), "");
  }
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "");
}

TEST_F(Queue, TheEarlierDueTimeWins) {
  queue_.AddAfter(Key("a"), seconds(5));
  queue_.AddAfter(Key("a"), seconds(2));
  queue_.AddAfter(Key("a"), seconds(9));
  queue_.AddAfter(Key("b"), seconds(0));
  EXPECT_EQ(Next(), "b");
  EXPECT_EQ(Next(), "");
  clock_.Advance(milliseconds(1999));
  EXPECT_EQ(Next(), "");
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(Next(), "a");
  clock_.Advance(seconds(10));
  EXPECT_EQ(Next(), "");
}

TEST_F(Queue, BackOffDoublesPerKeyUpToTheLimitAndForgets) {
  for (int expected : {5, 10, 20, 40, 50, 50}) {
    queue_.AddRateLimited(Key("a"));
    clock_.Advance(milliseconds(expected) - Duration(1));
    EXPECT_EQ(Next(), "") << expected;
    clock_.Advance(Duration(1));
    EXPECT_EQ(Next(), "a") << expected;
  }
  queue_.AddRateLimited(Key("b"));
  clock_.Advance(milliseconds(5));
  EXPECT_EQ(Next(), "b");
  queue_.Forget(Key("a"));
  queue_.AddRateLimited(Key("a"));
  clock_.Advance(milliseconds(5));
  EXPECT_EQ(Next(), "a");
}

// A thousand keys that fail at once do not come back at once.
TEST_F(Queue, AllRateLimitedAddsShareALimit) {
  WorkQueue queue(clock_, {"limited", milliseconds(5), seconds(1000), 10, 3});
  for (int i = 0; i < 6; ++i) queue.AddRateLimited(Key(std::to_string(i)));
  auto due = [&] {
    int count = 0;
    while (auto ticket = queue.Take(Context(clock_, {}).WithTimeout(Duration(0)))) ++count;
    return count;
  };
  clock_.Advance(milliseconds(5));
  EXPECT_EQ(due(), 3);
  clock_.Advance(milliseconds(95));
  EXPECT_EQ(due(), 1);
  clock_.Advance(milliseconds(200));
  EXPECT_EQ(due(), 2);
  clock_.Advance(seconds(60));  // the bucket is full again, and no fuller
  for (int i = 0; i < 4; ++i) queue.AddRateLimited(Key("n" + std::to_string(i)));
  clock_.Advance(milliseconds(5));
  EXPECT_EQ(due(), 3);
}

TEST_F(Queue, TakeWaitsForAddDueTimeAndStop) {
  std::stop_source stop;
  Context ctx(clock_, stop.get_token());
  std::vector<std::string> seen;
  std::jthread worker([&] {
    while (auto ticket = queue_.Take(ctx)) seen.push_back(ticket->key().name);
  });
  clock_.AwaitWaiters(1);
  queue_.AddAfter(Key("late"), seconds(9));
  queue_.AddAfter(Key("soon"), seconds(3));  // must shorten the wait that is under way
  while (clock_.NextDeadline() != clock_.Steady() + seconds(3)) std::this_thread::yield();
  clock_.Advance(seconds(3));
  while (clock_.NextDeadline() != clock_.Steady() + seconds(6)) std::this_thread::yield();
  queue_.Add(Key("now"));
  while (queue_.depth() > 0) std::this_thread::yield();
  clock_.AwaitWaiters(1);
  stop.request_stop();
  worker.join();
  EXPECT_EQ(seen, (std::vector<std::string>{"soon", "now"}));
}

TEST_F(Queue, Metrics) {
  using ::testing::HasSubstr;
  FakeClock clock;
  WorkQueue queue(clock, {"measured"});
  EXPECT_THAT(ProcessMetrics().Text(), HasSubstr("workqueue_retries_total{name=\"measured\"} 0\n"));
  queue.Add(Key("a"));
  queue.Add(Key("a"));
  queue.Add(Key("b"));
  clock.Advance(seconds(5));
  {
    auto ticket = queue.Take(Context(clock, {}));
    clock.Advance(seconds(50));
    queue.AddRateLimited(Key("a"));
  }
  std::string text = ProcessMetrics().Text();
  EXPECT_THAT(text, HasSubstr("workqueue_adds_total{name=\"measured\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_depth{name=\"measured\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_retries_total{name=\"measured\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_queue_duration_seconds_sum{name=\"measured\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("workqueue_work_duration_seconds_sum{name=\"measured\"} 50\n"));
}

// What the queue promises, written as plainly as possible.
class NaiveQueue {
 public:
  void Add(const std::string& key) {
    if (std::find(wanted_.begin(), wanted_.end(), key) == wanted_.end()) wanted_.push_back(key);
  }
  void AddAt(const std::string& key, SteadyTime due) {
    auto [place, fresh] = delayed_.emplace(key, due);
    if (!fresh) place->second = std::min(place->second, due);
  }
  std::string Take(SteadyTime now) {
    std::vector<std::pair<SteadyTime, std::string>> due;
    for (const auto& [key, at] : delayed_)
      if (at <= now) due.emplace_back(at, key);
    std::sort(due.begin(), due.end());
    for (const auto& [at, key] : due) {
      delayed_.erase(key);
      Add(key);
    }
    for (auto place = wanted_.begin(); place != wanted_.end(); ++place) {
      if (working_.contains(*place)) continue;
      std::string key = *place;
      wanted_.erase(place);
      working_.insert(key);
      return key;
    }
    return "";
  }
  // A key that was added during its work goes to the end of the line.
  void Done(const std::string& key) {
    working_.erase(key);
    auto place = std::find(wanted_.begin(), wanted_.end(), key);
    if (place == wanted_.end()) return;
    wanted_.erase(place);
    wanted_.push_back(key);
  }

 private:
  std::deque<std::string> wanted_;
  std::set<std::string> working_;
  std::map<std::string, SteadyTime> delayed_;
};

TEST(QueueModel, AgreesWithANaiveQueue) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    FakeClock clock;
    WorkQueue queue(clock, {"model"});
    NaiveQueue model;
    std::vector<WorkQueue::Ticket> held;
    for (int step = 0; step < 1500; ++step) {
      std::string name(1, static_cast<char>('a' + random() % 8));
      switch (random() % 6) {
        case 0:
        case 1:
          queue.Add(Key(name));
          model.Add(name);
          break;
        case 2: {
          Duration delay = milliseconds(1 + random() % 20);
          queue.AddAfter(Key(name), delay);
          model.AddAt(name, clock.Steady() + delay);
          break;
        }
        case 3:
          clock.Advance(milliseconds(random() % 10));
          break;
        case 4: {
          auto ticket = queue.Take(Context(clock, {}).WithTimeout(Duration(0)));
          ASSERT_EQ(ticket ? ticket->key().name : "", model.Take(clock.Steady()))
              << "step " << step;
          if (ticket) held.push_back(std::move(*ticket));
          break;
        }
        case 5:
          if (held.empty()) break;
          model.Done(held.back().key().name);
          held.pop_back();
          break;
      }
    }
  }
}

// Level based work on many threads: per key never two at once, and the last change is always seen.
class Counting : public Reconciler {
 public:
  static constexpr int kKeys = 8;
  Result<Requeue> Reconcile(const Context&, const api::ObjectKey& key) override {
    int i = std::stoi(key.name);
    EXPECT_FALSE(busy[i].exchange(true)) << "two workers on one key";
    int value = wanted[i].load();
    if (value % 7 == 3 && !failed[i].exchange(true)) {
      busy[i] = false;
      return Status(value % 2 ? Reason::kConflict : Reason::kInternal, "try again");
    }
    failed[i] = false;
    seen[i] = value;
    busy[i] = false;
    return Requeue{};
  }
  std::atomic<int> wanted[kKeys] = {}, seen[kKeys] = {};
  std::atomic<bool> busy[kKeys] = {}, failed[kKeys] = {};
};

TEST(QueueThreads, NothingIsLost) {
  WorkQueue queue(RealClock(),
                  {"threads", std::chrono::microseconds(10), milliseconds(1), 1e6, 1000});
  Counting counting;
  std::stop_source stop;
  std::jthread workers(
      [&] { RunWorkers(Context(RealClock(), stop.get_token()), queue, counting, 4); });
  {
    std::vector<std::jthread> adders;
    for (int t = 0; t < 2; ++t)
      adders.emplace_back([&, t] {
        for (int round = 0; round < 500; ++round) {
          for (int i = t; i < Counting::kKeys; i += 2) {
            ++counting.wanted[i];
            queue.Add(Key(std::to_string(i)));
          }
        }
      });
  }
  for (int i = 0; i < Counting::kKeys; ++i)
    while (counting.seen[i] != 500) std::this_thread::yield();
  stop.request_stop();
}

TEST(RunWorkers, RequeuesAsAsked) {
  struct Scripted : Reconciler {
    Result<Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) override {
      EXPECT_EQ(ctx.trace(), VLOG_IS_ON(1) ? key.ToString() : "");
      switch (++calls) {
        case 1:
          return Status(Reason::kInvalid, "no");  // retried as well: the object may change
        case 2:
          return Status(Reason::kInternal, "no");
        case 3:
          return Requeue{seconds(30)};
        default:
          return Requeue{};
      }
    }
    std::atomic<int> calls = 0;
  };
  FakeClock clock;
  WorkQueue queue(clock, {"scripted"});
  Scripted scripted;
  std::stop_source stop;
  std::jthread worker([&] { RunWorkers(Context(clock, stop.get_token()), queue, scripted, 1); });
  queue.Add(Key("a"));
  auto settle = [&](Duration next) {
    while (clock.NextDeadline() != clock.Steady() + next) std::this_thread::yield();
  };
  settle(milliseconds(5));
  clock.Advance(milliseconds(5));
  settle(milliseconds(10));
  clock.Advance(milliseconds(10));
  settle(seconds(30));
  EXPECT_EQ(scripted.calls, 3);
  clock.Advance(seconds(30));
  while (scripted.calls != 4) std::this_thread::yield();
  clock.AwaitWaiters(1);
  EXPECT_EQ(clock.NextDeadline(), std::nullopt);
  stop.request_stop();
}

}  // namespace
}  // namespace dray::runtime
