#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/tables.h"
#include "devcluster/apiserver/validation.h"

// core/v1, events.k8s.io/v1, coordination.k8s.io/v1 and discovery.k8s.io/v1.
namespace dray::devcluster {
namespace {

const Subresource kStatus = {"status", {"get", "patch", "update"}, "", "", ""};

Resource Pods() {
  return {.group = "",
          .kind = "Pod",
          .plural = "pods",
          .versions = {"v1"},
          .short_names = {"po"},
          .categories = {"all"},
          .subresources = {kStatus,
                           {"binding", {"create"}, "", "v1", "Binding"},
                           {"eviction", {"create"}, "policy", "v1", "Eviction"},
                           {"log", {"get"}, "", "", ""}},
          .fields = {{"spec.nodeName", "spec.nodeName", ""},
                     {"spec.restartPolicy", "spec.restartPolicy", ""},
                     {"spec.schedulerName", "spec.schedulerName", ""},
                     {"spec.serviceAccountName", "spec.serviceAccountName", ""},
                     {"spec.hostNetwork", "spec.hostNetwork", "false"},
                     {"status.phase", "status.phase", ""},
                     {"status.podIP", "status.podIP", ""},
                     {"status.nominatedNodeName", "status.nominatedNodeName", ""}},
          .generation = GenerationRule::kSpec,
          .status_keeps_metadata = false,
          .delete_returns_object = true,
          .columns = PodColumns(),
          .cells = PodCells,
          .defaults = DefaultPod,
          .on_create = CreatePod,
          .validate = ValidatePodDocument,
          .on_status = UpdatePodStatus};
}

Resource Nodes() {
  return {.group = "",
          .kind = "Node",
          .plural = "nodes",
          .versions = {"v1"},
          .short_names = {"no"},
          .namespaced = false,
          .subresources = {kStatus},
          .fields = {{"spec.unschedulable", "spec.unschedulable", "false"}},
          .status_keeps_metadata = false,
          .columns = NodeColumns(),
          .cells = NodeCells,
          .validate = ValidateNodeDocument};
}

Resource Namespaces() {
  return {.group = "",
          .kind = "Namespace",
          .plural = "namespaces",
          .versions = {"v1"},
          .short_names = {"ns"},
          .namespaced = false,
          .verbs = {"create", "delete", "get", "list", "patch", "update", "watch"},
          .subresources = {{"finalize", {"update"}, "", "", ""}, kStatus},
          .fields = {{"status.phase", "status.phase", ""}},
          .status_keeps_metadata = false,
          .delete_returns_object = true,
          .columns = NamespaceColumns(),
          .cells = NamespaceCells,
          .defaults = DefaultNamespace,
          .on_create = CreateNamespace,
          .on_update = UpdateNamespace};
}

std::vector<FieldSelector> EventFields(const std::string& about, const std::string& controller) {
  std::vector<FieldSelector> fields;
  for (const char* member :
       {"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"})
    fields.push_back({about + "." + member, std::string("involvedObject.") + member, ""});
  fields.push_back({"reason", "reason", ""});
  fields.push_back({controller, "reportingComponent", ""});
  fields.push_back({"source", "source.component", ""});
  fields.push_back({"type", "type", ""});
  return fields;
}

Resource Events() {
  return {.group = "",
          .kind = "Event",
          .plural = "events",
          .versions = {"v1"},
          .short_names = {"ev"},
          .fields = EventFields("involvedObject", "reportingComponent"),
          .create_on_update = true,
          .expires = true,
          .columns = EventColumns(),
          .cells = EventCells,
          .validate = ValidateEventDocument};
}

Resource NewEvents() {
  Resource events = Events();
  events.group = "events.k8s.io";
  events.fields = EventFields("regarding", "reportingController");
  events.stored_as_group = "";
  events.from_stored = EventToNew;
  events.to_stored = EventToCore;
  return events;
}

Resource ConfigMaps() {
  return {.group = "",
          .kind = "ConfigMap",
          .plural = "configmaps",
          .versions = {"v1"},
          .short_names = {"cm"},
          .columns = ConfigMapColumns(),
          .cells = ConfigMapCells,
          .validate = ValidateConfigMapDocument};
}

Resource Secrets() {
  return {.group = "",
          .kind = "Secret",
          .plural = "secrets",
          .versions = {"v1"},
          .fields = {{"type", "type", ""}},
          .columns = SecretColumns(),
          .cells = SecretCells,
          .defaults = DefaultSecret,
          .validate = ValidateSecretDocument};
}

Resource Services() {
  return {.group = "",
          .kind = "Service",
          .plural = "services",
          .versions = {"v1"},
          .short_names = {"svc"},
          .categories = {"all"},
          .subresources = {kStatus},
          .fields = {{"spec.clusterIP", "spec.clusterIP", ""}, {"spec.type", "spec.type", ""}},
          .status_keeps_metadata = false,
          .delete_returns_object = true,
          .columns = ServiceColumns(),
          .cells = ServiceCells,
          .defaults = DefaultService,
          .validate = ValidateServiceDocument};
}

Resource ServiceAccounts() {
  return {.group = "",
          .kind = "ServiceAccount",
          .plural = "serviceaccounts",
          .versions = {"v1"},
          .short_names = {"sa"},
          .delete_returns_object = true,
          .columns = ServiceAccountColumns(),
          .cells = ServiceAccountCells};
}

Resource EndpointSlices() {
  return {.group = "discovery.k8s.io",
          .kind = "EndpointSlice",
          .plural = "endpointslices",
          .versions = {"v1"},
          .generation = GenerationRule::kSpec,
          .columns = EndpointSliceColumns(),
          .cells = EndpointSliceCells,
          .defaults = DefaultEndpointSlice,
          .validate = ValidateEndpointSliceDocument};
}

Resource Leases() {
  return {.group = "coordination.k8s.io",
          .kind = "Lease",
          .plural = "leases",
          .versions = {"v1"},
          .create_on_update = true,
          .unconditional_update = false,
          .columns = LeaseColumns(),
          .cells = LeaseCells,
          .validate = ValidateLeaseDocument};
}

}  // namespace

std::vector<Resource> CoreResources() {
  return {ConfigMaps(), Events(),          Namespaces(), Nodes(),  Pods(),          Secrets(),
          Services(),   ServiceAccounts(), NewEvents(),  Leases(), EndpointSlices()};
}

}  // namespace dray::devcluster
