#include "api/cel/compare.h"

#include <cmath>
#include <functional>

#include "api/cel/network.h"
#include "api/cel/text.h"
#include "api/cel/url.h"

namespace dray::cel {
namespace {

int Sign(auto a, auto b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

int CompareDoubleInt(double d, int64_t i) {
  if (d < -0x1p63) return -1;
  if (d > 0x1p63) return 1;
  return Sign(d, static_cast<double>(i));
}
int CompareDoubleUint(double d, uint64_t u) {
  if (d < 0) return -1;
  if (d > 0x1p64) return 1;
  return Sign(d, static_cast<double>(u));
}
int CompareIntUint(int64_t i, uint64_t u) {
  if (i < 0 || u > INT64_MAX) return -1;
  return Sign(i, static_cast<int64_t>(u));
}

bool IsNumber(const Value& v) {
  return v.is(Kind::kInt) || v.is(Kind::kUint) || v.is(Kind::kDouble);
}
bool IsNan(const Value& v) {
  return v.is(Kind::kDouble) && std::isnan(v.as_double());
}

int CompareNumbers(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::kInt:
      if (b.is(Kind::kInt)) return Sign(a.as_int(), b.as_int());
      return b.is(Kind::kUint) ? CompareIntUint(a.as_int(), b.as_uint())
                               : -CompareDoubleInt(b.as_double(), a.as_int());
    case Kind::kUint:
      if (b.is(Kind::kUint)) return Sign(a.as_uint(), b.as_uint());
      return b.is(Kind::kInt) ? -CompareIntUint(b.as_int(), a.as_uint())
                              : -CompareDoubleUint(b.as_double(), a.as_uint());
    default:
      if (b.is(Kind::kDouble)) return Sign(a.as_double(), b.as_double());
      return b.is(Kind::kInt) ? CompareDoubleInt(a.as_double(), b.as_int())
                              : CompareDoubleUint(a.as_double(), b.as_uint());
  }
}

// Elements that cannot be compared count as equal, except in a joined list, whose error shows
// unless something differs.
Value EqualLists(Evaluation& ev, const List& a, const List& b) {
  if (a.size() != b.size()) return Value::Bool(false);
  Value error;
  for (size_t i = 0; i < a.size(); ++i) {
    ev.Work(1);
    Value equal = Equal(ev, a.at(i), b.at(i));
    if (equal.is(Kind::kBool) && !equal.as_bool()) return equal;
    if (equal.is_error() && a.joined() && !error.is_error()) error = std::move(equal);
  }
  return error.is_error() ? error : Value::Bool(true);
}

Value EqualMaps(Evaluation& ev, const Map& a, const Map& b) {
  if (a.size() != b.size()) return Value::Bool(false);
  for (size_t i = 0; i < a.size(); ++i) {
    ev.Work(1);
    Value other;
    if (!b.Find(a.KeyAt(i), other)) return Value::Bool(false);
    Value equal = Equal(ev, a.ValueAt(i), other);
    if (equal.is(Kind::kBool) && !equal.as_bool()) return equal;
  }
  return Value::Bool(true);
}

}  // namespace

Value Equal(Evaluation& ev, const Value& a, const Value& b) {
  if (a.is(Kind::kNull) || b.is(Kind::kNull)) return Value::Bool(a.kind() == b.kind());
  return EqualTo(ev, a, b);
}

Value EqualTo(Evaluation& ev, const Value& a, const Value& b) {
  if (IsNumber(a))
    return Value::Bool(IsNumber(b) && !IsNan(a) && !IsNan(b) && CompareNumbers(a, b) == 0);
  bool same_kind = a.kind() == b.kind();
  switch (a.kind()) {
    case Kind::kQuantity:
      if (!same_kind || b.summed()) return Value::NoSuchOverload();
      return Value::Bool(a.as_quantity() == b.as_quantity());
    case Kind::kSemver:
      return same_kind ? Value::Bool(Compare(a.as_semver(), b.as_semver()) == 0)
                       : Value::NoSuchOverload();
    case Kind::kUrl:
      return same_kind ? Value::Bool(a.as_url().ToString() == b.as_url().ToString())
                       : Value::NoSuchOverload();
    case Kind::kIp:
      return same_kind ? Value::Bool(a.as_ip().Equals(b.as_ip())) : Value::NoSuchOverload();
    case Kind::kCidr:
      if (!same_kind) return Value::NoSuchOverload();
      return Value::Bool(a.as_cidr().v4 == b.as_cidr().v4 &&
                         a.as_cidr().bytes == b.as_cidr().bytes &&
                         a.as_cidr().prefix == b.as_cidr().prefix);
    case Kind::kFormat:
      return same_kind ? Value::Bool(a.identity() == b.identity()) : Value::NoSuchOverload();
    case Kind::kError:
      return a;
    default:
      break;
  }
  if (!same_kind) return Value::Bool(false);
  switch (a.kind()) {
    case Kind::kNull:
      return Value::Bool(true);
    case Kind::kBool:
      return Value::Bool(a.as_bool() == b.as_bool());
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType:
    case Kind::kMessage:
      return Value::Bool(a.as_string() == b.as_string());
    case Kind::kDuration:
      return Value::Bool(a.as_duration() == b.as_duration());
    case Kind::kTimestamp:
      return Value::Bool(a.seconds() == b.seconds() && a.nanoseconds() == b.nanoseconds());
    case Kind::kList:
      return EqualLists(ev, a.as_list(), b.as_list());
    case Kind::kMap:
      return EqualMaps(ev, a.as_map(), b.as_map());
    case Kind::kOptional:
      if (!a.has_value() || !b.has_value()) return Value::Bool(a.has_value() == b.has_value());
      return EqualTo(ev, a.optional_value(), b.optional_value());
    default:
      return Value::Bool(false);
  }
}

bool IsComparable(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kDuration:
    case Kind::kTimestamp:
      return true;
    default:
      return false;
  }
}

Value Compare(const Value& a, const Value& b) {
  if (IsNumber(a)) {
    if (IsNan(a)) return Value::Error("NaN values cannot be ordered");
    if (!IsNumber(b)) return Value::NoSuchOverload();
    return IsNan(b) ? Value::Error("NaN values cannot be ordered")
                    : Value::Int(CompareNumbers(a, b));
  }
  if (a.kind() != b.kind()) return Value::NoSuchOverload();
  switch (a.kind()) {
    case Kind::kBool:
      return Value::Int(Sign(a.as_bool(), b.as_bool()));
    case Kind::kString:
    case Kind::kBytes:
      return Value::Int(Sign(a.as_string().compare(b.as_string()), 0));
    case Kind::kDuration:
      return Value::Int(Sign(a.as_duration(), b.as_duration()));
    case Kind::kTimestamp:
      if (a.seconds() != b.seconds()) return Value::Int(Sign(a.seconds(), b.seconds()));
      return Value::Int(Sign(a.nanoseconds(), b.nanoseconds()));
    default:
      return Value::NoSuchOverload();
  }
}

bool Contains(Evaluation& ev, const List& list, const Value& element) {
  ev.Work(list.size());
  for (size_t i = 0; i < list.size(); ++i)
    if (IsTrue(EqualTo(ev, element, list.at(i)))) return true;
  return false;
}

uint64_t SizeOf(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
      return RuneCount(value.as_string());
    case Kind::kBytes:
      return value.as_bytes().size();
    case Kind::kList:
      return value.as_list().size();
    case Kind::kMap:
      return value.as_map().size();
    case Kind::kIp:
      return value.as_ip().v4 ? 4 : 16;
    case Kind::kCidr:
      return (value.as_cidr().prefix + 7) / 8;
    default:
      return 1;
  }
}

bool SameKey(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return a.as_bool() == b.as_bool();
    case Kind::kInt:
    case Kind::kDuration:
      return a.as_int() == b.as_int();
    case Kind::kUint:
      return a.as_uint() == b.as_uint();
    case Kind::kDouble:
      return a.as_double() == b.as_double();
    case Kind::kString:
      return a.as_string() == b.as_string();
    case Kind::kTimestamp:
      return a.seconds() == b.seconds() && a.nanoseconds() == b.nanoseconds() &&
             a.offset_minutes() == b.offset_minutes();
    case Kind::kIp:
      return a.as_ip().Equals(b.as_ip());
    default:
      return a.identity() == b.identity();
  }
}

uint64_t HashKey(const Value& key) {
  uint64_t seed = static_cast<uint64_t>(key.kind()) * 0x9E3779B97F4A7C15u;
  switch (key.kind()) {
    case Kind::kString:
      return seed ^ std::hash<std::string_view>()(key.as_string());
    case Kind::kInt:
    case Kind::kDuration:
    case Kind::kTimestamp:
      return seed ^ std::hash<int64_t>()(key.as_int());
    case Kind::kUint:
      return seed ^ std::hash<uint64_t>()(key.as_uint());
    case Kind::kDouble:
      return seed ^ std::hash<double>()(key.as_double());
    default:
      return seed;
  }
}

}  // namespace dray::cel
