#include "dray/base/duration.h"

#include <charconv>
#include <cmath>

namespace dray {
namespace {

struct Unit {
  std::string_view name;
  double nanos;
};
// Longest names first, so that "ms" is not read as "m".
constexpr Unit kUnits[] = {{"ns", 1},  {"us", 1e3}, {"µs", 1e3},  {"ms", 1e6},
                           {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}};

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  const Status wrong(Reason::kInvalid,
                     "\"" + std::string(text) +
                         "\" is no duration: want a number with a unit, as in 15s, 500ms or 1h30m");
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative) rest.remove_prefix(1);
  if (rest == "0") return Duration(0);
  if (rest.empty()) return wrong;
  double total = 0;
  while (!rest.empty()) {
    double number = 0;
    auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return wrong;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits)
      if (rest.starts_with(candidate.name)) {
        unit = &candidate;
        break;
      }
    if (unit == nullptr) return wrong;
    rest.remove_prefix(unit->name.size());
    total += number * unit->nanos;
  }
  if (total > 9.2e18) return wrong;
  const auto nanos = static_cast<int64_t>(std::llround(total));
  return Duration(negative ? -nanos : nanos);
}

std::string FormatDuration(Duration duration) {
  int64_t nanos = duration.count();
  if (nanos == 0) return "0s";
  std::string sign = nanos < 0 ? "-" : "";
  nanos = std::abs(nanos);
  auto number = [](int64_t value, int64_t unit) {
    std::string text = std::to_string(value / unit);
    if (int64_t rest = value % unit; rest != 0) {
      std::string fraction = std::to_string(unit + rest).substr(1);
      fraction.erase(fraction.find_last_not_of('0') + 1);
      text += "." + fraction;
    }
    return text;
  };
  if (nanos < 1'000) return sign + std::to_string(nanos) + "ns";
  if (nanos < 1'000'000) return sign + number(nanos, 1'000) + "us";
  if (nanos < 1'000'000'000) return sign + number(nanos, 1'000'000) + "ms";
  const int64_t minute = 60'000'000'000, hour = 60 * minute;
  std::string text = sign;
  if (nanos >= hour) text += std::to_string(nanos / hour) + "h";
  if (nanos >= minute) text += std::to_string(nanos % hour / minute) + "m";
  return text + number(nanos % minute, 1'000'000'000) + "s";
}

}  // namespace dray
