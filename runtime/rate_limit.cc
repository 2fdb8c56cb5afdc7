#include "runtime/rate_limit.h"

namespace dray::runtime {

Status RateLimit::Wait(const Context& ctx) {
  if (qps_ <= 0) return ctx.Check();
  const auto one = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / qps_));
  SteadyTime now = ctx.clock().Steady();
  Duration wait{};
  bool in_time = full_at_.With([&](SteadyTime& full_at) {
    SteadyTime next = std::max(full_at, now) + one;
    wait = std::max(Duration::zero(), next - now - one * burst_);
    if (ctx.deadline() != SteadyTime::max() && now + wait > ctx.deadline()) return false;
    full_at = next;
    return true;
  });
  if (!in_time)
    return Status(Reason::kTimeout,
                  "the client-side rate limit leaves no turn before the deadline");
  return wait > Duration::zero() ? ctx.Sleep(wait) : ctx.Check();
}

}  // namespace dray::runtime
