#include "devcluster/admission/matching.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/selectors.h"

namespace dray::devcluster {
namespace {

bool Lists(const Json& rule, const char* member, const std::string& value) {
  const Json* list = FindArray(rule, member);
  return list && std::any_of(list->begin(), list->end(),
                             [&](const Json& entry) { return entry == "*" || entry == value; });
}

// "pods", "pods/status", "pods/*", "*/status", "*" (main resources only), "*/*".
bool ResourceMatches(const std::string& pattern, const std::string& resource,
                     const std::string& subresource) {
  size_t slash = pattern.find('/');
  std::string main = pattern.substr(0, slash);
  if (main != "*" && main != resource) return false;
  if (slash == std::string::npos) return subresource.empty();
  std::string sub = pattern.substr(slash + 1);
  return sub == "*" || sub == subresource;
}

}  // namespace

bool RuleMatches(const Json& rule, const AdmissionCall& call) {
  if (!Lists(rule, "operations", call.operation)) return false;
  if (!Lists(rule, "apiGroups", call.resource.group)) return false;
  if (!Lists(rule, "apiVersions", call.resource.version)) return false;
  std::string scope = StringAt(rule, "scope");
  // A Namespace counts as cluster scoped here.
  bool namespaced = call.namespaced && call.kind.name != "Namespace";
  if (scope == "Cluster" && namespaced) return false;
  if (scope == "Namespaced" && !namespaced) return false;
  const Json* resources = FindArray(rule, "resources");
  return resources && std::any_of(resources->begin(), resources->end(), [&](const Json& entry) {
           return entry.is_string() &&
                  ResourceMatches(entry.get<std::string>(), call.resource.name, call.subresource);
         });
}

Result<bool> HookWants(const Json& webhook, const AdmissionCall& call, const Json& object,
                       const AdmissionView& view) {
  // Nobody may lock out the configurations themselves.
  if (call.resource.group == "admissionregistration.k8s.io") return false;
  const Json* rules = FindArray(webhook, "rules");
  if (!rules || std::none_of(rules->begin(), rules->end(),
                             [&](const Json& rule) { return RuleMatches(rule, call); }))
    return false;

  DRAY_ASSIGN_OR_RETURN(LabelFilter objects,
                        LabelFilter::FromSelector(FindObject(webhook, "objectSelector")));
  bool matches = objects.empty() || (object.is_object() && objects.Matches(LabelsOf(object))) ||
                 (call.old_object && objects.Matches(LabelsOf(*call.old_object)));
  if (!matches) return false;

  DRAY_ASSIGN_OR_RETURN(LabelFilter namespaces,
                        LabelFilter::FromSelector(FindObject(webhook, "namespaceSelector")));
  if (namespaces.empty() || !call.namespaced) return true;
  if (call.kind.name == "Namespace" && call.subresource.empty() && object.is_object())
    return namespaces.Matches(LabelsOf(object));
  auto labels = view.NamespaceLabels(call.namespace_);
  if (!labels) return Status(Reason::kNotFound, "namespaces \"" + call.namespace_ + "\" not found");
  return namespaces.Matches(*labels);
}

}  // namespace dray::devcluster
