#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/status.h"
#include "dray/runtime/http_server.h"
#include "dray/runtime/transport.h"

// The API server of a development cluster: a subset of kube-apiserver 1.36 over an in-memory store.
// It works on untyped documents, so that nothing that a user writes is lost; what is known of each
// kind stands in registry.cc as data.
namespace dray::devcluster {

struct UserInfo {
  std::string name;
  std::vector<std::string> groups;
};

// GET pods/log, after the server has found the Pod, its node and the container.
struct LogRequest {
  std::string namespace_, pod, pod_uid, node, container;
  bool follow = false, previous = false, timestamps = false;
  std::optional<int64_t> tail_lines, limit_bytes, since_seconds;
};
// Answers through the responder, now or later, on any thread: Send() of text/plain for the present
// log, StartStream() for `follow` (and watch its OnClose). A container without a log yet is Sent as
// a metav1.Status with code 400, see SendStatus().
using LogSource = std::function<void(const LogRequest&, std::shared_ptr<runtime::HttpResponder>)>;

// `status` as a metav1.Status body with its HTTP code.
void SendStatus(runtime::HttpResponder& responder, const Status& status);

struct ApiServerOptions {
  Clock* clock = nullptr;                  // required; outlives the server
  std::map<std::string, UserInfo> tokens;  // bearer tokens
  // Resource versions start here; 0: from the clock, so that a version of an earlier run of the
  // cluster is always "too old" and its watchers list again.
  uint64_t first_resource_version = 0;
  size_t watch_history = 10'000;  // changes remembered per kind
};

// Everyone who is authenticated (client certificate: CN and O; or bearer token) may do everything.
//
// default, kube-system, kube-public and kube-node-lease exist from the start. A ConfigMap or Secret
// is stored as it is; nothing is written to disk: when the process ends, the cluster is gone.
class ApiServer {
 public:
  explicit ApiServer(ApiServerOptions options);
  ~ApiServer();  // closes every watch
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // A runtime::HttpHandler. Any thread; blocks while it calls admission webhooks (up to 30 s each),
  // so an HttpServer in front needs handler threads. Watches and followed logs go on after it has
  // returned.
  void Handle(runtime::HttpRequest request, std::shared_ptr<runtime::HttpResponder> responder);

  // A Transport that calls Handle() as `user`, without sockets. Lives no longer than the server.
  std::shared_ptr<runtime::Transport> InProcess(std::string user, std::vector<std::string> groups);

  // The objects of now, to which the returned function takes the server back: what its clients see
  // when it restarts from a backup. Versions only grow (etcd's restore raises them), watches end
  // with 410. The function lives no longer than the server.
  std::function<void()> Backup();

  // Absent: pods/log answers 501. Any thread; replaces an earlier one.
  void SetLogSource(LogSource source);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dray::devcluster
