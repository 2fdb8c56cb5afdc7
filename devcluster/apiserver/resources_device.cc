#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/tables.h"
#include "devcluster/apiserver/validation.h"

// resource.k8s.io/v1. v1beta1 and v1beta2 are off, as on a real 1.36 without flags.
namespace dray::devcluster {

std::vector<Resource> DeviceResources() {
  return {{.group = "resource.k8s.io",
           .kind = "DeviceClass",
           .plural = "deviceclasses",
           .versions = {"v1"},
           .namespaced = false,
           .generation = GenerationRule::kSpec,
           .delete_returns_object = true,
           .validate = ValidateDeviceClassDocument},
          {.group = "resource.k8s.io",
           .kind = "ResourceClaim",
           .plural = "resourceclaims",
           .versions = {"v1"},
           .subresources = {{"status", {"get", "patch", "update"}, "", "", ""}},
           .delete_returns_object = true,
           .columns = ResourceClaimColumns(),
           .cells = ResourceClaimCells,
           .defaults = DefaultResourceClaim,
           .validate = ValidateClaimDocument,
           .on_status = UpdateClaimStatus,
           .validate_status = ValidateClaimStatusDocument},
          {.group = "resource.k8s.io",
           .kind = "ResourceClaimTemplate",
           .plural = "resourceclaimtemplates",
           .versions = {"v1"},
           .delete_returns_object = true,
           .defaults = DefaultResourceClaimTemplate,
           .validate = ValidateClaimTemplateDocument},
          {.group = "resource.k8s.io",
           .kind = "ResourceSlice",
           .plural = "resourceslices",
           .versions = {"v1"},
           .namespaced = false,
           .fields = {{"spec.nodeName", "spec.nodeName", ""}, {"spec.driver", "spec.driver", ""}},
           .generation = GenerationRule::kSpec,
           .delete_returns_object = true,
           .columns = ResourceSliceColumns(),
           .cells = ResourceSliceCells,
           .defaults = DefaultResourceSlice,
           .validate = ValidateSliceDocument}};
}

}  // namespace dray::devcluster
