#include "runtime/http_session.h"

#include <glog/logging.h>

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <charconv>

#include "runtime/http_stream.h"
#include "runtime/http_tls.h"

namespace dray::runtime {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

using PlainStream = beast::basic_stream<net::ip::tcp, HttpStrand>;
using TlsStream = beast::ssl_stream<PlainStream>;

constexpr size_t kStreamLimit = 16u << 20;
constexpr uint32_t kHeaderLimit = 64u << 10;
constexpr auto kHandshakeTimeout = std::chrono::seconds(15);
constexpr auto kLinger = std::chrono::seconds(2);

// A header value must not be able to begin another header.
std::string OneLine(std::string text) {
  for (char& c : text)
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  return text;
}

std::string ResponseHead(int code, const std::string& content_type) {
  std::string reason(http::obsolete_reason(static_cast<http::status>(code)));
  std::string head = "HTTP/1.1 " + std::to_string(code) + " " + reason + "\r\n";
  if (!content_type.empty()) head += "Content-Type: " + OneLine(content_type) + "\r\n";
  return head;
}

bool HasBody(int code) {
  return code >= 200 && code != 204 && code != 304;
}

template <class Stream>
class Session final : public HttpSession, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(std::shared_ptr<HttpCore> core, HttpSocket socket, std::shared_ptr<net::ssl::context> tls)
      : core_(std::move(core)),
        strand_(socket.get_executor()),
        tls_(std::move(tls)),
        stream_(MakeStream(std::move(socket), tls_.get())),
        linger_(strand_) {}
  ~Session() override {
    if (chunk_queue_) chunk_queue_->End();
    core_->Leave(this);
  }

  void Start() {
    core_->Enter(this->shared_from_this());
    core_->Post(strand_, [self = this->shared_from_this()] { self->Begin(); });
  }

  void Stop() override {
    core_->Post(strand_, [self = this->shared_from_this()] { self->OnStop(); });
  }
  void Abort() override {
    core_->Post(strand_, [self = this->shared_from_this()] { self->CloseSocket(); });
  }

 private:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  class Responder;

  static Stream MakeStream(HttpSocket socket, net::ssl::context* tls) {
    if constexpr (kTls) {
      return Stream(std::move(socket), *tls);
    } else {
      return Stream(std::move(socket));
    }
  }
  auto& Lowest() { return beast::get_lowest_layer(stream_); }
  auto Self() { return this->shared_from_this(); }

  // --- Everything below runs on the strand, unless it says otherwise. ---

  void Begin() {
    if constexpr (kTls) {
      const std::optional<TlsFiles>& files = core_->options.tls;
      if (!files->client_ca_file.empty()) {
        // A certificate that does not verify is as good as none, unless one is required.
        bool required = files->require_client_cert;
        stream_.set_verify_mode(required
                                    ? net::ssl::verify_peer | net::ssl::verify_fail_if_no_peer_cert
                                    : net::ssl::verify_peer);
        stream_.set_verify_callback([this, required](bool verified, net::ssl::verify_context&) {
          peer_rejected_ = peer_rejected_ || !verified;
          return verified || !required;
        });
      }
      Lowest().expires_after(kHandshakeTimeout);
      stream_.async_handshake(net::ssl::stream_base::server,
                              beast::bind_front_handler(&Session::OnHandshake, Self()));
    } else {
      ReadHeader();
    }
  }

  void OnHandshake(error_code error) {
    if constexpr (kTls) {
      if (error) return;  // the peer's business: a port scan, plain HTTP, a wrong CA
      if (!core_->options.tls->client_ca_file.empty() && !peer_rejected_)
        ReadPeerSubject(stream_.native_handle(), peer_common_name_, peer_organizations_);
      ReadHeader();
    }
  }

  void ReadHeader() {
    if (stopping_) return Finish();
    idle_ = true;
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(core_->options.max_body_bytes);
    Lowest().expires_after(
        std::chrono::duration_cast<std::chrono::milliseconds>(core_->options.idle_timeout));
    http::async_read_header(stream_, buffer_, *parser_,
                            beast::bind_front_handler(&Session::OnHeader, Self()));
  }

  void OnHeader(error_code error, size_t) {
    idle_ = false;
    if (error) return OnReadError(error);
    if (finishing_) return CloseSocket();
    if (!parser_->is_done() &&
        beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      head_ = "HTTP/1.1 100 Continue\r\n\r\n";
      net::async_write(stream_, net::buffer(head_),
                       beast::bind_front_handler(&Session::OnContinue, Self()));
      return;
    }
    ReadBody();
  }

  void OnContinue(error_code error, size_t) {
    if (error) return CloseSocket();
    ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return Dispatch();
    http::async_read(stream_, buffer_, *parser_,
                     beast::bind_front_handler(&Session::OnBody, Self()));
  }

  void OnBody(error_code error, size_t) {
    if (error) return OnReadError(error);
    Dispatch();
  }

  void OnReadError(error_code error) {
    if (error == http::error::end_of_stream) return Finish();
    int code = error == http::error::body_limit     ? 413
               : error == http::error::header_limit ? 431
               : error.category() == http::make_error_code(http::error::bad_method).category() &&
                       error != http::error::partial_message
                   ? 400
                   : 0;
    if (code == 0) return CloseSocket();  // idle for too long, or gone
    HttpResponse refusal;
    refusal.code = code;
    refusal.content_type = "text/plain";
    refusal.body = code == 413 ? "request body larger than " +
                                     std::to_string(core_->options.max_body_bytes) + " bytes\n"
                   : code == 431 ? "request header too large\n"
                                 : "malformed request: " + error.message() + "\n";
    keep_alive_ = false;
    head_request_ = false;
    http_1_0_ = false;
    Write(std::move(refusal));
  }

  void Dispatch() {
    auto& message = parser_->get();
    keep_alive_ = parser_->keep_alive();
    head_request_ = message.method() == http::verb::head;
    http_1_0_ = message.version() < 11;
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (const auto& field : message) {
      std::string name(field.name_string());
      for (char& c : name)
        if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
      std::string value(field.value());
      auto [place, fresh] = request.headers.try_emplace(std::move(name), value);
      if (!fresh) place->second += ", " + value;
    }
    request.body = std::move(message.body());
    request.peer_common_name = peer_common_name_;
    request.peer_organizations = peer_organizations_;
    parser_.reset();
    auto responder = std::make_shared<Responder>(Self());
    if (!core_->handlers) return Handle(core_->handler, std::move(request), std::move(responder));
    net::post(*core_->handlers, [self = Self(), request = std::move(request),
                                 responder = std::move(responder)]() mutable {
      Handle(self->core_->handler, std::move(request), std::move(responder));
    });
  }

  // On the strand or a handler thread. The responder answers 500 when it is dropped without an
  // answer.
  static void Handle(const HttpHandler& handler, HttpRequest request,
                     std::shared_ptr<HttpResponder> responder) {
    try {
      handler(std::move(request), std::move(responder));
    } catch (const std::exception& e) {
      LOG(ERROR) << "HTTP handler threw: " << e.what();
    }
  }

  void Write(HttpResponse response) {
    if (finishing_) return;
    bool close = !keep_alive_ || stopping_;
    head_ = ResponseHead(response.code, HasBody(response.code) ? response.content_type : "");
    for (const auto& [name, value] : response.headers) {
      if (beast::iequals(name, "content-length") || beast::iequals(name, "transfer-encoding") ||
          beast::iequals(name, "connection") || beast::iequals(name, "content-type"))
        continue;
      head_ += OneLine(name) + ": " + OneLine(value) + "\r\n";
    }
    if (HasBody(response.code))
      head_ += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
    if (close) {
      head_ += "Connection: close\r\n";
    } else if (http_1_0_) {
      head_ += "Connection: keep-alive\r\n";
    }
    head_ += "\r\n";
    body_ = HasBody(response.code) && !head_request_ ? std::move(response.body) : "";
    keep_alive_ = !close;
    Lowest().expires_after(
        std::chrono::duration_cast<std::chrono::milliseconds>(core_->options.idle_timeout));
    // Not an array of two: Asio hands that on with an empty first buffer once the head has left,
    // which Beast's TLS stream takes for the end when the body is larger than a TLS record.
    std::vector<net::const_buffer> buffers = {net::buffer(head_), net::buffer(body_)};
    net::async_write(stream_, buffers, beast::bind_front_handler(&Session::OnWritten, Self()));
  }

  void OnWritten(error_code error, size_t) {
    if (error) return CloseSocket();
    body_ = std::string();
    keep_alive_ ? ReadHeader() : Finish();
  }

  // --- A streamed response. The connection ends with it. ---

  void BeginStream(int code, const std::string& content_type, std::shared_ptr<ChunkQueue> queue) {
    if (finishing_) return queue->End();
    chunk_queue_ = std::move(queue);
    keep_alive_ = false;
    head_ = ResponseHead(code, content_type);
    if (!http_1_0_) head_ += "Transfer-Encoding: chunked\r\n";
    head_ += "Connection: close\r\n\r\n";
    Lowest().expires_never();
    Probe();
    sending_ = true;
    net::async_write(stream_, net::buffer(head_),
                     beast::bind_front_handler(&Session::OnChunksWritten, Self()));
    if (stopping_) chunk_queue_->Close();
  }

  // Reads while a stream is open: the end of the input says that the client has gone.
  void Probe() {
    if (buffer_.size() > kHeaderLimit) return;
    stream_.async_read_some(buffer_.prepare(4096), [self = Self()](error_code error, size_t got) {
      if (error) return self->CloseSocket();
      self->buffer_.commit(got);
      self->Probe();
    });
  }

  void OnWake() {
    if (chunk_queue_->overflowed()) return CloseSocket();
    if (!sending_) SendChunks();
  }

  void SendChunks() {
    batch_ = chunk_queue_->Take();
    if (batch_.chunks.empty() && !batch_.last) {
      sending_ = false;
      return;
    }
    sending_ = true;
    std::vector<net::const_buffer> buffers;
    size_t size = 0;
    for (const std::string& chunk : batch_.chunks) size += chunk.size();
    char hex[20];
    head_.assign(hex, std::to_chars(hex, hex + sizeof hex, size, 16).ptr);
    head_ += "\r\n";
    if (size > 0 && !http_1_0_) buffers.push_back(net::buffer(head_));
    for (const std::string& chunk : batch_.chunks) buffers.push_back(net::buffer(chunk));
    constexpr std::string_view kChunkEnd = "\r\n", kLastChunk = "0\r\n\r\n";
    if (size > 0 && !http_1_0_) buffers.push_back(net::buffer(kChunkEnd));
    if (batch_.last && !http_1_0_) buffers.push_back(net::buffer(kLastChunk));
    net::async_write(stream_, buffers,
                     beast::bind_front_handler(&Session::OnChunksWritten, Self()));
  }

  void OnChunksWritten(error_code error, size_t) {
    if (error) return CloseSocket();
    if (!batch_.last) return SendChunks();
    chunk_queue_->End();
    Finish();
  }

  // --- The end. ---

  void OnStop() {
    stopping_ = true;
    if (idle_) return Finish();
    if (chunk_queue_) chunk_queue_->Close();
  }

  // Says good-bye and waits a little for the peer's: closing with unread input sends a reset, which
  // may overtake the answer.
  void Finish() {
    if (idle_) return CloseSocket();  // nothing is on its way
    if (std::exchange(finishing_, true)) return;
    linger_.expires_after(kLinger);
    linger_.async_wait([self = Self()](error_code error) {
      if (!error) self->CloseSocket();
    });
    if constexpr (kTls) {
      stream_.async_shutdown([self = Self()](error_code) { self->FinishSocket(); });
    } else {
      FinishSocket();
    }
  }

  void FinishSocket() {
    error_code ignored;
    Lowest().socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
    if (!chunk_queue_) Discard();  // else the probe reads already
  }

  void Discard() {
    buffer_.clear();
    Lowest().async_read_some(buffer_.prepare(64 << 10), [self = Self()](error_code error, size_t) {
      error ? self->CloseSocket() : self->Discard();
    });
  }

  void CloseSocket() {
    finishing_ = true;
    linger_.cancel();
    Lowest().close();
    if (chunk_queue_) chunk_queue_->End();
    core_->Leave(this);  // a handler may hold the responder for long
  }

  const std::shared_ptr<HttpCore> core_;
  const HttpStrand strand_;
  const std::shared_ptr<net::ssl::context> tls_;  // before the stream that uses it
  Stream stream_;
  net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>,
                            HttpStrand>
      linger_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  bool peer_rejected_ = false;
  std::string peer_common_name_;
  std::vector<std::string> peer_organizations_;

  bool idle_ = false;  // between two requests
  bool stopping_ = false, finishing_ = false;
  bool keep_alive_ = false, head_request_ = false, http_1_0_ = false;
  std::string head_, body_;  // being written

  std::shared_ptr<ChunkQueue> chunk_queue_;  // of the streamed response
  ChunkQueue::Batch batch_;
  bool sending_ = false;
};

// Any thread.
template <class Stream>
class Session<Stream>::Responder final : public HttpResponder {
 public:
  explicit Responder(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  ~Responder() override {
    if (!session_) return;
    HttpResponse response;
    response.code = 500;
    response.content_type = "text/plain";
    response.body = "the server gave no answer\n";
    Post(std::move(response));
  }

  void Send(HttpResponse response) override { Post(std::move(response)); }

  std::shared_ptr<HttpStream> StartStream(int code, std::string content_type) override {
    std::shared_ptr<Session> session = Take();
    std::weak_ptr<Session> weak = session;
    auto queue = std::make_shared<ChunkQueue>(
        [weak] {
          if (auto session = weak.lock())
            session->core_->Post(session->strand_, [session] { session->OnWake(); });
        },
        kStreamLimit);
    bool posted =
        session && session->core_->Post(session->strand_, [session, queue, code, content_type] {
          session->BeginStream(code, content_type, queue);
        });
    if (!posted) queue->End();
    return std::make_shared<QueuedStream>(std::move(queue));
  }

 private:
  // The session, for the first answer only.
  std::shared_ptr<Session> Take() {
    bool first = !answered_.exchange(true);
    LOG_IF(ERROR, !first) << "a second answer to one HTTP request was dropped";
    return first ? std::move(session_) : nullptr;
  }

  void Post(HttpResponse response) {
    std::shared_ptr<Session> session = Take();
    if (!session) return;
    auto shared = std::make_shared<HttpResponse>(std::move(response));
    session->core_->Post(session->strand_,
                         [session, shared] { session->Write(std::move(*shared)); });
  }

  std::atomic<bool> answered_ = false;
  std::shared_ptr<Session> session_;  // until answered; taken by whoever sets answered_
};

}  // namespace

void StartHttpSession(std::shared_ptr<HttpCore> core, HttpSocket socket,
                      std::shared_ptr<net::ssl::context> tls) {
  if (tls) {
    std::make_shared<Session<TlsStream>>(std::move(core), std::move(socket), std::move(tls))
        ->Start();
  } else {
    std::make_shared<Session<PlainStream>>(std::move(core), std::move(socket), nullptr)->Start();
  }
}

}  // namespace dray::runtime
