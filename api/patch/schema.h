#pragma once

#include <string_view>
#include <vector>

#include "dray/base/json.h"

// What strategic merge patch and server-side apply have to know about the built-in kinds: which
// lists are merged by which keys (they differ between the two), which values are taken as a whole.
// Source: patchStrategy, patchMergeKey, listType, listMapKey, mapType and structType tags of
// k8s.io/api.
namespace dray::api {

enum class ListRule : unsigned char {
  kAtomic,  // replaced as a whole
  kKeyed,   // elements are objects, known by `keys`
  kSet,     // elements are values
};

struct FieldRule {
  std::string_view parent;  // type that has the field
  std::string_view field;
  std::string_view type = "";  // of the value or of a list's elements; "" has no rules of its own

  ListRule merge = ListRule::kAtomic;  // strategic merge patch of a list
  std::string_view merge_key = "";

  ListRule apply = ListRule::kAtomic;  // server-side apply of a list
  std::string_view apply_keys = "";    // separated by ','
  bool atomic =
      false;  // server-side apply: the object, or each element of the list, is taken as a whole
};

// The type of a kind's root. Kinds of built-in groups without rules have at least metadata; others
// give "".
std::string_view RootType(std::string_view group, std::string_view kind);

// The rule of `type`'s `field`; one that says nothing special when there is none.
const FieldRule& RuleOf(std::string_view type, std::string_view field);

std::vector<std::string_view> SplitKeys(std::string_view keys);

}  // namespace dray::api
