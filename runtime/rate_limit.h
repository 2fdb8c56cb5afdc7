#pragma once

#include "dray/base/context.h"
#include "dray/base/guarded.h"

namespace dray::runtime {

// A token bucket: `qps` calls a second in the long run, `burst` at once (at least 1). Any thread.
class RateLimit {
 public:
  // qps 0: no limit.
  RateLimit(double qps, int burst) : qps_(qps), burst_(burst < 1 ? 1 : burst) {}

  // Waits for its turn, first come first served. kTimeout at once when the turn lies behind ctx's
  // deadline; kCancelled when stopped while waiting (the turn is lost).
  Status Wait(const Context& ctx);

 private:
  const double qps_;
  const int burst_;
  Guarded<SteadyTime> full_at_;  // when the bucket will be full again if nobody takes from it
};

}  // namespace dray::runtime
