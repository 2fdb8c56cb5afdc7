#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dray/base/status.h"

namespace dray::api {

// resource.Quantity: an exact decimal with its family of suffixes (facts:
// k8s.io/apimachinery/pkg/api/resource).
//
// Held as digits x 10^-9 in 128 bits: every value Kubernetes can hold (|v| <= 2^63-1, no finer than
// nano) is exact and every comparison and sum is integer arithmetic, without allocation. Finer than
// nano is rounded up (away from zero), as there.
class Quantity {
 public:
  enum class Format : uint8_t { kDecimalSI, kBinarySI, kDecimalExponent };
  __extension__ using Nanos = __int128;

  constexpr Quantity() = default;  // "0"
  static constexpr Quantity FromInteger(int64_t value, Format format = Format::kDecimalSI) {
    return Quantity(static_cast<Nanos>(value) * kNano, format, 0);
  }
  static constexpr Quantity FromNanos(Nanos nanos, Format format) {
    return Quantity(nanos, format, -9);
  }

  // "4Gi", "100m", "1.5G", "12e6". kInvalid names the text and what would be right.
  static Result<Quantity> Parse(std::string_view text);

  // Canonical text: no fraction, the largest suffix without loss, same family ("1.5Gi" gives
  // "1536Mi").
  std::string ToString() const;

  constexpr Nanos nanos() const { return nanos_; }
  constexpr Format format() const { return format_; }
  // The integer value, fractions rounded up (away from zero), clamped to int64 (Quantity.Value()).
  int64_t Value() const;
  bool IsInteger() const { return nanos_ % kNano == 0; }

  // How Kubernetes holds the number: digits x 10^exponent(), the digits in 64 bits or, with
  // is_decimal(), of any length. "1000m" is 1000 x 10^-3, "1Pi" is a decimal. It changes no value,
  // but AsInt64 and AsApproximateFloat64 follow from it.
  int exponent() const { return exponent_; }
  bool is_decimal() const { return is_decimal_; }
  // Quantity.AsInt64(): only what is held as an integer in 64 bits, so neither "1000m" nor "1Pi".
  std::optional<int64_t> AsInt64() const;
  double AsApproximateFloat64() const;

  // By value: "1Ki" == "1024".
  friend constexpr bool operator==(const Quantity& a, const Quantity& b) {
    return a.nanos_ == b.nanos_;
  }
  friend constexpr std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
    return a.nanos_ < b.nanos_   ? std::strong_ordering::less
           : a.nanos_ > b.nanos_ ? std::strong_ordering::greater
                                 : std::strong_ordering::equal;
  }
  // The sum keeps the left family; when the left is zero, the right's (Quantity.Add).
  Quantity& operator+=(const Quantity& other);
  Quantity& operator-=(const Quantity& other);
  friend Quantity operator+(Quantity a, const Quantity& b) { return a += b; }
  friend Quantity operator-(Quantity a, const Quantity& b) { return a -= b; }

  static constexpr int64_t kNano = 1'000'000'000;

 private:
  constexpr Quantity(Nanos nanos, Format format, int exponent, bool is_decimal = false)
      : nanos_(nanos),
        format_(format),
        is_decimal_(is_decimal),
        exponent_(static_cast<int16_t>(exponent)) {}
  Quantity& AddSigned(const Quantity& other, bool negative);

  Nanos nanos_ = 0;
  Format format_ = Format::kDecimalSI;
  bool is_decimal_ = false;
  int16_t exponent_ = 0;
};

}  // namespace dray::api
