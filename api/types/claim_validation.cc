#include <algorithm>

#include "api/types/validation_rules.h"

namespace dray::api {
namespace {

constexpr size_t kRequestsMost = 32;
constexpr size_t kAlternativesMost = 8;
constexpr size_t kConstraintsMost = 32;
constexpr size_t kConfigMost = 32;

constexpr std::string_view kWantRequest =
    "must be the name of a request of the claim, or of a request and one of its "
    "alternatives joined with '/'";

std::string_view Itself(const std::string& text) {
  return text;
}

// "main" or "main/sub", present in the claim.
bool IsRequestOf(const DeviceClaim& claim, std::string_view reference) {
  size_t slash = reference.find('/');
  for (const DeviceRequest& request : claim.requests) {
    if (request.name != reference.substr(0, slash)) continue;
    if (slash == std::string_view::npos) return true;
    return std::ranges::any_of(request.first_available, [&](const DeviceSubRequest& sub) {
      return sub.name == reference.substr(slash + 1);
    });
  }
  return false;
}

void CheckRequestReferences(FieldErrors& errors, const FieldPath& path,
                            const std::vector<std::string>& references, const DeviceClaim& claim) {
  if (references.size() > kRequestsMost)
    return errors.TooMany(path, references.size(), kRequestsMost);
  for (size_t i = 0; i < references.size(); ++i)
    if (!IsRequestOf(claim, references[i])) errors.Invalid(path[i], references[i], kWantRequest);
  CheckUnique(errors, path, references, Itself);
}

void CheckAllocationMode(FieldErrors& errors, const FieldPath& path, const std::string& mode,
                         int64_t count) {
  if (mode == "All") {
    if (count != 0)
      errors.Invalid(path / "count", count, "must not be set when allocationMode is All");
  } else if (mode.empty() || mode == "ExactCount") {
    // 0 stands for unset, which defaults to 1.
    if (count < 0) errors.Invalid(path / "count", count, "must be greater than zero");
  } else {
    errors.NotSupported(path / "allocationMode", mode, {"All", "ExactCount"});
  }
}

void CheckTolerations(FieldErrors& errors, const FieldPath& path,
                      const std::vector<DeviceToleration>& tolerations) {
  for (size_t i = 0; i < tolerations.size(); ++i) {
    const DeviceToleration& toleration = tolerations[i];
    bool exists = toleration.op == "Exists";
    if (!toleration.key.empty() && !IsQualifiedName(toleration.key))
      errors.Invalid(path[i] / "key", toleration.key, kWantQualifiedName);
    if (toleration.key.empty() && !exists)
      errors.Required(path[i] / "key", "an empty key is for the operator Exists");
    if (!toleration.op.empty())
      errors.OneOf(path[i] / "operator", toleration.op, {"Equal", "Exists"});
    if (exists && !toleration.value.empty())
      errors.Invalid(path[i] / "value", toleration.value,
                     "must be empty when the operator is Exists");
    if (!exists && !IsLabelValue(toleration.value))
      errors.Invalid(path[i] / "value", toleration.value, kWantLabelValue);
    if (!toleration.effect.empty())
      errors.OneOf(path[i] / "effect", toleration.effect, {"NoExecute", "NoSchedule", "None"});
  }
}

void CheckCapacity(FieldErrors& errors, const FieldPath& path,
                   const std::optional<CapacityRequirements>& capacity) {
  if (!capacity) return;
  for (const auto& [name, amount] : capacity->requests)
    CheckQualifiedName(errors, path / "requests", name);
}

template <class Request>  // ExactDeviceRequest or DeviceSubRequest
void CheckRequestBody(FieldErrors& errors, const FieldPath& path, const Request& request,
                      const CelCheck& cel) {
  CheckDnsSubdomain(errors, path / "deviceClassName", request.device_class_name);
  CheckSelectors(errors, path / "selectors", request.selectors, cel);
  CheckAllocationMode(errors, path, request.allocation_mode, request.count);
  CheckTolerations(errors, path / "tolerations", request.tolerations);
  CheckCapacity(errors, path / "capacity", request.capacity);
}

void CheckRequest(FieldErrors& errors, const FieldPath& path, const DeviceRequest& request,
                  const CelCheck& cel) {
  constexpr std::string_view kOneOf = "exactly one of `exactly` or `firstAvailable` is required";
  CheckDnsLabel(errors, path / "name", request.name);
  if (request.exactly && !request.first_available.empty()) {
    errors.Invalid(path, request.name, std::string(kOneOf) + ", but both are set");
  } else if (request.exactly) {
    CheckRequestBody(errors, path / "exactly", *request.exactly, cel);
  } else if (request.first_available.empty()) {
    errors.Required(path, kOneOf);
  } else if (request.first_available.size() > kAlternativesMost) {
    errors.TooMany(path / "firstAvailable", request.first_available.size(), kAlternativesMost);
  } else {
    FieldPath list = path / "firstAvailable";
    for (size_t i = 0; i < request.first_available.size(); ++i) {
      CheckDnsLabel(errors, list[i] / "name", request.first_available[i].name);
      CheckRequestBody(errors, list[i], request.first_available[i], cel);
    }
    CheckUnique(errors, list, request.first_available,
                [](const DeviceSubRequest& sub) -> std::string_view { return sub.name; });
  }
}

void CheckConstraint(FieldErrors& errors, const FieldPath& path, const DeviceConstraint& constraint,
                     const DeviceClaim& claim) {
  CheckRequestReferences(errors, path / "requests", constraint.requests, claim);
  constexpr std::string_view kOneOf =
      "exactly one of `matchAttribute` or `distinctAttribute` is required";
  if (!constraint.match_attribute && !constraint.distinct_attribute)
    return errors.Required(path, kOneOf);
  if (constraint.match_attribute && constraint.distinct_attribute)
    return errors.Invalid(path, *constraint.match_attribute,
                          std::string(kOneOf) + ", but both are set");
  if (constraint.match_attribute)
    CheckFullyQualifiedName(errors, path / "matchAttribute", *constraint.match_attribute);
  else
    CheckFullyQualifiedName(errors, path / "distinctAttribute", *constraint.distinct_attribute);
}

void CheckAllocation(FieldErrors& errors, const FieldPath& path, const AllocationResult& allocation,
                     const DeviceClaim& claim) {
  const auto& results = allocation.devices.results;
  FieldPath at = path / "devices" / "results";
  if (results.size() > static_cast<size_t>(kMaxAllocationResults))
    errors.TooMany(at, results.size(), static_cast<size_t>(kMaxAllocationResults));
  for (size_t i = 0; i < results.size(); ++i) {
    const DeviceRequestAllocationResult& result = results[i];
    if (!IsRequestOf(claim, result.request))
      errors.Invalid(at[i] / "request", result.request, kWantRequest);
    CheckDriver(errors, at[i] / "driver", result.driver);
    CheckPoolName(errors, at[i] / "pool", result.pool);
    CheckDnsLabel(errors, at[i] / "device", result.device);
    CheckBindingConditions(errors, at[i], result.binding_conditions,
                           result.binding_failure_conditions);
    CheckTolerations(errors, at[i] / "tolerations", result.tolerations);
    if (result.share_id && !IsUuid(*result.share_id))
      errors.Invalid(at[i] / "shareID", *result.share_id, "must be a UUID in lower case");
  }
  const auto& config = allocation.devices.config;
  at = path / "devices" / "config";
  if (config.size() > 2 * kConfigMost) errors.TooMany(at, config.size(), 2 * kConfigMost);
  for (size_t i = 0; i < config.size(); ++i) {
    errors.OneOf(at[i] / "source", config[i].source, {"FromClaim", "FromClass"});
    CheckRequestReferences(errors, at[i] / "requests", config[i].requests, claim);
    CheckOpaque(errors, at[i], config[i].opaque);
  }
  if (allocation.node_selector)
    CheckNodeSelector(errors, path / "nodeSelector", *allocation.node_selector);
}

bool IsCidr(std::string_view text) {
  size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return false;
  bool v6 = text.find(':') != std::string_view::npos;
  int bits = 0;
  for (char c : text.substr(slash + 1)) {
    if (c < '0' || c > '9' || bits > 128) return false;
    bits = bits * 10 + (c - '0');
  }
  return bits <= (v6 ? 128 : 32) &&
         text.substr(0, slash).find_first_not_of(v6 ? "0123456789abcdefABCDEF:." : "0123456789.") ==
             std::string_view::npos;
}

void CheckNetworkData(FieldErrors& errors, const FieldPath& path, const NetworkDeviceData& data) {
  if (data.interface_name.size() > 256) errors.TooLong(path / "interfaceName", 256);
  if (data.hardware_address.size() > 128) errors.TooLong(path / "hardwareAddress", 128);
  if (data.ips.size() > 16) return errors.TooMany(path / "ips", data.ips.size(), 16);
  for (size_t i = 0; i < data.ips.size(); ++i)
    if (!IsCidr(data.ips[i]))
      errors.Invalid((path / "ips")[i], data.ips[i], "must be an address with its prefix length");
  CheckUnique(errors, path / "ips", data.ips, Itself);
}

void CheckDeviceStatus(FieldErrors& errors, const FieldPath& path,
                       const AllocatedDeviceStatus& device,
                       const std::optional<AllocationResult>& allocation) {
  CheckDriver(errors, path / "driver", device.driver);
  CheckPoolName(errors, path / "pool", device.pool);
  CheckDnsLabel(errors, path / "device", device.device);
  if (device.share_id && !IsUuid(*device.share_id))
    errors.Invalid(path / "shareID", *device.share_id, "must be a UUID in lower case");
  bool allocated =
      allocation && std::ranges::any_of(allocation->devices.results, [&](const auto& result) {
        return result.driver == device.driver && result.pool == device.pool &&
               result.device == device.device && result.share_id == device.share_id;
      });
  if (!allocated)
    errors.Invalid(path, device.driver + "/" + device.pool + "/" + device.device,
                   "must be a device allocated to the claim");
  CheckConditions(errors, path / "conditions", device.conditions, 8);
  if (!device.data.empty()) CheckRawObject(errors, path / "data", device.data);
  if (device.network_data) CheckNetworkData(errors, path / "networkData", *device.network_data);
}

void CheckReservedFor(FieldErrors& errors, const FieldPath& path, const ResourceClaim& updated,
                      const ResourceClaim& old) {
  const auto& consumers = updated.status.reserved_for;
  if (consumers.size() > static_cast<size_t>(kMaxReservedFor))
    return errors.TooMany(path, consumers.size(), static_cast<size_t>(kMaxReservedFor));
  for (size_t i = 0; i < consumers.size(); ++i) {
    if (consumers[i].resource.empty()) errors.Required(path[i] / "resource");
    if (consumers[i].name.empty()) errors.Required(path[i] / "name");
    if (consumers[i].uid.empty()) errors.Required(path[i] / "uid");
  }
  CheckUnique(errors, path, consumers,
              [](const ResourceClaimConsumerReference& consumer) -> std::string_view {
                return consumer.uid;
              });
  if (consumers.empty()) return;
  if (!updated.status.allocation) return errors.Forbidden(path, "needs an allocation");
  if (!updated.metadata.deletion_timestamp) return;
  for (const ResourceClaimConsumerReference& consumer : consumers)
    if (std::ranges::find(old.status.reserved_for, consumer) == old.status.reserved_for.end())
      return errors.Forbidden(path, "no consumer can be added while the claim is being deleted");
}

void CheckAdminAccess(FieldErrors& errors, const FieldPath& path, const ResourceClaimSpec& spec,
                      const Labels& namespace_labels) {
  auto label = namespace_labels.find(std::string(kAdminAccessLabel));
  if (label != namespace_labels.end() && label->second == "true") return;
  for (size_t i = 0; i < spec.devices.requests.size(); ++i) {
    const auto& exactly = spec.devices.requests[i].exactly;
    if (exactly && exactly->admin_access == true)
      errors.Forbidden(
          (path / "devices" / "requests")[i] / "adminAccess",
          "needs the label " + std::string(kAdminAccessLabel) + ": true on the namespace");
  }
}

}  // namespace

void CheckClaimSpec(FieldErrors& errors, const FieldPath& path, const ResourceClaimSpec& spec,
                    const CelCheck& cel) {
  const DeviceClaim& claim = spec.devices;
  FieldPath devices = path / "devices";
  if (claim.requests.size() > kRequestsMost) {
    errors.TooMany(devices / "requests", claim.requests.size(), kRequestsMost);
  } else {
    for (size_t i = 0; i < claim.requests.size(); ++i)
      CheckRequest(errors, (devices / "requests")[i], claim.requests[i], cel);
    CheckUnique(errors, devices / "requests", claim.requests,
                [](const DeviceRequest& request) -> std::string_view { return request.name; });
  }
  if (claim.constraints.size() > kConstraintsMost) {
    errors.TooMany(devices / "constraints", claim.constraints.size(), kConstraintsMost);
  } else {
    for (size_t i = 0; i < claim.constraints.size(); ++i)
      CheckConstraint(errors, (devices / "constraints")[i], claim.constraints[i], claim);
  }
  if (claim.config.size() > kConfigMost) {
    errors.TooMany(devices / "config", claim.config.size(), kConfigMost);
  } else {
    for (size_t i = 0; i < claim.config.size(); ++i) {
      FieldPath at = (devices / "config")[i];
      CheckRequestReferences(errors, at / "requests", claim.config[i].requests, claim);
      CheckOpaque(errors, at, claim.config[i].opaque);
    }
  }
}

Status ValidateResourceClaim(const ResourceClaim& claim, const CelCheck& cel) {
  FieldErrors errors;
  CheckMeta(errors, claim.metadata, KindOf<ResourceClaim>::value);
  CheckClaimSpec(errors, FieldPath("spec"), claim.spec, cel);
  return errors.For(KindOf<ResourceClaim>::value, claim.metadata);
}

Status ValidateResourceClaimUpdate(const ResourceClaim& updated, const ResourceClaim& old) {
  FieldErrors errors;
  CheckMetaUpdate(errors, updated.metadata, old.metadata, KindOf<ResourceClaim>::value);
  if (updated.spec != old.spec) errors.Immutable(FieldPath("spec"));
  return errors.For(KindOf<ResourceClaim>::value, updated.metadata);
}

Status ValidateResourceClaimStatusUpdate(const ResourceClaim& updated, const ResourceClaim& old) {
  FieldErrors errors;
  CheckMetaUpdate(errors, updated.metadata, old.metadata, KindOf<ResourceClaim>::value);
  FieldPath path("status");
  CheckReservedFor(errors, path / "reservedFor", updated, old);

  const auto& devices = updated.status.devices;
  for (size_t i = 0; i < devices.size(); ++i) {
    CheckDeviceStatus(errors, (path / "devices")[i], devices[i], updated.status.allocation);
    for (size_t k = 0; k < i; ++k)
      if (devices[k].driver == devices[i].driver && devices[k].pool == devices[i].pool &&
          devices[k].device == devices[i].device && devices[k].share_id == devices[i].share_id) {
        errors.Duplicate((path / "devices")[i],
                         devices[i].driver + "/" + devices[i].pool + "/" + devices[i].device);
        break;
      }
  }

  // What was accepted once is not looked at again: rules may have become tighter since.
  if (updated.status.allocation && old.status.allocation) {
    if (*updated.status.allocation != *old.status.allocation) errors.Immutable(path / "allocation");
  } else if (updated.status.allocation) {
    CheckAllocation(errors, path / "allocation", *updated.status.allocation, updated.spec.devices);
  }
  return errors.For(KindOf<ResourceClaim>::value, updated.metadata);
}

Status ValidateResourceClaimTemplate(const ResourceClaimTemplate& claim_template,
                                     const CelCheck& cel) {
  FieldErrors errors;
  FieldPath path("spec");
  CheckMeta(errors, claim_template.metadata, KindOf<ResourceClaimTemplate>::value);
  CheckLabels(errors, path / "metadata" / "labels", claim_template.spec.metadata.labels);
  CheckAnnotations(errors, path / "metadata" / "annotations",
                   claim_template.spec.metadata.annotations);
  CheckClaimSpec(errors, path / "spec", claim_template.spec.spec, cel);
  return errors.For(KindOf<ResourceClaimTemplate>::value, claim_template.metadata);
}

Status ValidateResourceClaimTemplateUpdate(const ResourceClaimTemplate& updated,
                                           const ResourceClaimTemplate& old) {
  FieldErrors errors;
  CheckMetaUpdate(errors, updated.metadata, old.metadata, KindOf<ResourceClaimTemplate>::value);
  if (updated.spec != old.spec) errors.Immutable(FieldPath("spec"));
  return errors.For(KindOf<ResourceClaimTemplate>::value, updated.metadata);
}

Status ValidateAdminAccess(const ResourceClaim& claim, const Labels& namespace_labels) {
  FieldErrors errors;
  CheckAdminAccess(errors, FieldPath("spec"), claim.spec, namespace_labels);
  return errors.For(KindOf<ResourceClaim>::value, claim.metadata);
}

Status ValidateAdminAccess(const ResourceClaimTemplate& claim_template,
                           const Labels& namespace_labels) {
  FieldErrors errors;
  CheckAdminAccess(errors, FieldPath("spec") / "spec", claim_template.spec.spec, namespace_labels);
  return errors.For(KindOf<ResourceClaimTemplate>::value, claim_template.metadata);
}

}  // namespace dray::api
