#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace dray::cel {

// An estimated size or cost, from the least to the most. Sums and products stop at the largest
// number instead of wrapping.
struct Range {
  static constexpr uint64_t kUnlimited = UINT64_MAX;

  uint64_t min = 0, max = 0;

  static Range Fixed(uint64_t value) { return {value, value}; }
  static Range Unknown() { return {0, kUnlimited}; }

  static uint64_t AddUp(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? kUnlimited : sum;
  }
  static uint64_t Times(uint64_t a, uint64_t b) {
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? kUnlimited : product;
  }
  static uint64_t TimesFactor(uint64_t a, double factor) {
    double product = std::ceil(static_cast<double>(a) * factor);
    return product >= 0x1p64 ? kUnlimited : static_cast<uint64_t>(product);
  }

  friend Range operator+(Range a, Range b) { return {AddUp(a.min, b.min), AddUp(a.max, b.max)}; }
  friend Range operator*(Range a, Range b) { return {Times(a.min, b.min), Times(a.max, b.max)}; }
  Range Scaled(double factor) const { return {TimesFactor(min, factor), TimesFactor(max, factor)}; }
  Range Union(Range other) const { return {std::min(min, other.min), std::max(max, other.max)}; }
};

}  // namespace dray::cel
