#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/tables.h"
#include "devcluster/apiserver/validation.h"

// admissionregistration.k8s.io/v1, and rbac.authorization.k8s.io/v1: roles are kept so that
// manifests apply, but everyone who is authenticated may do everything here.
namespace dray::devcluster {
namespace {

Resource WebhookConfiguration(const char* kind, const char* plural) {
  return {.group = "admissionregistration.k8s.io",
          .kind = kind,
          .plural = plural,
          .versions = {"v1"},
          .categories = {"api-extensions"},
          .namespaced = false,
          .generation = GenerationRule::kSpec,
          .columns = WebhookConfigurationColumns(),
          .cells = WebhookConfigurationCells,
          .defaults = DefaultWebhookConfiguration};
}

Resource Rbac(const char* kind, const char* plural, bool namespaced, bool binding) {
  Resource resource{.group = "rbac.authorization.k8s.io",
                    .kind = kind,
                    .plural = plural,
                    .versions = {"v1"},
                    .namespaced = namespaced};
  resource.columns = binding ? RoleBindingColumns() : RoleColumns();
  resource.cells = binding ? RoleBindingCells : RoleCells;
  if (binding) resource.defaults = DefaultRoleBinding;
  return resource;
}

}  // namespace

std::vector<Resource> PolicyResources() {
  Resource mutating =
      WebhookConfiguration("MutatingWebhookConfiguration", "mutatingwebhookconfigurations");
  mutating.validate = ValidateMutatingConfiguration;
  Resource validating =
      WebhookConfiguration("ValidatingWebhookConfiguration", "validatingwebhookconfigurations");
  validating.validate = ValidateValidatingConfiguration;
  return {std::move(mutating),
          std::move(validating),
          Rbac("ClusterRole", "clusterroles", false, false),
          Rbac("ClusterRoleBinding", "clusterrolebindings", false, true),
          Rbac("Role", "roles", true, false),
          Rbac("RoleBinding", "rolebindings", true, true)};
}

}  // namespace dray::devcluster
