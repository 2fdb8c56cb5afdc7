#include "api/cel/type.h"

namespace dray::cel {

namespace types {
const StaticType kError{TypeKind::kError, "error", {}, 0};
const StaticType kDyn{TypeKind::kDyn, "dyn", {}, 0};
const StaticType kAny{TypeKind::kAny, "google.protobuf.Any", {}, 0};
const StaticType kNull{TypeKind::kNull, "null_type", {}, 0};
const StaticType kBool{TypeKind::kBool, "bool", {}, 0};
const StaticType kInt{TypeKind::kInt, "int", {}, 0};
const StaticType kUint{TypeKind::kUint, "uint", {}, 0};
const StaticType kDouble{TypeKind::kDouble, "double", {}, 0};
const StaticType kString{TypeKind::kString, "string", {}, 0};
const StaticType kBytes{TypeKind::kBytes, "bytes", {}, 0};
const StaticType kDuration{TypeKind::kDuration, "google.protobuf.Duration", {}, 0};
const StaticType kTimestamp{TypeKind::kTimestamp, "google.protobuf.Timestamp", {}, 0};
const StaticType kQuantity{TypeKind::kStruct, "kubernetes.Quantity", {}, 0};
const StaticType kSemver{TypeKind::kStruct, "kubernetes.Semver", {}, 0};
const StaticType kUrl{TypeKind::kStruct, "kubernetes.URL", {}, 0};
const StaticType kFormat{TypeKind::kStruct, "kubernetes.NamedFormat", {}, 0};
const StaticType kIp{TypeKind::kOpaque, "net.IP", {}, 0};
const StaticType kCidr{TypeKind::kOpaque, "net.CIDR", {}, 0};
const StaticType kDevice{TypeKind::kStruct, "kubernetes.DRADevice", {}, 0};
}  // namespace types

const StaticType* TypeArena::Make(TypeKind kind, std::string_view name, TypeParams params) {
  bool open = false;
  for (const StaticType* param : params) open |= param->open;
  return New({kind, name, params, 0, open});
}

bool SameType(const StaticType* a, const StaticType* b) {
  if (a == b) return true;
  if (a->kind != b->kind || a->params.size() != b->params.size() || a->variable != b->variable)
    return false;
  if (a->kind != TypeKind::kVariable && a->name != b->name) return false;
  for (size_t i = 0; i < a->params.size(); ++i)
    if (!SameType(a->params[i], b->params[i])) return false;
  return true;
}

std::string FormatType(const StaticType* type) {
  switch (type->kind) {
    case TypeKind::kAny:
      return "any";
    case TypeKind::kDuration:
      return "duration";
    case TypeKind::kTimestamp:
      return "timestamp";
    case TypeKind::kNull:
      return "null";
    case TypeKind::kError:
      return "!error!";
    default:
      break;
  }
  if (type->nullable) return "wrapper(" + std::string(type->name) + ')';
  if (type->params.empty()) return std::string(type->name);
  std::string out = std::string(type->name) + '(';
  for (size_t i = 0; i < type->params.size(); ++i)
    out += (i > 0 ? ", " : "") + FormatType(type->params[i]);
  return out + ')';
}

std::string TypeText(const StaticType* type) {
  if (type->params.empty()) return std::string(type->name);
  std::string out = std::string(type->name) + '(';
  for (size_t i = 0; i < type->params.size(); ++i)
    out += (i > 0 ? ", " : "") + TypeText(type->params[i]);
  return out + ')';
}

bool AcceptsAtRuntime(const StaticType* type, const Value& value) {
  if (type->IsDynamic() || type->kind == TypeKind::kVariable) return true;
  if (type->name != TypeName(value)) return false;
  if (type->kind == TypeKind::kList) {
    const List& list = value.as_list();
    return list.size() == 0 || AcceptsAtRuntime(type->params[0], list.at(0));
  }
  if (type->kind == TypeKind::kMap) {
    const Map& map = value.as_map();
    return map.size() == 0 || (AcceptsAtRuntime(type->params[0], map.KeyAt(0)) &&
                               AcceptsAtRuntime(type->params[1], map.ValueAt(0)));
  }
  return true;
}

}  // namespace dray::cel
