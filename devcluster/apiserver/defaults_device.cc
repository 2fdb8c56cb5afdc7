#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/json_access.h"
#include "dray/api/types/meta.h"

namespace dray::devcluster {
namespace {

void DefaultRequest(Json& request) {
  if (!request.is_object()) return;
  Default(request, "allocationMode", "ExactCount");
  // count 0 means "unset": only ExactCount has a default.
  if (StringAt(request, "allocationMode") == "ExactCount" &&
      IntAt(request, "count").value_or(0) == 0)
    request["count"] = 1;
  if (Json* tolerations = FindArray(request, "tolerations"))
    for (Json& toleration : *tolerations) Default(toleration, "operator", "Equal");
}

void DefaultClaimSpec(Json& spec) {
  if (!spec.is_object()) return;
  ObjectAt(spec, "devices");
  Json* requests = FindArray(spec, "devices.requests");
  if (!requests) return;
  for (Json& request : *requests) {
    if (Json* exactly = Find(request, "exactly")) DefaultRequest(*exactly);
    if (Json* alternatives = FindArray(request, "firstAvailable"))
      for (Json& alternative : *alternatives) DefaultRequest(alternative);
  }
}

}  // namespace

void DefaultResourceClaim(Json& object, WallTime) {
  if (Json* spec = Find(object, "spec")) DefaultClaimSpec(*spec);
}

void DefaultResourceClaimTemplate(Json& object, WallTime) {
  if (Json* spec = Find(object, "spec.spec")) DefaultClaimSpec(*spec);
}

void DefaultResourceSlice(Json& object, WallTime now) {
  Json* devices = FindArray(object, "spec.devices");
  if (!devices) return;
  for (Json& device : *devices)
    if (Json* taints = FindArray(device, "taints"))
      for (Json& taint : *taints) Default(taint, "timeAdded", api::FormatTime(api::ToTime(now)));
}

}  // namespace dray::devcluster
