#pragma once

#include <mutex>
#include <utility>

namespace dray {

// A value that can only be reached with its mutex held. Hold at most one at a time and call nobody
// while holding it.
//
//   Guarded<std::map<...>> seen;
//   seen.With([&](auto& map) { map[key] = value; });
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class F>
  decltype(auto) With(F&& use) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(use)(value_);
  }
  template <class F>
  decltype(auto) With(F&& use) const {
    std::lock_guard lock(mutex_);
    return std::forward<F>(use)(std::as_const(value_));
  }
  T Copy() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace dray
