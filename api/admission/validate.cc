#include <nlohmann/json.hpp>

#include "api/admission/container_resources.h"
#include "api/admission/pod_annotations.h"
#include "api/admission/vendors.h"
#include "dray/api/admission.h"
#include "dray/api/quantity.h"

namespace dray::admission {
namespace {

// What the members of a configuration may be. A list: one of these texts. An object: an object with
// these members ("*": any name). A text: "percent", "quantity", "flag", "priority", or "any".
struct KnownConfig {
  const char* api_version;
  const char* kind;
  const char* members;  // JSON
};

constexpr KnownConfig kKnownConfigs[] = {
    {"resource.nvidia.com/v1beta1", "GpuConfig",
     R"({"sharing": {"strategy": ["TimeSlicing", "MPS"], "timeSlicingConfig": {"interval": ["Default", "Short", "Medium", "Long"]},
         "mpsConfig": {"defaultActiveThreadPercentage": "percent", "defaultPinnedDeviceMemoryLimit": "quantity",
                       "defaultPerDevicePinnedMemoryLimit": {"*": "quantity"}}}})"},
    {"resource.nvidia.com/v1beta1", "MigDeviceConfig",
     R"({"sharing": {"strategy": ["TimeSlicing", "MPS"], "mpsConfig": {"defaultActiveThreadPercentage": "percent",
         "defaultPinnedDeviceMemoryLimit": "quantity", "defaultPerDevicePinnedMemoryLimit": {"*": "quantity"}}}})"},
    {"resource.nvidia.com/v1beta1", "VfioDeviceConfig", "{}"},
    {"config.dray.dev/v1", "SharingConfig",
     R"({"qosPolicy": ["best-effort", "fixed-share", "burst-share"], "appClass": ["online", "offline"], "priority": "priority",
         "corePolicy": ["default", "force", "disable"], "oversubscription": "flag"})"},
};

// Which configurations a driver decodes. Drivers that are not here take none, as far as is known.
struct DriverConfigs {
  const char* driver;
  const char* api_version;
};
constexpr DriverConfigs kDriverConfigs[] = {
    {"hami-core-gpu.project-hami.io", "resource.nvidia.com/v1beta1"},
    {"gpu.nvidia.com", "resource.nvidia.com/v1beta1"},
};

class Checker {
 public:
  void Refuse(const std::string& path, const Json& value, const std::string& want) {
    if (!found.status.ok()) return;
    const std::string message = path + ": " + Shortened(value) + ": want " + want;
    found.status = Status(Reason::kInvalid, message);
    found.status.causes.push_back({"FieldValueInvalid", message, path});
  }
  void Warn(const std::string& path, const std::string& what) {
    found.warnings.push_back(path + ": " + what);
  }

  void Check(const std::string& path, const Json& value, const Json& rule) {
    if (rule.is_object()) return CheckObject(path, value, rule);
    if (rule.is_array()) {
      for (const Json& one : rule)
        if (value == one) return;
      std::string known;
      for (const Json& one : rule) known += (known.empty() ? "" : ", ") + one.get<std::string>();
      return Refuse(path, value, "one of " + known);
    }
    const std::string type = rule.get<std::string>();
    auto between = [&](int64_t low, int64_t high) {
      if (!value.is_number_integer() || value.get<int64_t>() < low || value.get<int64_t>() > high)
        Refuse(path, value,
               "an integer from " + std::to_string(low) + " to " + std::to_string(high));
    };
    if (type == "percent") between(1, 100);
    if (type == "priority") between(0, 1);
    if (type == "flag" && !value.is_boolean()) Refuse(path, value, "true or false");
    if (type == "quantity" &&
        (!value.is_string() || !api::Quantity::Parse(value.get<std::string>()).ok()))
      Refuse(path, value, "a quantity, as in 4Gi");
  }

  ClaimFindings found;

 private:
  void CheckObject(const std::string& path, const Json& value, const Json& rule) {
    if (!value.is_object()) return Refuse(path, value, "an object");
    for (const auto& [name, member] : value.items()) {
      auto known = rule.find(name);
      if (known == rule.end()) known = rule.find("*");
      if (known != rule.end()) {
        Check(path + "." + name, member, *known);
        continue;
      }
      std::string names;
      for (const auto& [one, unused] : rule.items()) names += (names.empty() ? "" : ", ") + one;
      Refuse(path + "." + name, member,
             names.empty() ? "no members at all" : "one of the members " + names);
    }
  }
  static std::string Shortened(const Json& value) {
    const std::string text = value.is_string()
                                 ? value.get<std::string>()
                                 : value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return text.size() <= 80 ? text : text.substr(0, 77) + "...";
  }
};

void CheckParameters(Checker& checker, const std::string& path, const std::string& driver,
                     const Json& parameters, const DeviceConfig& config) {
  std::string takes;  // the API version whose kinds the driver decodes
  for (const DriverConfigs& one : kDriverConfigs)
    if (driver == one.driver) takes = one.api_version;
  bool ours = !takes.empty();
  for (const VendorConfig& vendor : config.vendors()) {
    if (vendor.target.driver != driver) continue;
    ours = true;
    if (!vendor.config_api_version.empty()) takes = vendor.config_api_version;
  }
  if (!ours) return;  // somebody else's driver
  if (!parameters.is_object()) return checker.Refuse(path, parameters, "an object");
  const std::string version = Text(parameters, "apiVersion"), kind = Text(parameters, "kind");
  if (takes.empty())
    return checker.Warn(path, "driver " + driver + " is not known to take a configuration");
  if (version != takes)
    return checker.Refuse(path + ".apiVersion", version,
                          takes + ", which is what driver " + driver + " decodes");
  std::string kinds;
  for (const KnownConfig& known : kKnownConfigs) {
    if (version != known.api_version) continue;
    kinds += (kinds.empty() ? "" : ", ") + std::string(known.kind);
    if (kind != known.kind) continue;
    Json members = Json::parse(known.members);
    members["apiVersion"] = members["kind"] = "any";
    checker.Check(path, parameters, members);
    if (driver == "hami-core-gpu.project-hami.io" && parameters.contains("sharing"))
      checker.Warn(
          path + ".sharing",
          "has no effect: HAMi-core shares by memory and core limits, not by time slices or MPS");
    return;
  }
  if (kinds.empty()) return;  // a configured API version whose kinds only its driver knows
  checker.Refuse(path + ".kind", kind, "one of " + kinds);
}

void CheckConfigs(Checker& checker, const Json& holder, const std::string& path,
                  const DeviceConfig& config) {
  const Json* configs = Member(holder, "config");
  if (configs == nullptr || !configs->is_array()) return;
  for (size_t i = 0; i < configs->size(); ++i) {
    const Json* opaque = Member((*configs)[i], "opaque");
    if (opaque == nullptr) continue;
    const Json* parameters = Member(*opaque, "parameters");
    CheckParameters(checker, path + ".config[" + std::to_string(i) + "].opaque.parameters",
                    Text(*opaque, "driver"), parameters == nullptr ? Json() : *parameters, config);
  }
}

}  // namespace

ClaimFindings CheckClaimObject(const Json& object, const DeviceConfig& config) {
  Checker checker;
  const std::string kind = Text(object, "kind");
  const Json* at = Member(object, "spec");
  std::string path = "spec";
  if (kind == "ResourceClaimTemplate" && at != nullptr) {
    at = Member(*at, "spec");
    path += ".spec";
  }
  if (kind != "DeviceClass" && at != nullptr) {
    at = Member(*at, "devices");
    path += ".devices";
  }
  if (at != nullptr) CheckConfigs(checker, *at, path, config);
  return std::move(checker.found);
}

ClaimFindings CheckPodMark(const Json& pod, const DeviceConfig& config) {
  Checker checker;
  const std::string path = "metadata.annotations[" + std::string(kConvertedAnnotation) + "]";
  const api::Labels annotations = PodAnnotations(pod);
  auto mark = annotations.find(std::string(kConvertedAnnotation));
  if (mark == annotations.end()) return {};
  const Json converted = Json::parse(mark->second, nullptr, /*allow_exceptions=*/false);
  if (!converted.is_object()) {
    checker.Refuse(path, mark->second,
                   "what the webhook wrote there: leave the annotation out of manifests");
    return std::move(checker.found);
  }
  for (const auto& [container, resources] : converted.items())
    if (!resources.is_object())
      checker.Refuse(path + "." + container, resources, "an object of resources and values");
  // A mark that nobody's conversion stands behind keeps the webhook from converting: the Pod would
  // never fit.
  const Json* spec = Member(pod, "spec");
  for (const char* list : {"initContainers", "containers"}) {
    const Json* containers = spec == nullptr ? nullptr : Member(*spec, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (const Json& container : *containers) {
      const ContainerResources resources(container);
      for (const VendorConfig& vendor : config.vendors()) {
        Result<std::optional<FoundResource>> found = resources.Find(vendor.count);
        if (found.ok() && *found)
          checker.Warn(
              path, "container " + Text(container, "name") + " still asks for " + (*found)->name +
                        ": leave the annotation out of manifests, or the Pod is not converted");
      }
    }
  }
  return std::move(checker.found);
}

}  // namespace dray::admission
