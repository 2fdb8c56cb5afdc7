#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/server.h"

namespace dray::devcluster {

// /api, /apis, /api/v1, /apis/G, /apis/G/V: what is served, in the legacy and the aggregated form.
// Nothing for other paths.
std::optional<Answer> ServeDiscovery(const Registry& registry, std::string_view path,
                                     std::string_view accept, std::string_view host);

// /version, /healthz, /livez, /readyz (with single checks, ?verbose and ?exclude). Nothing for
// other paths. These are answered without authentication.
std::optional<Answer> ServeProbes(std::string_view path, const Query& query);

// Kubernetes version that the server claims to behave like.
inline constexpr std::string_view kGitVersion = "v1.36.2-dray";

}  // namespace dray::devcluster
