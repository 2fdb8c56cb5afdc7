#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "devcluster/apiserver/server.h"

namespace dray::devcluster {

// meta.k8s.io/v1 DeleteOptions, from the body and the query.
struct DeleteOptions {
  std::optional<int64_t> grace_period_seconds;
  std::string uid, resource_version;  // preconditions; "" none
  std::string propagation;            // "", Background, Foreground, Orphan
  bool dry_run = false;
};
// kBadRequest, kInvalid.
Result<DeleteOptions> DeleteOptionsOf(const Call& call);
Result<DeleteOptions> DeleteOptionsFrom(const Json& document);

struct Deleted {
  std::string text;  // the object: its final state, or with a deletionTimestamp
  std::string uid;
  bool removed = false;  // false: it waits for finalizers or for the kubelet
};
// Deletes the object of the call as far as that goes now: Pods wait for their kubelet, finalizers
// for their owners.
Result<Deleted> DeleteOne(Server& server, Call& call, const DeleteOptions& options);

// DELETE on an object, on a collection.
Result<Answer> DeleteObject(Server& server, Call& call);
Result<Answer> DeleteCollection(Server& server, Call& call);

}  // namespace dray::devcluster
