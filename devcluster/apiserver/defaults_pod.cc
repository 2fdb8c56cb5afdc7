#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/json_access.h"
#include "dray/api/quantity.h"

namespace dray::devcluster {
namespace {

constexpr const char* kContainerLists[] = {"initContainers", "containers", "ephemeralContainers"};

// Always for a missing tag and for "latest", else IfNotPresent.
const char* PullPolicyFor(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  size_t slash = image.rfind('/');
  std::string_view last = slash == std::string_view::npos ? image : image.substr(slash + 1);
  size_t colon = last.rfind(':');
  return colon == std::string_view::npos || last.substr(colon + 1) == "latest" ? "Always"
                                                                               : "IfNotPresent";
}

void DefaultHttpGet(Json& holder) {
  if (Json* get = Find(holder, "httpGet"); get && get->is_object()) {
    Default(*get, "path", "/");
    Default(*get, "scheme", "HTTP");
  }
}

void DefaultProbe(Json& container, const char* name) {
  Json* probe = Find(container, name);
  if (!probe || !probe->is_object()) return;
  Default(*probe, "timeoutSeconds", 1);
  Default(*probe, "periodSeconds", 10);
  Default(*probe, "successThreshold", 1);
  Default(*probe, "failureThreshold", 3);
  DefaultHttpGet(*probe);
}

void DefaultContainer(Json& container) {
  if (!container.is_object()) return;
  Default(container, "imagePullPolicy", PullPolicyFor(StringAt(container, "image")));
  Default(container, "terminationMessagePath", "/dev/termination-log");
  Default(container, "terminationMessagePolicy", "File");
  Default(container, "resources", Json::object());
  if (Json* ports = FindArray(container, "ports"))
    for (Json& port : *ports) Default(port, "protocol", "TCP");
  if (Json* env = FindArray(container, "env"))
    for (Json& variable : *env)
      if (Json* field = Find(variable, "valueFrom.fieldRef")) Default(*field, "apiVersion", "v1");
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    DefaultProbe(container, probe);
  for (const char* hook : {"lifecycle.postStart", "lifecycle.preStop"})
    if (Json* handler = Find(container, hook)) DefaultHttpGet(*handler);
}

void DefaultVolume(Json& volume) {
  if (!volume.is_object()) return;
  if (volume.size() == 1 && volume.contains("name")) volume["emptyDir"] = Json::object();
  for (const char* source : {"secret", "configMap", "downwardAPI", "projected"})
    if (Json* mode = Find(volume, source); mode && mode->is_object())
      Default(*mode, "defaultMode", 0644);
  if (Json* path = Find(volume, "hostPath"); path && path->is_object()) Default(*path, "type", "");
}

// A resource with a limit and no request requests its limit.
void DefaultRequests(Json& container) {
  const Json* limits = FindObject(container, "resources.limits");
  if (Empty(limits)) return;
  Json wanted = *limits;
  Json& requests = ObjectAt(container, "resources.requests");
  for (const auto& [name, limit] : wanted.items()) Default(requests, name.c_str(), limit);
}

std::optional<api::Quantity> QuantityAt(const Json* list, const char* name) {
  if (!list) return std::nullopt;
  auto found = list->find(name);
  if (found == list->end()) return std::nullopt;
  Result<api::Quantity> parsed =
      api::Quantity::Parse(found->is_string() ? found->get<std::string>() : Dump(*found));
  if (!parsed.ok() || *parsed == api::Quantity()) return std::nullopt;
  return *parsed;
}

}  // namespace

void DefaultPodSpec(Json& spec) {
  if (!spec.is_object()) return;
  Default(spec, "dnsPolicy", "ClusterFirst");
  Default(spec, "restartPolicy", "Always");
  Default(spec, "terminationGracePeriodSeconds", 30);
  Default(spec, "schedulerName", "default-scheduler");
  Default(spec, "securityContext", Json::object());
  for (const char* list : kContainerLists)
    if (Json* containers = FindArray(spec, list))
      for (Json& container : *containers) DefaultContainer(container);
  if (Json* volumes = FindArray(spec, "volumes"))
    for (Json& volume : *volumes) DefaultVolume(volume);
}

void DefaultPod(Json& object, WallTime) {
  Json* spec = Find(object, "spec");
  if (!spec || !spec->is_object()) return;
  DefaultPodSpec(*spec);
  Default(*spec, "enableServiceLinks", true);
  Default(*spec, "serviceAccountName", "default");
  Default(*spec, "serviceAccount", StringAt(*spec, "serviceAccountName"));
  Default(*spec, "priority", 0);
  Default(*spec, "preemptionPolicy", "PreemptLowerPriority");
  for (const char* list : {"initContainers", "containers"})
    if (Json* containers = FindArray(*spec, list))
      for (Json& container : *containers) DefaultRequests(container);
}

const char* QosClassOf(const Json& pod) {
  bool any = false, guaranteed = true;
  for (const char* list : {"spec.initContainers", "spec.containers"}) {
    const Json* containers = FindArray(pod, list);
    if (!containers) continue;
    for (const Json& container : *containers) {
      const Json* requests = FindObject(container, "resources.requests");
      const Json* limits = FindObject(container, "resources.limits");
      for (const char* name : {"cpu", "memory"}) {
        std::optional<api::Quantity> request = QuantityAt(requests, name);
        std::optional<api::Quantity> limit = QuantityAt(limits, name);
        any = any || request || limit;
        guaranteed = guaranteed && limit && request && *limit == *request;
      }
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace dray::devcluster
