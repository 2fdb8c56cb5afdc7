#pragma once

#include <map>
#include <memory>
#include <string>

#include "dray/runtime/transport.h"
#include "runtime/rest_tls.h"

// cpprestsdk behind a blocking face: nothing of it, and no pplx, is seen outside rest_http.cc.
namespace dray::runtime {

struct RestEndpoint {
  std::string server;           // scheme, host, port, maybe a path prefix
  std::string tls_server_name;  // "" : the host of `server`
  std::shared_ptr<TlsIdentity> tls;
};

// One request on its way. One thread waits on it; its destructor gives the request up, whatever its
// state, at once.
class RestCall {
 public:
  virtual ~RestCall() = default;

  // Waits for status line and headers. kUnavailable when none came, kTimeout or kCancelled by ctx.
  virtual Status AwaitHead(const Context& ctx) = 0;
  virtual int code() const = 0;                                           // after AwaitHead()
  virtual const std::map<std::string, std::string>& headers() const = 0;  // keys in lower case

  // Waits for more of the body and returns all that has arrived; empty at its end.
  virtual Result<std::string> Next(const Context& ctx) = 0;
  // Waits for the end of the body and returns it whole.
  virtual Result<std::string> All(const Context& ctx) = 0;

  // True when AwaitHead() failed because an open connection turned out to be closed: the server may
  // have restarted, and a new connection may well succeed.
  virtual bool connection_was_stale() const = 0;
};

// A pool of connections to one server. Any thread.
class RestPool {
 public:
  // kInvalid for an unusable URL.
  static Result<std::shared_ptr<RestPool>> Make(const RestEndpoint& endpoint);
  virtual ~RestPool() = default;

  // Reads ahead at most about `read_ahead` bytes of body that nobody has taken yet; 0: no limit.
  virtual std::unique_ptr<RestCall> Start(const ApiRequest& request,
                                          const std::map<std::string, std::string>& headers,
                                          size_t read_ahead) = 0;
};

}  // namespace dray::runtime
