#include <algorithm>
#include <set>

#include "api/types/validation_rules.h"

namespace dray::api {
namespace {

constexpr size_t kAnnotationsMost = 256 * 1024;

// Node, Namespace, Pod and Service have a name of their own rule; everything else here is a DNS
// subdomain.
bool NamedAsLabel(const KindInfo& kind) {
  return kind.kind == "Namespace" || kind.kind == "Service";
}

void CheckName(FieldErrors& errors, const FieldPath& path, std::string name, bool prefix,
               const KindInfo& kind) {
  // What is appended to a prefix begins with a letter or digit, so that a trailing '-' is fine.
  if (prefix && name.ends_with('-')) name.back() = 'a';
  if (NamedAsLabel(kind))
    CheckDnsLabel(errors, path, name);
  else
    CheckDnsSubdomain(errors, path, name);
}

void CheckOwners(FieldErrors& errors, const FieldPath& path,
                 const std::vector<OwnerReference>& owners) {
  int controllers = 0;
  for (size_t i = 0; i < owners.size(); ++i) {
    const OwnerReference& owner = owners[i];
    if (owner.api_version.empty())
      errors.Required(path[i] / "apiVersion", "version must not be empty");
    if (owner.kind.empty()) errors.Required(path[i] / "kind", "must not be empty");
    if (owner.name.empty()) errors.Required(path[i] / "name", "must not be empty");
    if (owner.uid.empty()) errors.Required(path[i] / "uid", "must not be empty");
    if (owner.controller == true && ++controllers == 2)
      errors.Invalid(path, owner.name, "only one reference may have controller set to true");
  }
}

void CheckFinalizers(FieldErrors& errors, const FieldPath& path,
                     const std::vector<std::string>& finalizers) {
  for (size_t i = 0; i < finalizers.size(); ++i) {
    const std::string& name = finalizers[i];
    if (!IsQualifiedName(name))
      errors.Invalid(path[i], name, kWantQualifiedName);
    else if (name.find('/') == std::string::npos && name != "orphan" &&
             name != "foregroundDeletion" && name != "kubernetes")
      errors.Invalid(path[i], name, "want a domain in front, as in example.com/name");
  }
}

}  // namespace

void CheckDnsLabel(FieldErrors& errors, const FieldPath& path, std::string_view text) {
  if (text.empty())
    errors.Required(path);
  else if (!IsDnsLabel(text))
    errors.Invalid(path, text, kWantDnsLabel);
}

void CheckDnsSubdomain(FieldErrors& errors, const FieldPath& path, std::string_view text) {
  if (text.empty())
    errors.Required(path);
  else if (!IsDnsSubdomain(text))
    errors.Invalid(path, text, kWantDnsSubdomain);
}

void CheckLabels(FieldErrors& errors, const FieldPath& path, const Labels& labels) {
  for (const auto& [key, value] : labels) {
    if (!IsQualifiedName(key)) errors.Invalid(path, key, kWantQualifiedName);
    if (!IsLabelValue(value)) errors.Invalid(path, value, kWantLabelValue);
  }
}

void CheckAnnotations(FieldErrors& errors, const FieldPath& path, const Labels& annotations) {
  size_t total = 0;
  for (const auto& [key, value] : annotations) {
    std::string lower = key;  // keys may be in upper case
    std::ranges::transform(lower, lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (!IsQualifiedName(lower)) errors.Invalid(path, key, kWantQualifiedName);
    total += key.size() + value.size();
  }
  if (total > kAnnotationsMost) errors.TooLong(path, kAnnotationsMost);
}

void CheckMeta(FieldErrors& errors, const ObjectMeta& meta, const KindInfo& kind) {
  FieldPath path("metadata");
  if (!meta.generate_name.empty())
    CheckName(errors, path / "generateName", meta.generate_name, true, kind);
  if (!meta.name.empty())
    CheckName(errors, path / "name", meta.name, false, kind);
  else if (meta.generate_name.empty())
    errors.Required(path / "name", "name or generateName is required");
  if (kind.namespaced)
    CheckDnsLabel(errors, path / "namespace", meta.namespace_);
  else if (!meta.namespace_.empty())
    errors.Forbidden(path / "namespace", "not allowed on this type");
  if (meta.generation < 0)
    errors.Invalid(path / "generation", meta.generation, "must be greater than or equal to 0");
  CheckLabels(errors, path / "labels", meta.labels);
  CheckAnnotations(errors, path / "annotations", meta.annotations);
  CheckOwners(errors, path / "ownerReferences", meta.owner_references);
  CheckFinalizers(errors, path / "finalizers", meta.finalizers);
}

void CheckMetaUpdate(FieldErrors& errors, const ObjectMeta& updated, const ObjectMeta& old,
                     const KindInfo& kind) {
  CheckMeta(errors, updated, kind);
  FieldPath path("metadata");
  if (updated.name != old.name) errors.Immutable(path / "name");
  if (updated.namespace_ != old.namespace_) errors.Immutable(path / "namespace");
  if (updated.uid != old.uid) errors.Immutable(path / "uid");
  if (updated.creation_timestamp != old.creation_timestamp)
    errors.Immutable(path / "creationTimestamp");
  if (updated.deletion_timestamp != old.deletion_timestamp)
    errors.Immutable(path / "deletionTimestamp");
  if (updated.deletion_grace_period_seconds != old.deletion_grace_period_seconds)
    errors.Immutable(path / "deletionGracePeriodSeconds");
  if (updated.resource_version.empty())
    errors.Invalid(path / "resourceVersion", "", "must be specified for an update");
  if (updated.generation < old.generation)
    errors.Invalid(path / "generation", updated.generation, "must not be decremented");
  if (!old.deletion_timestamp) return;
  for (const std::string& finalizer : updated.finalizers)
    if (std::ranges::find(old.finalizers, finalizer) == old.finalizers.end())
      errors.Forbidden(path / "finalizers",
                       "\"" + finalizer + "\" cannot be added while the object is being deleted");
}

void CheckNodeSelector(FieldErrors& errors, const FieldPath& path, const NodeSelector& selector) {
  FieldPath terms = path / "nodeSelectorTerms";
  if (selector.node_selector_terms.empty()) errors.Required(terms, "want at least one term");
  for (size_t i = 0; i < selector.node_selector_terms.size(); ++i) {
    const NodeSelectorTerm& term = selector.node_selector_terms[i];
    auto check = [&](const FieldPath& at, const NodeSelectorRequirement& requirement, bool field) {
      if (field) {
        errors.OneOf(at / "operator", requirement.op, {"In", "NotIn"});
        if (requirement.key != "metadata.name")
          errors.NotSupported(at / "key", requirement.key, {"metadata.name"});
        if (requirement.values.size() != 1)
          errors.Required(at / "values", "want exactly one value");
        return;
      }
      errors.OneOf(at / "operator", requirement.op,
                   {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"});
      if (!IsQualifiedName(requirement.key))
        errors.Invalid(at / "key", requirement.key, kWantQualifiedName);
      bool set = requirement.op == "In" || requirement.op == "NotIn";
      bool none = requirement.op == "Exists" || requirement.op == "DoesNotExist";
      bool one = requirement.op == "Gt" || requirement.op == "Lt";
      if (set && requirement.values.empty())
        errors.Required(at / "values", "want at least one value with In or NotIn");
      if (none && !requirement.values.empty())
        errors.Forbidden(at / "values", "want no values with Exists or DoesNotExist");
      if (one && requirement.values.size() != 1)
        errors.Required(at / "values", "want exactly one value with Gt or Lt");
    };
    for (size_t k = 0; k < term.match_expressions.size(); ++k)
      check((terms[i] / "matchExpressions")[k], term.match_expressions[k], false);
    for (size_t k = 0; k < term.match_fields.size(); ++k)
      check((terms[i] / "matchFields")[k], term.match_fields[k], true);
  }
}

void CheckConditions(FieldErrors& errors, const FieldPath& path,
                     const std::vector<Condition>& conditions, size_t most) {
  if (conditions.size() > most) errors.TooMany(path, conditions.size(), most);
  CheckUnique(
      errors, path, conditions, [](const Condition& c) -> std::string_view { return c.type; },
      "type");
  for (size_t i = 0; i < conditions.size(); ++i) {
    const Condition& condition = conditions[i];
    if (condition.type.empty())
      errors.Required(path[i] / "type", "must be set");
    else if (!IsQualifiedName(condition.type))
      errors.Invalid(path[i] / "type", condition.type, kWantQualifiedName);
    errors.OneOf(path[i] / "status", condition.status, {"False", "True", "Unknown"});
    if (condition.observed_generation < 0)
      errors.Invalid(path[i] / "observedGeneration", condition.observed_generation,
                     "must be greater than or equal to zero");
    if (!condition.last_transition_time)
      errors.Required(path[i] / "lastTransitionTime", "must be set");
    if (condition.reason.empty())
      errors.Required(path[i] / "reason", "must be set");
    else if (condition.reason.size() > 1024)
      errors.TooLong(path[i] / "reason", 1024);
    if (condition.message.size() > 32768) errors.TooLong(path[i] / "message", 32768);
  }
}

Status ValidateMeta(const ObjectMeta& meta, const KindInfo& kind) {
  FieldErrors errors;
  CheckMeta(errors, meta, kind);
  return errors.For(kind, meta);
}

Status ValidateMetaUpdate(const ObjectMeta& updated, const ObjectMeta& old, const KindInfo& kind) {
  FieldErrors errors;
  CheckMetaUpdate(errors, updated, old, kind);
  return errors.For(kind, updated);
}

}  // namespace dray::api
