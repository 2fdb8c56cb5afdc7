#pragma once

#include "api/types/field_errors.h"
#include "dray/api/validation.h"

// Rules that several validators share.
namespace dray::api {

constexpr std::string_view kWantDnsLabel =
    "must be a DNS label: at most 63 lower case letters, digits or '-', beginning and ending with "
    "a letter or digit";
constexpr std::string_view kWantDnsSubdomain =
    "must be a DNS subdomain: labels of lower case letters, digits or '-' joined with '.', at most "
    "253 characters";
constexpr std::string_view kWantQualifiedName =
    "must be a name of at most 63 letters, digits, '-', '_' or '.', optionally after a DNS "
    "subdomain and '/'";
constexpr std::string_view kWantLabelValue =
    "must be empty or at most 63 letters, digits, '-', '_' or '.', beginning and ending with a "
    "letter or digit";

void CheckDnsLabel(FieldErrors& errors, const FieldPath& path, std::string_view text);
void CheckDnsSubdomain(FieldErrors& errors, const FieldPath& path, std::string_view text);
void CheckLabels(FieldErrors& errors, const FieldPath& path, const Labels& labels);
void CheckAnnotations(FieldErrors& errors, const FieldPath& path, const Labels& annotations);
void CheckMeta(FieldErrors& errors, const ObjectMeta& meta, const KindInfo& kind);
void CheckMetaUpdate(FieldErrors& errors, const ObjectMeta& updated, const ObjectMeta& old,
                     const KindInfo& kind);
void CheckNodeSelector(FieldErrors& errors, const FieldPath& path, const NodeSelector& selector);
void CheckConditions(FieldErrors& errors, const FieldPath& path,
                     const std::vector<Condition>& conditions, size_t most);

// resource.k8s.io:
void CheckDriver(FieldErrors& errors, const FieldPath& path, std::string_view driver);
void CheckPoolName(FieldErrors& errors, const FieldPath& path, std::string_view name);
void CheckQualifiedName(FieldErrors& errors, const FieldPath& path, std::string_view name);
void CheckFullyQualifiedName(FieldErrors& errors, const FieldPath& path, std::string_view name);
void CheckOpaque(FieldErrors& errors, const FieldPath& path,
                 const std::optional<OpaqueDeviceConfiguration>& opaque);
void CheckRawObject(FieldErrors& errors, const FieldPath& path, std::string_view text);
void CheckSelectors(FieldErrors& errors, const FieldPath& path,
                    const std::vector<DeviceSelector>& selectors, const CelCheck& cel);
void CheckClaimSpec(FieldErrors& errors, const FieldPath& path, const ResourceClaimSpec& spec,
                    const CelCheck& cel);
void CheckDeviceTaint(FieldErrors& errors, const FieldPath& path, const DeviceTaint& taint);
void CheckBindingConditions(FieldErrors& errors, const FieldPath& path,
                            const std::vector<std::string>& conditions,
                            const std::vector<std::string>& failures);
bool IsUuid(std::string_view text);  // 36 characters, lower case

// Which entries of a list occurred before. Empty texts are left to the syntax checks.
template <class Range, class KeyOf>
void CheckUnique(FieldErrors& errors, const FieldPath& path, const Range& list, KeyOf key_of,
                 std::string_view member = "") {
  std::vector<std::string_view> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string_view key = key_of(list[i]);
    if (key.empty()) continue;
    bool known = false;
    for (std::string_view earlier : seen) known |= earlier == key;
    if (known) errors.Duplicate(member.empty() ? path[i] : path[i] / member, key);
    seen.push_back(key);
  }
}

}  // namespace dray::api
