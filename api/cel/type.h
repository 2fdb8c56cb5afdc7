#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory_resource>
#include <string>
#include <string_view>

#include "api/cel/value.h"

namespace dray::cel {

enum class TypeKind : uint8_t {
  kError,
  kDyn,
  kAny,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kDuration,
  kTimestamp,
  kList,
  kMap,
  kType,
  kOpaque,
  kStruct,
  kVariable,
};

struct StaticType;

// What a type is made of: one type or two, or none.
class TypeParams {
 public:
  constexpr TypeParams() = default;
  constexpr TypeParams(std::initializer_list<const StaticType*> types) {
    for (const StaticType* type : types) types_[count_++] = type;
  }
  constexpr size_t size() const { return count_; }
  constexpr bool empty() const { return count_ == 0; }
  constexpr const StaticType*& operator[](size_t index) { return types_[index]; }
  constexpr const StaticType* operator[](size_t index) const { return types_[index]; }
  constexpr const StaticType* const* begin() const { return types_; }
  constexpr const StaticType* const* end() const { return types_ + count_; }

 private:
  const StaticType* types_[2] = {};
  uint8_t count_ = 0;
};

// What the checker knows of an expression before it runs.
struct StaticType {
  TypeKind kind = TypeKind::kDyn;
  std::string_view name;  // as TypeName(value) gives it; of a variable "A". Outlives every type.
  TypeParams params;      // element; key and value; what an optional or a type holds
  int variable = 0;       // kVariable: below 0 in declarations, else its number in one check
  bool open = false;      // it is a variable, or holds one
  bool nullable = false;  // of a wrapper message: null fits as well

  constexpr bool IsDynamic() const { return kind == TypeKind::kDyn || kind == TypeKind::kAny; }
  bool IsOptional() const { return kind == TypeKind::kOpaque && name == "optional_type"; }
};

// Types that need no parameters. They live for the whole program.
namespace types {
extern const StaticType kError, kDyn, kAny, kNull, kBool, kInt, kUint, kDouble, kString, kBytes,
    kDuration, kTimestamp, kQuantity, kSemver, kUrl, kFormat, kIp, kCidr, kDevice;
}  // namespace types

// Owns types that are made while checking or declaring.
class TypeArena {
 public:
  const StaticType* List(const StaticType* element) {
    return Make(TypeKind::kList, "list", {element});
  }
  const StaticType* Map(const StaticType* key, const StaticType* value) {
    return Make(TypeKind::kMap, "map", {key, value});
  }
  const StaticType* Optional(const StaticType* value) {
    return Make(TypeKind::kOpaque, "optional_type", {value});
  }
  const StaticType* Type(const StaticType* of) { return Make(TypeKind::kType, "type", {of}); }
  const StaticType* Variable(int number, std::string_view name) {
    return New({TypeKind::kVariable, name, {}, number, true});
  }
  const StaticType* Make(TypeKind kind, std::string_view name, TypeParams params);
  // A copy of a name that lives as long as the types.
  std::string_view Keep(std::string_view name) {
    char* copy = static_cast<char*>(memory_.allocate(name.size(), 1));
    name.copy(copy, name.size());
    return {copy, name.size()};
  }

 private:
  const StaticType* New(const StaticType& type) {
    return new (memory_.allocate(sizeof(StaticType), alignof(StaticType))) StaticType(type);
  }

  std::byte first_[2048];
  std::pmr::monotonic_buffer_resource memory_{first_, sizeof(first_)};
};

// Structurally the same.
bool SameType(const StaticType* a, const StaticType* b);
// As compiler messages show it: "map(string, any)".
std::string FormatType(const StaticType* type);
// As the message about the result type shows it: "map(string, google.protobuf.Any)".
std::string TypeText(const StaticType* type);
// Whether a value may be given for a parameter of this type; of a list or map only the first entry
// is looked at.
bool AcceptsAtRuntime(const StaticType* type, const Value& value);

}  // namespace dray::cel
