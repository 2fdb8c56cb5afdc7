#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/tables.h"

namespace dray::devcluster {
namespace {

std::string NameOf(const Json& object) {
  return StringAt(object, "metadata.name");
}
std::string Age(const Json& object, WallTime now) {
  return AgeOf(StringAt(object, "metadata.creationTimestamp"), now);
}
std::string OrNone(std::string text) {
  return text.empty() ? "<none>" : text;
}
size_t SizeAt(const Json& object, std::string_view path) {
  const Json* found = Find(object, path);
  return found && found->is_structured() ? found->size() : 0;
}
Column NameColumn() {
  return {"Name", "string", "name", 0, "Name of the object."};
}
Column AgeColumn() {
  return {"Age", "string", "", 0, "Time since the object was created."};
}

std::string Join(const std::vector<std::string>& words, const char* between = ",") {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined += between;
    joined += word;
  }
  return joined;
}

std::string AddressOf(const Json& node, std::string_view type) {
  if (const Json* addresses = FindArray(node, "status.addresses"))
    for (const Json& address : *addresses)
      if (StringAt(address, "type") == type) return StringAt(address, "address");
  return "<none>";
}

}  // namespace

std::vector<Column> NodeColumns() {
  return {NameColumn(),
          {"Status", "string", "", 0, "The status of the node."},
          {"Roles", "string", "", 0, "The roles of the node."},
          AgeColumn(),
          {"Version", "string", "", 0, "Kubelet version reported by the node."},
          {"Internal-IP", "string", "", 1, "Address of type InternalIP."},
          {"External-IP", "string", "", 1, "Address of type ExternalIP."},
          {"OS-Image", "string", "", 1, "OS image reported by the node."},
          {"Kernel-Version", "string", "", 1, "Kernel version reported by the node."},
          {"Container-Runtime", "string", "", 1, "Container runtime reported by the node."}};
}

Json NodeCells(const Json& node, WallTime now) {
  std::string status = "Unknown";
  if (const Json* conditions = FindArray(node, "status.conditions"))
    for (const Json& condition : *conditions)
      if (StringAt(condition, "type") == "Ready")
        status = StringAt(condition, "status") == "True" ? "Ready" : "NotReady";
  if (BoolAt(node, "spec.unschedulable")) status += ",SchedulingDisabled";
  std::vector<std::string> roles;
  if (const Json* labels = FindObject(node, "metadata.labels"))
    for (const auto& [key, value] : labels->items()) {
      constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
      if (key.starts_with(kPrefix) && key.size() > kPrefix.size())
        roles.push_back(key.substr(kPrefix.size()));
      else if (key == "kubernetes.io/role" && value.is_string() && !value.empty())
        roles.push_back(value.get<std::string>());
    }
  std::sort(roles.begin(), roles.end());
  auto info = [&](const char* field) {
    std::string text = StringAt(node, std::string("status.nodeInfo.") + field);
    return text.empty() ? std::string("<unknown>") : text;
  };
  return {NameOf(node),
          status,
          OrNone(Join(roles)),
          Age(node, now),
          StringAt(node, "status.nodeInfo.kubeletVersion"),
          AddressOf(node, "InternalIP"),
          AddressOf(node, "ExternalIP"),
          info("osImage"),
          info("kernelVersion"),
          info("containerRuntimeVersion")};
}

std::vector<Column> EventColumns() {
  return {{"Last Seen", "string", "", 0, "When the event was last seen."},
          {"Type", "string", "", 0, "Normal or Warning."},
          {"Reason", "string", "", 0, "Why the event was written."},
          {"Object", "string", "", 0, "What the event is about."},
          {"Subobject", "string", "", 1, "The part of the object."},
          {"Source", "string", "", 1, "Who wrote the event."},
          {"Message", "string", "", 0, "The event in words."},
          {"First Seen", "string", "", 1, "When the event was first seen."},
          {"Count", "integer", "", 1, "How often the event was seen."},
          {"Name", "string", "name", 1, "Name of the event."}};
}

Json EventCells(const Json& event, WallTime now) {
  std::string event_time = StringAt(event, "eventTime");
  auto first_of = [](std::string a, const std::string& b) { return a.empty() ? b : a; };
  std::string first = first_of(StringAt(event, "firstTimestamp"), event_time);
  std::string last = first_of(StringAt(event, "lastTimestamp"), first);
  int64_t count = IntAt(event, "count").value_or(1);
  if (FindObject(event, "series")) {
    last = first_of(StringAt(event, "series.lastObservedTime"), last);
    count = IntAt(event, "series.count").value_or(count);
  }
  std::string kind = StringAt(event, "involvedObject.kind");
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string object = kind;
  if (std::string name = StringAt(event, "involvedObject.name"); !name.empty())
    object += "/" + name;
  std::string source =
      first_of(StringAt(event, "source.component"), StringAt(event, "reportingComponent"));
  std::string host = first_of(StringAt(event, "source.host"), StringAt(event, "reportingInstance"));
  if (!host.empty()) source += ", " + host;
  std::string message = StringAt(event, "message");
  while (!message.empty() && std::isspace(static_cast<unsigned char>(message.back())))
    message.pop_back();
  return {AgeOf(last, now),
          StringAt(event, "type"),
          StringAt(event, "reason"),
          object,
          StringAt(event, "involvedObject.fieldPath"),
          source,
          message,
          AgeOf(first, now),
          count,
          NameOf(event)};
}

std::vector<Column> NamespaceColumns() {
  return {NameColumn(), {"Status", "string", "", 0, "Active or Terminating."}, AgeColumn()};
}
Json NamespaceCells(const Json& object, WallTime now) {
  return {NameOf(object), StringAt(object, "status.phase"), Age(object, now)};
}

std::vector<Column> ConfigMapColumns() {
  return {NameColumn(), {"Data", "integer", "", 0, "Number of entries."}, AgeColumn()};
}
Json ConfigMapCells(const Json& object, WallTime now) {
  return {NameOf(object), SizeAt(object, "data") + SizeAt(object, "binaryData"), Age(object, now)};
}

std::vector<Column> SecretColumns() {
  return {NameColumn(),
          {"Type", "string", "", 0, "What the secret is for."},
          {"Data", "integer", "", 0, "Number of entries."},
          AgeColumn()};
}
Json SecretCells(const Json& object, WallTime now) {
  return {NameOf(object), StringAt(object, "type"), SizeAt(object, "data"), Age(object, now)};
}

std::vector<Column> ServiceAccountColumns() {
  return {NameColumn(), {"Secrets", "integer", "", 0, "Number of secrets."}, AgeColumn()};
}
Json ServiceAccountCells(const Json& object, WallTime now) {
  return {NameOf(object), SizeAt(object, "secrets"), Age(object, now)};
}

std::vector<Column> ServiceColumns() {
  return {NameColumn(),
          {"Type", "string", "", 0, "How the service is exposed."},
          {"Cluster-IP", "string", "", 0, "The virtual address, if any."},
          {"External-IP", "string", "", 0, "Addresses outside the cluster."},
          {"Port(s)", "string", "", 0, "The ports."},
          AgeColumn(),
          {"Selector", "string", "", 1, "Labels of the pods behind it."}};
}
Json ServiceCells(const Json& service, WallTime now) {
  std::vector<std::string> ports, selector;
  if (const Json* list = FindArray(service, "spec.ports"))
    for (const Json& port : *list)
      ports.push_back(std::to_string(IntAt(port, "port").value_or(0)) + "/" +
                      StringAt(port, "protocol"));
  if (const Json* labels = FindObject(service, "spec.selector"))
    for (const auto& [key, value] : labels->items())
      selector.push_back(key + "=" + (value.is_string() ? value.get<std::string>() : ""));
  return {NameOf(service),
          StringAt(service, "spec.type"),
          OrNone(StringAt(service, "spec.clusterIP")),
          OrNone(StringAt(service, "spec.externalName")),
          OrNone(Join(ports)),
          Age(service, now),
          OrNone(Join(selector))};
}

std::vector<Column> EndpointSliceColumns() {
  return {NameColumn(),
          {"AddressType", "string", "", 0, "IPv4, IPv6 or FQDN."},
          {"Ports", "string", "", 0, "The ports."},
          {"Endpoints", "string", "", 0, "The first addresses."},
          AgeColumn()};
}
Json EndpointSliceCells(const Json& slice, WallTime now) {
  std::vector<std::string> ports, addresses;
  if (const Json* list = FindArray(slice, "ports"))
    for (const Json& port : *list)
      if (std::optional<int64_t> number = IntAt(port, "port"))
        ports.push_back(std::to_string(*number));
  if (const Json* endpoints = FindArray(slice, "endpoints"))
    for (const Json& endpoint : *endpoints)
      if (const Json* list = FindArray(endpoint, "addresses"))
        for (const Json& address : *list)
          if (address.is_string()) addresses.push_back(address.get<std::string>());
  constexpr size_t kShown = 3;
  std::string more;
  if (addresses.size() > kShown) {
    more = " + " + std::to_string(addresses.size() - kShown) + " more...";
    addresses.resize(kShown);
  }
  return {NameOf(slice), StringAt(slice, "addressType"), ports.empty() ? "<unset>" : Join(ports),
          addresses.empty() ? "<unset>" : Join(addresses) + more, Age(slice, now)};
}

std::vector<Column> LeaseColumns() {
  return {NameColumn(), {"Holder", "string", "", 0, "Who holds the lease."}, AgeColumn()};
}
Json LeaseCells(const Json& lease, WallTime now) {
  return {NameOf(lease), StringAt(lease, "spec.holderIdentity"), Age(lease, now)};
}

std::vector<Column> ResourceClaimColumns() {
  return {NameColumn(),
          {"State", "string", "", 0, "pending, or deleted, allocated, reserved."},
          AgeColumn()};
}
Json ResourceClaimCells(const Json& claim, WallTime now) {
  std::vector<std::string> states;
  if (!StringAt(claim, "metadata.deletionTimestamp").empty()) states.push_back("deleted");
  if (!FindObject(claim, "status.allocation")) {
    if (states.empty()) states.push_back("pending");
  } else {
    states.push_back("allocated");
    if (!Empty(Find(claim, "status.reservedFor"))) states.push_back("reserved");
  }
  return {NameOf(claim), Join(states), Age(claim, now)};
}

std::vector<Column> ResourceSliceColumns() {
  return {NameColumn(),
          {"Node", "string", "", 0, "The node, when the devices are local to one."},
          {"Driver", "string", "", 0, "The DRA driver."},
          {"Pool", "string", "", 0, "The pool that the devices belong to."},
          AgeColumn()};
}
Json ResourceSliceCells(const Json& slice, WallTime now) {
  return {NameOf(slice), StringAt(slice, "spec.nodeName"), StringAt(slice, "spec.driver"),
          StringAt(slice, "spec.pool.name"), Age(slice, now)};
}

std::vector<Column> WebhookConfigurationColumns() {
  return {NameColumn(), {"Webhooks", "integer", "", 0, "Number of webhooks."}, AgeColumn()};
}
Json WebhookConfigurationCells(const Json& object, WallTime now) {
  return {NameOf(object), SizeAt(object, "webhooks"), Age(object, now)};
}

std::vector<Column> RoleColumns() {
  return {NameColumn(), {"Created At", "date", "", 0, "When the role was created."}};
}
Json RoleCells(const Json& role, WallTime) {
  return {NameOf(role), StringAt(role, "metadata.creationTimestamp")};
}

std::vector<Column> RoleBindingColumns() {
  return {NameColumn(),
          {"Role", "string", "", 0, "The role that is granted."},
          AgeColumn(),
          {"Users", "string", "", 1, "Users."},
          {"Groups", "string", "", 1, "Groups."},
          {"ServiceAccounts", "string", "", 1, "Service accounts."}};
}
Json RoleBindingCells(const Json& binding, WallTime now) {
  std::vector<std::string> users, groups, accounts;
  if (const Json* subjects = FindArray(binding, "subjects"))
    for (const Json& subject : *subjects) {
      std::string kind = StringAt(subject, "kind"), name = StringAt(subject, "name");
      if (kind == "User") users.push_back(name);
      if (kind == "Group") groups.push_back(name);
      if (kind == "ServiceAccount") accounts.push_back(StringAt(subject, "namespace") + "/" + name);
    }
  return {NameOf(binding),
          StringAt(binding, "roleRef.kind") + "/" + StringAt(binding, "roleRef.name"),
          Age(binding, now),
          Join(users, ", "),
          Join(groups, ", "),
          Join(accounts, ", ")};
}

}  // namespace dray::devcluster
