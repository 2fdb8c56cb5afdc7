#include "dray/runtime/http_server.h"

#include <glog/logging.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "runtime/http_session.h"
#include "runtime/http_tls.h"

namespace dray::runtime {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

bool HttpCore::Post(const HttpStrand& strand, std::function<void()> work) {
  if (strand.running_in_this_thread()) {
    work();
    return true;
  }
  std::lock_guard lock(mutex_);
  if (!ended_) net::post(strand, std::move(work));
  return !ended_;
}

void HttpCore::Enter(const std::shared_ptr<HttpSession>& session) {
  bool stop;
  {
    std::lock_guard lock(mutex_);
    sessions_.emplace(session.get(), session);
    stop = stopping_;
  }
  if (stop) session->Stop();
}

void HttpCore::Leave(HttpSession* session) {
  std::lock_guard lock(mutex_);
  sessions_.erase(session);
  // (Once it has ended, End() waits for the last operations to let go, not for sessions.)
  if (stopping_ && !ended_ && sessions_.empty()) ioc.stop();
}

std::vector<std::shared_ptr<HttpSession>> HttpCore::Sessions() {
  std::vector<std::shared_ptr<HttpSession>> sessions;
  std::lock_guard lock(mutex_);
  for (const auto& [pointer, weak] : sessions_)
    if (auto session = weak.lock()) sessions.push_back(std::move(session));
  return sessions;
}

void HttpCore::BeginStop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (sessions_.empty()) ioc.stop();
  }
  for (const auto& session : Sessions()) session->Stop();
}

void HttpCore::Abort() {
  for (const auto& session : Sessions()) session->Abort();
}

void HttpCore::End() {
  // An operation left behind would hold its session, which holds this object, which holds the
  // operation.
  Abort();
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ioc.restart();
  ioc.poll();
}

namespace {

constexpr auto kStopGrace = std::chrono::seconds(10);

class BeastServer final : public HttpServer {
 public:
  BeastServer(HttpServerOptions options, HttpHandler handler)
      : core_(std::make_shared<HttpCore>(std::move(options), std::move(handler))),
        strand_(core_->ioc.get_executor()),
        acceptor_(strand_),
        timer_(strand_) {}

  Status Open() {
    const HttpServerOptions& options = core_->options;
    if (options.tls) {
      DRAY_ASSIGN_OR_RETURN(tls_, TlsContexts::Load(*options.tls));
    }
    std::string text = options.address.empty() ? "0.0.0.0" : options.address;
    error_code error;
    net::ip::address address =
        net::ip::make_address(text == "localhost" ? "127.0.0.1" : text, error);
    if (error)
      return Status(Reason::kInvalid, "cannot listen on \"" + text + "\": want an IP address");
    tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(net::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (!error) return Ok();
    std::string where = address.is_v6() ? "[" + text + "]" : text;
    return Status(Reason::kUnavailable, "cannot listen on " + where + ":" +
                                            std::to_string(options.port) + ": " + error.message());
  }

  uint16_t port() const override { return port_; }

  Status Run(const Context& ctx) override {
    clock_ = &ctx.clock();
    if (core_->options.handler_threads > 0) core_->handlers.emplace(core_->options.handler_threads);
    core_->Post(strand_, [this] { Accept(); });
    {
      std::stop_callback on_stop(ctx.stop(), [this] { core_->Post(strand_, [this] { Stop(); }); });
      std::vector<std::jthread> threads;
      for (int i = 1; i < core_->options.io_threads; ++i)
        threads.emplace_back([this] { core_->ioc.run(); });
      core_->ioc.run();
    }
    if (core_->handlers) core_->handlers->join();
    core_->End();
    return Ok();
  }

 private:
  // Accept(), OnAccept() and Stop() run on strand_.
  void Accept() {
    if (!acceptor_.is_open()) return;
    acceptor_.async_accept(
        net::make_strand(core_->ioc),
        [this](error_code error, HttpSocket socket) { OnAccept(error, std::move(socket)); });
  }

  void OnAccept(error_code error, HttpSocket socket) {
    if (!acceptor_.is_open()) return;
    if (error) {
      // Out of descriptors, most likely: the waiting connection would make the next accept fail at
      // once as well.
      LOG_EVERY_N(ERROR, 50) << "cannot accept a connection on port " << port_ << ": "
                             << error.message();
      timer_.expires_after(std::chrono::milliseconds(100));
      timer_.async_wait([this](error_code) { Accept(); });
      return;
    }
    error_code ignored;  // the connection may be gone already
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(net::socket_base::keep_alive(true), ignored);
    StartHttpSession(core_, std::move(socket), tls_ ? tls_->Current(clock_->Steady()) : nullptr);
    Accept();
  }

  void Stop() {
    error_code ignored;
    acceptor_.close(ignored);
    timer_.expires_after(kStopGrace);
    timer_.async_wait([this](error_code error) {
      if (!error) core_->Abort();
    });
    core_->BeginStop();
  }

  const std::shared_ptr<HttpCore> core_;
  const HttpStrand strand_;
  net::basic_socket_acceptor<tcp, HttpStrand> acceptor_;
  net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>,
                            HttpStrand>
      timer_;
  std::unique_ptr<TlsContexts> tls_;
  Clock* clock_ = nullptr;
  uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options,
                                                       HttpHandler handler) {
  if (options.io_threads < 1)
    return Status(Reason::kInvalid, "an HTTP server needs at least one I/O thread");
  auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler));
  DRAY_RETURN_IF_ERROR(server->Open());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace dray::runtime
