#pragma once

#include <span>
#include <string_view>

#include "api/cel/type.h"
#include "api/cel/value.h"

// google.protobuf.Int64Value{value: 1} and the other messages of protobuf that expressions can
// write: wrappers, Duration, Timestamp, Any, Empty, and those of JSON. Only Empty stays a message:
// the value of the others is the number, the text, the map... that they stand for, as in cel-go.
namespace dray::cel {

struct MessageField {
  std::string_view name;
  const StaticType* type;
};

struct MessageType {
  enum class Form : uint8_t {
    kWrapper,
    kDuration,
    kTimestamp,
    kAny,
    kEmpty,
    kStruct,
    kValue,
    kListValue
  };

  std::string_view name;  // "google.protobuf.Int64Value"
  Form form;
  const StaticType* type;  // what an expression that writes it is; a wrapper may also be null
  std::span<const MessageField> fields;
  bool narrow = false;  // 32 bits: a number that does not fit is an error, a double is rounded
};

// Null when there is no such message.
const MessageType* FindMessage(std::string_view name);

struct NamedValue {
  std::string_view name;
  Value value;
};
// The value of a message with these fields, all of which it has; an error value when one has no
// value of the field's type.
Value MakeMessage(const MessageType& message, std::span<const NamedValue> fields);

}  // namespace dray::cel
