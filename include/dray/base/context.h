#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>

#include "dray/base/clock.h"
#include "dray/base/status.h"

namespace dray {

// Stop, deadline, clock and trace id, travelling together as the first parameter of everything that
// blocks. A value: copy it, narrow it, pass it down; never store it beyond the call that it was
// made for. Any thread.
class Context {
 public:
  // `clock` outlives every copy.
  Context(Clock& clock, std::stop_token stop) : clock_(&clock), stop_(std::move(stop)) {}

  Clock& clock() const { return *clock_; }
  const std::stop_token& stop() const { return stop_; }
  SteadyTime deadline() const { return deadline_; }
  const std::string& trace() const { return trace_; }

  bool stopped() const { return stop_.stop_requested(); }
  bool expired() const { return deadline_ != SteadyTime::max() && clock_->Steady() >= deadline_; }

  // ok, or kCancelled, or kTimeout.
  Status Check() const {
    if (stopped()) return Status(Reason::kCancelled, "stopped");
    if (expired()) return Status(Reason::kTimeout, "deadline exceeded");
    return {};
  }

  // The earlier of the present deadline and now + `timeout`.
  Context WithTimeout(Duration timeout) const {
    Context narrowed = *this;
    SteadyTime at = clock_->Steady() + timeout;
    if (at < narrowed.deadline_) narrowed.deadline_ = at;
    return narrowed;
  }
  // Obeys `stop` instead of the present token: the caller links the two where both count.
  Context WithStop(std::stop_token stop) const {
    Context narrowed = *this;
    narrowed.stop_ = std::move(stop);
    return narrowed;
  }
  Context WithTrace(std::string trace) const {
    Context named = *this;
    named.trace_ = std::move(trace);
    return named;
  }

  // Waits; kCancelled or kTimeout (deadline of this context) when cut short.
  Status Sleep(Duration duration) const {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    SteadyTime until = clock_->Steady() + duration;
    clock_->WaitUntil(lock, never, until < deadline_ ? until : deadline_, stop_,
                      [] { return false; });
    if (stopped()) return Status(Reason::kCancelled, "stopped");
    if (until > deadline_) return Status(Reason::kTimeout, "deadline exceeded");
    return {};
  }

 private:
  Clock* clock_;
  std::stop_token stop_;
  SteadyTime deadline_ = SteadyTime::max();
  std::string trace_;
};

}  // namespace dray
