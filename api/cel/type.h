#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/value.h"

namespace dray::cel {

enum class TypeKind : uint8_t {
  kError, kDyn, kAny, kNull, kBool, kInt, kUint, kDouble, kString, kBytes, kDuration, kTimestamp,
  kList, kMap, kType, kOpaque, kStruct, kVariable,
};

// What the checker knows of an expression before it runs.
struct StaticType {
  TypeKind kind = TypeKind::kDyn;
  std::string name;                        // as TypeName(value) gives it; of a variable "A"
  std::vector<const StaticType*> params;   // element; key and value; what an optional or a type holds
  int variable = 0;                        // kVariable: below 0 in declarations, else its number in one check

  bool IsDynamic() const { return kind == TypeKind::kDyn || kind == TypeKind::kAny; }
  bool IsOptional() const { return kind == TypeKind::kOpaque && name == "optional_type"; }
};

// Types that need no parameters. They live for the whole program.
namespace types {
extern const StaticType kError, kDyn, kAny, kNull, kBool, kInt, kUint, kDouble, kString, kBytes, kDuration, kTimestamp,
    kQuantity, kSemver, kUrl, kFormat, kIp, kCidr, kDevice;
}  // namespace types

// Owns types that are made while checking or declaring.
class TypeArena {
 public:
  const StaticType* List(const StaticType* element) { return Make(TypeKind::kList, "list", {element}); }
  const StaticType* Map(const StaticType* key, const StaticType* value) { return Make(TypeKind::kMap, "map", {key, value}); }
  const StaticType* Optional(const StaticType* value) { return Make(TypeKind::kOpaque, "optional_type", {value}); }
  const StaticType* Type(const StaticType* of) { return Make(TypeKind::kType, "type", {of}); }
  const StaticType* Variable(int number, std::string name);
  const StaticType* Make(TypeKind kind, std::string name, std::vector<const StaticType*> params);

 private:
  std::deque<StaticType> types_;
};

// Structurally the same.
bool SameType(const StaticType* a, const StaticType* b);
// As compiler messages show it: "map(string, any)".
std::string FormatType(const StaticType* type);
// As the message about the result type shows it: "map(string, google.protobuf.Any)".
std::string TypeText(const StaticType* type);
// Whether a value may be given for a parameter of this type; of a list or map only the first entry is looked at.
bool AcceptsAtRuntime(const StaticType* type, const Value& value);

}  // namespace dray::cel
