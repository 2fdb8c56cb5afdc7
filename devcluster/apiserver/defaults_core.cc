#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/json_access.h"
#include "dray/base/base64.h"

namespace dray::devcluster {

void DefaultSecret(Json& object, WallTime) {
  Default(object, "type", "Opaque");
  // stringData is only a way to write: it never comes back.
  if (const Json* plain = FindObject(object, "stringData")) {
    Json texts = *plain;
    Json& data = ObjectAt(object, "data");
    for (const auto& [name, text] : texts.items())
      if (text.is_string()) data[name] = EncodeBase64(text.get<std::string>());
  }
  Erase(object, "stringData");
}

void DefaultService(Json& object, WallTime) {
  Json* spec = Find(object, "spec");
  if (!spec || !spec->is_object()) return;
  Default(*spec, "type", "ClusterIP");
  Default(*spec, "sessionAffinity", "None");
  if (StringAt(*spec, "type") != "ExternalName") Default(*spec, "internalTrafficPolicy", "Cluster");
  if (Json* ports = FindArray(*spec, "ports"))
    for (Json& port : *ports) {
      Default(port, "protocol", "TCP");
      if (const Json* number = Find(port, "port")) Default(port, "targetPort", Json(*number));
    }
}

void DefaultEndpointSlice(Json& object, WallTime) {
  if (Json* ports = FindArray(object, "ports"))
    for (Json& port : *ports) {
      Default(port, "name", "");
      Default(port, "protocol", "TCP");
    }
}

void DefaultNamespace(Json& object, WallTime) {
  std::string name = StringAt(object, "metadata.name");
  if (!name.empty()) ObjectAt(object, "metadata.labels")["kubernetes.io/metadata.name"] = name;
}

void DefaultWebhookConfiguration(Json& object, WallTime) {
  Json* webhooks = FindArray(object, "webhooks");
  if (!webhooks) return;
  bool mutating = StringAt(object, "kind") == "MutatingWebhookConfiguration";
  for (Json& webhook : *webhooks) {
    Default(webhook, "failurePolicy", "Fail");
    Default(webhook, "matchPolicy", "Equivalent");
    Default(webhook, "namespaceSelector", Json::object());
    Default(webhook, "objectSelector", Json::object());
    Default(webhook, "timeoutSeconds", 10);
    if (mutating) Default(webhook, "reinvocationPolicy", "Never");
    if (Json* service = Find(webhook, "clientConfig.service")) Default(*service, "port", 443);
    if (Json* rules = FindArray(webhook, "rules"))
      for (Json& rule : *rules) Default(rule, "scope", "*");
  }
}

void DefaultRoleBinding(Json& object, WallTime) {
  if (Json* role = Find(object, "roleRef")) Default(*role, "apiGroup", "rbac.authorization.k8s.io");
  if (Json* subjects = FindArray(object, "subjects"))
    for (Json& subject : *subjects) {
      std::string kind = StringAt(subject, "kind");
      if (kind == "User" || kind == "Group")
        Default(subject, "apiGroup", "rbac.authorization.k8s.io");
    }
}

}  // namespace dray::devcluster
