#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>

namespace dray {

using WallTime = std::chrono::system_clock::time_point;    // for people and for objects
using SteadyTime = std::chrono::steady_clock::time_point;  // for intervals and decisions
using Duration = std::chrono::nanoseconds;

// The only place where time is read or waited for. RealClock() (dray/runtime/real_clock.h) in
// programs, FakeClock (tests/support) in tests. Every method may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual WallTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;

  // Waits on `changed` (with `lock` held on entry and exit) until `woken()` is true, `deadline` has
  // come or `stop` was requested. Returns woken(). SteadyTime::max() means no deadline.
  virtual bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                         SteadyTime deadline, std::stop_token stop,
                         const std::function<bool()>& woken) = 0;
};

}  // namespace dray
