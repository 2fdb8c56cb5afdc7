#pragma once

#include <string>

#include "dray/runtime/transport.h"

namespace dray::runtime {

inline constexpr char kServiceAccountFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// Access from the files that the kubelet mounts into every Pod: token, ca.crt, namespace. Token and
// CA are re-read later.
Result<ClusterAccess> InClusterAccess(const std::string& folder, const std::string& host,
                                      const std::string& port);

}  // namespace dray::runtime
