#pragma once

#include <memory>

#include "devcluster/apiserver/server.h"

namespace dray::devcluster {

// Answers one authenticated request through `responder`.
void Dispatch(Server& server, Call call, const std::shared_ptr<runtime::HttpResponder>& responder);

// Who sends the request; kUnauthorized.
Result<UserInfo> Authenticate(const Server& server, const runtime::HttpRequest& request);

}  // namespace dray::devcluster
