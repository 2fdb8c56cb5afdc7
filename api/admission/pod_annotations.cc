#include "api/admission/pod_annotations.h"

#include <nlohmann/json.hpp>

#include "api/admission/selectors.h"

namespace dray::admission {
namespace {

constexpr char kGpuPolicy[] = "hami.io/gpu-scheduler-policy";
constexpr char kNodePolicy[] = "hami.io/node-scheduler-policy";
constexpr char kWeights[] = "hami.io/device-scoring-weights";

std::vector<std::string> Policies(const api::Labels& annotations) {
  Result<std::vector<std::string>> items =
      AnnotationItems(kGpuPolicy, AnnotationOf(annotations, kGpuPolicy));
  return items.ok() ? *items : std::vector<std::string>();
}

}  // namespace

const Json* Member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string Text(const Json& object, std::string_view key) {
  const Json* value = Member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

api::Labels PodAnnotations(const Json& pod) {
  api::Labels annotations;
  if (const Json* metadata = Member(pod, "metadata"))
    if (const Json* found = Member(*metadata, "annotations");
        found != nullptr && found->is_object())
      for (const auto& [key, value] : found->items())
        if (value.is_string()) annotations[key] = value.get<std::string>();
  return annotations;
}

std::string AnnotationOf(const api::Labels& annotations, const std::string& key) {
  auto found = annotations.find(key);
  return key.empty() || found == annotations.end() ? "" : found->second;
}

Result<Modes> ModesFor(const VendorConfig& vendor, const api::Labels& annotations) {
  Modes modes;
  modes.soft = AnnotationOf(annotations, vendor.soft_mode) == "hami-core";
  modes.online = AnnotationOf(annotations, vendor.app_class) == "online";
  for (const std::string& policy : Policies(annotations))
    modes.mutex = modes.mutex || policy == "mutex";
  // HAMi: the card's mode must be contained in the value.
  const std::string mode = AnnotationOf(annotations, vendor.mode);
  if (mode.empty() || mode.find(vendor.mode_accepted) != std::string::npos) return modes;
  modes.mig = !vendor.mig.driver.empty() && mode.find("mig") != std::string::npos;
  if (!modes.mig)
    return Status(Reason::kInvalid, "annotation " + vendor.mode + ": " + mode + ": devices of " +
                                        vendor.target.driver + " are shared by " +
                                        vendor.mode_accepted + ": want " + vendor.mode_accepted +
                                        (vendor.mig.driver.empty() ? "" : " or mig"));
  return modes;
}

Result<bool> NumaBound(const VendorConfig& vendor, const api::Labels& annotations) {
  const std::string value = AnnotationOf(annotations, vendor.numa_bind);
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (value == yes) return true;
  for (const char* no : {"", "0", "f", "F", "false", "FALSE", "False"})
    if (value == no) return false;
  return Status(Reason::kInvalid,
                "annotation " + vendor.numa_bind + ": " + value + ": want true or false");
}

Result<Json> DriverParameters(const Ask& ask, const api::Labels& annotations) {
  Json parameters = Json::object();
  const VendorConfig& vendor = *ask.vendor;
  for (const DriverChoice& choice : vendor.choices) {
    // An online application has no QoS of its own (MetaX).
    const bool online = AnnotationOf(annotations, vendor.app_class) == "online";
    if (online && choice.annotation != vendor.app_class) continue;
    const bool given = annotations.contains(choice.annotation);
    if (!given && !choice.has_default) continue;
    const std::string value = given ? annotations.at(choice.annotation) : choice.values.front();
    if (std::find(choice.values.begin(), choice.values.end(), value) == choice.values.end()) {
      std::string known;
      for (const std::string& one : choice.values) known += (known.empty() ? "" : ", ") + one;
      return Status(Reason::kInvalid,
                    "annotation " + choice.annotation + ": " + value + ": want one of " + known);
    }
    parameters[choice.parameter] = value;
  }
  if (vendor.config_kind.empty()) return parameters;
  if (ask.priority) parameters["priority"] = *ask.priority;
  for (const Tuning& tuning : vendor.tunings)
    parameters[tuning.parameter] = Json::parse(tuning.json);
  return parameters;
}

std::vector<std::string> PreferenceWarnings(const api::Labels& annotations) {
  std::vector<std::string> warnings;
  for (const std::string& policy : Policies(annotations)) {
    const std::string what = "annotation " + std::string(kGpuPolicy) + ": " + policy + ": ";
    if (policy == "binpack" || policy == "mutex")
      continue;  // first fit fills device after device; mutex: ReadAsk
    if (policy == "spread" || policy == "topology-aware" || policy == "numa")
      warnings.push_back(what + "has no effect: kube-scheduler takes the first devices that fit");
    else
      warnings.push_back(what +
                         "is unknown: known are binpack, spread, topology-aware, mutex, numa");
  }
  for (const char* preference : {kNodePolicy, kWeights})
    if (!AnnotationOf(annotations, preference).empty())
      warnings.push_back("annotation " + std::string(preference) +
                         " has no effect: kube-scheduler scores nodes by its own configuration");
  return warnings;
}

}  // namespace dray::admission
