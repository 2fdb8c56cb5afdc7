#pragma once

#include "dray/runtime/real_clock.h"

namespace dray::testing {

// The real clock, on which intervals pass `speed` times as fast: back-offs and retries of a whole
// cluster in a test's time. Wall time is the real one. Any thread.
class HurriedClock final : public Clock {
 public:
  explicit HurriedClock(int speed) : speed_(speed) {}

  WallTime Now() const override { return runtime::RealClock().Now(); }
  SteadyTime Steady() const override {
    return start_ + (runtime::RealClock().Steady() - start_) * speed_;
  }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                 SteadyTime deadline, std::stop_token stop,
                 const std::function<bool()>& woken) override {
    const SteadyTime real = deadline == SteadyTime::max()
                                ? deadline
                                : start_ + (deadline - start_ + Duration(speed_ - 1)) / speed_;
    return runtime::RealClock().WaitUntil(lock, changed, real, stop, woken);
  }

 private:
  const int speed_;
  const SteadyTime start_ = runtime::RealClock().Steady();
};

}  // namespace dray::testing
