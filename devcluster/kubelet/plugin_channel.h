#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace grpc {
class Channel;
class ClientContext;
class Status;
}  // namespace grpc

namespace dray::devcluster {

// Longest path of a unix socket on Linux, without the final zero.
inline constexpr size_t kMaxSocketPath = 107;

// A channel of its own (no connection is shared with an earlier channel to the same path, whose
// server may be gone) to a plugin's socket; connects eagerly and again and again.
std::shared_ptr<grpc::Channel> OpenPluginChannel(const std::string& socket_path);

// ok when somebody listens on the socket now; kUnavailable with the system's reason otherwise.
Status CheckListening(const std::string& socket_path);

// Runs one call with a deadline of `timeout` (0: none), cancelled when ctx stops. The codes become
// Reasons.
Status CallPlugin(const Context& ctx, Duration timeout,
                  const std::function<grpc::Status(grpc::ClientContext&)>& call);

// True while the channel is connected; waits up to `timeout` for a change of its state first.
bool AwaitChange(grpc::Channel& channel, int& last_state, Duration timeout);

}  // namespace dray::devcluster
