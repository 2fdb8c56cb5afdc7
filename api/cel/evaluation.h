#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "api/cel/value.h"

namespace dray::cel {

struct DeviceData;

// Thrown by Evaluation when an evaluation has cost too much and caught by Program::Evaluate,
// nowhere else: no operator may absorb this error.
struct CostExceeded {};

class LoopNode;

// The variables of one running loop.
struct LoopState {
  const LoopNode* node = nullptr;
  Value accumulator, item, item2;
  bool started = false;  // the accumulator is initialised when it is first read
};

// Those of one run: on the stack, unless there are many.
class LoopStates {
 public:
  explicit LoopStates(size_t count) : count_(count) {
    begin_ = reinterpret_cast<LoopState*>(few_);
    if (count > kFew) begin_ = std::allocator<LoopState>().allocate(count);
    std::uninitialized_default_construct_n(begin_, count);
  }
  LoopStates(const LoopStates&) = delete;
  LoopStates& operator=(const LoopStates&) = delete;
  ~LoopStates() {
    std::destroy_n(begin_, count_);
    if (count_ > kFew) std::allocator<LoopState>().deallocate(begin_, count_);
  }
  std::span<LoopState> all() { return {begin_, count_}; }

 private:
  static constexpr size_t kFew = 4;
  alignas(LoopState) std::byte few_[kFew * sizeof(LoopState)];
  LoopState* begin_;
  size_t count_;
};

// One run of a program.
class Evaluation {
 public:
  // Elements and characters that built-in functions may look at in one run. Far above what a run
  // within kMaxSelectorCost does unless it multiplies lists by themselves, which costs nothing in
  // CEL's units.
  static constexpr uint64_t kMaxWork = 50'000'000;

  Evaluation(const DeviceData* device, bool list_attributes, uint64_t cost_limit,
             std::span<LoopState> loops)
      : device_(device), list_attributes_(list_attributes), limit_(cost_limit), loops_(loops) {}

  // Adds to the cost of the run.
  void Charge(uint64_t cost) {
    cost_ += cost;
    if (cost_ > limit_) throw CostExceeded();
  }
  // Takes back what was charged before.
  void Refund(uint64_t cost) { cost_ -= cost; }
  // Announces steps that no Charge covers.
  void Work(uint64_t steps) {
    work_ += steps;
    if (work_ > kMaxWork) throw CostExceeded();
  }

  uint64_t cost() const { return cost_; }
  uint64_t left() const { return limit_ - cost_; }
  const DeviceData& device() const { return *device_; }
  bool list_attributes() const { return list_attributes_; }
  LoopState& loop(size_t slot) { return loops_[slot]; }

 private:
  const DeviceData* device_;
  bool list_attributes_;
  uint64_t limit_;
  std::span<LoopState> loops_;
  uint64_t cost_ = 0;
  uint64_t work_ = 0;
};

using Args = std::span<const Value>;

}  // namespace dray::cel
