#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "dray/runtime/pki.h"

namespace dray::runtime {

// A blocking HTTP client made of a socket and OpenSSL alone, so that the server is not tested with
// its own library.
class HttpConnection {
 public:
  struct Tls {
    std::string ca_pem;  // the server must verify against it
    std::optional<KeyPair> client;
  };
  struct Response {
    int code = 0;
    std::map<std::string, std::string> headers;  // keys in lower case
    std::string body;
  };

  explicit HttpConnection(uint16_t port, std::optional<Tls> tls = {}, int receive_buffer = 0);
  ~HttpConnection();

  // False when the connection or the TLS handshake failed.
  bool open() const { return open_; }
  bool Send(const std::string& bytes);
  // A whole response with Content-Length, or only its head when it is chunked or `head_only`. Code
  // 0: the peer has closed.
  Response Receive(bool head_only = false);
  // "" at the end of a chunked body, nothing when the peer has closed before.
  std::optional<std::string> ReceiveChunk();
  // Waits for the peer to close; false when it sent something instead.
  bool AwaitClose();
  std::string server_name() const;  // CN of the server's certificate

  Response Get(const std::string& target);

 private:
  bool Fill();
  std::optional<std::string> Line();

  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool open_ = false;
  std::string input_;
};

}  // namespace dray::runtime
