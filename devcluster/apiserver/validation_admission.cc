#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/selectors.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/typed_document.h"
#include "devcluster/apiserver/validation.h"
#include "dray/api/cel_condition.h"
#include "dray/api/types/admission.h"
#include "dray/api/validation.h"
#include "dray/base/base64.h"

namespace dray::devcluster {
namespace {

Status NotSupported(const Json& object, const std::string& field, const std::string& value,
                    const std::string& supported) {
  return InvalidField(object, field, "FieldValueNotSupported",
                      "Unsupported value: \"" + value + "\": supported values: " + supported);
}
Status Required(const Json& object, const std::string& field, const std::string& detail = "") {
  return InvalidField(object, field, "FieldValueRequired",
                      detail.empty() ? "Required value" : "Required value: " + detail);
}
Status Invalid(const Json& object, const std::string& field, const std::string& value,
               const std::string& detail) {
  return InvalidField(object, field, "FieldValueInvalid",
                      "Invalid value: " + value + ": " + detail);
}

Status ValidateClient(const Json& object, const Json& webhook, const std::string& path) {
  std::string url = StringAt(webhook, "clientConfig.url");
  const Json* service = FindObject(webhook, "clientConfig.service");
  if (url.empty() == (service == nullptr))
    return Required(object, path, "exactly one of url or service is required");
  if (!url.empty() && !url.starts_with("https://"))
    return Invalid(object, path + ".url", "\"" + url + "\"",
                   "'https' is the only allowed URL scheme");
  if (service) {
    for (const char* member : {"name", "namespace"})
      if (StringAt(*service, member).empty())
        return Required(object, path + ".service." + member,
                        "service " + std::string(member) + " is required");
    int64_t port = IntAt(*service, "port").value_or(443);
    if (port < 1 || port > 65535)
      return Invalid(object, path + ".service.port", std::to_string(port),
                     "port is not valid: must be between 1 and 65535, inclusive");
  }
  std::string bundle = StringAt(webhook, "clientConfig.caBundle");
  if (!bundle.empty() && !DecodeBase64(bundle))
    return Invalid(object, path + ".caBundle", "(text)", "must be base64");
  return Ok();
}

Status ValidateRules(const Json& object, const Json& webhook, const std::string& path) {
  const Json* rules = FindArray(webhook, "rules");
  if (!rules) return Ok();
  for (size_t i = 0; i < rules->size(); ++i) {
    const Json& rule = (*rules)[i];
    std::string at = path + "[" + std::to_string(i) + "]";
    for (const char* member : {"operations", "apiGroups", "apiVersions", "resources"})
      if (Empty(FindArray(rule, member))) return Required(object, at + "." + member);
    for (const Json& operation : *FindArray(rule, "operations")) {
      std::string text = operation.is_string() ? operation.get<std::string>() : "";
      static const std::vector<std::string> known = {"*", "CONNECT", "CREATE", "DELETE", "UPDATE"};
      if (std::find(known.begin(), known.end(), text) == known.end())
        return NotSupported(object, at + ".operations", text,
                            "\"*\", \"CONNECT\", \"CREATE\", \"DELETE\", \"UPDATE\"");
    }
  }
  return Ok();
}

Status ValidateConditions(const Json& object, const Json& webhook, const std::string& path) {
  const Json* conditions = FindArray(webhook, "matchConditions");
  if (!conditions) return Ok();
  constexpr size_t kMost = 64;
  if (conditions->size() > kMost)
    return InvalidField(object, path, "FieldValueTooMany",
                        "Too many: " + std::to_string(conditions->size()) + ": must have at most " +
                            std::to_string(kMost) + " items");
  std::set<std::string> names;
  for (size_t i = 0; i < conditions->size(); ++i) {
    const std::string at = path + "[" + std::to_string(i) + "]";
    const std::string expression = StringAt((*conditions)[i], "expression");
    if (expression.find_first_not_of(" \t\r\n") == std::string::npos)
      return Required(object, at + ".expression");
    if (Status status = cel::Condition::Compile(expression).status(); !status.ok())
      return Invalid(object, at + ".expression", Dump(expression), status.message());
    const std::string name = StringAt((*conditions)[i], "name");
    if (name.empty()) return Required(object, at + ".name");
    if (!api::IsQualifiedName(name))
      return Invalid(
          object, at + ".name", Dump(name),
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must "
          "start and end with an alphanumeric character (e.g. 'MyName', or 'my.name', or "
          "'123-abc')");
    if (!names.insert(name).second)
      return InvalidField(object, at + ".name", "FieldValueDuplicate",
                          "Duplicate value: " + Dump(name));
  }
  return Ok();
}

// What an update leaves as it was is not looked at again.
bool SameConditions(const Json& webhooks, const Json* stored) {
  const Json* before = stored ? FindArray(*stored, "webhooks") : nullptr;
  if (!before || before->size() != webhooks.size()) return false;
  for (size_t i = 0; i < webhooks.size(); ++i) {
    const Json *now = FindArray(webhooks[i], "matchConditions"),
               *then = FindArray((*before)[i], "matchConditions");
    if (Empty(now) != Empty(then) || (!Empty(now) && *now != *then)) return false;
  }
  return true;
}

Status ValidateWebhook(const Json& object, const Json& webhook, const std::string& path) {
  std::string name = StringAt(webhook, "name");
  if (name.empty()) return Required(object, path + ".name");
  if (!api::IsDnsSubdomain(name) || std::count(name.begin(), name.end(), '.') < 2)
    return Invalid(object, path + ".name", "\"" + name + "\"",
                   "should be a domain with at least three segments separated by dots");
  DRAY_RETURN_IF_ERROR(ValidateClient(object, webhook, path + ".clientConfig"));
  DRAY_RETURN_IF_ERROR(ValidateRules(object, webhook, path + ".rules"));

  const Json* versions = FindArray(webhook, "admissionReviewVersions");
  if (Empty(versions))
    return Required(object, path + ".admissionReviewVersions", "must specify one of v1, v1beta1");
  if (std::find(versions->begin(), versions->end(), "v1") == versions->end())
    return Invalid(object, path + ".admissionReviewVersions", Dump(*versions),
                   "must include v1, the version that this server sends");
  std::string effects = StringAt(webhook, "sideEffects");
  if (effects != "None" && effects != "NoneOnDryRun")
    return effects.empty()
               ? Required(object, path + ".sideEffects",
                          "must specify one of None, "
                          "NoneOnDryRun")
               : NotSupported(object, path + ".sideEffects", effects, "\"None\", \"NoneOnDryRun\"");
  struct Choice {
    const char* member;
    std::vector<std::string> values;
    const char* text;
  };
  for (const Choice& choice :
       {Choice{"failurePolicy", {"Fail", "Ignore"}, "\"Fail\", \"Ignore\""},
        Choice{"matchPolicy", {"Exact", "Equivalent"}, "\"Equivalent\", \"Exact\""},
        Choice{"reinvocationPolicy", {"", "Never", "IfNeeded"}, "\"IfNeeded\", \"Never\""}}) {
    std::string value = StringAt(webhook, choice.member);
    if (std::find(choice.values.begin(), choice.values.end(), value) == choice.values.end())
      return NotSupported(object, path + "." + choice.member, value, choice.text);
  }
  int64_t timeout = IntAt(webhook, "timeoutSeconds").value_or(10);
  if (timeout < 1 || timeout > 30)
    return Invalid(object, path + ".timeoutSeconds", std::to_string(timeout),
                   "the timeout value must be between 1 and 30 seconds");
  for (const char* selector : {"namespaceSelector", "objectSelector"})
    if (Result<LabelFilter> filter = LabelFilter::FromSelector(FindObject(webhook, selector));
        !filter.ok())
      return Invalid(object, path + "." + selector, "(selector)", filter.status().message());
  return Ok();
}

template <class Configuration>
Status Validate(const Json& configuration, const Json* stored) {
  DRAY_RETURN_IF_ERROR(Typed<Configuration>(configuration).status());
  const Json* webhooks = FindArray(configuration, "webhooks");
  if (!webhooks) return Ok();
  const bool known = SameConditions(*webhooks, stored);
  for (size_t i = 0; i < webhooks->size(); ++i) {
    const std::string path = "webhooks[" + std::to_string(i) + "]";
    DRAY_RETURN_IF_ERROR(ValidateWebhook(configuration, (*webhooks)[i], path));
    if (!known)
      DRAY_RETURN_IF_ERROR(
          ValidateConditions(configuration, (*webhooks)[i], path + ".matchConditions"));
  }
  return Ok();
}

}  // namespace

Status ValidateMutatingConfiguration(const Json& configuration, const Json* stored) {
  return Validate<api::MutatingWebhookConfiguration>(configuration, stored);
}
Status ValidateValidatingConfiguration(const Json& configuration, const Json* stored) {
  return Validate<api::ValidatingWebhookConfiguration>(configuration, stored);
}

}  // namespace dray::devcluster
