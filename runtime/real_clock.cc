#include "dray/runtime/real_clock.h"

namespace dray::runtime {
namespace {

class MachineClock final : public Clock {
 public:
  WallTime Now() const override { return std::chrono::system_clock::now(); }
  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }

  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                 SteadyTime deadline, std::stop_token stop,
                 const std::function<bool()>& woken) override {
    // The maximum overflows inside the library when it is turned into another clock's time.
    if (deadline == SteadyTime::max()) return changed.wait(lock, std::move(stop), woken);
    return changed.wait_until(lock, std::move(stop), deadline, woken);
  }
};

}  // namespace

Clock& RealClock() {
  // Never destroyed: threads may still read it while the program ends.
  static Clock& clock = *new MachineClock();
  return clock;
}

}  // namespace dray::runtime
