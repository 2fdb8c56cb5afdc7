// What claims, classes and slices of resource.k8s.io have in common.
#include <nlohmann/json.hpp>

#include "api/types/validation_rules.h"

namespace dray::api {
namespace {

constexpr size_t kDriverMost = 63;
constexpr size_t kIdentifierMost = 32;
constexpr size_t kRawMost = 10 * 1024;
constexpr size_t kSelectorsMost = 32;
constexpr size_t kExpressionMost = 10 * 1024;

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

void CheckIdentifier(FieldErrors& errors, const FieldPath& path, std::string_view id) {
  if (id.size() > kIdentifierMost) errors.TooLong(path, kIdentifierMost);
  bool valid = !id.empty() && IsLetter(id[0]);
  for (char c : id) valid &= IsLetter(c) || (c >= '0' && c <= '9');
  if (!valid)
    errors.Invalid(path, id,
                   "must be a C identifier: letters, digits and '_', not beginning with a digit");
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace

void CheckDriver(FieldErrors& errors, const FieldPath& path, std::string_view driver) {
  if (driver.empty()) return errors.Required(path);
  if (driver.size() > kDriverMost) errors.TooLong(path, kDriverMost);
  if (!IsDnsSubdomain(Lower(driver))) errors.Invalid(path, driver, kWantDnsSubdomain);
}

void CheckPoolName(FieldErrors& errors, const FieldPath& path, std::string_view name) {
  if (name.empty()) return errors.Required(path);
  if (name.size() > 253) return errors.TooLong(path, 253);
  for (size_t at = 0; at <= name.size();) {
    size_t slash = std::min(name.find('/', at), name.size());
    std::string_view part = name.substr(at, slash - at);
    if (!IsDnsSubdomain(part)) errors.Invalid(path, part, kWantDnsSubdomain);
    at = slash + 1;
  }
}

void CheckQualifiedName(FieldErrors& errors, const FieldPath& path, std::string_view name) {
  size_t slash = name.find('/');
  if (slash == std::string_view::npos) return CheckIdentifier(errors, path, name);
  std::string_view domain = name.substr(0, slash), id = name.substr(slash + 1);
  // Three parts and more pass unseen: resource/validation of 1.36 looks at one part or two
  // (validateQualifiedName), and what a server has stored must stay readable.
  if (id.find('/') != std::string_view::npos) return;
  if (domain.empty())
    errors.Invalid(path, name, "the domain must not be empty");
  else
    CheckDriver(errors, path, domain);
  if (id.empty())
    errors.Invalid(path, name, "the name must not be empty");
  else
    CheckIdentifier(errors, path, id);
}

void CheckFullyQualifiedName(FieldErrors& errors, const FieldPath& path, std::string_view name) {
  if (name.empty()) return errors.Required(path);
  CheckQualifiedName(errors, path, name);
  if (name.find('/') == std::string_view::npos)
    errors.Invalid(path, name, "must be a domain and a name joined with '/'");
}

void CheckRawObject(FieldErrors& errors, const FieldPath& path, std::string_view text) {
  if (text.empty()) return errors.Required(path);
  if (text.size() > kRawMost) return errors.TooLong(path, kRawMost);
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) errors.Invalid(path, "<value omitted>", "must be a JSON object");
}

void CheckOpaque(FieldErrors& errors, const FieldPath& path,
                 const std::optional<OpaqueDeviceConfiguration>& opaque) {
  if (!opaque) return errors.Required(path / "opaque");
  CheckDriver(errors, path / "opaque" / "driver", opaque->driver);
  CheckRawObject(errors, path / "opaque" / "parameters", opaque->parameters);
}

void CheckSelectors(FieldErrors& errors, const FieldPath& path,
                    const std::vector<DeviceSelector>& selectors, const CelCheck& cel) {
  if (selectors.size() > kSelectorsMost)
    return errors.TooMany(path, selectors.size(), kSelectorsMost);
  for (size_t i = 0; i < selectors.size(); ++i) {
    if (!selectors[i].cel) {
      errors.Required(path[i] / "cel");
      continue;
    }
    const std::string& expression = selectors[i].cel->expression;
    FieldPath at = path[i] / "cel" / "expression";
    if (expression.size() > kExpressionMost) {
      errors.TooLong(at, kExpressionMost);
    } else if (expression.empty()) {
      errors.Required(at);
    } else if (cel) {
      if (Status status = cel(expression); !status.ok())
        errors.Invalid(at, expression, status.message());
    }
  }
}

void CheckDeviceTaint(FieldErrors& errors, const FieldPath& path, const DeviceTaint& taint) {
  if (taint.key.empty())
    errors.Required(path / "key");
  else if (!IsQualifiedName(taint.key))
    errors.Invalid(path / "key", taint.key, kWantQualifiedName);
  if (!IsLabelValue(taint.value)) errors.Invalid(path / "value", taint.value, kWantLabelValue);
  errors.OneOf(path / "effect", taint.effect, {"NoExecute", "NoSchedule", "None"});
}

void CheckBindingConditions(FieldErrors& errors, const FieldPath& path,
                            const std::vector<std::string>& conditions,
                            const std::vector<std::string>& failures) {
  constexpr size_t kMost = 4;
  auto check = [&](const FieldPath& at, const std::vector<std::string>& list) {
    if (list.size() > kMost) return errors.TooMany(at, list.size(), kMost);
    for (size_t i = 0; i < list.size(); ++i)
      if (!IsQualifiedName(list[i])) errors.Invalid(at[i], list[i], kWantQualifiedName);
    CheckUnique(errors, at, list, [](const std::string& text) -> std::string_view { return text; });
  };
  check(path / "bindingConditions", conditions);
  check(path / "bindingFailureConditions", failures);
  for (size_t i = 0; i < failures.size(); ++i)
    for (const std::string& condition : conditions)
      if (condition == failures[i])
        errors.Invalid((path / "bindingFailureConditions")[i], failures[i],
                       "must not stand in bindingConditions as well");
  if (conditions.empty() && !failures.empty())
    errors.Invalid(path / "bindingConditions", "",
                   "bindingConditions are required with bindingFailureConditions");
  if (!conditions.empty() && failures.empty())
    errors.Invalid(path / "bindingFailureConditions", "",
                   "bindingFailureConditions are required with bindingConditions");
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

}  // namespace dray::api
