#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "api/admission/vendors.h"
#include "dray/api/admission.h"

// Shortcuts over the JSON text of a Pod.
namespace dray::admission {
namespace {

// Members that admission neither reads nor changes, by their depth in the Pod: 1 below the Pod, 2
// below metadata and spec, 4 in the containers.
bool Skipped(int depth, std::string_view key) {
  static constexpr std::string_view kOfMetadataAndSpec[] = {
      "managedFields", "ownerReferences", "volumes",
      "tolerations",   "affinity",        "topologySpreadConstraints",
      "hostAliases",   "dnsConfig",       "imagePullSecrets",
      "overhead",      "readinessGates"};
  static constexpr std::string_view kOfContainers[] = {
      "volumeMounts",  "volumeDevices",  "command",      "args",      "ports",
      "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "envFrom"};
  auto among = [&](const auto& keys) {
    return std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
  };
  return depth == 1   ? key == "status"
         : depth == 2 ? among(kOfMetadataAndSpec)
                      : depth == 4 && among(kOfContainers);
}

}  // namespace

std::vector<std::string> ResourceDomains(const DeviceConfig& config) {
  std::vector<std::string> domains;
  for (const VendorConfig& vendor : config.vendors())
    for (const auto* names : {&vendor.count, &vendor.memory, &vendor.memory_percentage,
                              &vendor.cores, &vendor.slices, &vendor.priority})
      for (const std::string& name : *names) domains.push_back(name.substr(0, name.find('/')));
  std::sort(domains.begin(), domains.end());
  domains.erase(std::unique(domains.begin(), domains.end()), domains.end());
  return domains;
}

bool MayConcern(std::string_view pod, const std::vector<std::string>& domains) {
  // An escape may stand for anything in a name; who writes Pods with them pays with a closer look.
  for (size_t at = pod.find('\\'); at != std::string_view::npos; at = pod.find('\\', at + 2))
    if (at + 1 < pod.size() && (pod[at + 1] == 'u' || pod[at + 1] == '/')) return true;
  for (size_t slash = pod.find('/'); slash != std::string_view::npos;
       slash = pod.find('/', slash + 1))
    for (const std::string& domain : domains)
      if (slash > domain.size() && pod[slash - domain.size() - 1] == '"' &&
          pod.compare(slash - domain.size(), domain.size(), domain) == 0)
        return true;
  // A resource without a domain, as a configuration may name it, cannot be told from other words.
  return std::any_of(domains.begin(), domains.end(),
                     [](const std::string& one) { return one.find('.') == std::string::npos; });
}

Json ParsePodForAdmission(std::string_view pod) {
  auto keep = [](int depth, Json::parse_event_t event, Json& parsed) {
    return event != Json::parse_event_t::key ||
           !Skipped(depth, parsed.get_ref<const std::string&>());
  };
  return Json::parse(pod, keep, /*allow_exceptions=*/false);
}

}  // namespace dray::admission
