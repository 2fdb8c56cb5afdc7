#include "runtime/http_channel.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace dray::runtime {
namespace {

// A buffer that grew for a large answer is given back.
constexpr size_t kKeptBytes = 8 << 10;
// Buffers full of input nobody wants, before the peer's patience is no longer ours.
constexpr int kMostDiscarded = 1024;

}  // namespace

BIO_METHOD* HttpChannel::SocketMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dray socket");
    BIO_meth_set_read(made, BioRead);
    BIO_meth_set_write(made, BioWrite);
    BIO_meth_set_ctrl(made, BioControl);
    return made;
  }();
  return method;
}

HttpChannel::HttpChannel(int fd, std::shared_ptr<boost::asio::ssl::context> tls)
    : fd_(fd), context_(std::move(tls)) {
  if (context_ == nullptr) return;
  ssl_ = SSL_new(context_->native_handle());
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(SocketMethod());
  if (bio == nullptr) {
    broken_ = true;
    return;
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  SSL_set_accept_state(ssl_);
}

HttpChannel::~HttpChannel() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  Close();
}

void HttpChannel::OnReady(uint32_t events) {
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hangup_ = true;
}

HttpChannel::Outcome HttpChannel::Receive(char* into, size_t room, size_t* size) {
  if (fd_ < 0) return Outcome::kError;
  if (!readable_) return Outcome::kWait;
  ssize_t got;
  do {
    got = recv(fd_, into, room, 0);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return Outcome::kEnd;
  if (got < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Outcome::kError;
    readable_ = false;
    return Outcome::kWait;
  }
  *size = static_cast<size_t>(got);
  // Less than there was room for: the socket is empty, and epoll tells when it no longer is.
  if (*size < room && !hangup_) readable_ = false;
  return Outcome::kDone;
}

int HttpChannel::BioRead(BIO* bio, char* into, int room) {
  BIO_clear_retry_flags(bio);
  size_t size = 0;
  auto* channel = static_cast<HttpChannel*>(BIO_get_data(bio));
  switch (channel->Receive(into, static_cast<size_t>(room), &size)) {
    case Outcome::kDone:
      return static_cast<int>(size);
    case Outcome::kWait:
      BIO_set_retry_read(bio);
      return -1;
    case Outcome::kEnd:
      return 0;
    case Outcome::kError:
      break;
  }
  return -1;
}

int HttpChannel::BioWrite(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  static_cast<HttpChannel*>(BIO_get_data(bio))->out_.append(bytes, static_cast<size_t>(size));
  return size;
}

long HttpChannel::BioControl(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int HttpChannel::OnVerify(int verified, X509_STORE_CTX* store) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* channel = static_cast<HttpChannel*>(SSL_get_app_data(ssl));
  if (!verified) channel->peer_rejected_ = true;
  return verified || !channel->certificate_required_;
}

void HttpChannel::AskForCertificate(bool required) {
  if (ssl_ == nullptr) return;
  certificate_required_ = required;
  SSL_set_verify(ssl_, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                 OnVerify);
}

HttpChannel::Outcome HttpChannel::OutcomeOf(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_NONE:
      return Outcome::kDone;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Outcome::kWait;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::kEnd;
    default:
      ERR_clear_error();
      broken_ = true;
      return Outcome::kError;
  }
}

HttpChannel::Outcome HttpChannel::Handshake() {
  if (context_ == nullptr) return Outcome::kDone;
  if (broken_) return Outcome::kError;
  const Outcome outcome = OutcomeOf(SSL_do_handshake(ssl_));
  const Outcome flushed = Flush();  // an alert as well
  return flushed == Outcome::kError ? flushed : outcome;
}

HttpChannel::Outcome HttpChannel::Read(char* into, size_t room, size_t* size) {
  if (context_ == nullptr) return Receive(into, room, size);
  if (broken_) return Outcome::kError;
  return OutcomeOf(SSL_read_ex(ssl_, into, room, size));
}

void HttpChannel::Write(std::string_view bytes) {
  if (bytes.empty() || broken_) return;
  if (context_ == nullptr) {
    out_.append(bytes);
    return;
  }
  size_t taken = 0;
  if (SSL_write_ex(ssl_, bytes.data(), bytes.size(), &taken) != 1 || taken != bytes.size()) {
    ERR_clear_error();
    broken_ = true;
  }
}

HttpChannel::Outcome HttpChannel::Flush() {
  while (sent_ < out_.size()) {
    if (fd_ < 0) return Outcome::kError;
    if (!writable_) return Outcome::kWait;
    const ssize_t sent = send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return Outcome::kError;
    if (sent < 0)
      writable_ = false;
    else
      sent_ += static_cast<size_t>(sent);
  }
  sent_ = 0;
  out_.clear();
  if (out_.capacity() > kKeptBytes) std::string().swap(out_);
  return broken_ ? Outcome::kError : Outcome::kDone;
}

void HttpChannel::Goodbye() {
  if (ssl_ == nullptr || broken_ || !SSL_is_init_finished(ssl_)) return;
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

void HttpChannel::ShutDownWriting() {
  if (fd_ >= 0) shutdown(fd_, SHUT_WR);
}

HttpChannel::Outcome HttpChannel::Discard() {
  char dropped[16384];
  size_t size = 0;
  for (int i = 0; i < kMostDiscarded; ++i) {
    const Outcome outcome = Receive(dropped, sizeof dropped, &size);
    if (outcome != Outcome::kDone) return outcome;
  }
  return Outcome::kError;
}

void HttpChannel::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace dray::runtime
