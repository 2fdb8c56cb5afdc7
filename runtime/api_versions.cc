#include "runtime/api_versions.h"

#include <nlohmann/json.hpp>

#include "dray/api/codec.h"
#include "dray/base/log.h"

namespace dray::runtime {
namespace {

constexpr std::string_view kGroup = "resource.k8s.io";
constexpr std::string_view kSpoken[] = {"v1", "v1beta2", "v1beta1"};  // best first

Status NotServed(const std::string& what) {
  return Status(Reason::kNotFound,
                "the server does not offer resource.k8s.io in v1, v1beta2 or v1beta1 (" + what +
                    "): Dynamic Resource Allocation needs Kubernetes 1.34, or 1.32 with the "
                    "DynamicResourceAllocation feature gate");
}

}  // namespace

Result<std::string> ApiVersions::Of(Transport& transport, const Context& ctx,
                                    const api::KindInfo& kind) {
  if (kind.group != kGroup) return std::string(kind.version);
  if (std::string known = resource_version_of_group_.Copy(); !known.empty()) return known;
  ApiRequest request;
  request.path = "/apis/" + std::string(kGroup);
  DRAY_ASSIGN_OR_RETURN(ApiResponse response, transport.Do(ctx, request));
  if (response.code == 404) return NotServed("there is no such group");
  if (response.code != 200)
    return api::DecodeStatus(response.code, response.body).Wrapped("discovery of resource.k8s.io");
  Json group = Json::parse(response.body, nullptr, false);
  std::string served;
  auto versions = group.is_object() ? group.find("versions") : group.end();
  if (versions != group.end() && versions->is_array())
    for (const Json& entry : *versions)
      if (entry.is_object() && entry.contains("version") && entry["version"].is_string())
        served += (served.empty() ? "" : ",") + entry["version"].get<std::string>();
  for (std::string_view version : kSpoken) {
    if (("," + served + ",").find("," + std::string(version) + ",") == std::string::npos) continue;
    LOG_IF(INFO, version != kSpoken[0])
        << "the server offers " << kGroup << " in " << served << ": speaking " << version;
    resource_version_of_group_.With([&](std::string& known) { known = version; });
    return std::string(version);
  }
  return NotServed(served.empty() ? "discovery lists no version" : "only in " + served);
}

bool ApiVersions::Doubt(const api::KindInfo& kind, const std::string& version) {
  if (kind.group != kGroup) return false;
  resource_version_of_group_.With([&](std::string& known) {
    if (known == version) known.clear();
  });
  return true;
}

}  // namespace dray::runtime
