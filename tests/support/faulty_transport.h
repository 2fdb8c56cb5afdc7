#pragma once

#include <atomic>
#include <memory>
#include <random>

#include "dray/base/guarded.h"
#include "dray/runtime/transport.h"

namespace dray::testing {

// How often what goes wrong, each from 0 to 1.
struct Faults {
  // Of requests and opened watches.
  double drop = 0;         // never reaches the server: kUnavailable
  double lose_answer = 0;  // reaches it, the answer is lost: kUnavailable (requests only)
  double delay = 0;        // waits on the context's clock for up to longest_delay
  Duration longest_delay = std::chrono::seconds(1);
  double conflict = 0;           // 409 for PUT, PATCH and DELETE
  double too_many_requests = 0;  // 429 with Retry-After: 1
  double internal_error = 0;     // 500
  double gone = 0;               // 410 for a watch, at its opening or, per line, as an ERROR event
  // Of watch lines.
  double cut_watch = 0;        // the stream ends in the middle of the line
  double duplicate_event = 0;  // the line comes twice
};

// Another transport with faults, the same ones for the same seed and the same order of calls. Any thread.
class FaultyTransport final : public runtime::Transport {
 public:
  FaultyTransport(std::shared_ptr<runtime::Transport> inner, Faults faults, uint64_t seed);

  void Set(Faults faults);
  int injected() const { return injected_; }  // faults so far

  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override;
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override;

 private:
  struct Dice {
    Faults faults;
    std::mt19937_64 random;
  };
  bool Roll(double Faults::*fault);
  size_t Below(size_t bound);
  Status Delay(const Context& ctx);

  const std::shared_ptr<runtime::Transport> inner_;
  Guarded<Dice> dice_;
  std::atomic<int> injected_ = 0;
};

}  // namespace dray::testing
