#include <nlohmann/json.hpp>

#include "devcluster/apiserver/openapi.h"

namespace dray::devcluster {
namespace {

constexpr const char* kTime = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
constexpr const char* kMicroTime = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
constexpr const char* kQuantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
constexpr const char* kIntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
constexpr const char* kRaw = "io.k8s.apimachinery.pkg.runtime.RawExtension";

// A reference with nothing beside it, as OpenAPI 3.0 has it.
Json Reference(const std::string& schema) {
  return {{"$ref", "#/components/schemas/" + schema}};
}

Json Plain(const char* type, const char* format) {
  Json schema = {{"type", type}};
  if (*format) schema["format"] = format;
  return schema;
}

Json OneValue(const SchemaField& field, Json& schemas) {
  auto shared = [&](const char* name, Json schema) {
    schemas[name] = std::move(schema);
    return Reference(name);
  };
  switch (field.type) {
    case ValueType::kString:
      return Plain("string", "");
    case ValueType::kInt32:
      return Plain("integer", "int32");
    case ValueType::kInt64:
      return Plain("integer", "int64");
    case ValueType::kBool:
      return Plain("boolean", "");
    case ValueType::kBytes:
      return Plain("string", "byte");
    case ValueType::kTime:
      return shared(kTime, Plain("string", "date-time"));
    case ValueType::kMicroTime:
      return shared(kMicroTime, Plain("string", "date-time"));
    case ValueType::kQuantity:
      return shared(kQuantity, {{"oneOf", {{{"type", "string"}}, {{"type", "number"}}}}});
    case ValueType::kIntOrString:
      return shared(kIntOrString, {{"oneOf", {{{"type", "integer"}}, {{"type", "string"}}}},
                                   {"format", "int-or-string"}});
    case ValueType::kRaw:
      return shared(kRaw, Plain("object", ""));
    case ValueType::kMessage:
      break;
  }
  AddSchemas(*field.message, schemas);
  return Reference(field.message->FullName());
}

Json MemberSchema(const SchemaField& field, Json& schemas) {
  Json one = OneValue(field, schemas);
  if (field.shape == ValueShape::kOne) return one;
  if (field.shape == ValueShape::kList) return {{"type", "array"}, {"items", std::move(one)}};
  return {{"type", "object"}, {"additionalProperties", std::move(one)}};
}

}  // namespace

void AddSchemas(const SchemaMessage& message, Json& schemas) {
  std::string name = message.FullName();
  if (schemas.contains(name)) return;
  schemas[name] = {{"type", "object"}};  // before its members: types refer to themselves
  Json properties = Json::object();
  for (const auto& [member, field] : message.members)
    properties[member] = MemberSchema(*field, schemas);
  if (!properties.empty()) schemas[name]["properties"] = std::move(properties);
}

}  // namespace dray::devcluster
