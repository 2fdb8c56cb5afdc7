#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/typed_document.h"
#include "devcluster/apiserver/validation.h"
#include "dray/api/types/coordination.h"
#include "dray/api/types/core.h"
#include "dray/api/validation.h"

namespace dray::devcluster {
namespace {

// Everything that the codec of a kind finds wrong with the types of its members.
template <class T>
Status CheckTypes(const Json& document) {
  return Typed<T>(document).status();
}

Status MapOfStrings(const Json& object, const char* path) {
  const Json* found = Find(object, path);
  if (!found || found->is_null()) return Ok();
  std::string what = StringAt(object, "kind") + " cannot be handled: " + path;
  if (!found->is_object()) return Status(Reason::kBadRequest, what + ": want a map of strings");
  for (const auto& [key, value] : found->items())
    if (!value.is_string())
      return Status(Reason::kBadRequest, what + "[" + key + "]: want a string, got " + Dump(value));
  return Ok();
}

}  // namespace

Status ValidateMetadata(const Resource& resource, const Json& object) {
  for (const char* map : {"metadata.labels", "metadata.annotations"})
    DRAY_RETURN_IF_ERROR(MapOfStrings(object, map));
  // Any typed kind reads metadata the same way.
  DRAY_ASSIGN_OR_RETURN(api::ConfigMap reader,
                        Typed<api::ConfigMap>({{"metadata", object.value("metadata", Json())}}));
  // Roles and their bindings have path segments as names ("system:node"), not DNS names.
  if (resource.group == "rbac.authorization.k8s.io") {
    const std::string& name = reader.metadata.name;
    if (name.find_first_of("/%") == std::string::npos && name != "." && name != "..") return Ok();
    return InvalidField(object, "metadata.name", "FieldValueInvalid",
                        "Invalid value: \"" + name + "\": may not contain '/' or '%'");
  }
  return api::ValidateMeta(reader.metadata, {resource.group, resource.versions[0], resource.kind,
                                             resource.plural, resource.namespaced});
}

Status ValidatePodDocument(const Json& pod, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(api::Pod typed, Typed<api::Pod>(pod));
  if (!stored) return api::ValidatePod(typed);
  if (Status refused = CheckPodUpdate(pod, *stored); !refused.ok()) return refused;
  DRAY_ASSIGN_OR_RETURN(api::Pod old, Typed<api::Pod>(*stored));
  return api::ValidatePodUpdate(typed, old);
}

Status ValidateNodeDocument(const Json& node, const Json*) {
  return CheckTypes<api::Node>(node);
}

Status ValidateConfigMapDocument(const Json& map, const Json* stored) {
  for (const char* path : {"data", "binaryData"}) DRAY_RETURN_IF_ERROR(MapOfStrings(map, path));
  return stored ? CheckImmutableData(map, *stored) : Ok();
}

Status ValidateSecretDocument(const Json& secret, const Json* stored) {
  DRAY_RETURN_IF_ERROR(MapOfStrings(secret, "data"));
  return stored ? CheckImmutableData(secret, *stored) : Ok();
}

Status ValidateServiceDocument(const Json& service, const Json*) {
  DRAY_ASSIGN_OR_RETURN(api::Service typed, Typed<api::Service>(service));
  if (typed.spec.ports.empty() && typed.spec.cluster_ip != "None" &&
      typed.spec.type != "ExternalName")
    return InvalidField(service, "spec.ports", "FieldValueRequired", "Required value");
  for (size_t i = 0; i < typed.spec.ports.size(); ++i)
    if (int32_t port = typed.spec.ports[i].port; port < 1 || port > 65535)
      return InvalidField(
          service, "spec.ports[" + std::to_string(i) + "].port", "FieldValueInvalid",
          "Invalid value: " + std::to_string(port) + ": must be between 1 and 65535, inclusive");
  return Ok();
}

Status ValidateEndpointSliceDocument(const Json& slice, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(api::EndpointSlice typed, Typed<api::EndpointSlice>(slice));
  if (typed.address_type != "IPv4" && typed.address_type != "IPv6" && typed.address_type != "FQDN")
    return InvalidField(slice, "addressType", "FieldValueNotSupported",
                        "Unsupported value: \"" + typed.address_type +
                            "\": supported values: \"IPv4\", \"IPv6\", \"FQDN\"");
  if (stored && StringAt(*stored, "addressType") != typed.address_type)
    return InvalidField(slice, "addressType", "FieldValueInvalid",
                        "Invalid value: \"" + typed.address_type + "\": field is immutable");
  return Ok();
}

Status ValidateEventDocument(const Json& event, const Json*) {
  DRAY_ASSIGN_OR_RETURN(api::Event typed, Typed<api::Event>(event));
  const std::string& about = typed.involved_object.namespace_;
  // Events about cluster scoped objects live in "default".
  bool matches = about == typed.metadata.namespace_ ||
                 (about.empty() && typed.metadata.namespace_ == "default");
  if (!matches)
    return InvalidField(event, "involvedObject.namespace", "FieldValueInvalid",
                        "Invalid value: \"" + about + "\": does not match event.namespace");
  return Ok();
}

Status ValidateLeaseDocument(const Json& lease, const Json*) {
  DRAY_ASSIGN_OR_RETURN(api::Lease typed, Typed<api::Lease>(lease));
  for (const char* field : {"spec.leaseDurationSeconds", "spec.leaseTransitions"}) {
    std::optional<int64_t> value = IntAt(lease, field);
    bool duration = std::string_view(field) == "spec.leaseDurationSeconds";
    if (value && *value < (duration ? 1 : 0))
      return InvalidField(
          lease, field, "FieldValueInvalid",
          "Invalid value: " + std::to_string(*value) +
              (duration ? ": must be greater than 0" : ": must be greater than or equal to 0"));
  }
  return Ok();
}

}  // namespace dray::devcluster
