#include "devcluster/apiserver/field_check.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "dray/api/quantity.h"
#include "dray/api/types/meta.h"
#include "dray/base/base64.h"

namespace dray::devcluster {
namespace {

// Of the member as a whole, or of one value in its list or map.
std::string GoType(const SchemaField& field, bool whole) {
  std::string type;
  switch (field.type) {
    case ValueType::kInt32:
      type = "int32";
      break;
    case ValueType::kInt64:
      type = "int64";
      break;
    case ValueType::kBool:
      type = "bool";
      break;
    case ValueType::kBytes:
      type = "[]uint8";
      break;
    case ValueType::kTime:
      type = "v1.Time";
      break;
    case ValueType::kMicroTime:
      type = "v1.MicroTime";
      break;
    case ValueType::kQuantity:
      type = "resource.Quantity";
      break;
    case ValueType::kIntOrString:
      type = "intstr.IntOrString";
      break;
    case ValueType::kMessage:
      type = "v1." + field.message->ShortName();
      break;
    default:
      type = "string";
  }
  if (!whole || field.shape == ValueShape::kOne) return type;
  if (field.shape == ValueShape::kList) return "[]" + type;
  return "map[string]" + type;
}

std::string JsonKind(const Json& value) {
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "bool";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return "number";
}

class Walk {
 public:
  explicit Walk(std::vector<std::string>& unknown) : unknown_(unknown) {}

  Status Message(const SchemaMessage& message, Json& object, const std::string& path, bool root) {
    for (auto member = object.begin(); member != object.end();) {
      const std::string& name = member.key();
      auto known = message.members.find(name);
      bool type_meta = root && (name == "kind" || name == "apiVersion");
      std::string at = path.empty() ? name : path + "." + name;
      if (known == message.members.end() && !type_meta) {
        unknown_.push_back(at);
        member = object.erase(member);
        continue;
      }
      if (member->is_null()) {
        member = object.erase(member);
        continue;
      }
      if (type_meta) {
        if (!member->is_string())
          return Bad("json: cannot unmarshal " + JsonKind(*member) +
                     " into Go struct field TypeMeta." + name + " of type string");
      } else {
        owner_ = &message;
        DRAY_RETURN_IF_ERROR(Field(*known->second, *member, at));
        // [] and {} are what clears managedFields; elsewhere they are no different from absence.
        bool nothing =
            known->second->shape != ValueShape::kOne && member->empty() && name != "managedFields";
        if (nothing) {
          member = object.erase(member);
          continue;
        }
      }
      ++member;
    }
    return Ok();
  }

 private:
  static Status Bad(std::string message) { return Status(Reason::kBadRequest, std::move(message)); }
  Status Mismatch(const SchemaField& field, const Json& value, const std::string& path,
                  bool whole = false) const {
    std::string plain;  // Go names no indexes
    bool inside = false;
    for (char c : path) {
      if (c == '[') inside = true;
      if (!inside) plain += c;
      if (c == ']') inside = false;
    }
    // A number that does not fit is named.
    bool integer = field.type == ValueType::kInt32 || field.type == ValueType::kInt64;
    std::string what = JsonKind(value);
    if (value.is_number() && integer) what += " " + Dump(value);
    return Bad("json: cannot unmarshal " + what + " into Go struct field " + owner_->ShortName() +
               "." + plain + " of type " + GoType(field, whole));
  }

  Status Field(const SchemaField& field, Json& value, const std::string& path) {
    if (field.shape == ValueShape::kOne) return Value(field, value, path);
    const SchemaMessage* owner = owner_;
    if (field.shape == ValueShape::kList) {
      if (!value.is_array()) return Mismatch(field, value, path, true);
      for (size_t i = 0; i < value.size(); ++i) {
        owner_ = owner;
        DRAY_RETURN_IF_ERROR(Value(field, value[i], path + "[" + std::to_string(i) + "]"));
      }
      return Ok();
    }
    if (!value.is_object()) return Mismatch(field, value, path, true);
    for (auto& [key, entry] : value.items()) {
      owner_ = owner;
      DRAY_RETURN_IF_ERROR(Value(field, entry, path + "[" + key + "]"));
    }
    return Ok();
  }

  Status Value(const SchemaField& field, Json& value, const std::string& path) {
    // A null inside a list or map is Go's zero value.
    if (value.is_null() && field.type == ValueType::kString) value = "";
    if (value.is_null() && field.type == ValueType::kMessage) value = Json::object();
    switch (field.type) {
      case ValueType::kMessage:
        if (!value.is_object()) return Mismatch(field, value, path);
        return Message(*field.message, value, path, false);
      case ValueType::kRaw:
        return Ok();
      case ValueType::kBool:
        return value.is_boolean() ? Ok() : Mismatch(field, value, path);
      case ValueType::kInt32:
      case ValueType::kInt64:
        return Integer(field, value, path);
      case ValueType::kIntOrString:
        return value.is_string() || value.is_number_integer() ? Ok() : Mismatch(field, value, path);
      case ValueType::kQuantity:
        return Amount(field, value, path);
      default:
        break;
    }
    if (!value.is_string()) return Mismatch(field, value, path);
    const std::string& text = value.get_ref<const std::string&>();
    if (field.type == ValueType::kBytes && !DecodeBase64(text))
      return Bad("illegal base64 data in " + path);
    if (field.type == ValueType::kTime || field.type == ValueType::kMicroTime)
      return Moment(field.type == ValueType::kMicroTime, value);
    return Ok();
  }

  Status Integer(const SchemaField& field, const Json& value, const std::string& path) const {
    if (!value.is_number_integer()) return Mismatch(field, value, path);
    bool fits =
        value.is_number_unsigned()
            ? value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())
            : true;
    if (field.type == ValueType::kInt32 && fits) {
      int64_t number = value.get<int64_t>();
      fits = number >= std::numeric_limits<int32_t>::min() &&
             number <= std::numeric_limits<int32_t>::max();
    }
    return fits ? Ok() : Mismatch(field, value, path);
  }

  Status Amount(const SchemaField& field, Json& value, const std::string& path) const {
    if (!value.is_string() && !value.is_number()) return Mismatch(field, value, path);
    Result<api::Quantity> parsed =
        api::Quantity::Parse(value.is_string() ? value.get<std::string>() : Dump(value));
    if (!parsed.ok())
      return Bad(
          "quantities must match the regular expression "
          "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    value = parsed->ToString();
    return Ok();
  }

  static Status Moment(bool micro, Json& value) {
    const std::string text = value.get<std::string>();
    const char* layout = micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
    Result<WallTime> time = api::ParseTime(text);
    size_t dot = text.find('.');
    size_t digits =
        dot == std::string::npos
            ? 0
            : std::min(text.find_first_not_of("0123456789", dot + 1), text.size()) - dot - 1;
    if (!time.ok() || (micro && digits != 6))
      return Bad("parsing time \"" + text + "\" as \"" + layout + "\": cannot parse it");
    value =
        micro ? api::FormatMicroTime(api::ToMicroTime(*time)) : api::FormatTime(api::ToTime(*time));
    return Ok();
  }

  std::vector<std::string>& unknown_;
  const SchemaMessage* owner_ = nullptr;  // whose member is being looked at
};

std::string Quoted(const std::vector<std::string>& unknown) {
  std::string text;
  for (const std::string& path : unknown)
    text += (text.empty() ? "" : ", ") + std::string("unknown field \"") + path + "\"";
  return text;
}

}  // namespace

Status CheckFields(const SchemaMessage& message, Json& object, std::vector<std::string>& unknown) {
  return Walk(unknown).Message(message, object, "", true);
}

Status UnderstandFields(Call& call, SentAs sent_as, Json& object) {
  const Resource& resource = *call.resource;
  const SchemaMessage* message = Schema::Kubernetes().ForKind(resource.group, resource.kind);
  if (!message) return Ok();
  std::string refusal = resource.kind + " in version \"" + call.path.version +
                        "\" cannot be handled as a " + resource.kind + ": ";
  std::vector<std::string> unknown;
  if (Status status = CheckFields(*message, object, unknown); !status.ok())
    return Status(status.reason(), refusal + status.message());
  std::string validation = call.query.Get("fieldValidation");
  if (unknown.empty()) return Ok();
  if (sent_as == SentAs::kApply)
    return Status(Reason::kInternal, "failed to create typed patch object (" + call.Key() + "; " +
                                         resource.group + "/" + call.path.version +
                                         ", Kind=" + resource.kind + "): ." + unknown[0] +
                                         ": field not declared in schema");
  if (validation == "Strict") {
    std::string error = "strict decoding error: " + Quoted(unknown);
    if (sent_as == SentAs::kBody) return Status(Reason::kBadRequest, refusal + error);
    Status status(Reason::kInvalid, " \"\" is invalid: patch: Invalid value: " + error);
    status.causes.push_back({"FieldValueInvalid", "Invalid value: " + error, "patch"});
    return status;
  }
  if (validation == "Ignore") return Ok();
  for (const std::string& path : unknown) {
    std::string warning = "unknown field \"" + path + "\"";
    // A patch is tried again after a conflict.
    if (std::find(call.warnings.begin(), call.warnings.end(), warning) == call.warnings.end())
      call.warnings.push_back(std::move(warning));
  }
  return Ok();
}

Status CanonicalFields(const Resource& resource, Json& object) {
  const SchemaMessage* message = Schema::Kubernetes().ForKind(
      resource.stored_as_group ? resource.stored_as_group : resource.group, resource.kind);
  std::vector<std::string> unknown;
  return message ? CheckFields(*message, object, unknown) : Ok();
}

}  // namespace dray::devcluster
