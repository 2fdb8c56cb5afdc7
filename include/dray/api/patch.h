#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dray/base/json.h"
#include "dray/base/status.h"

// The four patch types of the Kubernetes API, on untyped documents. Pure, any thread.
namespace dray::api {

// RFC 6902. kInvalid (422) when an operation or a test fails, kBadRequest when the patch itself is
// malformed, kTooLarge above 10,000 operations.
Result<Json> ApplyJsonPatch(Json document, const Json& patch);
// The smallest RFC 6902 patch that we write ourselves: from `before` to `after`, only changed
// paths.
Json DiffJsonPatch(const Json& before, const Json& after);

// RFC 7386. MergePatchFor gives the patch that turns `before` into `after` (removed keys become
// null).
Json ApplyMergePatch(Json document, const Json& patch);
Json MergePatchFor(const Json& before, const Json& after);

// Strategic merge patch with Kubernetes' merge keys for the built-in kinds (facts: k8s.io/api
// patchStrategy tags). `group` and `kind` choose the table. Directives: $patch,
// $deleteFromPrimitiveList, $setElementOrder, $retainKeys.
Result<Json> ApplyStrategicMergePatch(std::string_view group, std::string_view kind, Json document,
                                      const Json& patch);

// Server-side apply. Tracks ownership in metadata.managedFields of `live` (absent object: null).
struct ApplyRequest {
  std::string manager;
  bool force = false;
  std::string group, kind, api_version;
  std::string subresource;
  std::string now;  // RFC 3339, for managedFields.time
};
// The merged object with managedFields updated. kConflict carries one Cause per field that another
// manager owns.
Result<Json> ApplyServerSide(const ApplyRequest& request, const Json& live, const Json& applied);
// Bookkeeping of ordinary writes (create, update, patch): gives `manager` the fields that changed
// from `before` to `after`.
void TrackUpdate(const ApplyRequest& request, const Json& before, Json& after);

}  // namespace dray::api
