#include <array>
#include <charconv>

#include "api/cel/calendar.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

bool IsLeap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int DaysIn(int64_t year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && IsLeap(year) ? 1 : 0);
}

// Days since 1970-01-01 of a proleptic Gregorian date, by counting 400-year cycles from March 1st
// of year 0.
int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// Reads the digits of a fixed or bounded width at the front of `text`.
bool TakeNumber(std::string_view& text, size_t least, size_t most, int& value) {
  size_t count = 0;
  value = 0;
  while (count < most && count < text.size() && text[count] >= '0' && text[count] <= '9')
    value = value * 10 + (text[count++] - '0');
  if (count < least) return false;
  text.remove_prefix(count);
  return true;
}

bool Take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

std::string Padded(int64_t value, int width) {
  std::string digits = std::to_string(value);
  return std::string(digits.size() < static_cast<size_t>(width) ? width - digits.size() : 0, '0') +
         digits;
}

}  // namespace

CivilTime ToCivil(int64_t seconds) {
  CivilTime civil;
  int64_t days = seconds / kSecondsPerDay, rest = seconds % kSecondsPerDay;
  if (rest < 0) rest += kSecondsPerDay, --days;
  civil.hour = static_cast<int>(rest / 3600);
  civil.minute = static_cast<int>(rest % 3600 / 60);
  civil.second = static_cast<int>(rest % 60);
  civil.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  int64_t shifted = days + 719468;
  int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int64_t day_of_era = shifted - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  civil.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  civil.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
  civil.day_of_year = static_cast<int>(days - DaysFromCivil(civil.year, 1, 1));
  return civil;
}

std::optional<Value> ParseTimestamp(std::string_view text) {
  int year, month, day, hour, minute, second;
  if (!TakeNumber(text, 4, 4, year) || !Take(text, '-') || !TakeNumber(text, 2, 2, month) ||
      !Take(text, '-') || !TakeNumber(text, 2, 2, day) || !Take(text, 'T') ||
      !TakeNumber(text, 1, 2, hour) || !Take(text, ':') || !TakeNumber(text, 2, 2, minute) ||
      !Take(text, ':') || !TakeNumber(text, 2, 2, second))
    return std::nullopt;
  uint32_t nanoseconds = 0;
  if (text.size() > 1 && (text[0] == '.' || text[0] == ',') && text[1] >= '0' && text[1] <= '9') {
    text.remove_prefix(1);
    uint32_t unit = 100'000'000;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), unit /= 10)
      nanoseconds += (text[0] - '0') * unit;
  }
  int offset = 0;
  if (!Take(text, 'Z')) {
    int sign = Take(text, '+') ? 1 : Take(text, '-') ? -1 : 0;
    int hours, minutes;
    if (sign == 0 || !TakeNumber(text, 2, 2, hours) || !Take(text, ':') ||
        !TakeNumber(text, 2, 2, minutes) || hours > 24 || minutes > 60)
      return std::nullopt;
    offset = sign * (hours * 60 + minutes);
  }
  if (!text.empty() || month < 1 || month > 12 || day < 1 || day > DaysIn(year, month) ||
      hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  int64_t seconds = DaysFromCivil(year, month, day) * kSecondsPerDay + hour * 3600 + minute * 60 +
                    second - int64_t{offset} * 60;
  if (seconds < kMinTimestamp || seconds > kMaxTimestamp) return std::nullopt;
  return Value::Timestamp(seconds, nanoseconds, static_cast<int16_t>(offset));
}

std::string FormatTimestamp(const Value& t) {
  CivilTime c = ToCivil(t.seconds() + int64_t{t.offset_minutes()} * 60);
  std::string out = Padded(c.year, 4) + '-' + Padded(c.month, 2) + '-' + Padded(c.day, 2) + 'T' +
                    Padded(c.hour, 2) + ':' + Padded(c.minute, 2) + ':' + Padded(c.second, 2);
  if (t.nanoseconds() != 0) {
    std::string fraction = Padded(t.nanoseconds(), 9);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += '.' + fraction;
  }
  if (t.offset_minutes() == 0) return out + 'Z';
  int offset = t.offset_minutes() < 0 ? -t.offset_minutes() : t.offset_minutes();
  return out + (t.offset_minutes() < 0 ? '-' : '+') + Padded(offset / 60, 2) + ':' +
         Padded(offset % 60, 2);
}

std::optional<int64_t> ParseDuration(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  constexpr uint64_t kLimit = uint64_t{1} << 63;
  uint64_t total = 0;
  while (!text.empty()) {
    // An integer part, a fraction, or both, then a unit.
    uint64_t whole = 0, fraction = 0;
    double scale = 1;
    size_t digits = 0;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), ++digits) {
      if (whole > kLimit / 10) return std::nullopt;
      whole = whole * 10 + (text[0] - '0');
      if (whole > kLimit) return std::nullopt;
    }
    if (!text.empty() && text[0] == '.') {
      text.remove_prefix(1);
      bool overflow = false;
      for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), ++digits) {
        if (overflow || fraction > (kLimit - 1) / 10) {
          overflow = true;
          continue;
        }
        fraction = fraction * 10 + (text[0] - '0');
        scale *= 10;
      }
    }
    if (digits == 0) return std::nullopt;
    size_t length = 0;
    while (length < text.size() && text[length] != '.' &&
           (text[length] < '0' || text[length] > '9'))
      ++length;
    std::string_view name = text.substr(0, length);
    text.remove_prefix(length);
    uint64_t unit = name == "ns"                                             ? 1
                    : name == "us" || name == "\u00B5s" || name == "\u03BCs" ? 1'000
                    : name == "ms"                                           ? 1'000'000
                    : name == "s"                                            ? 1'000'000'000
                    : name == "m"                                            ? 60'000'000'000
                    : name == "h"                                            ? 3'600'000'000'000
                                                                             : 0;
    if (unit == 0 || whole > kLimit / unit) return std::nullopt;
    whole *= unit;
    if (fraction > 0)
      whole += static_cast<uint64_t>(static_cast<double>(fraction) *
                                     (static_cast<double>(unit) / scale));
    if (whole > kLimit || total + whole > kLimit) return std::nullopt;
    total += whole;
  }
  if (negative) return static_cast<int64_t>(-total);
  if (total > kLimit - 1) return std::nullopt;
  return static_cast<int64_t>(total);
}

std::string FormatDuration(int64_t nanoseconds) {
  // Whole seconds and the rest apart, as time.Duration.Seconds adds them.
  double seconds = static_cast<double>(nanoseconds / 1'000'000'000) +
                   static_cast<double>(nanoseconds % 1'000'000'000) / 1e9;
  return FormatF(seconds) + 's';
}

}  // namespace dray::cel
