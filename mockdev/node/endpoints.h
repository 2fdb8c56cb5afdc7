#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dray/base/status.h"
#include "dray/runtime/manager.h"

namespace dray::mockdev {

struct EndpointOptions {
  std::string address;
  uint16_t metrics_port = 0, health_port = 0;  // 0: off; equal: one server
};

// Adds /metrics, /healthz and /readyz to the manager. Listens at once: a port in use is reported
// before anything starts. `ready` is called for each /readyz, on a thread of the server.
Status AddEndpoints(runtime::Manager& manager, const EndpointOptions& options,
                    std::function<Status()> ready);

}  // namespace dray::mockdev
