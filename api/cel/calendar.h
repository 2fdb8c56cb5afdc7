#pragma once

#include <cstdint>

// The calendar of timestamps: proleptic Gregorian, UTC.
namespace dray::cel {

inline constexpr int64_t kMinTimestamp =
    -62135596800;  // 0001-01-01T00:00:00Z, in seconds since 1970
inline constexpr int64_t kMaxTimestamp = 253402300799;  // 9999-12-31T23:59:59Z

struct CivilTime {
  int64_t year = 0;
  int month = 0;        // 1 to 12
  int day = 0;          // 1 to 31
  int day_of_year = 0;  // from 0
  int weekday = 0;      // 0: Sunday
  int hour = 0, minute = 0, second = 0;
};
CivilTime ToCivil(int64_t seconds);

}  // namespace dray::cel
