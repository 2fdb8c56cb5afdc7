#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::runtime {

struct HttpRequest {
  std::string method;
  std::string target;                          // path and query as sent
  std::map<std::string, std::string> headers;  // keys in lower case
  std::string body;
  // Subject of the verified client certificate: CN and O values; empty without one.
  std::string peer_common_name;
  std::vector<std::string> peer_organizations;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

struct HttpResponse {
  int code = 200;
  std::string body;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;
};

// A chunked response that stays open (watch, log follow). Any thread. The server closes it when the
// client goes away.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // Queues a chunk. False when the client is gone or more than 16 MB are waiting (then the stream
  // is closed).
  virtual bool Write(std::string chunk) = 0;
  virtual void Close() = 0;
  virtual bool closed() const = 0;
  // Called once, on any thread, when the stream has ended on either side; at once if it already
  // has.
  virtual void OnClose(std::function<void()> callback) = 0;
};

// Answers one request: exactly one of the two is called, once, on any thread, possibly after the
// handler has returned.
class HttpResponder {
 public:
  virtual ~HttpResponder() = default;
  virtual void Send(HttpResponse response) = 0;
  virtual std::shared_ptr<HttpStream> StartStream(int code, std::string content_type) = 0;
};
using HttpHandler =
    std::function<void(HttpRequest request, std::shared_ptr<HttpResponder> responder)>;

struct TlsFiles {
  std::string cert_file, key_file;  // PEM; re-read when they change, open sessions keep theirs
  std::string client_ca_file;       // empty: no client certificates are asked for
  bool require_client_cert = false;
};

struct HttpServerOptions {
  std::string address = "0.0.0.0";
  uint16_t port = 0;            // 0: any free one
  std::optional<TlsFiles> tls;  // absent: plain HTTP
  int io_threads = 1;
  int handler_threads = 0;  // 0: handlers run on the I/O threads and must not block
  size_t max_body_bytes = 8u << 20;
  Duration idle_timeout = std::chrono::seconds(120);  // above kube-apiserver's 90 s
};

// HTTP/1.1 (keep-alive, chunked) over TLS or plain. Each I/O thread has an event loop and the
// connections it was given; requests are read by Boost.Beast's parser.
class HttpServer {
 public:
  // Listens at once, so that the port is known. kUnavailable names address, port and the system's
  // reason.
  static Result<std::unique_ptr<HttpServer>> Listen(HttpServerOptions options, HttpHandler handler);
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  // Serves until ctx is stopped, then stops accepting, lets running requests end (10 s), closes
  // streams, returns.
  virtual Status Run(const Context& ctx) = 0;
};

}  // namespace dray::runtime
