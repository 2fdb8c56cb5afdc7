#include "dray/api/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace dray::api {
namespace {

using Nanos = Quantity::Nanos;
using Format = Quantity::Format;

constexpr Nanos kMaxNanos = static_cast<Nanos>((~static_cast<unsigned __int128>(0)) >> 1);

struct Suffix {
  std::string_view text;
  Format format;
  int base;
  int exponent;
};
constexpr std::array<Suffix, 15> kSuffixes = {{
    {"", Format::kDecimalSI, 10, 0},
    {"n", Format::kDecimalSI, 10, -9},
    {"u", Format::kDecimalSI, 10, -6},
    {"m", Format::kDecimalSI, 10, -3},
    {"k", Format::kDecimalSI, 10, 3},
    {"M", Format::kDecimalSI, 10, 6},
    {"G", Format::kDecimalSI, 10, 9},
    {"T", Format::kDecimalSI, 10, 12},
    {"P", Format::kDecimalSI, 10, 15},
    {"Ki", Format::kBinarySI, 2, 10},
    {"Mi", Format::kBinarySI, 2, 20},
    {"Gi", Format::kBinarySI, 2, 30},
    {"Ti", Format::kBinarySI, 2, 40},
    {"Pi", Format::kBinarySI, 2, 50},
    {"Ei", Format::kBinarySI, 2, 60},
}};

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "E" alone is the suffix exa, "E" with a number is an exponent.
std::optional<Suffix> InterpretSuffix(std::string_view text) {
  for (const Suffix& suffix : kSuffixes)
    if (suffix.text == text) return suffix;
  if (text == "E") return Suffix{"E", Format::kDecimalSI, 10, 18};
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  text.remove_prefix(1);
  if (text[0] == '+') text.remove_prefix(1);
  int exponent = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size())
    exponent = text[0] == '-' ? -1'000'000 : 1'000'000;  // far beyond either limit
  else if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return Suffix{"", Format::kDecimalExponent, 10, std::clamp(exponent, -1'000'000, 1'000'000)};
}

// Doubles a decimal number in text.
void Double(std::string& digits) {
  int carry = 0;
  for (size_t i = digits.size(); i-- > 0;) {
    int doubled = (digits[i] - '0') * 2 + carry;
    digits[i] = static_cast<char>('0' + doubled % 10);
    carry = doubled / 10;
  }
  if (carry != 0) digits.insert(digits.begin(), '1');
}

// digits x 10^exponent, rounded up to an integer, saturating.
Nanos Scale(std::string_view digits, int64_t exponent) {
  while (!digits.empty() && digits[0] == '0') digits.remove_prefix(1);
  if (digits.empty()) return 0;
  bool round_up = false;
  if (exponent < 0) {
    size_t kept = static_cast<int64_t>(digits.size()) + exponent > 0 ? digits.size() + exponent : 0;
    round_up = digits.find_first_not_of('0', kept) != std::string_view::npos;
    digits = digits.substr(0, kept);
  }
  Nanos value = 0;
  auto times_ten_plus = [&value](int digit) {
    return !__builtin_mul_overflow(value, static_cast<Nanos>(10), &value) &&
           !__builtin_add_overflow(value, static_cast<Nanos>(digit), &value);
  };
  for (char digit : digits)
    if (!times_ten_plus(digit - '0')) return kMaxNanos;
  for (int64_t i = 0; i < exponent; ++i)
    if (!times_ten_plus(0)) return kMaxNanos;
  if (round_up && value < kMaxNanos) ++value;
  return value;
}

// Whether the short way of apimachinery's parser holds the number, and at which power of ten.
struct Holding {
  int exponent;
  bool is_decimal;
};
Holding HowHeld(std::string_view number, size_t fraction, const Suffix& suffix) {
  size_t first = number.find_first_of("123456789.");
  size_t end = std::min(number.find('.'), number.size());
  int whole = first < end ? static_cast<int>(end - first) : 1;
  if (suffix.base == 2) {
    bool short_way = fraction == 0 && 15 - whole - suffix.exponent * 3 / 10 - 1 >= 0;
    return short_way ? Holding{0, false} : Holding{-9, true};
  }
  int exponent = suffix.exponent - static_cast<int>(fraction);
  bool short_way =
      whole + fraction <= 18 && exponent >= -9 && exponent <= std::numeric_limits<int16_t>::max();
  return short_way ? Holding{exponent, false} : Holding{-9, true};
}

// 10^exponent as far as 128 bits go.
std::optional<Nanos> PowerOfTen(int exponent) {
  if (exponent > 38) return std::nullopt;
  Nanos power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

// digits x suffix in nanos, when that takes neither rounding nor more than 64 bits.
std::optional<Nanos> WholeNumber(std::string_view digits, const Suffix& suffix) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr Nanos kBillion = 1'000'000'000;
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  int64_t number = 0;
  for (char digit : digits) number = number * 10 + (digit - '0');
  if (suffix.base == 2) {
    if (suffix.exponent > 62 || number > kMost >> suffix.exponent) return std::nullopt;
    return (number << suffix.exponent) * kBillion;
  }
  if (suffix.exponent < -9) return std::nullopt;
  Nanos nanos = number;
  for (int i = -9; i < suffix.exponent; ++i) {
    if (nanos > kMost * kBillion || i > 18) return std::nullopt;
    nanos *= 10;
  }
  return nanos <= kMost * kBillion ? std::optional(nanos) : std::nullopt;
}

std::string ToText(Nanos value) {
  bool negative = value < 0;
  std::string text;
  do {
    int digit = static_cast<int>(value % 10);
    text.push_back(static_cast<char>('0' + (digit < 0 ? -digit : digit)));
    value /= 10;
  } while (value != 0);
  if (negative) text.push_back('-');
  std::reverse(text.begin(), text.end());
  return text;
}

Status NotAQuantity(std::string_view text) {
  return Status(
      Reason::kInvalid,
      "\"" + std::string(text) +
          "\" is not a quantity: want a number with at most one suffix of n u m k M G T P E "
          "Ki Mi Gi Ti Pi Ei or an exponent such as e3");
}

}  // namespace

// The scanner accepts what apimachinery's does, its oddities included: "1.G", ".5" and even a bare
// "Mi" (zero) parse.
Result<Quantity> Quantity::Parse(std::string_view text) {
  if (text.empty()) return NotAQuantity(text);
  size_t at = 0;
  bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') ++at;
  bool nothing_but_sign = at == text.size();

  auto take_digits = [&] {
    size_t from = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return text.substr(from, at - from);
  };
  std::string digits(take_digits());
  size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::string_view after_point = take_digits();
    fraction = after_point.size();
    digits += after_point;
  }
  size_t suffix_at = at;
  while (at < text.size() &&
         std::string_view("eEinumkKMGTP").find(text[at]) != std::string_view::npos)
    ++at;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  take_digits();
  if (at != text.size()) return NotAQuantity(text);
  std::optional<Suffix> suffix = InterpretSuffix(text.substr(suffix_at));
  if (!suffix) return NotAQuantity(text);
  // Without a digit, the reference gets zero where its short way through suffices and fails
  // elsewhere.
  if (digits.empty() && !nothing_but_sign &&
      (suffix->base == 2 ? suffix->exponent >= 50 : suffix->exponent < -9))
    return NotAQuantity(text);

  const std::string_view number = text.substr(0, suffix_at);
  int64_t exponent = 9 - static_cast<int64_t>(fraction);
  Format format = suffix->format;
  auto [held_exponent, is_decimal] = HowHeld(number, fraction, *suffix);
  std::optional<Nanos> small = fraction == 0 ? WholeNumber(digits, *suffix) : std::nullopt;
  if (small) {
    // Most quantities are whole numbers that fit: nothing to round or to cut off.
  } else if (suffix->base == 10) {
    exponent += suffix->exponent;
  } else {
    for (int i = 0; i < suffix->exponent; ++i) Double(digits);
  }
  Nanos nanos = small ? *small : Scale(digits, exponent);
  if (format == Format::kBinarySI) {
    constexpr Nanos kMostBinary = static_cast<Nanos>(std::numeric_limits<int64_t>::max()) * kNano;
    if (nanos > kMostBinary) {
      nanos = kMostBinary;
      held_exponent = 0;
    }
    if (nanos > 0 && nanos < kNano) format = Format::kDecimalSI;
  }
  return Quantity(negative ? -nanos : nanos, format, held_exponent, is_decimal);
}

std::string Quantity::ToString() const {
  if (nanos_ == 0) return "0";
  if (format_ == Format::kBinarySI && IsInteger()) {
    Nanos value = nanos_ / kNano;
    if (value <= -1024 || value >= 1024) {
      constexpr std::array<std::string_view, 7> kBinary = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
      size_t power = 0;
      for (; power + 1 < kBinary.size() && value % 1024 == 0; ++power) value /= 1024;
      return ToText(value).append(kBinary[power]);
    }
  }
  Nanos value = nanos_;
  int exponent = -9;
  for (; value % 1000 == 0; exponent += 3) value /= 1000;
  std::string text = ToText(value);
  if (exponent == 0) return text;
  // Past E there is no suffix: the exponent form says the same without loss.
  if (format_ == Format::kDecimalExponent || exponent > 18)
    return text + "e" + std::to_string(exponent);
  constexpr std::array<char, 10> kDecimal = {'n', 'u', 'm', ' ', 'k', 'M', 'G', 'T', 'P', 'E'};
  return text + kDecimal[static_cast<size_t>(exponent / 3 + 3)];
}

int64_t Quantity::Value() const {
  Nanos value = nanos_ / kNano;
  if (nanos_ % kNano > 0) ++value;
  if (nanos_ % kNano < 0) --value;
  return static_cast<int64_t>(std::clamp<Nanos>(value, std::numeric_limits<int64_t>::min(),
                                                std::numeric_limits<int64_t>::max()));
}

std::optional<int64_t> Quantity::AsInt64() const {
  Nanos whole = nanos_ / kNano;
  if (is_decimal_ || exponent_ < 0 || whole > std::numeric_limits<int64_t>::max() ||
      whole < std::numeric_limits<int64_t>::min())
    return std::nullopt;
  return static_cast<int64_t>(whole);
}

double Quantity::AsApproximateFloat64() const {
  std::optional<Nanos> unit = PowerOfTen(9 + exponent_);
  // Beyond 128 bits the digits are not kept: the value is at the limit anyway.
  if (!unit) return static_cast<double>(nanos_) / static_cast<double>(kNano);
  double digits = static_cast<double>(nanos_ / *unit);
  if (exponent_ == 0) return digits;
  // Two roundings, as there.
  return digits * (exponent_ > 0 ? static_cast<double>(*PowerOfTen(exponent_))
                                 : 1.0 / static_cast<double>(*PowerOfTen(-exponent_)));
}

Quantity& Quantity::operator+=(const Quantity& other) {
  return AddSigned(other, false);
}

Quantity& Quantity::operator-=(const Quantity& other) {
  return AddSigned(other, true);
}

Quantity& Quantity::AddSigned(const Quantity& other, bool negative) {
  if (nanos_ == 0) format_ = other.format_;
  is_decimal_ |= other.is_decimal_;
  if (nanos_ == 0 && !is_decimal_) {
    exponent_ = other.nanos_ == 0 ? exponent_ : other.exponent_;
  } else if (other.nanos_ != 0 || is_decimal_) {
    exponent_ = std::min(exponent_, other.exponent_);
  }
  const Nanos before = nanos_;
  bool overflow = negative ? __builtin_sub_overflow(nanos_, other.nanos_, &nanos_)
                           : __builtin_add_overflow(nanos_, other.nanos_, &nanos_);
  if (overflow) nanos_ = (other.nanos_ > 0) != negative ? kMaxNanos : -kMaxNanos;
  if (!is_decimal_) {
    // Digits that outgrow 64 bits become a decimal.
    std::optional<Nanos> unit = PowerOfTen(9 + exponent_);
    auto fits = [&](Nanos n) {
      return unit && n / *unit <= std::numeric_limits<int64_t>::max() &&
             n / *unit >= std::numeric_limits<int64_t>::min();
    };
    is_decimal_ = !fits(before) || !fits(other.nanos_) || !fits(nanos_);
  }
  return *this;
}

}  // namespace dray::api
