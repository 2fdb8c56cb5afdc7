#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace dray::runtime {

// The bytes of one connection: a non-blocking socket, with TLS over it or not. TLS reads and writes
// the socket itself: one system call per batch of records in either direction. One thread.
class HttpChannel {
 public:
  enum class Outcome {
    kDone,
    kWait,   // for the next OnReady()
    kEnd,    // the peer has said that nothing more comes
    kError,  // only Close() is left
  };

  // Owns `fd`. `tls` null: plain.
  HttpChannel(int fd, std::shared_ptr<boost::asio::ssl::context> tls);
  ~HttpChannel();
  HttpChannel(const HttpChannel&) = delete;

  int fd() const { return fd_; }
  bool tls() const { return ssl_ != nullptr; }

  // Of an edge-triggered epoll.
  void OnReady(uint32_t epoll_events);

  // Before the handshake: asks for a client certificate.
  void AskForCertificate(bool required);
  // The peer has given one that verifies against the CA.
  SSL* VerifiedPeer() const { return peer_rejected_ ? nullptr : ssl_; }
  Outcome Handshake();

  // kDone: 1 to `room` bytes.
  Outcome Read(char* into, size_t room, size_t* size);
  // Takes everything, sends nothing. At most 16 KiB are one TLS record.
  void Write(std::string_view bytes);
  size_t unsent() const { return out_.size() - sent_; }
  // The socket takes no more until OnReady().
  bool full() const { return fd_ >= 0 && !writable_; }
  // kDone: nothing is unsent.
  Outcome Flush();

  // The end of our side, after what is unsent.
  void Goodbye();
  void ShutDownWriting();
  // Reads and drops what the socket has. Never kDone; kError as well for a peer that never stops.
  Outcome Discard();
  void Close();

 private:
  static BIO_METHOD* SocketMethod();
  static int BioRead(BIO* bio, char* into, int room);
  static int BioWrite(BIO* bio, const char* bytes, int size);
  static long BioControl(BIO* bio, int command, long number, void* pointer);
  static int OnVerify(int verified, X509_STORE_CTX* store);
  Outcome Receive(char* into, size_t room, size_t* size);
  Outcome OutcomeOf(int result);

  int fd_;
  const std::shared_ptr<boost::asio::ssl::context> context_;
  SSL* ssl_ = nullptr;
  bool readable_ = true, writable_ = true;
  bool hangup_ = false;  // the end of the input has been announced: a short read is not the last
  bool broken_ = false;  // TLS has failed
  bool certificate_required_ = false, peer_rejected_ = false;
  std::string out_;  // as it goes out
  size_t sent_ = 0;  // of out_
};

}  // namespace dray::runtime
