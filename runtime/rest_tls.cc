#include "runtime/rest_tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <vector>

#include "dray/base/log.h"
#include "dray/runtime/files.h"

// cpprestsdk has every new connection read all of the system's CA certificates, a hundred and more,
// before it asks for ours: milliseconds and megabytes each time, and nearly always for nothing. As
// the program's own this function comes before OpenSSL's; Parse() reads them, where they are
// wanted, once.
extern "C" int SSL_CTX_set_default_verify_paths(SSL_CTX*) {
  return 1;
}

namespace dray::runtime {
namespace {

struct Free {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
  void operator()(BIO* b) const { BIO_free(b); }
  void operator()(X509_STORE* s) const { X509_STORE_free(s); }
};
using Certificate = std::unique_ptr<X509, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Bio = std::unique_ptr<BIO, Free>;

Bio Open(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::vector<Certificate> ReadCertificates(const std::string& pem) {
  std::vector<Certificate> all;
  Bio bio = Open(pem);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
  ERR_clear_error();  // the end of the text is reported as an error
  return all;
}

// A key with a passphrase must not make OpenSSL ask on the terminal.
int NoPassphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

struct TlsIdentity::Credentials {
  std::unique_ptr<X509_STORE, Free> trusted;
  std::vector<Certificate> chain;  // ours first; empty: none
  Key key;
};

Result<std::shared_ptr<const TlsIdentity::Credentials>> TlsIdentity::Parse(const std::string& ca,
                                                                           const std::string& cert,
                                                                           const std::string& key) {
  auto parsed = std::make_shared<Credentials>();
  parsed->trusted.reset(X509_STORE_new());
  if (ca.empty()) {
    X509_STORE_set_default_paths(parsed->trusted.get());
    ERR_clear_error();  // there may be none
  } else {
    std::vector<Certificate> roots = ReadCertificates(ca);
    if (roots.empty())
      return Status(Reason::kInvalid,
                    "the cluster's CA certificate is not PEM (want -----BEGIN CERTIFICATE-----)");
    X509_STORE_set_flags(parsed->trusted.get(),
                         X509_V_FLAG_PARTIAL_CHAIN);  // an intermediate may be the anchor
    for (const Certificate& root : roots) X509_STORE_add_cert(parsed->trusted.get(), root.get());
  }
  if (cert.empty() != key.empty())
    return Status(Reason::kInvalid, cert.empty()
                                        ? "there is a client key but no client certificate"
                                        : "there is a client certificate but no client key");
  if (!cert.empty()) {
    parsed->chain = ReadCertificates(cert);
    if (parsed->chain.empty())
      return Status(Reason::kInvalid,
                    "the client certificate is not PEM (want -----BEGIN CERTIFICATE-----)");
    Bio bio = Open(key);
    parsed->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
    ERR_clear_error();
    if (!parsed->key)
      return Status(Reason::kInvalid, "the client key is not an unencrypted PEM private key");
    if (X509_check_private_key(parsed->chain.front().get(), parsed->key.get()) != 1) {
      ERR_clear_error();
      return Status(Reason::kInvalid, "the client key does not belong to the client certificate");
    }
  }
  return std::shared_ptr<const Credentials>(std::move(parsed));
}

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::Make(const ClusterAccess& access) {
  std::shared_ptr<TlsIdentity> identity(new TlsIdentity());
  identity->insecure_ = access.insecure_skip_tls_verify;
  identity->ca_file_ = access.ca_file;
  identity->cert_file_ = access.client_cert_file;
  identity->key_file_ = access.client_key_file;
  auto read = [](const std::string& path, std::string text) -> Result<std::string> {
    if (path.empty() || !text.empty()) return text;
    Result<std::string> found = ReadFile(path);
    if (!found.ok()) return Status(Reason::kInvalid, found.status().message());
    return found;
  };
  Current current;
  DRAY_ASSIGN_OR_RETURN(current.ca_pem, read(access.ca_file, access.ca_pem));
  DRAY_ASSIGN_OR_RETURN(current.cert_pem, read(access.client_cert_file, access.client_cert_pem));
  DRAY_ASSIGN_OR_RETURN(current.key_pem, read(access.client_key_file, access.client_key_pem));
  DRAY_ASSIGN_OR_RETURN(current.parsed, Parse(current.ca_pem, current.cert_pem, current.key_pem));
  identity->current_.With([&](Current& now) { now = std::move(current); });
  return identity;
}

TlsIdentity::~TlsIdentity() = default;

void TlsIdentity::Reread() {
  if (ca_file_.empty() && cert_file_.empty()) return;
  Current fresh = current_.Copy();
  auto read = [](const std::string& path, std::string* text) {
    if (path.empty()) return false;
    Result<std::string> found = ReadFile(path);
    if (!found.ok() || *found == *text) return false;
    *text = *std::move(found);
    return true;
  };
  bool changed = read(ca_file_, &fresh.ca_pem);
  changed |= read(cert_file_, &fresh.cert_pem);
  changed |= read(key_file_, &fresh.key_pem);
  if (!changed) return;
  auto parsed = Parse(fresh.ca_pem, fresh.cert_pem, fresh.key_pem);
  if (!parsed.ok()) {
    // Certificate and key are two files: between their replacements they do not match.
    LOG(WARNING) << "rotated credentials are not used yet: " << parsed.status().message();
    return;
  }
  fresh.parsed = *std::move(parsed);
  current_.With([&](Current& now) { now = std::move(fresh); });
}

void TlsIdentity::Apply(SSL_CTX* context) {
  Reread();
  std::shared_ptr<const Credentials> use =
      current_.With([](const Current& now) { return now.parsed; });
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(context, use->trusted.get());
  if (!insecure_) SSL_CTX_set_cert_verify_callback(context, &TlsIdentity::Verify, this);
  if (use->chain.empty()) return;
  SSL_CTX_use_certificate(context, use->chain.front().get());
  for (size_t i = 1; i < use->chain.size(); ++i)
    SSL_CTX_add1_chain_cert(context, use->chain[i].get());
  SSL_CTX_use_PrivateKey(context, use->key.get());
}

int TlsIdentity::Verify(X509_STORE_CTX* chain, void* self) {
  int accepted = X509_verify_cert(chain);
  int error = X509_STORE_CTX_get_error(chain);
  std::string why;
  if (accepted != 1)
    // The host name is checked by a callback that names no error.
    why = error == X509_V_OK || error == X509_V_ERR_UNSPECIFIED
              ? "it is for another host name"
              : X509_verify_cert_error_string(error);
  static_cast<TlsIdentity*>(self)->verify_error_.With(
      [&](std::string& last) { last = std::move(why); });
  return accepted;
}

void KeepAlive(int socket) {
  auto set = [&](int level, int option, int value) {
    setsockopt(socket, level, option, &value, sizeof(value));
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

}  // namespace dray::runtime
