#include "runtime/rest_http.h"

#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <arpa/inet.h>

#include <algorithm>

#include "dray/base/log.h"

namespace dray::runtime {
namespace {

using web::http::client::http_client;
using web::http::client::http_client_config;

// cpprestsdk's timeout is an idle timer that also fires when the reader is slow: deadlines are kept
// by the waiting side.
constexpr auto kNever = std::chrono::hours(24 * 365);

// Where cpprestsdk's threads and the waiting one meet: the body as it arrives, then how it ended.
class Arrivals final : public concurrency::streams::details::streambuf_state_manager<uint8_t> {
 public:
  explicit Arrivals(size_t read_ahead)
      : streambuf_state_manager(std::ios_base::out), read_ahead_(read_ahead) {}

  // Waiting side.
  bool AwaitHead(const Context& ctx) {
    return Await(ctx, [this] { return head_ || ended_; });
  }
  bool AwaitMore(const Context& ctx) {
    return Await(ctx, [this] { return !body_.empty() || ended_; });
  }
  bool AwaitEnd(const Context& ctx) {
    return Await(ctx, [this] { return ended_; });
  }
  std::string Take() {
    std::optional<pplx::task_completion_event<size_t>> room;
    std::string taken;
    size_t written = 0;
    {
      std::lock_guard lock(mutex_);
      taken = std::exchange(body_, {});
      room = std::exchange(room_, std::nullopt);
      written = held_back_;
    }
    if (room) room->set(written);  // the connection reads on
    return taken;
  }
  // Nobody will take the rest.
  void Abandon() {
    {
      std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    Take();
  }
  // Valid once the wait above it has succeeded; written before.
  Status failure;
  bool stale = false;
  int code = 0;
  std::map<std::string, std::string> headers;

  // cpprestsdk's side.
  void Head(int status_code, std::map<std::string, std::string> fields) {
    std::lock_guard lock(mutex_);
    code = status_code;
    headers = std::move(fields);
    head_ = true;
    changed_.notify_all();
  }
  void End(Status outcome, bool connection_was_stale) {
    std::lock_guard lock(mutex_);
    failure = std::move(outcome);
    stale = connection_was_stale && !head_;
    ended_ = true;
    changed_.notify_all();
  }
  bool has_head() {
    std::lock_guard lock(mutex_);
    return head_;
  }
  bool ended() {
    std::lock_guard lock(mutex_);
    return ended_;
  }

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(size_t, std::ios_base::openmode) override {}
  size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return traits::eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return traits::eof();
  }
  bool acquire(uint8_t*&, size_t&) override { return false; }
  void release(uint8_t*, size_t) override {}

 protected:
  pplx::task<size_t> _putn(const uint8_t* data, size_t count) override {
    std::lock_guard lock(mutex_);
    if (abandoned_) return pplx::task_from_result(count);
    body_.append(reinterpret_cast<const char*>(data), count);
    changed_.notify_all();
    if (read_ahead_ == 0 || body_.size() < read_ahead_) return pplx::task_from_result(count);
    held_back_ = count;
    room_.emplace();
    return pplx::create_task(*room_);
  }
  pplx::task<int_type> _putc(uint8_t byte) override {
    return _putn(&byte, 1).then([byte](size_t) { return static_cast<int_type>(byte); });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  uint8_t* _alloc(size_t) override { return nullptr; }
  void _commit(size_t) override {}
  // The reading half of the interface: this buffer is written by cpprestsdk and read through
  // Take().
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  pplx::task<int_type> _ungetc() override {
    return pplx::task_from_result<int_type>(traits::eof());
  }
  pplx::task<size_t> _getn(uint8_t*, size_t) override { return pplx::task_from_result<size_t>(0); }
  size_t _scopy(uint8_t*, size_t) override { return 0; }

 private:
  bool Await(const Context& ctx, const std::function<bool()>& ready) {
    std::unique_lock lock(mutex_);
    return ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(), ready);
  }

  const size_t read_ahead_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string body_;
  size_t held_back_ = 0;
  std::optional<pplx::task_completion_event<size_t>> room_;
  bool head_ = false, ended_ = false, abandoned_ = false;
};

// Runs what cpprestsdk does next on the thread that has just finished what it waited for. Its own
// scheduler hands each of a request's dozen steps to another thread of the pool, which costs more
// than all of them.
class RunsOn final : public pplx::scheduler_interface {
 public:
  void schedule(pplx::TaskProc_t step, void* task) override { step(task); }
};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

// What went wrong, from cpprestsdk's words: its codes alone do not tell a refused connection from a
// stale one.
Status Explain(const std::exception& error, const RestEndpoint& endpoint, bool* stale) {
  std::string_view what = error.what();
  std::string server = endpoint.server;
  *stale = what.starts_with("Failed to write request") ||
           what.starts_with("Failed to read HTTP status line") ||
           what.starts_with("Invalid HTTP status line");
  if (what.starts_with("Failed to connect"))
    return Status(Reason::kUnavailable,
                  "nothing listens at " + server + " (connection refused or host unreachable)");
  if (what.starts_with("Error resolving") || what.starts_with("Failed to resolve"))
    return Status(Reason::kUnavailable, "the host of " + server + " cannot be resolved");
  if (what.starts_with("Error in SSL handshake")) {
    std::string why = endpoint.tls->VerifyError();
    if (why.empty())
      return Status(Reason::kUnavailable, "the TLS handshake with " + server + " failed");
    return Status(Reason::kUnavailable,
                  "the certificate of " + server + " is not accepted: " + why);
  }
  return Status(Reason::kUnavailable,
                "the connection to " + server + " broke: " + std::string(what));
}

class CpprestCall final : public RestCall {
 public:
  CpprestCall(std::shared_ptr<Arrivals> arrivals, pplx::cancellation_token_source cancel)
      : arrivals_(std::move(arrivals)), cancel_(std::move(cancel)) {}
  ~CpprestCall() override {
    if (arrivals_->ended())
      return;  // a cancel could still close the connection on its way back to the pool
    cancel_.cancel();
    arrivals_->Abandon();
  }
  Status AwaitHead(const Context& ctx) override {
    if (!arrivals_->AwaitHead(ctx)) return Interrupted(ctx);
    return arrivals_->has_head() ? Ok() : arrivals_->failure;
  }
  int code() const override { return arrivals_->code; }
  const std::map<std::string, std::string>& headers() const override { return arrivals_->headers; }
  Result<std::string> Next(const Context& ctx) override {
    if (!arrivals_->AwaitMore(ctx)) return Interrupted(ctx);
    std::string more = arrivals_->Take();
    if (more.empty() && !arrivals_->failure.ok()) return arrivals_->failure;
    return more;
  }
  Result<std::string> All(const Context& ctx) override {
    if (!arrivals_->AwaitEnd(ctx)) return Interrupted(ctx);
    if (!arrivals_->failure.ok()) return arrivals_->failure;
    return arrivals_->Take();
  }
  bool connection_was_stale() const override { return arrivals_->stale; }

 private:
  static Status Interrupted(const Context& ctx) {
    return ctx.stopped() ? Status(Reason::kCancelled, "stopped")
                         : Status(Reason::kTimeout, "no answer in time");
  }
  std::shared_ptr<Arrivals> arrivals_;
  pplx::cancellation_token_source cancel_;
};

// Index under which an SSL remembers its socket, for KeepAlive().
int SocketIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

using Socket = boost::asio::ip::tcp::socket;

void WhenShaken(const SSL* ssl, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_DONE) == 0) return;
  auto* socket = static_cast<Socket*>(SSL_get_ex_data(ssl, SocketIndex()));
  if (socket != nullptr) KeepAlive(socket->native_handle());
}

bool IsIpAddress(const std::string& host) {
  unsigned char out[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), out) == 1 || inet_pton(AF_INET6, host.c_str(), out) == 1;
}

class CpprestPool final : public RestPool {
 public:
  CpprestPool(RestEndpoint endpoint, const web::uri& base)
      : endpoint_(std::make_shared<const RestEndpoint>(std::move(endpoint))),
        https_(base.scheme() == "https"),
        client_(base, Configure(base)) {}

  std::unique_ptr<RestCall> Start(const ApiRequest& call,
                                  const std::map<std::string, std::string>& headers,
                                  size_t read_ahead) override {
    auto arrivals = std::make_shared<Arrivals>(read_ahead);
    pplx::cancellation_token_source cancel;
    // One continuation for the head, one for the end. They own what they touch: the call may be
    // gone by then.
    auto end = [arrivals, endpoint = endpoint_](pplx::task<web::http::http_response> whole) {
      try {
        whole.get();
        arrivals->End(Ok(), false);
      } catch (const std::exception& error) {
        bool stale = false;
        Status why = Explain(error, *endpoint, &stale);
        arrivals->End(std::move(why), stale);
      }
    };
    try {
      web::http::http_request request(call.method);
      request.set_request_uri(web::uri(call.path));
      for (const auto& [name, value] : headers) request.headers().add(name, value);
      if (https_ && !endpoint_->tls_server_name.empty())
        request.headers().add(
            "Host", endpoint_->tls_server_name);  // what cpprestsdk checks the certificate for
      if (!call.body.empty())
        request.set_body(call.body,
                         call.content_type.empty() ? "application/json" : call.content_type);
      request.headers().add("Accept", call.accept);
      request.set_response_stream(concurrency::streams::basic_ostream<uint8_t>(
          concurrency::streams::streambuf<uint8_t>(arrivals)));
      client_.request(request, cancel.get_token())
          .then([arrivals, end](pplx::task<web::http::http_response> head) {
            try {
              web::http::http_response response = head.get();
              std::map<std::string, std::string> fields;
              for (const auto& [name, value] : response.headers()) fields[Lower(name)] = value;
              arrivals->Head(response.status_code(), std::move(fields));
              response.content_ready().then(end);
            } catch (const std::exception&) {
              end(head);
            }
          });
    } catch (const std::exception& error) {
      arrivals->End(Status(Reason::kBadRequest,
                           "cannot send " + call.method + " " + call.path + ": " + error.what()),
                    false);
    }
    return std::make_unique<CpprestCall>(std::move(arrivals), std::move(cancel));
  }

 private:
  http_client_config Configure(const web::uri& base) const {
    http_client_config config;
    config.set_timeout(kNever);
    config.set_max_redirects(0);
    std::shared_ptr<TlsIdentity> tls = endpoint_->tls;
    config.set_validate_certificates(tls->verifies());
    // Names only: an address must not be sent as SNI (RFC 6066).
    config.set_tlsext_sni_enabled(!endpoint_->tls_server_name.empty() || !IsIpAddress(base.host()));
    config.set_ssl_context_callback([tls](boost::asio::ssl::context& context) {
      tls->Apply(context.native_handle());
      SSL_CTX_set_info_callback(context.native_handle(), &WhenShaken);
    });
    if (!https_) return config;
    config.set_nativehandle_options([](web::http::client::native_handle handle) {
      auto* stream = static_cast<boost::asio::ssl::stream<Socket&>*>(handle);
      SSL_set_ex_data(stream->native_handle(), SocketIndex(), &stream->next_layer());
    });
    return config;
  }

  const std::shared_ptr<const RestEndpoint> endpoint_;
  const bool https_;
  http_client client_;
};

}  // namespace

void SizeRestThreads(int threads) {
  static std::once_flag once;
  std::call_once(once, [&] {
    pplx::set_ambient_scheduler(std::make_shared<RunsOn>());
    try {
      crossplat::threadpool::initialize_with_threads(static_cast<size_t>(std::max(threads, 1)));
    } catch (const std::exception& error) {
      LOG(WARNING) << "cpprestsdk's thread pool keeps its size: " << error.what();
    }
  });
}

Result<std::shared_ptr<RestPool>> RestPool::Make(const RestEndpoint& endpoint) {
  SizeRestThreads(1);
  const std::string wrong =
      "the server \"" + endpoint.server + "\" is not a URL like https://10.0.0.1:6443";
  try {
    web::uri base(endpoint.server);
    if (base.host().empty() || (base.scheme() != "https" && base.scheme() != "http") ||
        !base.query().empty())
      return Status(Reason::kInvalid, wrong);
    if (base.host().front() == '[')
      return Status(
          Reason::kInvalid,
          "the server \"" + endpoint.server +
              "\" is an IPv6 address, which the HTTP client cannot connect to: use a host name");
    return std::shared_ptr<RestPool>(std::make_shared<CpprestPool>(endpoint, base));
  } catch (const std::exception&) {
    return Status(Reason::kInvalid, wrong);
  }
}

}  // namespace dray::runtime
