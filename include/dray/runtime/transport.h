#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::runtime {

// One call to a Kubernetes API server, untyped.
struct ApiRequest {
  std::string method = "GET";
  std::string path;  // "/api/v1/namespaces/default/pods?limit=500": already escaped
  std::string body;
  std::string content_type;  // "application/json" when there is a body and this is empty
  std::string accept = "application/json";
};

struct ApiResponse {
  int code = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // keys in lower case
};

// The way to an API server: the one seam between typed clients and the network. Bodies:
// RestTransport (cpprestsdk), the in-process one of devcluster, the fault-injecting one of
// tests/support. Any thread.
class Transport {
 public:
  virtual ~Transport() = default;

  // Any HTTP answer is a value, also 404 or 500; a Status means that no answer came (kUnavailable,
  // kTimeout, kCancelled, kUnauthorized for unusable credentials). Ends within ctx's deadline; a
  // default of 30 s applies when it has none. A POST may reach the server twice if the connection
  // breaks: creates must be safe to repeat.
  virtual Result<ApiResponse> Do(const Context& ctx, const ApiRequest& request) = 0;

  // Opens a watch and calls `on_line` for each line, on the calling thread, until it returns false,
  // the stream ends, or ctx is stopped. ok: the stream ended in order (timeoutSeconds, or on_line
  // said so). An HTTP error answer becomes the Status in its body (kGone for 410).
  virtual Status Watch(const Context& ctx, const ApiRequest& request,
                       const std::function<bool(std::string_view line)>& on_line) = 0;
};

// Where the API server is and who we are. Built from a kubeconfig or the service account
// (kubeconfig.h).
struct ClusterAccess {
  std::string server;  // "https://127.0.0.1:6443"
  std::string ca_pem;  // empty: the system's CAs
  std::string client_cert_pem, client_key_pem;
  // Where the three above came from, when from files: re-read at every new connection, so that
  // rotation needs no restart.
  std::string ca_file, client_cert_file, client_key_file;
  std::string token;
  std::string token_file;  // re-read when it changes; wins over token
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string namespace_ = "default";  // of the current context
  std::string user_agent = "dray";
  double qps = 0;  // client-side limit; 0: none
  int burst = 0;
};

// Threads that cpprestsdk's pool runs on, for the whole process. Call before the first
// MakeRestTransport, which otherwise settles on 1; later calls change nothing.
void SizeRestThreads(int threads);

// A transport over HTTPS (or HTTP, for tests and tunnels). Fails with kInvalid only when the access
// is unusable (bad certificate, bad URL): one sentence.
Result<std::shared_ptr<Transport>> MakeRestTransport(const ClusterAccess& access);

}  // namespace dray::runtime
