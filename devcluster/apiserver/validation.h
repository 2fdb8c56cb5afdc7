#pragma once

#include "devcluster/apiserver/registry.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// The rules of dray/api/validation.h applied to untyped documents, and the few for kinds that it
// does not know.
namespace dray::devcluster {

// Right types where the server itself looks (metadata), and legal names, labels, annotations,
// owners, finalizers. kBadRequest for a member of the wrong type, kInvalid otherwise.
Status ValidateMetadata(const Resource& resource, const Json& object);

// For Resource::validate and Resource::validate_status. `stored` is null on create.
Status ValidatePodDocument(const Json& pod, const Json* stored);
Status ValidateNodeDocument(const Json& node, const Json* stored);
Status ValidateConfigMapDocument(const Json& map, const Json* stored);
Status ValidateSecretDocument(const Json& secret, const Json* stored);
Status ValidateServiceDocument(const Json& service, const Json* stored);
Status ValidateEndpointSliceDocument(const Json& slice, const Json* stored);
Status ValidateEventDocument(const Json& event, const Json* stored);
Status ValidateLeaseDocument(const Json& lease, const Json* stored);
Status ValidateDeploymentDocument(const Json& object, const Json* stored);
Status ValidateReplicaSetDocument(const Json& object, const Json* stored);
Status ValidateJobDocument(const Json& job, const Json* stored);
Status ValidateClaimDocument(const Json& claim, const Json* stored);
Status ValidateClaimStatusDocument(const Json& claim, const Json& stored);
Status ValidateClaimTemplateDocument(const Json& claim_template, const Json* stored);
Status ValidateDeviceClassDocument(const Json& device_class, const Json* stored);
Status ValidateSliceDocument(const Json& slice, const Json* stored);
Status ValidateMutatingConfiguration(const Json& configuration, const Json* stored);
Status ValidateValidatingConfiguration(const Json& configuration, const Json* stored);

}  // namespace dray::devcluster
