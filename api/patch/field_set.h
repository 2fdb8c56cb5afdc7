#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "dray/base/json.h"

namespace dray::api {

// A set of paths into an object, as a tree: what one manager owns. Steps are written as in
// FieldsV1: "f:<name>" (field), "k:{<keys>}" (element of a keyed list), "v:<value>" (element of a
// set).
struct FieldSet {
  bool member = false;  // the path that leads here is in the set
  std::map<std::string, FieldSet> children;

  bool empty() const { return !member && children.empty(); }
  bool operator==(const FieldSet&) const = default;

  void Add(const FieldSet& other);       // union
  void Subtract(const FieldSet& other);  // difference
  FieldSet Intersection(const FieldSet& other) const;

  // Every path of the set as people read it: ".spec.containers[name=\"c\"].image".
  void ForEach(const std::function<void(const std::string& path)>& visit) const;

  // metadata.managedFields[].fieldsV1.
  Json ToFieldsV1() const;
  static FieldSet FromFieldsV1(const Json& json);
};

}  // namespace dray::api
