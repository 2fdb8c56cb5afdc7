#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

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
  double late_event = 0;       // one of the lines before it comes once more after it
};

// Another transport with faults. The dice fall by seed, call (method, path without query) and how
// often that call was made: the same seed gives the same faults, whatever the order in which
// threads come by. Any thread.
class FaultyTransport final : public runtime::Transport {
 public:
  FaultyTransport(std::shared_ptr<runtime::Transport> inner, Faults faults, uint64_t seed);

  void Set(Faults faults);
  int injected() const { return injected_; }  // faults so far

  Result<runtime::ApiResponse> Do(const Context& ctx, const runtime::ApiRequest& request) override;
  Status Watch(const Context& ctx, const runtime::ApiRequest& request,
               const std::function<bool(std::string_view line)>& on_line) override;

 private:
  // The dice of one call.
  class Dice {
   public:
    Dice(FaultyTransport& owner, const runtime::ApiRequest& request, bool watch);
    bool Roll(double Faults::*fault);
    size_t Below(size_t bound);

   private:
    uint64_t Next();
    FaultyTransport& owner_;
    uint64_t state_;
  };
  Status Delay(const Context& ctx, Dice& dice);

  const std::shared_ptr<runtime::Transport> inner_;
  const uint64_t seed_;
  Guarded<Faults> faults_;
  Guarded<std::map<std::string, uint64_t>> calls_;
  std::atomic<int> injected_ = 0;
};

}  // namespace dray::testing
