#include "api/cel/messages.h"

#include <array>
#include <string>
#include <vector>

#include "api/cel/map_value.h"
#include "api/cel/object_pool.h"
#include "api/cel/text.h"
#include "dray/base/base64.h"

namespace dray::cel {
namespace {

using Form = MessageType::Form;

// What a wrapper holds, or null.
constexpr StaticType Nullable(const StaticType& type) {
  StaticType nullable = type;
  nullable.nullable = true;
  return nullable;
}

struct MessageTable {
  StaticType boolean = Nullable(types::kBool), bytes = Nullable(types::kBytes),
             floating = Nullable(types::kDouble), integer = Nullable(types::kInt),
             natural = Nullable(types::kUint), text = Nullable(types::kString);
  StaticType empty{TypeKind::kStruct, "google.protobuf.Empty", {}};
  StaticType list{TypeKind::kList, "list", {&types::kDyn}};
  StaticType map{TypeKind::kMap, "map", {&types::kString, &types::kDyn}};

  std::array<MessageField, 1> bool_fields = {{{"value", &types::kBool}}},
                              bytes_fields = {{{"value", &types::kBytes}}},
                              double_fields = {{{"value", &types::kDouble}}},
                              int_fields = {{{"value", &types::kInt}}},
                              uint_fields = {{{"value", &types::kUint}}},
                              string_fields = {{{"value", &types::kString}}},
                              struct_fields = {{{"fields", &map}}},
                              list_fields = {{{"values", &list}}};
  std::array<MessageField, 2> time_fields = {{{"seconds", &types::kInt}, {"nanos", &types::kInt}}},
                              any_fields = {
                                  {{"type_url", &types::kString}, {"value", &types::kBytes}}};
  std::array<MessageField, 6> value_fields = {{{"null_value", &types::kInt},
                                               {"number_value", &types::kDouble},
                                               {"string_value", &types::kString},
                                               {"bool_value", &types::kBool},
                                               {"struct_value", &map},
                                               {"list_value", &list}}};

  std::array<MessageType, 16> all = {{
      {"google.protobuf.BoolValue", Form::kWrapper, &boolean, bool_fields},
      {"google.protobuf.BytesValue", Form::kWrapper, &bytes, bytes_fields},
      {"google.protobuf.DoubleValue", Form::kWrapper, &floating, double_fields},
      {"google.protobuf.FloatValue", Form::kWrapper, &floating, double_fields, true},
      {"google.protobuf.Int64Value", Form::kWrapper, &integer, int_fields},
      {"google.protobuf.Int32Value", Form::kWrapper, &integer, int_fields, true},
      {"google.protobuf.UInt64Value", Form::kWrapper, &natural, uint_fields},
      {"google.protobuf.UInt32Value", Form::kWrapper, &natural, uint_fields, true},
      {"google.protobuf.StringValue", Form::kWrapper, &text, string_fields},
      {"google.protobuf.Duration", Form::kDuration, &types::kDuration, time_fields},
      {"google.protobuf.Timestamp", Form::kTimestamp, &types::kTimestamp, time_fields},
      {"google.protobuf.Any", Form::kAny, &types::kAny, any_fields},
      {"google.protobuf.Empty", Form::kEmpty, &empty, {}},
      {"google.protobuf.Struct", Form::kStruct, &map, struct_fields},
      {"google.protobuf.Value", Form::kValue, &types::kDyn, value_fields},
      {"google.protobuf.ListValue", Form::kListValue, &list, list_fields},
  }};
};

Value Unconverted(const Value& value, std::string_view field) {
  return Value::OwnedError("unsupported field type for " + std::string(field) + ": " +
                           std::string(TypeName(value)));
}

Value ToJson(const Value& value);

Value ToJsonList(const List& list) {
  std::vector<Value> items;
  for (size_t i = 0; i < list.size(); ++i) {
    items.push_back(ToJson(list.at(i)));
    if (items.back().is_error()) return items.back();
  }
  return Value::ListOf(items);
}

Value ToJsonMap(const Map& map) {
  auto* members = Make<LiteralMap>();
  for (size_t i = 0; i < map.size(); ++i) {
    Value key = map.KeyAt(i), member = ToJson(map.ValueAt(i));
    if (member.is_error()) return member;
    if (!key.is(Kind::kString))
      return Value::OwnedError("unsupported type conversion from '" + std::string(TypeName(key)) +
                               "' to a name in google.protobuf.Struct");
    members->Put(key, member);
  }
  return Value::Of(members);
}

// A value after it has been JSON: numbers are doubles, or text where a double would lose digits.
Value ToJson(const Value& value) {
  constexpr int64_t kMostExact = (int64_t{1} << 53) - 1;
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kDouble:
    case Kind::kString:
      return value;
    case Kind::kInt:
      return value.as_int() >= -kMostExact && value.as_int() <= kMostExact
                 ? Value::Double(static_cast<double>(value.as_int()))
                 : Value::String(std::to_string(value.as_int()));
    case Kind::kUint:
      return value.as_uint() <= static_cast<uint64_t>(kMostExact)
                 ? Value::Double(static_cast<double>(value.as_uint()))
                 : Value::String(std::to_string(value.as_uint()));
    case Kind::kBytes:
      return Value::String(EncodeBase64(value.as_bytes()));
    case Kind::kDuration:
      return Value::String(FormatDuration(value.as_duration()));
    case Kind::kTimestamp:
      return Value::String(FormatTimestamp(value));
    case Kind::kList:
      return ToJsonList(value.as_list());
    case Kind::kMap:
      return ToJsonMap(value.as_map());
    default:
      return Value::OwnedError("unsupported type conversion from '" + std::string(TypeName(value)) +
                               "' to google.protobuf.Value");
  }
}

Value MakeWrapper(const MessageType& message, const NamedValue* field) {
  switch (message.type->kind) {
    case TypeKind::kBool:
      if (field == nullptr) return Value::Bool(false);
      return field->value.is(Kind::kBool) ? field->value : Unconverted(field->value, message.name);
    case TypeKind::kBytes:
      if (field == nullptr) return Value::BorrowedBytes("");
      return field->value.is(Kind::kBytes) ? field->value : Unconverted(field->value, message.name);
    case TypeKind::kString:
      if (field == nullptr) return Value::BorrowedString("");
      return field->value.is(Kind::kString) ? field->value
                                            : Unconverted(field->value, message.name);
    case TypeKind::kDouble:
      if (field == nullptr) return Value::Double(0);
      if (!field->value.is(Kind::kDouble)) return Unconverted(field->value, message.name);
      return message.narrow
                 ? Value::Double(static_cast<double>(static_cast<float>(field->value.as_double())))
                 : field->value;
    case TypeKind::kInt:
      if (field == nullptr) return Value::Int(0);
      if (!field->value.is(Kind::kInt)) return Unconverted(field->value, message.name);
      return message.narrow && field->value.as_int() != static_cast<int32_t>(field->value.as_int())
                 ? Value::Error("integer overflow")
                 : field->value;
    default:
      if (field == nullptr) return Value::Uint(0);
      if (!field->value.is(Kind::kUint)) return Unconverted(field->value, message.name);
      return message.narrow && field->value.as_uint() > UINT32_MAX
                 ? Value::Error("unsigned integer overflow")
                 : field->value;
  }
}

Value MakeTime(const MessageType& message, std::span<const NamedValue> fields) {
  int64_t seconds = 0, nanos = 0;
  for (const auto& [name, value] : fields) {
    if (!value.is(Kind::kInt)) return Unconverted(value, message.name);
    (name == "seconds" ? seconds : nanos) = value.as_int();
  }
  if (nanos != static_cast<int32_t>(nanos)) return Value::Error("integer overflow");
  constexpr int64_t kSecond = 1'000'000'000;
  if (message.form == Form::kDuration) {
    int64_t duration;
    if (__builtin_mul_overflow(seconds, kSecond, &duration) ||
        __builtin_add_overflow(duration, nanos, &duration))
      duration = seconds < 0 ? INT64_MIN : INT64_MAX;
    return Value::Duration(duration);
  }
  int64_t carried = nanos / kSecond, rest = nanos % kSecond;
  if (rest < 0) rest += kSecond, --carried;
  if (__builtin_add_overflow(seconds, carried, &seconds)) return Value::Error("timestamp overflow");
  return Value::Timestamp(seconds, static_cast<uint32_t>(rest), 0);
}

Value MakeValue(std::span<const NamedValue> fields) {
  if (fields.empty()) return Value::Null();
  const auto& [name, value] = fields.back();
  const bool fits = name == "null_value"     ? value.is(Kind::kInt) || value.is(Kind::kNull)
                    : name == "number_value" ? value.is(Kind::kDouble)
                    : name == "string_value" ? value.is(Kind::kString)
                    : name == "bool_value"   ? value.is(Kind::kBool)
                    : name == "struct_value" ? value.is(Kind::kMap)
                                             : value.is(Kind::kList);
  if (!fits) return Unconverted(value, "google.protobuf.Value." + std::string(name));
  return name == "null_value" ? Value::Null() : ToJson(value);
}

}  // namespace

const MessageType* FindMessage(std::string_view name) {
  static const auto* const messages = new MessageTable;
  if (name.starts_with('.')) name.remove_prefix(1);
  for (const MessageType& message : messages->all)
    if (message.name == name) return &message;
  return nullptr;
}

Value MakeMessage(const MessageType& message, std::span<const NamedValue> fields) {
  const NamedValue* last = fields.empty() ? nullptr : &fields.back();
  switch (message.form) {
    case Form::kWrapper:
      return MakeWrapper(message, last);
    case Form::kDuration:
    case Form::kTimestamp:
      return MakeTime(message, fields);
    case Form::kAny:
      break;
    case Form::kEmpty:
      return Value::Message(message.name);
    case Form::kStruct:
      if (last == nullptr) return Value::Of(Make<LiteralMap>());
      return last->value.is(Kind::kMap) ? ToJsonMap(last->value.as_map())
                                        : Unconverted(last->value, message.name);
    case Form::kValue:
      return MakeValue(fields);
    case Form::kListValue:
      if (last == nullptr) return Value::ListOf({});
      return last->value.is(Kind::kList) ? ToJsonList(last->value.as_list())
                                         : Unconverted(last->value, message.name);
  }
  // What an Any holds would have to be known here by its URL.
  return Value::Error("anypb.UnmarshalNew() failed: no message type is registered");
}

}  // namespace dray::cel
