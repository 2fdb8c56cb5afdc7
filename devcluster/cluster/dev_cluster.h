#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::devcluster {

struct DevClusterOptions {
  std::string dir;                 // state; private to the user
  std::vector<std::string> nodes;  // one kubelet each
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
};

// A whole development cluster in one process: API server over TLS, workload controllers, claim
// stamper, scheduler, kubelets.
//
//   dir/kubeconfig          administrator, written when the API server listens
//   dir/pki/                ca.crt, server certificate, administrator's certificate
//   dir/nodes/<node>/       the kubelet's directory; cdi/ below it for CDI files
//
// Everything but the certificates is in memory: it ends with the process.
class DevCluster {
 public:
  explicit DevCluster(DevClusterOptions options) : options_(std::move(options)) {}

  // Until ctx is stopped. kInvalid: a bad node name, a folder that cannot be used, a port in use.
  Status Run(const Context& ctx);

 private:
  DevClusterOptions options_;
};

}  // namespace dray::devcluster
