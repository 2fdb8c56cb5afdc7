#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// metav1, and what makes a struct an API object. Conventions for all of api/types:
//  - a struct per Kubernetes type, with Kubernetes' name; a member per JSON field, in snake_case;
//  the JSON names stand once,
//    in the codec (api/types/*_fields.h);
//  - a Go pointer whose absence means something is std::optional; a Go value with omitempty is a
//  plain member, left out of
//    the JSON when it has its zero value;
//  - unknown fields are tolerated and dropped: therefore typed objects never go back to the server
//  as a whole, only patches.
namespace dray::api {

using Labels = std::map<std::string, std::string>;

// metav1.Time: whole seconds, UTC, "2006-01-02T15:04:05Z".
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::seconds>;
// metav1.MicroTime: exactly six fractional digits, UTC.
using MicroTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

std::string FormatTime(Time time);
std::string FormatMicroTime(MicroTime time);
// RFC 3339 with any offset and up to nine fractional digits.
Result<WallTime> ParseTime(std::string_view text);
inline Time ToTime(WallTime t) {
  return std::chrono::floor<std::chrono::seconds>(t);
}
inline MicroTime ToMicroTime(WallTime t) {
  return std::chrono::floor<std::chrono::microseconds>(t);
}

struct OwnerReference {
  std::string api_version, kind, name, uid;
  std::optional<bool> controller, block_owner_deletion;
  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  std::string name, generate_name, namespace_, uid, resource_version;
  int64_t generation = 0;
  std::optional<Time> creation_timestamp, deletion_timestamp;
  std::optional<int64_t> deletion_grace_period_seconds;
  Labels labels, annotations;
  std::vector<OwnerReference> owner_references;
  std::vector<std::string> finalizers;
  // managedFields is dropped when decoding: nobody here reads it and it is half of an object's
  // size.
  bool operator==(const ObjectMeta&) const = default;
};

// The owner with controller: true, or null.
const OwnerReference* ControllerOf(const ObjectMeta& meta);

struct Condition {
  std::string type, status;  // status: True | False | Unknown
  int64_t observed_generation = 0;
  std::optional<Time> last_transition_time;
  std::string reason, message;
  bool operator==(const Condition&) const = default;
};

struct LabelSelectorRequirement {
  std::string key, op;  // In NotIn Exists DoesNotExist
  std::vector<std::string> values;
  bool operator==(const LabelSelectorRequirement&) const = default;
};
struct LabelSelector {
  Labels match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;
  bool operator==(const LabelSelector&) const = default;
};
bool Matches(const LabelSelector& selector, const Labels& labels);

// Namespace and name; the namespace is empty for cluster scoped kinds.
struct ObjectKey {
  std::string namespace_, name;
  auto operator<=>(const ObjectKey&) const = default;
  std::string ToString() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
};

// Where a kind lives in the API, known at compile time through KindOf<T>.
struct KindInfo {
  std::string_view group;     // "" for core
  std::string_view version;   // "v1"
  std::string_view kind;      // "ResourceClaim"
  std::string_view resource;  // "resourceclaims"
  bool namespaced;
  std::string ApiVersion() const {
    return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
  }
};
template <class T>
struct KindOf;  // specialised below each type: static constexpr KindInfo value

template <class T>
concept ApiObject = requires(T object) {
  { KindOf<T>::value } -> std::convertible_to<KindInfo>;
  { object.metadata } -> std::convertible_to<ObjectMeta&>;
};

template <ApiObject T>
ObjectKey KeyOf(const T& object) {
  return {object.metadata.namespace_, object.metadata.name};
}

#define DRAY_KIND(Type, Group, Version, Resource, Namespaced)                     \
  template <>                                                                     \
  struct KindOf<Type> {                                                           \
    static constexpr KindInfo value{Group, Version, #Type, Resource, Namespaced}; \
  }

// One page of a list.
template <class T>
struct ListOf {
  std::vector<T> items;
  std::string resource_version;
  std::string continue_token;  // empty on the last page
  std::optional<int64_t> remaining_items;
};

}  // namespace dray::api
