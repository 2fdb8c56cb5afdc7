#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devcluster/kubelet/device_plugins.h"
#include "devcluster/kubelet/node_claims.h"
#include "dray/runtime/informer.h"

namespace dray::devcluster {

// v1.PodResourcesLister on <directory>/kubelet.sock: which devices the containers of this node
// hold. Active Pods, their app containers and sidecars. At most 100 calls a second, bursts of 10.
class PodResourcesServer {
 public:
  // All outlive the server.
  static Result<std::unique_ptr<PodResourcesServer>> Listen(Clock& clock,
                                                            const std::string& directory,
                                                            const runtime::Lister<api::Pod>& pods,
                                                            const NodeClaims& claims,
                                                            const DevicePlugins& devices);
  virtual ~PodResourcesServer() = default;
};

}  // namespace dray::devcluster
