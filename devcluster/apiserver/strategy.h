#pragma once

#include "dray/base/json.h"
#include "dray/base/status.h"

// What the server does to single kinds on their way into the store, beyond defaults, and what it
// refuses because of the version that is stored (pkg/registry/*/strategy.go). Whether a document is
// well formed is api/validation's business.
namespace dray::devcluster {

void CreatePod(Json& pod);
Status CheckPodUpdate(const Json& pod, const Json& stored);
void UpdatePodStatus(Json& pod, const Json& stored);

void CreateNamespace(Json& namespace_);
void UpdateNamespace(Json& namespace_, const Json& stored);
void CreateJob(Json& job);
Status CheckJobUpdate(const Json& job, const Json& stored);
Status CheckSelectorUpdate(const Json& object, const Json& stored);  // Deployment, ReplicaSet
Status CheckImmutableData(const Json& object, const Json& stored);   // ConfigMap, Secret

// Devices whose allocation is gone leave status.devices without a word.
void UpdateClaimStatus(Json& claim, const Json& stored);

// events.k8s.io/v1 and back: the same object with other member names.
Json EventToNew(const Json& core_event);
Json EventToCore(const Json& new_event);

// kInvalid with one cause at `field`.
Status InvalidField(const Json& object, std::string_view field, std::string_view reason,
                    const std::string& message);
// The name that an error message gives an object: `Pod "x"`, `ResourceClaim.resource.k8s.io "x"`.
std::string Described(const Json& object);

}  // namespace dray::devcluster
