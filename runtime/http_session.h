#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "dray/runtime/http_server.h"
#include "runtime/http_loop.h"

namespace dray::runtime {

// What the sessions of a server share. Lives until the server and the last responder are gone. Any
// thread.
struct HttpCore {
  HttpCore(HttpServerOptions options, HttpHandler handler);

  const HttpServerOptions options;
  const HttpHandler handler;
  std::vector<std::unique_ptr<HttpLoop>> loops;
  std::optional<boost::asio::thread_pool> handlers;  // set before the first session
};

// Serves the connection until it ends; on the loop's thread. `tls` null: plain HTTP.
void StartHttpSession(std::shared_ptr<HttpCore> core, HttpLoop& loop, int fd,
                      std::shared_ptr<boost::asio::ssl::context> tls);

}  // namespace dray::runtime
