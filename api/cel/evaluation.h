#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <vector>

#include "api/cel/object_pool.h"
#include "api/cel/value.h"

namespace dray::cel {

struct DeviceData;
class Evaluation;
class Node;

// The variables of one running loop.
struct LoopState {
  const Node* init;
  Value accumulator, item, item2;
  bool started;  // the accumulator is initialised when it is first read
  bool grows;    // a list or map that the loop builds grows in place
};
// The accumulator, initialised when it is first asked for.
Value Accumulator(Evaluation& evaluation, LoopState& state);

// Those of one run: on the stack, unless there are many.
class LoopStates {
 public:
  explicit LoopStates(size_t count) : begin_(reinterpret_cast<LoopState*>(few_)) {
    if (count > kFew) {
      many_.resize(count);
      begin_ = many_.data();
    }
  }
  LoopStates(const LoopStates&) = delete;
  LoopStates& operator=(const LoopStates&) = delete;
  LoopState* begin() { return begin_; }

 private:
  static constexpr size_t kFew = 4;
  LoopState* begin_;
  std::vector<LoopState> many_;
  alignas(LoopState) std::byte few_[kFew * sizeof(LoopState)];  // set by the loop that runs
};

// One run of a program.
class Evaluation {
 public:
  // Elements and characters that built-in functions may look at in one run. Far above what a run
  // within kMaxSelectorCost does unless it multiplies lists by themselves, which costs nothing in
  // CEL's units.
  static constexpr uint64_t kMaxWork = 50'000'000;

  Evaluation(const DeviceData* device, uint64_t cost_limit, LoopState* loops)
      : device_(device), limit_(cost_limit), loops_(loops) {}
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  // Adds to the cost of the run.
  void Charge(uint64_t cost) {
    cost_ += cost;
    if (cost_ > limit_) [[unlikely]]
      Exceeded();
  }
  // Takes back what was charged before.
  void Refund(uint64_t cost) { cost_ -= cost; }
  // Announces steps that no Charge covers.
  void Work(uint64_t steps) {
    work_ += steps;
    if (work_ > kMaxWork) [[unlikely]]
      Exceeded();
  }

  uint64_t cost() const { return cost_; }
  uint64_t left() const { return limit_ - cost_; }
  const DeviceData& device() const { return *device_; }
  LoopState& loop(size_t slot) { return loops_[slot]; }

  // What was found at the first few paths of the program (DevicePath::index), so that each is
  // looked up once.
  const Value* Recall(size_t index) const {
    if (index >= kRemembered || (known_ >> index & 1) == 0) return nullptr;
    return reinterpret_cast<const Value*>(remembered_) + index;
  }
  void Remember(size_t index, const Value& value) {
    if (index >= kRemembered) return;
    known_ |= 1u << index;
    new (reinterpret_cast<Value*>(remembered_) + index) Value(value);
  }

 private:
  static constexpr size_t kRemembered = 16;

  [[noreturn, gnu::cold, gnu::noinline]] static void Exceeded() { throw CostExceeded(); }

  const DeviceData* device_;
  uint64_t limit_;
  LoopState* loops_;
  uint64_t cost_ = 0;
  uint64_t work_ = 0;
  uint32_t known_ = 0;
  alignas(Value) std::byte remembered_[kRemembered * sizeof(Value)];
};

using Args = std::span<const Value>;

}  // namespace dray::cel
