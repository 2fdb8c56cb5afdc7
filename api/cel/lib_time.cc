#include "api/cel/calendar.h"
#include "api/cel/registry.h"
#include "api/cel/time_zone.h"

// getFullYear() and the like of timestamps, in UTC or in the zone given by offset or name;
// getHours() and the like of durations.
namespace dray::cel {
namespace {

enum class Field {
  kYear,
  kMonth,
  kDayOfYear,
  kDayOfMonth,
  kDate,
  kDayOfWeek,
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds
};

template <Field field>
Value OfTimestamp(Evaluation&, Args args) {
  int64_t offset = 0;
  if (args.size() == 2) {
    std::string error = ZoneOffset(args[1].as_string(), args[0].seconds(), offset);
    if (!error.empty()) return Value::OwnedError(std::move(error));
  }
  CivilTime t = ToCivil(args[0].seconds() + offset);
  switch (field) {
    case Field::kYear:
      return Value::Int(t.year);
    case Field::kMonth:
      return Value::Int(t.month - 1);
    case Field::kDayOfYear:
      return Value::Int(t.day_of_year);
    case Field::kDayOfMonth:
      return Value::Int(t.day - 1);
    case Field::kDate:
      return Value::Int(t.day);
    case Field::kDayOfWeek:
      return Value::Int(t.weekday);
    case Field::kHours:
      return Value::Int(t.hour);
    case Field::kMinutes:
      return Value::Int(t.minute);
    case Field::kSeconds:
      return Value::Int(t.second);
    case Field::kMilliseconds:
      return Value::Int(args[0].nanoseconds() / 1'000'000);
  }
  return Value::NoSuchOverload();
}

template <int64_t unit>
Value OfDuration(Evaluation&, Args args) {
  return Value::Int(args[0].as_duration() / unit);
}

template <Field field>
void AddField(Registry& r, std::string_view function, const std::string& id,
              std::string_view with_zone) {
  r.Member(function, id, "timestamp -> int", OfTimestamp<field>);
  r.Member(function, id + std::string(with_zone), "timestamp, string -> int", OfTimestamp<field>);
}

}  // namespace

void AddTime(Registry& r) {
  AddField<Field::kYear>(r, "getFullYear", "timestamp_to_year", "_with_tz");
  AddField<Field::kMonth>(r, "getMonth", "timestamp_to_month", "_with_tz");
  AddField<Field::kDayOfYear>(r, "getDayOfYear", "timestamp_to_day_of_year", "_with_tz");
  AddField<Field::kDayOfMonth>(r, "getDayOfMonth", "timestamp_to_day_of_month", "_with_tz");
  AddField<Field::kDate>(r, "getDate", "timestamp_to_day_of_month_1_based", "_with_tz");
  AddField<Field::kDayOfWeek>(r, "getDayOfWeek", "timestamp_to_day_of_week", "_with_tz");
  AddField<Field::kHours>(r, "getHours", "timestamp_to_hours", "_with_tz");
  r.Member("getHours", "duration_to_hours", "duration -> int", OfDuration<3'600'000'000'000>);
  AddField<Field::kMinutes>(r, "getMinutes", "timestamp_to_minutes", "_with_tz");
  r.Member("getMinutes", "duration_to_minutes", "duration -> int", OfDuration<60'000'000'000>);
  AddField<Field::kSeconds>(r, "getSeconds", "timestamp_to_seconds", "_tz");
  r.Member("getSeconds", "duration_to_seconds", "duration -> int", OfDuration<1'000'000'000>);
  AddField<Field::kMilliseconds>(r, "getMilliseconds", "timestamp_to_milliseconds", "_with_tz");
  r.Member("getMilliseconds", "duration_to_milliseconds", "duration -> int", OfDuration<1'000'000>);
}

}  // namespace dray::cel
