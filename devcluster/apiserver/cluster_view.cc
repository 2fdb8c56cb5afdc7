#include "devcluster/apiserver/cluster_view.h"

#include <nlohmann/json.hpp>

#include "devcluster/admission/match_conditions.h"
#include "devcluster/apiserver/json_access.h"

namespace dray::devcluster {
namespace {

std::string NameOf(const StoredObject& object) {
  return object.key.substr(object.key.find('/') + 1);
}

// The port of an EndpointSlice that serves `service_port`: the one of the same name.
std::optional<int64_t> TargetPort(const Json& slice, const Json& service_port) {
  std::string name = StringAt(service_port, "name");
  if (const Json* ports = FindArray(slice, "ports"))
    for (const Json& port : *ports)
      if (StringAt(port, "name") == name) return IntAt(port, "port");
  return std::nullopt;
}

std::string HostPort(const std::string& address, int64_t port) {
  bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

}  // namespace

ClusterView::ClusterView(const Registry& registry, const Store& store)
    : registry_(registry), store_(store) {}

std::vector<AdmissionView::Configuration> ClusterView::Configurations(bool mutating) const {
  const Resource* resource = registry_.FindKind(
      "admissionregistration.k8s.io",
      mutating ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration");
  std::vector<Configuration> configurations;
  Result<ListResult> stored = store_.List(resource->storage, {});
  if (!stored.ok()) return configurations;
  for (const ObjectPtr& object : stored->items)  // ordered by name
    configurations.push_back(parsed_.With([&](auto& parsed) {
      Configuration& known = parsed[object->uid];
      if (known.version != object->resource_version) {
        auto document = std::make_shared<const Json>(Json::parse(object->text));
        auto conditions =
            std::make_shared<const MatchConditions>(*document, known.conditions.get());
        known = {NameOf(*object), object->resource_version, std::move(document),
                 std::move(conditions)};
      }
      return known;
    }));
  return configurations;
}

std::shared_ptr<const std::map<std::string, std::string, std::less<>>> ClusterView::NamespaceLabels(
    const std::string& name) const {
  ObjectPtr found = store_.Get(registry_.FindKind("", "Namespace")->storage, name);
  if (!found) return nullptr;
  return {found, &found->labels};
}

Result<AdmissionView::Endpoints> ClusterView::EndpointsOf(const std::string& namespace_,
                                                          const std::string& service,
                                                          int64_t port) const {
  std::string what = "service \"" + namespace_ + "/" + service + "\"";
  ObjectPtr found =
      store_.Get(registry_.FindKind("", "Service")->storage, namespace_ + "/" + service);
  if (!found) return Status(Reason::kUnavailable, what + " not found");
  const Json document = Json::parse(found->text);
  const Json* ports = FindArray(document, "spec.ports");
  const Json* service_port = nullptr;
  if (ports)
    for (const Json& candidate : *ports)
      if (IntAt(candidate, "port") == port) service_port = &candidate;
  if (!service_port)
    return Status(Reason::kUnavailable, what + " has no port " + std::to_string(port));

  ListRequest slices;
  slices.prefix = namespace_ + "/";
  slices.wanted = [&](const StoredObject& object) {
    auto label = object.labels.find("kubernetes.io/service-name");
    return label != object.labels.end() && label->second == service;
  };
  DRAY_ASSIGN_OR_RETURN(
      ListResult listed,
      store_.List(registry_.FindKind("discovery.k8s.io", "EndpointSlice")->storage, slices));
  Endpoints ready;
  for (const ObjectPtr& object : listed.items) {
    const Json slice = Json::parse(object->text);
    std::optional<int64_t> target = TargetPort(slice, *service_port);
    const Json* endpoints = FindArray(slice, "endpoints");
    if (!target || !endpoints) continue;
    for (const Json& endpoint : *endpoints) {
      // Absent means ready.
      const Json* addresses = FindArray(endpoint, "addresses");
      if (!BoolAt(endpoint, "conditions.ready", true) || Empty(addresses)) continue;
      if ((*addresses)[0].is_string())
        ready.push_back(HostPort((*addresses)[0].get<std::string>(), *target));
    }
  }
  if (ready.empty()) return Status(Reason::kUnavailable, "no endpoints available for " + what);
  return ready;
}

}  // namespace dray::devcluster
