#include "api/types/json_walk.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "api/types/scalars.h"

namespace dray::api {
namespace {

class Reader {
 public:
  explicit Reader(bool beta1) : beta1_(beta1) {}
  PathError error;

  bool Value(const Json& json, const TypeInfo& type, void* out) {
    if (json.is_null()) return true;  // as absent
    switch (type.shape) {
      case Shape::kBool:
        if (!json.is_boolean()) return Mismatch(json, type.shape);
        *static_cast<bool*>(out) = json.get<bool>();
        return true;
      case Shape::kInt32: {
        int64_t wide = 0;
        if (!Integer(json, type.shape, &wide)) return false;
        if (wide < std::numeric_limits<int32_t>::min() ||
            wide > std::numeric_limits<int32_t>::max())
          return error.Set(Reason::kInvalid, std::to_string(wide) + " is out of range");
        *static_cast<int32_t*>(out) = static_cast<int32_t>(wide);
        return true;
      }
      case Shape::kInt64:
        return Integer(json, type.shape, static_cast<int64_t*>(out));
      case Shape::kRaw:
        *static_cast<std::string*>(out) = Dump(json);
        return true;
      case Shape::kIntOrString: {
        auto& either = *static_cast<IntOrString*>(out);
        if (!json.is_string()) return Integer(json, type.shape, &either.value.emplace<int64_t>());
        either.value = json.get_ref<const std::string&>();
        return true;
      }
      case Shape::kQuantity:
        if (json.is_number()) return Text(json.dump(), type.shape, out);
        [[fallthrough]];
      case Shape::kString:
      case Shape::kBytes:
      case Shape::kTime:
      case Shape::kMicroTime:
        if (!json.is_string()) return Mismatch(json, type.shape);
        return Text(json.get_ref<const std::string&>(), type.shape, out);
      case Shape::kOptional:
        return Value(json, *type.element, type.add(out, {}));
      case Shape::kBoolList:
        return Bools(json, static_cast<std::vector<bool>*>(out));
      case Shape::kList: {
        if (!json.is_array()) return Mismatch(json, type.shape);
        type.clear(out);
        for (size_t i = 0; i < json.size(); ++i)
          if (!Value(json[i], *type.element, type.add(out, {}))) return error.InElement(i);
        return true;
      }
      case Shape::kMap:
        if (!json.is_object()) return Mismatch(json, type.shape);
        type.clear(out);
        for (const auto& [key, element] : json.items())
          if (!Value(element, *type.element, type.add(out, key))) return error.InKey(key);
        return true;
      case Shape::kStruct:
        return json.is_object() ? Struct(json, type, out) : Mismatch(json, type.shape);
    }
    return false;
  }

 private:
  bool Struct(const Json& json, const TypeInfo& type, void* out) {
    for (const FieldInfo& field : type.fields) {
      if (field.beta1 && !beta1_) continue;
      auto found = json.find(field.name);
      if (found == json.end() || found->is_null()) continue;
      void* member = field.write(out);
      if (member == nullptr) {
        error.Set(Reason::kInvalid, "exactly one value may be set");
        return error.InField(field.name);
      }
      if (!Value(*found, field.type != nullptr ? *field.type : type, member))
        return error.InField(field.name);
    }
    if (beta1_ && type.after_beta1 != nullptr) type.after_beta1(out);
    return true;
  }

  bool Bools(const Json& json, std::vector<bool>* out) {
    if (!json.is_array()) return Mismatch(json, Shape::kBoolList);
    out->clear();
    for (size_t i = 0; i < json.size(); ++i) {
      if (!json[i].is_boolean()) return Mismatch(json[i], Shape::kBool) || error.InElement(i);
      out->push_back(json[i].get<bool>());
    }
    return true;
  }

  bool Integer(const Json& json, Shape shape, int64_t* out) {
    if (!json.is_number_integer()) return Mismatch(json, shape);
    if (json.is_number_unsigned() &&
        json.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()})
      return error.Set(Reason::kInvalid, json.dump() + " is out of range");
    *out = json.get<int64_t>();
    return true;
  }

  bool Text(std::string_view text, Shape shape, void* out) {
    Status status = ReadText(shape, text, out);
    return status.ok() || error.Set(status.reason(), status.message());
  }

  bool Mismatch(const Json& json, Shape shape) {
    std::string got = json.is_array()     ? "a list"
                      : json.is_object()  ? "an object"
                      : json.is_boolean() ? "a boolean"
                      : json.is_string()  ? "a string"
                                          : json.dump();
    return error.Set(Reason::kInvalid, "want " + std::string(Wanted(shape)) + ", got " + got);
  }

  bool beta1_;
};

bool IsZero(const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kBool:
      return !*static_cast<const bool*>(value);
    case Shape::kInt32:
      return *static_cast<const int32_t*>(value) == 0;
    case Shape::kInt64:
      return *static_cast<const int64_t*>(value) == 0;
    case Shape::kString:
    case Shape::kRaw:
    case Shape::kBytes:
      return static_cast<const std::string*>(value)->empty();
    case Shape::kQuantity:
      return *static_cast<const Quantity*>(value) == Quantity();
    case Shape::kBoolList:
      return static_cast<const std::vector<bool>*>(value)->empty();
    case Shape::kList:
    case Shape::kMap:
    case Shape::kOptional:
      return type.empty(value);
    default:
      return false;
  }
}

Json RawJson(const std::string& text) {
  if (text.empty()) return nullptr;
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json(text) : parsed;  // the receiver will name the fault
}

Json WriteStruct(const TypeInfo& type, const void* object) {
  Json json = Json::object();
  for (const FieldInfo& field : type.fields) {
    if (field.emit == Emit::kNever) continue;
    const void* member = field.read(object);
    if (member == nullptr || (field.emit == Emit::kNonZero && IsZero(*field.type, member)))
      continue;
    Json value = WriteJson(*field.type, member);
    if (field.emit == Emit::kNonZero && field.type->shape == Shape::kStruct && value.empty())
      continue;
    json.emplace(field.name, std::move(value));
  }
  return json;
}

}  // namespace

Status ReadJson(const Json& json, const TypeInfo& type, bool beta1, void* out) {
  Reader reader(beta1);
  return reader.Value(json, type, out) ? Ok() : reader.error.Get();
}

Json WriteJson(const TypeInfo& type, const void* value) {
  switch (type.shape) {
    case Shape::kBool:
      return *static_cast<const bool*>(value);
    case Shape::kInt32:
      return *static_cast<const int32_t*>(value);
    case Shape::kInt64:
      return *static_cast<const int64_t*>(value);
    case Shape::kRaw:
      return RawJson(*static_cast<const std::string*>(value));
    case Shape::kString:
    case Shape::kBytes:
    case Shape::kQuantity:
    case Shape::kTime:
    case Shape::kMicroTime:
      return WriteText(type.shape, value);
    case Shape::kIntOrString: {
      const auto& either = static_cast<const IntOrString*>(value)->value;
      if (const auto* number = std::get_if<int64_t>(&either)) return *number;
      return std::get<std::string>(either);
    }
    case Shape::kBoolList: {
      const auto& list = *static_cast<const std::vector<bool>*>(value);
      Json json = list.empty() ? Json() : Json::array();
      for (bool element : list) json.push_back(element);
      return json;
    }
    case Shape::kList:
    case Shape::kMap:
    case Shape::kOptional: {
      if (type.empty(value)) return nullptr;
      struct Target {
        Json json;
        const TypeInfo& type;
      } target{type.shape == Shape::kList  ? Json::array()
               : type.shape == Shape::kMap ? Json::object()
                                           : Json(),
               type};
      type.each(value, &target, [](void* context, std::string_view key, const void* element) {
        Target& to = *static_cast<Target*>(context);
        Json written = WriteJson(*to.type.element, element);
        if (to.type.shape == Shape::kList)
          to.json.push_back(std::move(written));
        else if (to.type.shape == Shape::kMap)
          to.json.emplace(key, std::move(written));
        else
          to.json = std::move(written);
      });
      return std::move(target.json);
    }
    case Shape::kStruct:
      return WriteStruct(type, value);
  }
  return nullptr;
}

bool IsBeta1(const Json& json) {
  if (!json.is_object()) return false;
  auto found = json.find("apiVersion");
  return found != json.end() && *found == "resource.k8s.io/v1beta1";
}

Json WithKind(Json object, std::string_view kind, std::string api_version) {
  object["kind"] = kind;
  object["apiVersion"] = std::move(api_version);
  return object;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dray::api
