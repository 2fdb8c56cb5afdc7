#include <gtest/gtest.h>

#include "dray/api/cel.h"

namespace dray::cel {
namespace {

// What a device selector says of getHours() and its like in a zone.
std::string InZone(const std::string& time, const std::string& zone, const std::string& want) {
  const api::Device device;
  const std::string expression = "timestamp('" + time + "').getHours('" + zone + "') == " + want;
  auto program = Program::Compile(expression);
  if (!program.ok()) return program.status().message();
  Result<bool> matches = (*program)->Matches(DeviceView(device, "d"));
  return matches.ok() ? (*matches ? "yes" : "no") : matches.status().message();
}

TEST(CelTimeZone, HoursByName) {
  struct Case {
    const char *time, *zone, *hours;
  };
  for (const Case& c : std::vector<Case>{
           {"2026-01-15T12:00:00Z", "UTC", "12"},
           {"2026-01-15T12:00:00Z", "", "12"},
           {"2026-01-15T12:00:00Z", "Etc/GMT+5", "7"},
           {"2026-01-15T12:00:00Z", "Etc/GMT-14", "2"},
           {"2026-01-15T12:00:00Z", "+02:30", "14"},
           {"2026-01-15T12:00:00Z", "-7:30", "4"},
           {"2026-01-15T12:00:00Z", "Asia/Kolkata", "17"},
           {"2026-07-15T12:00:00Z", "Asia/Tokyo", "21"},
           // America: the second Sunday of March, the first of November, at 2:00.
           {"2024-03-10T06:59:59Z", "America/New_York", "1"},
           {"2024-03-10T07:00:00Z", "America/New_York", "3"},
           {"2024-11-03T05:59:59Z", "America/New_York", "1"},
           {"2024-11-03T06:00:00Z", "America/New_York", "1"},
           {"2024-11-03T07:00:00Z", "America/New_York", "2"},
           {"2026-03-08T09:59:59Z", "America/Los_Angeles", "1"},
           {"2026-03-08T10:00:00Z", "America/Los_Angeles", "3"},
           {"2026-12-31T23:30:00Z", "America/Los_Angeles", "15"},
           // Europe: the last Sundays of March and October, at 1:00 UTC.
           {"2024-03-31T00:59:59Z", "Europe/Berlin", "1"},
           {"2024-03-31T01:00:00Z", "Europe/Berlin", "3"},
           {"2024-10-27T00:59:59Z", "Europe/Berlin", "2"},
           {"2024-10-27T01:00:00Z", "Europe/Berlin", "2"},
           {"2024-10-27T02:00:00Z", "Europe/Berlin", "3"},
           {"2026-03-29T01:00:00Z", "Europe/London", "2"},
           {"2026-01-01T00:00:00Z", "Europe/Athens", "2"},
       })
    EXPECT_EQ(InZone(c.time, c.zone, c.hours), "yes") << c.time << " " << c.zone;
}

TEST(CelTimeZone, UnknownOnesAreErrors) {
  for (const char* zone : {"Z", "utc", "Mars/Olympus", "Etc/GMT+13", "Etc/GMT+05", "1:x"})
    EXPECT_EQ(InZone("2026-01-15T12:00:00Z", zone, "12"), std::string("unknown time zone ") + zone);
  EXPECT_EQ(InZone("1990-01-15T12:00:00Z", "Europe/Paris", "13"),
            "the rules of time zone Europe/Paris before 1997 are not known here");
}

}  // namespace
}  // namespace dray::cel
