#pragma once

#include "api/types/reflect.h"

// JSON names of metav1.
namespace dray::api {

template <>
struct FieldsOf<OwnerReference> {
  using S = OwnerReference;
  static constexpr std::array fields = {
      Field<&S::api_version>("apiVersion", Emit::kAlways),
      Field<&S::kind>("kind", Emit::kAlways),
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::uid>("uid", Emit::kAlways),
      Field<&S::controller>("controller"),
      Field<&S::block_owner_deletion>("blockOwnerDeletion"),
  };
};

template <>
struct FieldsOf<ObjectMeta> {
  using S = ObjectMeta;
  static constexpr std::array fields = {
      Field<&S::name>("name"),
      Field<&S::generate_name>("generateName"),
      Field<&S::namespace_>("namespace"),
      Field<&S::uid>("uid"),
      Field<&S::resource_version>("resourceVersion"),
      Field<&S::generation>("generation"),
      Field<&S::creation_timestamp>("creationTimestamp"),
      Field<&S::deletion_timestamp>("deletionTimestamp"),
      Field<&S::deletion_grace_period_seconds>("deletionGracePeriodSeconds"),
      Field<&S::labels>("labels"),
      Field<&S::annotations>("annotations"),
      Field<&S::owner_references>("ownerReferences"),
      Field<&S::finalizers>("finalizers"),
  };
};

template <>
struct FieldsOf<Condition> {
  using S = Condition;
  static constexpr std::array fields = {
      Field<&S::type>("type", Emit::kAlways),
      Field<&S::status>("status", Emit::kAlways),
      Field<&S::observed_generation>("observedGeneration"),
      Field<&S::last_transition_time>("lastTransitionTime", Emit::kAlways),
      Field<&S::reason>("reason", Emit::kAlways),
      Field<&S::message>("message", Emit::kAlways),
  };
};

template <>
struct FieldsOf<LabelSelectorRequirement> {
  using S = LabelSelectorRequirement;
  static constexpr std::array fields = {
      Field<&S::key>("key", Emit::kAlways),
      Field<&S::op>("operator", Emit::kAlways),
      Field<&S::values>("values"),
  };
};

template <>
struct FieldsOf<LabelSelector> {
  using S = LabelSelector;
  static constexpr std::array fields = {
      Field<&S::match_labels>("matchLabels"),
      Field<&S::match_expressions>("matchExpressions"),
  };
};

}  // namespace dray::api
