#include "dray/runtime/http_server.h"

#include <arpa/inet.h>
#include <glog/logging.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "runtime/http_session.h"
#include "runtime/http_tls.h"

namespace dray::runtime {
namespace {

constexpr auto kStopGrace = std::chrono::seconds(10);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr int kAcceptsInARow = 32;

// Takes connections on the first loop and gives them to all loops in turn.
class Acceptor final : public HttpWatcher {
 public:
  Acceptor(std::shared_ptr<HttpCore> core, int fd) : core_(std::move(core)), fd_(fd) {}
  ~Acceptor() override { CloseSocket(); }

  // Before the loops run.
  void Start(std::shared_ptr<Acceptor> self, TlsContexts* tls, Clock* clock) {
    tls_ = tls;
    clock_ = clock;
    Loop().Enter(fd_, self, /*edge_triggered=*/false);
  }

  void OnReady(uint32_t) override {
    if (paused_) return;
    for (int i = 0; i < kAcceptsInARow && fd_ >= 0; ++i) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        Give(fd);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return Pause(errno);
      }
    }
  }

  void OnDeadline() override {
    paused_ = false;
    Loop().Watch(fd_, this);
  }
  void Stop() override { Abort(); }
  void Abort() override {
    CloseSocket();
    Loop().Leave(this);
  }

 private:
  HttpLoop& Loop() { return *core_->loops.front(); }

  void Give(int fd) {
    const int on = 1;  // the connection may be gone already: no matter
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    auto tls = tls_ == nullptr ? nullptr : tls_->Current(clock_->Steady());
    HttpLoop& loop = *core_->loops[next_++ % core_->loops.size()];
    const bool posted = loop.Post(
        [core = core_, &loop, fd, tls = std::move(tls)] { StartHttpSession(core, loop, fd, tls); });
    if (!posted) close(fd);
  }

  // Out of descriptors, most likely: the waiting connection would make the next accept fail at once
  // as well.
  void Pause(int error) {
    LOG_EVERY_N(ERROR, 50) << "cannot accept a connection: " << strerror(error);
    paused_ = true;
    Loop().Unwatch(fd_);
    Loop().SetDeadline(this, Loop().now() + kAcceptPause);
  }

  void CloseSocket() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  const std::shared_ptr<HttpCore> core_;
  int fd_;
  TlsContexts* tls_ = nullptr;
  Clock* clock_ = nullptr;
  size_t next_ = 0;
  bool paused_ = false;
};

class EpollServer final : public HttpServer {
 public:
  EpollServer(HttpServerOptions options, HttpHandler handler)
      : core_(std::make_shared<HttpCore>(std::move(options), std::move(handler))) {}

  Status Open() {
    const HttpServerOptions& options = core_->options;
    if (options.tls) {
      DRAY_ASSIGN_OR_RETURN(tls_, TlsContexts::Load(*options.tls));
    }
    std::string text = options.address.empty() ? "0.0.0.0" : options.address;
    if (text == "localhost") text = "127.0.0.1";
    sockaddr_storage address{};
    auto* v4 = reinterpret_cast<sockaddr_in*>(&address);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address);
    const bool is_v4 = inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) != 1)
      return Status(Reason::kInvalid, "cannot listen on \"" + text + "\": want an IP address");
    (is_v4 ? v4->sin_port : v6->sin6_port) = htons(options.port);
    address.ss_family = is_v4 ? AF_INET : AF_INET6;
    socklen_t size = is_v4 ? sizeof *v4 : sizeof *v6;

    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    auto acceptor = std::make_shared<Acceptor>(core_, fd);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    const int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, plain, size) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, plain, &size) != 0) {
      const std::string reason = strerror(errno);
      return Status(Reason::kUnavailable, "cannot listen on " + (is_v4 ? text : "[" + text + "]") +
                                              ":" + std::to_string(options.port) + ": " + reason);
    }
    port_ = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
    acceptor_ = std::move(acceptor);
    return Ok();
  }

  uint16_t port() const override { return port_; }

  Status Run(const Context& ctx) override {
    if (core_->options.handler_threads > 0) core_->handlers.emplace(core_->options.handler_threads);
    acceptor_->Start(acceptor_, tls_.get(), &ctx.clock());
    {
      // Nobody who sees its connection end may find the port still open.
      std::stop_callback on_stop(ctx.stop(), [&] {
        core_->loops.front()->Later([core = core_.get(), acceptor = std::move(acceptor_)] {
          acceptor->Abort();
          for (const auto& loop : core->loops)
            loop->Post([&loop = *loop] { loop.BeginStop(kStopGrace); });
        });
      });
      std::vector<std::jthread> threads;
      for (size_t i = 1; i < core_->loops.size(); ++i)
        threads.emplace_back([&loop = *core_->loops[i]] { loop.Run(); });
      core_->loops.front()->Run();
    }
    if (core_->handlers) core_->handlers->join();
    return Ok();
  }

 private:
  const std::shared_ptr<HttpCore> core_;
  std::shared_ptr<Acceptor> acceptor_;  // until the stop
  std::unique_ptr<TlsContexts> tls_;
  uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(HttpServerOptions options,
                                                       HttpHandler handler) {
  if (options.io_threads < 1)
    return Status(Reason::kInvalid, "an HTTP server needs at least one I/O thread");
  auto server = std::make_unique<EpollServer>(std::move(options), std::move(handler));
  DRAY_RETURN_IF_ERROR(server->Open());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace dray::runtime
