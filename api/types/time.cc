#include <array>
#include <cstdio>

#include "dray/api/types/meta.h"

namespace dray::api {
namespace {

struct Civil {
  int year;
  unsigned month, day;
  long hour, minute, second;
};

Civil ToCivil(Time time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(time - day);
  return {static_cast<int>(date.year()),     static_cast<unsigned>(date.month()),
          static_cast<unsigned>(date.day()), clock.hours().count(),
          clock.minutes().count(),           clock.seconds().count()};
}

std::string Print(Time time, const char* tail) {
  Civil c = ToCivil(time);
  std::array<char, 64> text;
  int length = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld%s", c.year,
                             c.month, c.day, c.hour, c.minute, c.second, tail);
  return std::string(text.data(), static_cast<size_t>(length));
}

// Reads fixed-width numbers and separators off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int Number(size_t width) {
    int value = 0;
    for (size_t i = 0; i < width; ++i) {
      if (i >= rest_.size() || rest_[i] < '0' || rest_[i] > '9') return Fail();
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }
  void Expect(char c) {
    if (!Accept(c)) Fail();
  }
  bool Accept(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Digits after a point, as nanoseconds; further ones than nine are dropped.
  long Fraction() {
    long nanos = 0, unit = 100'000'000;
    size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9';
         ++digits, unit /= 10)
      nanos += (rest_[digits] - '0') * unit;
    if (digits == 0) Fail();
    rest_.remove_prefix(digits);
    return nanos;
  }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  int Fail() {
    ok_ = false;
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string FormatTime(Time time) {
  return Print(time, "Z");
}

std::string FormatMicroTime(MicroTime time) {
  Time whole = std::chrono::floor<std::chrono::seconds>(time);
  std::array<char, 16> tail;
  std::snprintf(tail.data(), tail.size(), ".%06dZ", static_cast<int>((time - whole).count()));
  return Print(whole, tail.data());
}

Result<WallTime> ParseTime(std::string_view text) {
  Scanner scan(text);
  int year = scan.Number(4);
  scan.Expect('-');
  int month = scan.Number(2);
  scan.Expect('-');
  int day = scan.Number(2);
  scan.Expect('T');
  int hour = scan.Number(2);
  scan.Expect(':');
  int minute = scan.Number(2);
  scan.Expect(':');
  int second = scan.Number(2);
  long nanos = scan.Accept('.') ? scan.Fraction() : 0;
  int offset = 0;
  if (!scan.Accept('Z')) {
    int sign = scan.Accept('-') ? -1 : 1;
    if (sign == 1) scan.Expect('+');
    int hours = scan.Number(2);
    scan.Expect(':');
    int minutes = scan.Number(2);
    if (hours > 23 || minutes > 59) hour = 24;  // refused below
    offset = sign * (hours * 60 + minutes);
  }
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!scan.done() || !date.ok() || hour > 23 || minute > 59 || second > 59)
    return Status(
        Reason::kInvalid,
        "\"" + std::string(text) + "\" is not a time: want RFC 3339, such as 2006-01-02T15:04:05Z");
  return WallTime(std::chrono::sys_days(date) + std::chrono::hours(hour) +
                  std::chrono::minutes(minute - offset) + std::chrono::seconds(second) +
                  std::chrono::nanoseconds(nanos));
}

}  // namespace dray::api
