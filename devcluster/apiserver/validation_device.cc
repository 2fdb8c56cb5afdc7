#include <nlohmann/json.hpp>

#include "devcluster/apiserver/typed_document.h"
#include "devcluster/apiserver/validation.h"
#include "dray/api/cel.h"
#include "dray/api/types/resource.h"
#include "dray/api/validation.h"

namespace dray::devcluster {
namespace {

// Compiles and is cheap enough for every device that the API admits.
Status CheckSelector(std::string_view expression) {
  Result<std::shared_ptr<const cel::Program>> program = cel::Program::Compile(expression);
  if (!program.ok()) return program.status();
  if ((*program)->max_cost() <= cel::kMaxSelectorCost) return Ok();
  return Status(Reason::kInvalid, "too complex, exceeds cost limit");
}

}  // namespace

Status ValidateClaimDocument(const Json& claim, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(api::ResourceClaim typed, Typed<api::ResourceClaim>(claim));
  if (!stored) return api::ValidateResourceClaim(typed, CheckSelector);
  DRAY_ASSIGN_OR_RETURN(api::ResourceClaim old, Typed<api::ResourceClaim>(*stored));
  return api::ValidateResourceClaimUpdate(typed, old);
}

Status ValidateClaimStatusDocument(const Json& claim, const Json& stored) {
  DRAY_ASSIGN_OR_RETURN(api::ResourceClaim typed, Typed<api::ResourceClaim>(claim));
  DRAY_ASSIGN_OR_RETURN(api::ResourceClaim old, Typed<api::ResourceClaim>(stored));
  return api::ValidateResourceClaimStatusUpdate(typed, old);
}

Status ValidateClaimTemplateDocument(const Json& claim_template, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(auto typed, Typed<api::ResourceClaimTemplate>(claim_template));
  if (!stored) return api::ValidateResourceClaimTemplate(typed, CheckSelector);
  DRAY_ASSIGN_OR_RETURN(auto old, Typed<api::ResourceClaimTemplate>(*stored));
  return api::ValidateResourceClaimTemplateUpdate(typed, old);
}

Status ValidateDeviceClassDocument(const Json& device_class, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(auto typed, Typed<api::DeviceClass>(device_class));
  if (!stored) return api::ValidateDeviceClass(typed, CheckSelector);
  DRAY_ASSIGN_OR_RETURN(auto old, Typed<api::DeviceClass>(*stored));
  return api::ValidateDeviceClassUpdate(typed, old, CheckSelector);
}

Status ValidateSliceDocument(const Json& slice, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(auto typed, Typed<api::ResourceSlice>(slice));
  if (!stored) return api::ValidateResourceSlice(typed);
  DRAY_ASSIGN_OR_RETURN(auto old, Typed<api::ResourceSlice>(*stored));
  return api::ValidateResourceSliceUpdate(typed, old);
}

}  // namespace dray::devcluster
