#include "api/cel/time_zone.h"

#include <algorithm>
#include <array>
#include <optional>

#include "api/cel/calendar.h"
#include "api/cel/text.h"

namespace dray::cel {
namespace {

enum class Summer : uint8_t {
  kNever,
  kAmerican,  // second Sunday of March to first Sunday of November, 2:00 on local clocks
  kEuropean,  // last Sundays of March and October, 1:00 UTC
};

struct Zone {
  std::string_view name;
  int16_t minutes;  // of standard time
  Summer summer;
  int16_t since;  // first whole year of these rules
};

constexpr std::array<Zone, 71> kZones = {{
    {"UTC", 0, Summer::kNever, 0},
    {"UCT", 0, Summer::kNever, 0},
    {"Universal", 0, Summer::kNever, 0},
    {"Zulu", 0, Summer::kNever, 0},
    {"GMT", 0, Summer::kNever, 0},
    {"GMT0", 0, Summer::kNever, 0},
    {"GMT+0", 0, Summer::kNever, 0},
    {"GMT-0", 0, Summer::kNever, 0},
    {"Greenwich", 0, Summer::kNever, 0},
    {"Etc/UTC", 0, Summer::kNever, 0},
    {"Etc/UCT", 0, Summer::kNever, 0},
    {"Etc/Universal", 0, Summer::kNever, 0},
    {"Etc/Zulu", 0, Summer::kNever, 0},
    {"Etc/GMT", 0, Summer::kNever, 0},
    {"Etc/Greenwich", 0, Summer::kNever, 0},
    {"America/New_York", -300, Summer::kAmerican, 2008},
    {"America/Toronto", -300, Summer::kAmerican, 2008},
    {"America/Detroit", -300, Summer::kAmerican, 2008},
    {"America/Chicago", -360, Summer::kAmerican, 2008},
    {"America/Denver", -420, Summer::kAmerican, 2008},
    {"America/Los_Angeles", -480, Summer::kAmerican, 2008},
    {"America/Anchorage", -540, Summer::kAmerican, 2008},
    {"US/Eastern", -300, Summer::kAmerican, 2008},
    {"US/Central", -360, Summer::kAmerican, 2008},
    {"US/Mountain", -420, Summer::kAmerican, 2008},
    {"US/Pacific", -480, Summer::kAmerican, 2008},
    {"America/Phoenix", -420, Summer::kNever, 1969},
    {"America/Bogota", -300, Summer::kNever, 1994},
    {"America/Lima", -300, Summer::kNever, 1995},
    {"America/Sao_Paulo", -180, Summer::kNever, 2020},
    {"America/Argentina/Buenos_Aires", -180, Summer::kNever, 2010},
    {"Pacific/Honolulu", -600, Summer::kNever, 1948},
    {"Europe/London", 0, Summer::kEuropean, 1997},
    {"Europe/Dublin", 0, Summer::kEuropean, 1997},
    {"Europe/Lisbon", 0, Summer::kEuropean, 1997},
    {"Europe/Paris", 60, Summer::kEuropean, 1997},
    {"Europe/Berlin", 60, Summer::kEuropean, 1997},
    {"Europe/Madrid", 60, Summer::kEuropean, 1997},
    {"Europe/Rome", 60, Summer::kEuropean, 1997},
    {"Europe/Amsterdam", 60, Summer::kEuropean, 1997},
    {"Europe/Brussels", 60, Summer::kEuropean, 1997},
    {"Europe/Luxembourg", 60, Summer::kEuropean, 1997},
    {"Europe/Vienna", 60, Summer::kEuropean, 1997},
    {"Europe/Zurich", 60, Summer::kEuropean, 1997},
    {"Europe/Stockholm", 60, Summer::kEuropean, 1997},
    {"Europe/Oslo", 60, Summer::kEuropean, 1997},
    {"Europe/Copenhagen", 60, Summer::kEuropean, 1997},
    {"Europe/Prague", 60, Summer::kEuropean, 1997},
    {"Europe/Warsaw", 60, Summer::kEuropean, 1997},
    {"Europe/Budapest", 60, Summer::kEuropean, 1997},
    {"Europe/Athens", 120, Summer::kEuropean, 1997},
    {"Europe/Helsinki", 120, Summer::kEuropean, 1997},
    {"Europe/Moscow", 180, Summer::kNever, 2015},
    {"Europe/Istanbul", 180, Summer::kNever, 2017},
    {"Africa/Johannesburg", 120, Summer::kNever, 1945},
    {"Africa/Lagos", 60, Summer::kNever, 1920},
    {"Africa/Nairobi", 180, Summer::kNever, 1961},
    {"Asia/Dubai", 240, Summer::kNever, 1921},
    {"Asia/Kolkata", 330, Summer::kNever, 1946},
    {"Asia/Calcutta", 330, Summer::kNever, 1946},
    {"Asia/Bangkok", 420, Summer::kNever, 1921},
    {"Asia/Ho_Chi_Minh", 420, Summer::kNever, 1976},
    {"Asia/Jakarta", 420, Summer::kNever, 1965},
    {"Asia/Singapore", 480, Summer::kNever, 1983},
    {"Asia/Shanghai", 480, Summer::kNever, 1992},
    {"Asia/Hong_Kong", 480, Summer::kNever, 1980},
    {"Asia/Taipei", 480, Summer::kNever, 1980},
    {"Asia/Manila", 480, Summer::kNever, 1991},
    {"Asia/Tokyo", 540, Summer::kNever, 1952},
    {"Asia/Seoul", 540, Summer::kNever, 1989},
    {"Australia/Brisbane", 600, Summer::kNever, 1993},
}};

constexpr int64_t kDay = 86'400;

// The Sunday of a month, from 1, or the last one (0), at midnight, as if local time were UTC.
int64_t SundayOf(const CivilTime& now, int64_t instant, int month, int which) {
  // The first day of the year, then of the month.
  const int64_t midnight = instant - now.hour * 3600 - now.minute * 60 - now.second;
  const int64_t new_year = midnight - now.day_of_year * kDay;
  int64_t day = new_year + (month - 1) * 28 * kDay;
  while (ToCivil(day).month != month || ToCivil(day).day != 1) day += kDay;
  day += (7 - ToCivil(day).weekday) % 7 * kDay;
  if (which > 0) return day + (which - 1) * 7 * kDay;
  while (ToCivil(day + 7 * kDay).month == month) day += 7 * kDay;
  return day;
}

bool IsSummer(const Zone& zone, int64_t instant) {
  const int64_t local = instant + zone.minutes * 60;
  const CivilTime now = ToCivil(local);
  switch (zone.summer) {
    case Summer::kNever:
      return false;
    case Summer::kAmerican:  // in standard time: from 2:00 to 1:00
      return local >= SundayOf(now, local, 3, 2) + 7200 &&
             local < SundayOf(now, local, 11, 1) + 3600;
    case Summer::kEuropean: {
      const CivilTime utc = ToCivil(instant);
      return instant >= SundayOf(utc, instant, 3, 0) + 3600 &&
             instant < SundayOf(utc, instant, 10, 0) + 3600;
    }
  }
  return false;
}

// "Etc/GMT+5" is five hours behind.
std::optional<int64_t> EtcHours(std::string_view zone) {
  constexpr std::string_view kPrefix = "Etc/GMT";
  if (!zone.starts_with(kPrefix) || zone.size() < kPrefix.size() + 2) return std::nullopt;
  const char sign = zone[kPrefix.size()];
  std::string_view digits = zone.substr(kPrefix.size() + 1);
  if ((sign != '+' && sign != '-') || digits.size() > 2 || (digits.size() == 2 && digits[0] == '0'))
    return std::nullopt;
  std::optional<uint64_t> hours = ParseUint(digits);
  if (!hours || *hours > (sign == '+' ? 12u : 14u)) return std::nullopt;
  return sign == '+' ? -static_cast<int64_t>(*hours) : static_cast<int64_t>(*hours);
}

}  // namespace

std::string ZoneOffset(std::string_view zone, int64_t instant, int64_t& seconds) {
  seconds = 0;
  const std::string unknown = "unknown time zone " + std::string(zone);
  if (size_t colon = zone.find(':'); colon != std::string_view::npos) {
    std::optional<int64_t> hours = ParseInt(zone.substr(0, colon)),
                           minutes = ParseInt(zone.substr(colon + 1));
    if (!hours || !minutes || *hours > 1'000'000 || *hours < -1'000'000 || *minutes > 1'000'000 ||
        *minutes < -1'000'000)
      return unknown;
    seconds = (*hours * 60 + (zone[0] == '-' ? -*minutes : *minutes)) * 60;
    return "";
  }
  if (zone.empty() || zone == "Local") return "";
  if (std::optional<int64_t> hours = EtcHours(zone); hours) {
    seconds = *hours * 3600;
    return "";
  }
  auto known =
      std::find_if(kZones.begin(), kZones.end(), [&](const Zone& z) { return z.name == zone; });
  if (known == kZones.end()) return unknown;
  if (known->since > 0 && ToCivil(instant).year < known->since)
    return "the rules of time zone " + std::string(zone) + " before " +
           std::to_string(known->since) + " are not known here";
  seconds = known->minutes * 60 + (IsSummer(*known, instant) ? 3600 : 0);
  return "";
}

}  // namespace dray::cel
