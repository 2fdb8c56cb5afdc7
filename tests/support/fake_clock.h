#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>

#include "dray/base/clock.h"

namespace dray::testing {

// A clock that stands still until the test moves it. Threads that wait on it wake when their
// deadline passes, when they are notified, or when they are stopped. Any thread.
//
//   clock.AwaitWaiters(1);                  // the worker has nothing left to do at this time
//   clock.Advance(std::chrono::seconds(2)); // now it has
class FakeClock final : public Clock {
 public:
  FakeClock();

  WallTime Now() const override;
  SteadyTime Steady() const override;
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                 SteadyTime deadline, std::stop_token stop,
                 const std::function<bool()>& woken) override;

  // Moves both clocks forward at once and wakes the waiters whose deadline has come; these count as
  // waiting again only when they wait again.
  void Advance(Duration by);
  // Advance() to the earliest deadline that somebody waits for; false (and no change) when there is
  // none.
  bool AdvanceToNextDeadline();

  // Blocks until at least `count` threads wait. A thread that was notified counts until it has run.
  // False, with a test failure, after 30 s of real time.
  bool AwaitWaiters(int count);
  int waiters() const;
  std::optional<SteadyTime> NextDeadline() const;

 private:
  struct Waiter {
    std::condition_variable_any* changed;
    SteadyTime deadline;
    bool waiting;
  };
  void MoveToLocked(SteadyTime now);

  // Taken after the mutex of a waiter, never before: Advance() must not hold a waiter's mutex.
  mutable std::mutex mutex_;
  std::condition_variable waiters_changed_;
  std::list<Waiter*> waiters_;
  std::atomic<SteadyTime> now_;  // written under mutex_
};

}  // namespace dray::testing
