#include "runtime/http_session.h"

#include <glog/logging.h>

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <string_view>

#include "runtime/http_channel.h"
#include "runtime/http_stream.h"
#include "runtime/http_tls.h"

namespace dray::runtime {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Outcome = HttpChannel::Outcome;

constexpr size_t kStreamLimit = 16u << 20;
constexpr uint32_t kHeaderLimit = 64u << 10;
constexpr size_t kRecord = 16u << 10;   // the most one TLS record holds
constexpr size_t kFlushAt = 64u << 10;  // encrypted ahead of the socket
constexpr auto kHandshakeTimeout = std::chrono::seconds(15);
constexpr auto kLinger = std::chrono::seconds(2);
constexpr int kRequestsInARow = 32;  // of one connection, before the others have their turn

// A header value must not be able to begin another header.
void AppendLine(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ");
  for (char c : value) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  head.append("\r\n");
}

std::string ResponseHead(int code, const std::string& content_type) {
  std::string head;
  head.reserve(256);
  const auto reason = http::obsolete_reason(static_cast<http::status>(code));
  head.append("HTTP/1.1 ").append(std::to_string(code)).append(" ");
  head.append(reason.data(), reason.size()).append("\r\n");
  if (!content_type.empty()) AppendLine(head, "Content-Type", content_type);
  return head;
}

bool HasBody(int code) {
  return code >= 200 && code != 204 && code != 304;
}

// Everything on the loop's thread, unless it says otherwise.
//
//   handshake -> reading -> handling -> writing -> reading ... -> ending -> closed
//                              `-> streaming -> ending
class Session final : public HttpWatcher, public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<HttpCore> core, HttpLoop& loop, int fd,
          std::shared_ptr<boost::asio::ssl::context> tls)
      : core_(std::move(core)), loop_(loop), channel_(fd, std::move(tls)) {}
  ~Session() override {
    if (chunk_queue_) chunk_queue_->End();
  }

  void Start() {
    if (channel_.tls()) {
      // A certificate that does not verify is as good as none, unless one is required.
      const std::optional<TlsFiles>& files = core_->options.tls;
      if (!files->client_ca_file.empty()) channel_.AskForCertificate(files->require_client_cert);
      loop_.SetDeadline(this, loop_.now() + kHandshakeTimeout);
    } else {
      BeginReading();
    }
    loop_.Enter(channel_.fd(), shared_from_this(), /*edge_triggered=*/true);
  }

  void OnReady(uint32_t events) override {
    channel_.OnReady(events);
    Pump();
  }
  void OnDeadline() override { Close(); }
  void Abort() override { Close(); }
  void Stop() override {
    stopping_ = true;
    if (state_ == State::kHandshake) return Close();
    if (state_ == State::kReading && idle_) return Close();
    if (chunk_queue_) chunk_queue_->Close();
  }

 private:
  enum class State { kHandshake, kReading, kHandling, kWriting, kStreaming, kEnding, kClosed };
  class Responder;

  // Goes on until something has to be waited for.
  void Pump() {
    if (pumping_) return;
    pumping_ = true;
    requests_in_a_row_ = 0;
    while (Step()) {
    }
    pumping_ = false;
    if (channel_.full() && !std::exchange(watches_output_, true))
      loop_.WatchOutput(channel_.fd(), this);
  }

  // False: wait.
  bool Step() {
    switch (state_) {
      case State::kHandshake:
        return Handshake();
      case State::kReading:
        return Read();
      case State::kWriting:
        return FinishWriting();
      case State::kStreaming:
        return Stream();
      case State::kEnding:
        return End();
      case State::kHandling:
      case State::kClosed:
        break;
    }
    return false;
  }

  void ExpireAfter(Duration time) {
    loop_.SetDeadline(
        this, loop_.now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
  }

  bool Handshake() {
    const Outcome outcome = channel_.Handshake();
    if (outcome == Outcome::kWait) return false;
    if (outcome != Outcome::kDone) {
      Close();  // the peer's business: a port scan, plain HTTP, a wrong CA
      return false;
    }
    if (SSL* peer = core_->options.tls->client_ca_file.empty() ? nullptr : channel_.VerifiedPeer())
      ReadPeerSubject(peer, peer_common_name_, peer_organizations_);
    BeginReading();
    return true;
  }

  void BeginReading() {
    if (stopping_) return Finish();
    state_ = State::kReading;
    idle_ = true;
    continued_ = false;
    unparsed_ = in_.size() > 0;
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(core_->options.max_body_bytes);
    ExpireAfter(core_->options.idle_timeout);
  }

  bool Read() {
    if (requests_in_a_row_ >= kRequestsInARow) {
      loop_.Later([self = shared_from_this()] { self->Pump(); });
      return false;
    }
    if (unparsed_) {
      unparsed_ = false;
      error_code error;
      while (in_.size() > 0 && !parser_->is_done() && !error) {
        const size_t taken = parser_->put(in_.data(), error);
        in_.consume(taken);
        if (taken == 0) break;
      }
      if (error && error != http::error::need_more) return Refuse(error);
      idle_ = !parser_->is_header_done();
      if (parser_->is_done()) return Dispatch();
      if (!idle_ && !std::exchange(continued_, true) &&
          beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
        channel_.Write("HTTP/1.1 100 Continue\r\n\r\n");
      }
    }
    if (channel_.unsent() > 0 && channel_.Flush() == Outcome::kError) return Closed();
    size_t size = 0;
    const Outcome outcome =
        channel_.Read(static_cast<char*>(in_.prepare(kRecord).data()), kRecord, &size);
    if (outcome == Outcome::kDone) {
      in_.commit(size);
      unparsed_ = true;
      return true;
    }
    if (outcome == Outcome::kWait) {
      if (in_.size() == 0) in_.shrink_to_fit();  // a connection that is idle holds no buffer
      // (A reading may have made TLS say something.)
      if (channel_.unsent() > 0 && channel_.Flush() == Outcome::kError) return Closed();
      return false;
    }
    if (outcome == Outcome::kError || parser_->got_some()) return Closed();
    idle_ = false;
    Finish();
    return true;
  }

  bool Refuse(error_code error) {
    const int code = error == http::error::body_limit     ? 413
                     : error == http::error::header_limit ? 431
                                                          : 400;
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
    state_ = State::kHandling;
    Write(std::move(refusal));
    return true;
  }

  bool Dispatch();

  // On the loop's or a handler thread. The responder answers 500 when it is dropped without an
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
    if (state_ != State::kHandling) return;
    const bool close = !keep_alive_ || stopping_;
    head_ = ResponseHead(response.code, HasBody(response.code) ? response.content_type : "");
    for (const auto& [name, value] : response.headers) {
      if (beast::iequals(name, "content-length") || beast::iequals(name, "transfer-encoding") ||
          beast::iequals(name, "connection") || beast::iequals(name, "content-type"))
        continue;
      AppendLine(head_, name, value);
    }
    if (HasBody(response.code))
      head_.append("Content-Length: ").append(std::to_string(response.body.size())).append("\r\n");
    if (close) {
      head_ += "Connection: close\r\n";
    } else if (http_1_0_) {
      head_ += "Connection: keep-alive\r\n";
    }
    head_ += "\r\n";
    body_ = HasBody(response.code) && !head_request_ ? std::move(response.body) : "";
    keep_alive_ = !close;
    SetPieces({head_, body_});
    state_ = State::kWriting;
    ExpireAfter(core_->options.idle_timeout);
    Pump();
  }

  void SetPieces(std::vector<std::string_view> pieces) {
    pieces_ = std::move(pieces);
    piece_ = 0;
  }

  // kDone: all pieces have left.
  Outcome SendPieces() {
    while (true) {
      while (piece_ < pieces_.size() && channel_.unsent() < kFlushAt) {
        std::string_view& first = pieces_[piece_];
        // Records as large as they may be, small pieces together in one.
        if (first.size() >= kRecord || piece_ + 1 == pieces_.size()) {
          channel_.Write(first.substr(0, kRecord));
          first.remove_prefix(std::min(first.size(), kRecord));
          if (first.empty()) ++piece_;
          continue;
        }
        char record[kRecord];
        size_t size = 0;
        for (; piece_ < pieces_.size() && size < kRecord; ++piece_) {
          std::string_view& piece = pieces_[piece_];
          const size_t part = piece.copy(record + size, kRecord - size);
          piece.remove_prefix(part);
          size += part;
          if (!piece.empty()) break;
        }
        channel_.Write({record, size});
      }
      const Outcome outcome = channel_.Flush();
      if (outcome != Outcome::kDone || piece_ == pieces_.size()) return outcome;
    }
  }

  bool FinishWriting() {
    const Outcome outcome = SendPieces();
    if (outcome == Outcome::kWait) return false;
    if (outcome != Outcome::kDone) return Closed();
    body_ = std::string();
    keep_alive_ ? BeginReading() : Finish();
    return true;
  }

  // --- A streamed response. The connection ends with it. ---

  void BeginStream(int code, const std::string& content_type, std::shared_ptr<ChunkQueue> queue) {
    if (state_ != State::kHandling) return queue->End();
    chunk_queue_ = std::move(queue);
    keep_alive_ = false;
    head_ = ResponseHead(code, content_type);
    if (!http_1_0_) head_ += "Transfer-Encoding: chunked\r\n";
    head_ += "Connection: close\r\n\r\n";
    SetPieces({head_});
    sending_ = true;
    state_ = State::kStreaming;
    loop_.SetDeadline(this, HttpTime::max());
    if (stopping_) chunk_queue_->Close();
    Pump();
  }

  void OnWake() {
    if (state_ != State::kStreaming) return;
    if (chunk_queue_->overflowed()) return Close();
    Pump();
  }

  bool Stream() {
    if (!sending_ && !TakeChunks()) return WatchInput();
    const Outcome outcome = SendPieces();
    if (outcome == Outcome::kWait) return WatchInput();
    if (outcome != Outcome::kDone) return Closed();
    sending_ = false;
    if (!batch_.last) return true;
    chunk_queue_->End();
    Finish();
    return true;
  }

  // False: there is nothing to send now.
  bool TakeChunks() {
    batch_ = chunk_queue_->Take();
    if (batch_.chunks.empty() && !batch_.last) return false;
    sending_ = true;
    std::vector<std::string_view> pieces;
    size_t size = 0;
    for (const std::string& chunk : batch_.chunks) size += chunk.size();
    char hex[20];
    head_.assign(hex, std::to_chars(hex, hex + sizeof hex, size, 16).ptr);
    head_ += "\r\n";
    if (size > 0 && !http_1_0_) pieces.push_back(head_);
    for (const std::string& chunk : batch_.chunks) pieces.push_back(chunk);
    if (size > 0 && !http_1_0_) pieces.push_back("\r\n");
    if (batch_.last && !http_1_0_) pieces.push_back("0\r\n\r\n");
    SetPieces(std::move(pieces));
    return true;
  }

  // The end of the input says that the client of a stream has gone. False.
  bool WatchInput() {
    size_t size = 0;
    while (ignored_ <= kHeaderLimit) {
      char ignored[4096];
      const Outcome outcome = channel_.Read(ignored, sizeof ignored, &size);
      if (outcome == Outcome::kWait) break;
      if (outcome != Outcome::kDone) return Closed();
      ignored_ += size;
    }
    return false;
  }

  // --- The end. ---

  // Says good-bye and waits a little for the peer's: closing with unread input sends a reset, which
  // may overtake the answer.
  void Finish() {
    state_ = State::kEnding;
    ExpireAfter(kLinger);
    channel_.Goodbye();
  }

  bool End() {
    if (!said_goodbye_) {
      const Outcome outcome = channel_.Flush();
      if (outcome == Outcome::kWait) return false;
      if (outcome != Outcome::kDone) return Closed();
      channel_.ShutDownWriting();
      said_goodbye_ = true;
    }
    if (channel_.Discard() == Outcome::kWait) return false;
    return Closed();
  }

  bool Closed() {
    Close();
    return false;
  }

  void Close() {
    if (state_ == State::kClosed) return;
    state_ = State::kClosed;
    channel_.Close();
    if (chunk_queue_) chunk_queue_->End();
    loop_.Leave(this);  // a handler may hold the responder for long
  }

  const std::shared_ptr<HttpCore> core_;  // owns the loop
  HttpLoop& loop_;
  HttpChannel channel_;
  State state_ = State::kHandshake;
  bool pumping_ = false, stopping_ = false, watches_output_ = false;
  int requests_in_a_row_ = 0;
  std::string peer_common_name_;
  std::vector<std::string> peer_organizations_;

  beast::flat_buffer in_;
  bool unparsed_ = false;  // in_ holds bytes that the parser has not seen
  std::optional<http::request_parser<http::string_body>> parser_;
  bool idle_ = false;  // no whole header yet
  bool continued_ = false;

  bool keep_alive_ = false, head_request_ = false, http_1_0_ = false;
  std::string head_, body_;               // being written
  std::vector<std::string_view> pieces_;  // of head_, body_ or batch_
  size_t piece_ = 0;                      // the first with something left

  std::shared_ptr<ChunkQueue> chunk_queue_;  // of the streamed response
  ChunkQueue::Batch batch_;
  bool sending_ = false;
  size_t ignored_ = 0;
  bool said_goodbye_ = false;
};

// Any thread.
class Session::Responder final : public HttpResponder {
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
          if (auto session = weak.lock()) session->loop_.Post([session] { session->OnWake(); });
        },
        kStreamLimit);
    const bool posted = session && session->loop_.Post([session, queue, code, content_type] {
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
    if (session->loop_.InLoop()) return session->Write(std::move(response));
    auto shared = std::make_shared<HttpResponse>(std::move(response));
    session->loop_.Post([session, shared] { session->Write(std::move(*shared)); });
  }

  std::atomic<bool> answered_ = false;
  std::shared_ptr<Session> session_;  // until answered; taken by whoever sets answered_
};

bool Session::Dispatch() {
  auto& message = parser_->get();
  keep_alive_ = parser_->keep_alive();
  head_request_ = message.method() == http::verb::head;
  http_1_0_ = message.version() < 11;
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    const auto sent = field.name_string();
    std::string name(sent.data(), sent.size());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
    const auto value = field.value();
    auto [place, fresh] = request.headers.try_emplace(std::move(name), value.data(), value.size());
    if (!fresh) place->second.append(", ").append(value.data(), value.size());
  }
  request.body = std::move(message.body());
  request.peer_common_name = peer_common_name_;
  request.peer_organizations = peer_organizations_;
  parser_.reset();
  state_ = State::kHandling;
  loop_.SetDeadline(this, HttpTime::max());
  auto responder = std::make_shared<Responder>(shared_from_this());
  if (!core_->handlers) {
    Handle(core_->handler, std::move(request), std::move(responder));
  } else {
    boost::asio::post(*core_->handlers, [core = core_, request = std::move(request),
                                         responder = std::move(responder)]() mutable {
      Handle(core->handler, std::move(request), std::move(responder));
    });
  }
  ++requests_in_a_row_;
  return true;
}

}  // namespace

HttpCore::HttpCore(HttpServerOptions server_options, HttpHandler server_handler)
    : options(std::move(server_options)), handler(std::move(server_handler)) {
  for (int i = 0; i < options.io_threads; ++i) loops.push_back(std::make_unique<HttpLoop>());
}

void StartHttpSession(std::shared_ptr<HttpCore> core, HttpLoop& loop, int fd,
                      std::shared_ptr<boost::asio::ssl::context> tls) {
  std::make_shared<Session>(std::move(core), loop, fd, std::move(tls))->Start();
}

}  // namespace dray::runtime
