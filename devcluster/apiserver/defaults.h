#pragma once

#include "dray/base/clock.h"
#include "dray/base/json.h"

// Values that kube-apiserver fills in where the user said nothing
// (pkg/apis/*/v1/defaults.go, 1.36), and what its strategies do to an object on its way in
// (pkg/registry/*/strategy.go). Documents of any shape are left standing: what has the wrong type
// is not touched, validation speaks about it later.
namespace dray::devcluster {

void DefaultPodSpec(Json& spec);  // of Pods and of templates
void DefaultPod(Json& object, WallTime now);
void DefaultSecret(Json& object, WallTime now);
void DefaultService(Json& object, WallTime now);
void DefaultEndpointSlice(Json& object, WallTime now);
void DefaultNamespace(Json& object, WallTime now);

void DefaultDeployment(Json& object, WallTime now);
void DefaultReplicaSet(Json& object, WallTime now);
void DefaultJob(Json& object, WallTime now);

void DefaultResourceClaim(Json& object, WallTime now);
void DefaultResourceClaimTemplate(Json& object, WallTime now);
void DefaultResourceSlice(Json& object, WallTime now);

void DefaultWebhookConfiguration(Json& object, WallTime now);
void DefaultRoleBinding(Json& object, WallTime now);

// Guaranteed, Burstable or BestEffort by the requests and limits of all containers.
const char* QosClassOf(const Json& pod);

}  // namespace dray::devcluster
