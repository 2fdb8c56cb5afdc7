#include "tests/support/http_connection.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace dray::runtime {
namespace {

X509* ReadCert(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), pem.size());
  X509* cert = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return cert;
}

}  // namespace

HttpConnection::HttpConnection(uint16_t port, std::optional<Tls> tls, int receive_buffer) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  timeval patience{20, 0};  // a server that hangs fails the test
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  open_ = true;
  if (!tls) return;
  context_ = SSL_CTX_new(TLS_client_method());
  X509* ca = ReadCert(tls->ca_pem);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), ca);
  X509_free(ca);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  if (tls->client) {
    X509* cert = ReadCert(tls->client->cert_pem);
    SSL_CTX_use_certificate(context_, cert);
    X509_free(cert);
    BIO* bio = BIO_new_mem_buf(tls->client->key_pem.data(), tls->client->key_pem.size());
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_PrivateKey(context_, key);
    EVP_PKEY_free(key);
    BIO_free(bio);
  }
  ssl_ = SSL_new(context_);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), "127.0.0.1");
  SSL_set_fd(ssl_, fd_);
  open_ = SSL_connect(ssl_) == 1;
}

HttpConnection::~HttpConnection() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  if (context_ != nullptr) SSL_CTX_free(context_);
  if (fd_ >= 0) ::close(fd_);
}

bool HttpConnection::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    ssize_t n = ssl_ != nullptr
                    ? SSL_write(ssl_, bytes.data() + sent, bytes.size() - sent)
                    : ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

bool HttpConnection::Fill() {
  char buffer[16384];
  ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                              : ::recv(fd_, buffer, sizeof buffer, 0);
  if (n < 0 && ssl_ == nullptr && (errno == EAGAIN || errno == EWOULDBLOCK))
    ADD_FAILURE() << "the server hangs";
  if (n <= 0) return false;
  input_.append(buffer, n);
  return true;
}

std::optional<std::string> HttpConnection::Line() {
  size_t end;
  while ((end = input_.find("\r\n")) == std::string::npos)
    if (!Fill()) return std::nullopt;
  std::string line = input_.substr(0, end);
  input_.erase(0, end + 2);
  return line;
}

HttpConnection::Response HttpConnection::Receive(bool head_only) {
  Response response;
  std::optional<std::string> line = Line();
  if (!line) return response;
  EXPECT_EQ(line->substr(0, 9), "HTTP/1.1 ");
  response.code = std::stoi(line->substr(9));
  while ((line = Line()) && !line->empty()) {
    size_t colon = line->find(": ");
    std::string name = line->substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    response.headers[name] = line->substr(colon + 2);
  }
  auto length = response.headers.find("content-length");
  if (head_only || length == response.headers.end()) return response;
  size_t size = std::stoul(length->second);
  while (input_.size() < size)
    if (!Fill()) return {};
  response.body = input_.substr(0, size);
  input_.erase(0, size);
  return response;
}

std::optional<std::string> HttpConnection::ReceiveChunk() {
  std::optional<std::string> line = Line();
  if (!line) return std::nullopt;
  size_t size = std::stoul(*line, nullptr, 16);
  while (input_.size() < size + 2)
    if (!Fill()) return std::nullopt;
  std::string chunk = input_.substr(0, size);
  EXPECT_EQ(input_.substr(size, 2), "\r\n");
  input_.erase(0, size + 2);
  return chunk;
}

bool HttpConnection::AwaitClose() {
  return input_.empty() && !Fill();
}

std::string HttpConnection::server_name() const {
  X509* cert = SSL_get1_peer_certificate(ssl_);
  char text[128] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, text, sizeof text);
  X509_free(cert);
  return text;
}

HttpConnection::Response HttpConnection::Get(const std::string& target) {
  Send("GET " + target + " HTTP/1.1\r\nHost: test\r\n\r\n");
  return Receive();
}

}  // namespace dray::runtime
