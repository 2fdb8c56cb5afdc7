#pragma once

#include <string>

#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/server.h"
#include "dray/base/clock.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// The part of an object that belongs to the server: metadata, generation, and who may write what.
namespace dray::devcluster {

// kind and apiVersion are those of the resource (filled in when absent); the namespace is that of
// the path (filled in). The document is in the form of the store afterwards. kBadRequest.
Status CheckIdentity(const Call& call, Json& object);

// A new object: uid, creationTimestamp, generation; what clients cannot set goes.
void StampNew(const Resource& resource, Json& object, WallTime now);
// generateName with five random characters.
std::string GenerateName(const std::string& base);

// `object` is to replace `stored`: puts back what cannot change, and status (or everything but
// status for the status subresource). kInvalid when a finalizer is added to an object that is being
// deleted.
Status CarryOver(const Resource& resource, const std::string& subresource, const Json& stored,
                 Json& object);
// The generation that `object` deserves after `stored`.
void UpdateGeneration(const Resource& resource, const Json& stored, Json& object);

// Equal but for resourceVersion and the times in managedFields.
bool SameButForTimes(const Json& a, const Json& b);

std::string FormatNow(WallTime now);  // metav1.Time

}  // namespace dray::devcluster
