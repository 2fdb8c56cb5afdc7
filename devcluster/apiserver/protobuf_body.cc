#include "devcluster/apiserver/protobuf_body.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/schema.h"
#include "dray/api/types/meta.h"
#include "dray/base/base64.h"

namespace dray::devcluster {
namespace {

constexpr std::string_view kMagic("k8s\0", 4);
// As for JSON: the deepest Kubernetes type stays far below.
constexpr int kDeepestMessage = 100;

Status Malformed(const std::string& what) {
  return Status(Reason::kBadRequest, "the protobuf body is malformed: " + what);
}

// One field as it lies on the wire.
struct WireField {
  uint32_t number = 0;
  int type = 0;            // 0 varint, 1 and 5 fixed, 2 bytes
  uint64_t value = 0;      // of 0
  std::string_view bytes;  // of 2
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool done() const { return left_.empty(); }
  size_t size() const { return left_.size(); }

  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) return std::nullopt;
      auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

  // Nothing when the bytes end in the middle.
  std::optional<WireField> Next() {
    std::optional<uint64_t> tag = Varint();
    if (!tag) return std::nullopt;
    WireField field;
    field.number = static_cast<uint32_t>(*tag >> 3);
    field.type = static_cast<int>(*tag & 7);
    if (field.type == 0) {
      std::optional<uint64_t> value = Varint();
      if (!value) return std::nullopt;
      field.value = *value;
      return field;
    }
    std::optional<uint64_t> length = field.type == 1   ? 8
                                     : field.type == 5 ? 4
                                     : field.type == 2 ? Varint()
                                                       : std::nullopt;
    if (!length || *length > left_.size()) return std::nullopt;
    field.bytes = left_.substr(0, *length);
    left_.remove_prefix(*length);
    return field;
  }

 private:
  std::string_view left_;
};

// Seconds and nanoseconds of a metav1.Timestamp; null for the zero time, which is the empty
// message.
Result<Json> Moment(std::string_view bytes, bool micro) {
  if (bytes.empty()) return Json();
  int64_t seconds = 0, nanos = 0;
  for (Reader reader(bytes); !reader.done();) {
    std::optional<WireField> field = reader.Next();
    if (!field) return Malformed("a time ends too early");
    if (field->number == 1) seconds = static_cast<int64_t>(field->value);
    if (field->number == 2) nanos = static_cast<int32_t>(field->value);
  }
  constexpr int64_t kFarthest = 9'000'000'000;  // the clock's nanoseconds end in the year 2262
  if (seconds < -kFarthest || seconds > kFarthest)
    return Malformed("a time outside of 1684 to 2255");
  WallTime time{std::chrono::duration_cast<WallTime::duration>(std::chrono::seconds(seconds) +
                                                               std::chrono::nanoseconds(nanos))};
  return Json(micro ? api::FormatMicroTime(api::ToMicroTime(time))
                    : api::FormatTime(api::ToTime(time)));
}

// The only member of Quantity, RawExtension and FieldsV1.
Result<std::string_view> OnlyMember(std::string_view bytes) {
  std::string_view member;
  for (Reader reader(bytes); !reader.done();) {
    std::optional<WireField> field = reader.Next();
    if (!field) return Malformed("a member ends too early");
    if (field->number == 1) member = field->bytes;
  }
  return member;
}

Result<Json> IntOrString(std::string_view bytes) {
  int64_t type = 0, number = 0;
  std::string text;
  for (Reader reader(bytes); !reader.done();) {
    std::optional<WireField> field = reader.Next();
    if (!field) return Malformed("a number or text ends too early");
    if (field->number == 1) type = static_cast<int64_t>(field->value);
    if (field->number == 2) number = static_cast<int32_t>(field->value);
    if (field->number == 3) text = field->bytes;
  }
  return type == 0 ? Json(number) : Json(text);
}

Result<Json> Message(const SchemaMessage& message, std::string_view bytes, int depth);

Result<Json> Value(const SchemaField& field, const WireField& wire, int depth) {
  bool scalar = field.type == ValueType::kInt32 || field.type == ValueType::kInt64 ||
                field.type == ValueType::kBool;
  if (scalar != (wire.type == 0)) return Malformed("member " + field.name + " has another type");
  switch (field.type) {
    case ValueType::kInt32:
      return Json(static_cast<int32_t>(wire.value));
    case ValueType::kInt64:
      return Json(static_cast<int64_t>(wire.value));
    case ValueType::kBool:
      return Json(wire.value != 0);
    case ValueType::kBytes:
      return Json(EncodeBase64(wire.bytes));
    case ValueType::kTime:
      return Moment(wire.bytes, false);
    case ValueType::kMicroTime:
      return Moment(wire.bytes, true);
    case ValueType::kIntOrString:
      return IntOrString(wire.bytes);
    case ValueType::kQuantity: {
      DRAY_ASSIGN_OR_RETURN(std::string_view text, OnlyMember(wire.bytes));
      return Json(text.empty() ? "0" : std::string(text));
    }
    case ValueType::kRaw: {
      DRAY_ASSIGN_OR_RETURN(std::string_view text, OnlyMember(wire.bytes));
      return text.empty() ? Result<Json>(Json()) : ParseJson(text);
    }
    case ValueType::kMessage:
      return Message(*field.message, wire.bytes, depth + 1);
    case ValueType::kString:
      break;
  }
  return Json(std::string(wire.bytes));
}

bool IsZero(const Json& value) {
  return (value.is_string() && value.get_ref<const std::string&>().empty()) || value == 0 ||
         value == false;
}

// map<string, V>: key 1, value 2.
Status AddEntry(const SchemaField& field, std::string_view bytes, int depth, Json& map) {
  std::string key;
  SchemaField single = field;
  single.shape = ValueShape::kOne;
  Json value = field.type == ValueType::kMessage ? Json::object() : Json("");
  for (Reader reader(bytes); !reader.done();) {
    std::optional<WireField> wire = reader.Next();
    if (!wire) return Malformed("an entry of " + field.name + " ends too early");
    if (wire->number == 1) key = wire->bytes;
    if (wire->number == 2) {
      DRAY_ASSIGN_OR_RETURN(value, Value(single, *wire, depth));
    }
  }
  map[key] = std::move(value);
  return Ok();
}

Status AddMember(const SchemaField& field, const WireField& wire, int depth, Json& object) {
  if (field.name.empty()) {
    DRAY_ASSIGN_OR_RETURN(Json inlined, Message(*field.message, wire.bytes, depth + 1));
    object.update(inlined);
    return Ok();
  }
  if (field.shape == ValueShape::kMap) {
    if (wire.type != 2) return Malformed("member " + field.name + " has another type");
    return AddEntry(field, wire.bytes, depth, object[field.name]);
  }
  bool packed = field.shape == ValueShape::kList && wire.type == 2 &&
                (field.type == ValueType::kInt32 || field.type == ValueType::kInt64 ||
                 field.type == ValueType::kBool);
  if (packed) {
    for (Reader reader(wire.bytes); !reader.done();) {
      std::optional<uint64_t> number = reader.Varint();
      if (!number) return Malformed("member " + field.name + " ends too early");
      DRAY_ASSIGN_OR_RETURN(
          Json value, Value(field, {.number = field.number, .value = *number, .bytes = {}}, depth));
      object[field.name].push_back(std::move(value));
    }
    return Ok();
  }
  DRAY_ASSIGN_OR_RETURN(Json value, Value(field, wire, depth));
  if (field.shape == ValueShape::kList) object[field.name].push_back(std::move(value));
  // Go writes members that are no pointers even when they are empty; JSON leaves them out.
  else if (!value.is_null() && (field.keeps_zero || !IsZero(value)))
    object[field.name] = std::move(value);
  return Ok();
}

Result<Json> Message(const SchemaMessage& message, std::string_view bytes, int depth) {
  if (depth > kDeepestMessage) return Malformed("it is nested too deep");
  Json object = Json::object();
  for (Reader reader(bytes); !reader.done();) {
    std::optional<WireField> wire = reader.Next();
    if (!wire) return Malformed(message.name + " ends too early");
    for (const SchemaField& field : message.fields)
      if (field.number == wire->number) {
        DRAY_RETURN_IF_ERROR(AddMember(field, *wire, depth, object));
        break;
      }
  }
  return object;
}

}  // namespace

Result<Json> ParseProtobufBody(std::string_view body) {
  if (!body.starts_with(kMagic)) return Malformed("it does not begin with \"k8s\\0\"");
  std::string api_version, kind;
  std::string_view raw;
  for (Reader reader(body.substr(kMagic.size())); !reader.done();) {
    std::optional<WireField> field = reader.Next();
    if (!field) return Malformed("the envelope ends too early");
    if (field->number == 2) raw = field->bytes;
    if (field->number != 1) continue;
    for (Reader meta(field->bytes); !meta.done();) {
      std::optional<WireField> member = meta.Next();
      if (!member) return Malformed("the envelope's type ends too early");
      if (member->number == 1) api_version = member->bytes;
      if (member->number == 2) kind = member->bytes;
    }
  }
  size_t slash = api_version.find('/');
  std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  const SchemaMessage* message = Schema::Kubernetes().ForKind(group, kind);
  if (!message)
    return Status(Reason::kBadRequest,
                  "no kind \"" + kind + "\" is registered for version \"" + api_version + "\"");
  DRAY_ASSIGN_OR_RETURN(Json document, Message(*message, raw, 0));
  document["kind"] = kind;
  document["apiVersion"] = api_version;
  return document;
}

}  // namespace dray::devcluster
