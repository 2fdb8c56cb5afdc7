#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "dray/api/quantity.h"
#include "dray/api/types/core.h"

// How the codec sees the structs of api/types: a table per struct with the JSON name of every
// member, read by walkers that are not templates (decoder.cc by simdjson, json_walk.cc by
// nlohmann). The tables stand in <group>_fields.h as
//
//   template <> struct FieldsOf<OwnerReference> {
//     using S = OwnerReference;
//     static constexpr std::array fields = {Field<&S::api_version>("apiVersion", Emit::kAlways),
//     ...};
//   };
//
// in Kubernetes' order, because decoding looks first at the field after the last one found.
namespace dray::api {

enum class Shape : uint8_t {
  kBool,
  kInt32,
  kInt64,
  kString,
  kRaw,    // std::string holding any JSON value as text, "" for null
  kBytes,  // std::string, base64 on the wire
  kQuantity,
  kTime,
  kMicroTime,
  kIntOrString,
  kBoolList,  // std::vector<bool>, whose elements have no address
  kList,
  kMap,
  kOptional,
  kStruct,
};

enum class Emit : uint8_t {
  kNonZero,  // Go's omitempty
  kAlways,   // also when zero; empty lists, maps and optionals become null
  kPresent,  // one alternative of a variant: when it is the one that is set
  kNever,    // read only
};

struct TypeInfo;

struct FieldInfo {
  std::string_view name;
  const TypeInfo* type;          // null: the enclosing struct once more
  void* (*write)(void* object);  // where to decode to; null when another alternative is set already
  const void* (*read)(const void* object);  // what to encode; null when this alternative is not set
  Emit emit = Emit::kNonZero;
  bool beta1 = false;  // known in resource.k8s.io/v1beta1 only
};

using Visit = void (*)(void* context, std::string_view key, const void* element);

struct TypeInfo {
  Shape shape;
  std::span<const FieldInfo> fields = {};  // kStruct
  void (*after_beta1)(void* object) = nullptr;

  // kList, kMap, kOptional:
  const TypeInfo* element = nullptr;
  void (*clear)(void* container) = nullptr;
  void* (*add)(void* container, std::string_view key) = nullptr;
  bool (*empty)(const void* container) = nullptr;
  void (*each)(const void* container, void* context, Visit visit) = nullptr;
};

template <class T>
struct FieldsOf;

template <class T>
constexpr auto AfterBeta1() -> void (*)(void*) {
  if constexpr (requires(T & object) { FieldsOf<T>::AfterBeta1(object); })
    return [](void* object) { FieldsOf<T>::AfterBeta1(*static_cast<T*>(object)); };
  else
    return nullptr;
}

template <class T>
struct TypeOf {
  static constexpr TypeInfo value{Shape::kStruct, FieldsOf<T>::fields, AfterBeta1<T>()};
};

template <Shape kShape>
struct ScalarType {
  static constexpr TypeInfo value{kShape};
};
template <>
struct TypeOf<bool> : ScalarType<Shape::kBool> {};
template <>
struct TypeOf<int32_t> : ScalarType<Shape::kInt32> {};
template <>
struct TypeOf<int64_t> : ScalarType<Shape::kInt64> {};
template <>
struct TypeOf<std::string> : ScalarType<Shape::kString> {};
template <>
struct TypeOf<Quantity> : ScalarType<Shape::kQuantity> {};
template <>
struct TypeOf<Time> : ScalarType<Shape::kTime> {};
template <>
struct TypeOf<MicroTime> : ScalarType<Shape::kMicroTime> {};
template <>
struct TypeOf<IntOrString> : ScalarType<Shape::kIntOrString> {};
template <>
struct TypeOf<std::vector<bool>> : ScalarType<Shape::kBoolList> {};

template <class T>
struct TypeOf<std::vector<T>> {
  using List = std::vector<T>;
  static constexpr TypeInfo value{
      .shape = Shape::kList,
      .element = &TypeOf<T>::value,
      .clear = [](void* list) { static_cast<List*>(list)->clear(); },
      .add = [](void* list, std::string_view) -> void* {
        return &static_cast<List*>(list)->emplace_back();
      },
      .empty = [](const void* list) { return static_cast<const List*>(list)->empty(); },
      .each =
          [](const void* list, void* context, Visit visit) {
            for (const T& element : *static_cast<const List*>(list)) visit(context, {}, &element);
          }};
};

template <class T>
struct TypeOf<std::map<std::string, T>> {
  using Map = std::map<std::string, T>;
  static constexpr TypeInfo value{
      .shape = Shape::kMap,
      .element = &TypeOf<T>::value,
      .clear = [](void* map) { static_cast<Map*>(map)->clear(); },
      .add = [](void* map, std::string_view key) -> void* {
        return &(*static_cast<Map*>(map))[std::string(key)];
      },
      .empty = [](const void* map) { return static_cast<const Map*>(map)->empty(); },
      .each =
          [](const void* map, void* context, Visit visit) {
            for (const auto& [key, element] : *static_cast<const Map*>(map))
              visit(context, key, &element);
          }};
};

template <class T>
struct TypeOf<std::optional<T>> {
  using Optional = std::optional<T>;
  static constexpr TypeInfo value{
      .shape = Shape::kOptional,
      .element = &TypeOf<T>::value,
      .clear = [](void* optional) { static_cast<Optional*>(optional)->reset(); },
      .add = [](void* optional, std::string_view) -> void* {
        return &static_cast<Optional*>(optional)->emplace();
      },
      .empty =
          [](const void* optional) { return !static_cast<const Optional*>(optional)->has_value(); },
      .each =
          [](const void* optional, void* context, Visit visit) {
            const Optional& held = *static_cast<const Optional*>(optional);
            if (held) visit(context, {}, &*held);
          }};
};

template <class M>
struct MemberOf;
template <class C, class M>
struct MemberOf<M C::*> {
  using Class = C;
  using Type = M;
};

template <auto kMember>
constexpr FieldInfo Field(std::string_view name, Emit emit = Emit::kNonZero) {
  using Class = typename MemberOf<decltype(kMember)>::Class;
  using Type = typename MemberOf<decltype(kMember)>::Type;
  return {.name = name,
          .type = &TypeOf<Type>::value,
          .write = [](void* object) -> void* { return &(static_cast<Class*>(object)->*kMember); },
          .read = [](const void* object) -> const void* {
            return &(static_cast<const Class*>(object)->*kMember);
          },
          .emit = emit};
}

// A std::string that holds JSON text (kRaw) or decoded base64 (kBytes).
template <auto kMember, Shape kShape>
constexpr FieldInfo TextField(std::string_view name, Emit emit = Emit::kNonZero) {
  FieldInfo field = Field<kMember>(name, emit);
  field.type = &ScalarType<kShape>::value;
  return field;
}

// Alternative kIndex of a std::variant whose alternative 0 is std::monostate.
template <auto kMember, size_t kIndex>
constexpr FieldInfo Alternative(std::string_view name) {
  using Class = typename MemberOf<decltype(kMember)>::Class;
  using Variant = typename MemberOf<decltype(kMember)>::Type;
  return {.name = name,
          .type = &TypeOf<std::variant_alternative_t<kIndex, Variant>>::value,
          .write = [](void* object) -> void* {
            Variant& variant = static_cast<Class*>(object)->*kMember;
            return variant.index() == 0 ? &variant.template emplace<kIndex>() : nullptr;
          },
          .read = [](const void* object) -> const void* {
            return std::get_if<kIndex>(&(static_cast<const Class*>(object)->*kMember));
          },
          .emit = Emit::kPresent};
}

}  // namespace dray::api
