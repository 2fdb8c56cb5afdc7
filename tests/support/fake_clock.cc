#include "tests/support/fake_clock.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dray::testing {
namespace {

constexpr SteadyTime kStart{std::chrono::hours(1000)};
constexpr WallTime kWallStart{std::chrono::seconds(1767225600)};  // 2026-01-01T00:00:00Z

// What a thread holds while it decides to wait: its own lock and the clock's. Given up together
// only once the condition variable has registered the thread, so that neither a notification nor an
// Advance() falls between.
class BothLocks {
 public:
  BothLocks(std::unique_lock<std::mutex>& caller, std::unique_lock<std::mutex>& clock)
      : caller_(caller), clock_(clock) {}
  void lock() {
    caller_.lock();
    clock_.lock();
  }
  void unlock() {
    clock_.unlock();
    caller_.unlock();
  }

 private:
  std::unique_lock<std::mutex>& caller_;
  std::unique_lock<std::mutex>& clock_;
};

}  // namespace

FakeClock::FakeClock() : now_(kStart) {}

WallTime FakeClock::Now() const {
  return kWallStart + std::chrono::duration_cast<WallTime::duration>(Steady() - kStart);
}

SteadyTime FakeClock::Steady() const {
  return now_.load();
}

bool FakeClock::WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                          SteadyTime deadline, std::stop_token stop,
                          const std::function<bool()>& woken) {
  // The callback takes the clock's mutex: a stop comes either before the check below or after the
  // wait has begun.
  std::stop_callback on_stop(stop, [&] {
    std::lock_guard guard(mutex_);
    changed.notify_all();
  });
  while (!woken()) {
    std::unique_lock clock(mutex_);
    if (stop.stop_requested() || Steady() >= deadline) break;
    Waiter self{&changed, deadline, true};
    auto place = waiters_.insert(waiters_.end(), &self);
    waiters_changed_.notify_all();
    BothLocks both(lock, clock);
    changed.wait(both);
    waiters_.erase(place);
  }
  return woken();
}

void FakeClock::MoveToLocked(SteadyTime now) {
  now_.store(now);
  for (Waiter* waiter : waiters_) {
    if (waiter->deadline > now) continue;
    waiter->waiting = false;
    waiter->changed->notify_all();
  }
}

void FakeClock::Advance(Duration by) {
  std::lock_guard lock(mutex_);
  MoveToLocked(Steady() + by);
}

bool FakeClock::AdvanceToNextDeadline() {
  std::optional<SteadyTime> next = NextDeadline();
  if (!next) return false;
  std::lock_guard lock(mutex_);
  MoveToLocked(std::max(*next, Steady()));
  return true;
}

bool FakeClock::AwaitWaiters(int count) {
  std::unique_lock lock(mutex_);
  auto enough = [&] {
    return std::count_if(waiters_.begin(), waiters_.end(),
                         [](const Waiter* waiter) { return waiter->waiting; }) >= count;
  };
  if (waiters_changed_.wait_for(lock, std::chrono::seconds(30), enough)) return true;
  ADD_FAILURE() << "no " << count << " threads wait on the clock after 30 s";
  return false;
}

int FakeClock::waiters() const {
  std::lock_guard lock(mutex_);
  return std::count_if(waiters_.begin(), waiters_.end(),
                       [](const Waiter* waiter) { return waiter->waiting; });
}

std::optional<SteadyTime> FakeClock::NextDeadline() const {
  std::lock_guard lock(mutex_);
  std::optional<SteadyTime> next;
  for (const Waiter* waiter : waiters_) {
    if (!waiter->waiting || waiter->deadline == SteadyTime::max()) continue;
    if (!next || waiter->deadline < *next) next = waiter->deadline;
  }
  return next;
}

}  // namespace dray::testing
