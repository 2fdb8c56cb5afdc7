#include "runtime/http_tls.h"

#include <glog/logging.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "dray/runtime/files.h"

namespace dray::runtime {
namespace {

namespace net = boost::asio;

Result<std::shared_ptr<net::ssl::context>> MakeContext(const TlsFiles& files) {
  DRAY_ASSIGN_OR_RETURN(std::string cert, ReadFile(files.cert_file));
  DRAY_ASSIGN_OR_RETURN(std::string key, ReadFile(files.key_file));
  auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_server);
  boost::system::error_code error;
  auto failed = [&](const std::string& what) {
    ERR_clear_error();
    return Status(Reason::kInvalid, what + ": " + error.message());
  };
  context->use_certificate_chain(net::buffer(cert), error);
  if (error) return failed("cannot use " + files.cert_file + " as a certificate");
  context->use_private_key(net::buffer(key), net::ssl::context::pem, error);
  if (error) return failed("cannot use " + files.key_file + " as the key of " + files.cert_file);

  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  // Of TLS 1.2 only what has forward secrecy and authenticated encryption; TLS 1.3 has nothing
  // else.
  if (SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    return Status(Reason::kInternal, "OpenSSL offers no modern cipher for TLS 1.2");
  // No resumption: a resumed session would carry a client certificate that was judged under another
  // context.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_read_ahead(native, 1);                   // a record's head and its body by one call
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // 34 kB less per idle connection

  if (!files.client_ca_file.empty()) {
    DRAY_ASSIGN_OR_RETURN(std::string ca, ReadFile(files.client_ca_file));
    context->add_certificate_authority(net::buffer(ca), error);
    if (error) return failed("cannot use " + files.client_ca_file + " as client CA");
  }
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsContexts>> TlsContexts::Load(const TlsFiles& files) {
  std::unique_ptr<TlsContexts> contexts(new TlsContexts(files));
  contexts->seen_ = contexts->Stamps();
  Result<std::shared_ptr<net::ssl::context>> made = MakeContext(files);
  if (!made.ok()) return Status(Reason::kInvalid, made.status().message());
  contexts->context_ = *std::move(made);
  return contexts;
}

std::shared_ptr<net::ssl::context> TlsContexts::Current(SteadyTime now) {
  if (now < next_look_) return context_;
  next_look_ = now + std::chrono::seconds(1);
  std::vector<Stamp> stamps = Stamps();
  if (stamps == seen_) return context_;
  seen_ = std::move(stamps);
  Result<std::shared_ptr<net::ssl::context>> made = MakeContext(files_);
  if (made.ok()) {
    context_ = *std::move(made);
    LOG(INFO) << "new server certificate from " << files_.cert_file;
  } else {
    LOG(ERROR) << "keeping the old server certificate: " << made.status().message();
  }
  return context_;
}

std::vector<TlsContexts::Stamp> TlsContexts::Stamps() const {
  std::vector<Stamp> stamps;
  for (const std::string* file : {&files_.cert_file, &files_.key_file, &files_.client_ca_file}) {
    Stamp stamp;
    struct stat info {};
    // Follows links: a mounted Secret changes by another target of the same link.
    if (!file->empty() && ::stat(file->c_str(), &info) == 0) {
      stamp = {info.st_dev, info.st_ino, info.st_size,
               int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
    }
    stamps.push_back(stamp);
  }
  return stamps;
}

void ReadPeerSubject(SSL* ssl, std::string& common_name, std::vector<std::string>& organizations) {
  std::unique_ptr<X509, decltype(&X509_free)> cert(SSL_get1_peer_certificate(ssl), X509_free);
  if (!cert) return;
  X509_NAME* subject = X509_get_subject_name(cert.get());
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, i);
    int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    if (nid != NID_commonName && nid != NID_organizationName) continue;
    unsigned char* text = nullptr;
    int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    if (size < 0) continue;
    std::string value(reinterpret_cast<char*>(text), size);
    OPENSSL_free(text);
    if (nid == NID_commonName) {
      common_name = std::move(value);
    } else {
      organizations.push_back(std::move(value));
    }
  }
}

}  // namespace dray::runtime
