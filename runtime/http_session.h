#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "dray/runtime/http_server.h"

namespace dray::runtime {

// One connection.
class HttpSession {
 public:
  virtual ~HttpSession() = default;
  // Ends when the present request has been answered; at once when there is none. Closes a stream.
  // Any thread.
  virtual void Stop() = 0;
  // Closes the connection. Any thread.
  virtual void Abort() = 0;
};

using HttpStrand = boost::asio::strand<boost::asio::io_context::executor_type>;
using HttpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, HttpStrand>;

// What the sessions of a server share. Lives until the server and the last responder are gone. Any
// thread.
class HttpCore {
 public:
  HttpCore(HttpServerOptions options, HttpHandler handler)
      : options(std::move(options)), handler(std::move(handler)), ioc(this->options.io_threads) {}

  const HttpServerOptions options;
  const HttpHandler handler;
  boost::asio::io_context ioc;
  std::optional<boost::asio::thread_pool> handlers;  // set before the first session

  // Runs `work` on the strand. False when the server has ended: then nothing would ever run it.
  bool Post(const HttpStrand& strand, std::function<void()> work);

  // A session that begins after BeginStop() is stopped by this.
  void Enter(const std::shared_ptr<HttpSession>& session);
  void Leave(HttpSession* session);

  // Stops the sessions; ioc.run() ends when the last has left.
  void BeginStop();
  void Abort();
  // After ioc.run() has returned on every thread: closes what is left.
  void End();

 private:
  std::vector<std::shared_ptr<HttpSession>> Sessions();

  std::mutex mutex_;
  std::map<HttpSession*, std::weak_ptr<HttpSession>> sessions_;
  bool stopping_ = false, ended_ = false;
};

// Serves the connection until it ends. `tls` null: plain HTTP.
void StartHttpSession(std::shared_ptr<HttpCore> core, HttpSocket socket,
                      std::shared_ptr<boost::asio::ssl::context> tls);

}  // namespace dray::runtime
