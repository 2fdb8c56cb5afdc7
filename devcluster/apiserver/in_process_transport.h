#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dray/runtime/http_server.h"
#include "dray/runtime/transport.h"

namespace dray::devcluster {

// A Transport over any HttpHandler of this process: no sockets, no copies beyond the bodies. The
// handler runs on the caller's thread; watch lines are handed over on it as well. `user` and
// `groups` stand in the request as the subject of a client certificate would.
std::shared_ptr<runtime::Transport> MakeInProcessTransport(runtime::HttpHandler handler,
                                                           std::string user,
                                                           std::vector<std::string> groups);

}  // namespace dray::devcluster
