#include <cmath>

#include "api/cel/calendar.h"
#include "api/cel/network.h"
#include "api/cel/registry.h"
#include "api/cel/text.h"

// bool(), bytes(), double(), duration(), dyn(), int(), string(), timestamp(), type(), uint().
namespace dray::cel {
namespace {

Value Unconvertible(const Value& from, std::string_view to) {
  return Value::OwnedError("type conversion error from '" + std::string(TypeName(from)) + "' to '" +
                           std::string(to) + "'");
}

Value Same(Evaluation&, Args args) {
  return args[0];
}

Value TypeOf(Evaluation&, Args args) {
  return Value::Type(TypeName(args[0]));
}

Value ToBool(Evaluation&, Args args) {
  std::optional<bool> value = ParseBool(args[0].as_string());
  return value ? Value::Bool(*value) : Unconvertible(args[0], "bool");
}

Value ToBytes(Evaluation&, Args args) {
  return Value::Bytes(std::string(args[0].as_string()));
}

Value ToDouble(Evaluation&, Args args) {
  switch (args[0].kind()) {
    case Kind::kInt:
      return Value::Double(static_cast<double>(args[0].as_int()));
    case Kind::kUint:
      return Value::Double(static_cast<double>(args[0].as_uint()));
    default: {
      std::optional<double> value = ParseDouble(args[0].as_string());
      return value ? Value::Double(*value) : Unconvertible(args[0], "double");
    }
  }
}

Value ToDuration(Evaluation&, Args args) {
  if (!args[0].is(Kind::kString)) return Unconvertible(args[0], "google.protobuf.Duration");
  std::optional<int64_t> value = ParseDuration(args[0].as_string());
  return value ? Value::Duration(*value) : Unconvertible(args[0], "google.protobuf.Duration");
}

Value ToInt(Evaluation&, Args args) {
  const Value& v = args[0];
  switch (v.kind()) {
    case Kind::kUint:
      if (v.as_uint() > INT64_MAX) return Value::Error("integer overflow");
      return Value::Int(static_cast<int64_t>(v.as_uint()));
    case Kind::kDouble:
      if (!(v.as_double() > -0x1p63 && v.as_double() < 0x1p63))
        return Value::Error("integer overflow");
      return Value::Int(static_cast<int64_t>(v.as_double()));
    case Kind::kDuration:
      return Value::Int(v.as_duration());
    case Kind::kTimestamp:
      return Value::Int(v.seconds());
    default: {
      std::optional<int64_t> value = ParseInt(v.as_string());
      return value ? Value::Int(*value) : Unconvertible(v, "int");
    }
  }
}

Value ToUint(Evaluation&, Args args) {
  const Value& v = args[0];
  switch (v.kind()) {
    case Kind::kInt:
      if (v.as_int() < 0) return Value::Error("unsigned integer overflow");
      return Value::Uint(static_cast<uint64_t>(v.as_int()));
    case Kind::kDouble:
      if (!(v.as_double() >= 0 && v.as_double() < 0x1p64))
        return Value::Error("unsigned integer overflow");
      return Value::Uint(static_cast<uint64_t>(v.as_double()));
    default: {
      std::optional<uint64_t> value = ParseUint(v.as_string());
      return value ? Value::Uint(*value) : Unconvertible(v, "uint");
    }
  }
}

Value ToText(Evaluation&, Args args) {
  const Value& v = args[0];
  switch (v.kind()) {
    case Kind::kBool:
      return Value::BorrowedString(v.as_bool() ? "true" : "false");
    case Kind::kInt:
      return Value::String(std::to_string(v.as_int()));
    case Kind::kUint:
      return Value::String(std::to_string(v.as_uint()));
    case Kind::kDouble:
      return Value::String(FormatG(v.as_double()));
    case Kind::kTimestamp:
      return Value::String(FormatTimestamp(v));
    case Kind::kIp:
      return Value::String(v.as_ip().ToString());
    case Kind::kCidr:
      return Value::String(v.as_cidr().ToString());
    case Kind::kBytes:
      if (!ValidUtf8(v.as_bytes()))
        return Value::Error("invalid UTF-8 in bytes, cannot convert to string");
      return Value::String(std::string(v.as_bytes()));
    default:
      return Value::String(FormatDuration(v.as_duration()));
  }
}

Value ToTimestamp(Evaluation&, Args args) {
  if (args[0].is(Kind::kInt)) {
    if (args[0].as_int() < kMinTimestamp || args[0].as_int() > kMaxTimestamp)
      return Value::Error("timestamp overflow");
    return Value::Timestamp(args[0].as_int(), 0, 0);
  }
  std::optional<Value> value = ParseTimestamp(args[0].as_string());
  return value ? *value : Unconvertible(args[0], "google.protobuf.Timestamp");
}

}  // namespace

void AddConversions(Registry& r) {
  r.Global("type", "type", "A -> type(A)");
  r.Singleton("type", TypeOf);
  r.Global("dyn", "to_dyn", "A -> dyn");
  r.Singleton("dyn", Same);

  r.Global("bool", "bool_to_bool", "bool -> bool", Same);
  r.Global("bool", "string_to_bool", "string -> bool", ToBool);
  r.Global("bytes", "bytes_to_bytes", "bytes -> bytes", Same);
  r.Global("bytes", "string_to_bytes", "string -> bytes", ToBytes);
  r.Global("double", "double_to_double", "double -> double", Same);
  r.Global("double", "int64_to_double", "int -> double", ToDouble);
  r.Global("double", "string_to_double", "string -> double", ToDouble);
  r.Global("double", "uint64_to_double", "uint -> double", ToDouble);
  r.Global("duration", "duration_to_duration", "duration -> duration", Same);
  r.Global("duration", "int64_to_duration", "int -> duration", ToDuration);
  r.Global("duration", "string_to_duration", "string -> duration", ToDuration);
  r.Global("int", "int64_to_int64", "int -> int", Same);
  r.Global("int", "double_to_int64", "double -> int", ToInt);
  r.Global("int", "duration_to_int64", "duration -> int", ToInt);
  r.Global("int", "string_to_int64", "string -> int", ToInt);
  r.Global("int", "timestamp_to_int64", "timestamp -> int", ToInt);
  r.Global("int", "uint64_to_int64", "uint -> int", ToInt);
  r.Global("string", "string_to_string", "string -> string", Same);
  r.Global("string", "bool_to_string", "bool -> string", ToText);
  r.Global("string", "bytes_to_string", "bytes -> string", ToText);
  r.Global("string", "double_to_string", "double -> string", ToText);
  r.Global("string", "duration_to_string", "duration -> string", ToText);
  r.Global("string", "int64_to_string", "int -> string", ToText);
  r.Global("string", "timestamp_to_string", "timestamp -> string", ToText);
  r.Global("string", "uint64_to_string", "uint -> string", ToText);
  r.Global("string", "ip_to_string", "ip -> string", ToText);
  r.Global("string", "cidr_to_string", "cidr -> string", ToText);
  r.Global("timestamp", "timestamp_to_timestamp", "timestamp -> timestamp", Same);
  r.Global("timestamp", "int64_to_timestamp", "int -> timestamp", ToTimestamp);
  r.Global("timestamp", "string_to_timestamp", "string -> timestamp", ToTimestamp);
  r.Global("uint", "uint64_to_uint64", "uint -> uint", Same);
  r.Global("uint", "double_to_uint64", "double -> uint", ToUint);
  r.Global("uint", "int64_to_uint64", "int -> uint", ToUint);
  r.Global("uint", "string_to_uint64", "string -> uint", ToUint);
}

}  // namespace dray::cel
