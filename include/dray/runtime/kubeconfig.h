#pragma once

#include <string>
#include <string_view>

#include "dray/base/status.h"
#include "dray/runtime/transport.h"

namespace dray::runtime {

// kubectl's order: `path` if not empty, else $KUBECONFIG (the first existing file of its list;
// later files fill gaps), else the service account of the Pod that we run in, else ~/.kube/config.
// `context` empty: current-context. Errors name file, entry and what would be right; exec and
// auth-provider users are refused with a sentence.
Result<ClusterAccess> LoadClusterAccess(const std::string& path, const std::string& context = "");

// A kubeconfig with one cluster, user and context, everything inline.
std::string WriteKubeconfig(const ClusterAccess& access, std::string_view cluster_name);

}  // namespace dray::runtime
