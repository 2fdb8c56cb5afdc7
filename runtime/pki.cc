#include "dray/runtime/pki.h"

#include <glog/logging.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/random.h>

#include <array>
#include <cerrno>
#include <memory>

#include "dray/base/base64.h"

namespace dray::runtime {
namespace {

struct Release {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* cert) const { X509_free(cert); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

// What OpenSSL complained about last, and an empty error queue.
Status OpenSslFailure(std::string_view what) {
  char text[256] = "unknown reason";
  if (unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return Status(Reason::kInternal, std::string(what) + ": " + text);
}

std::string PemOf(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return std::string(data, size);
}

Result<KeyPair> ToPem(X509* cert, EVP_PKEY* key) {
  Owned<BIO> cert_bio(BIO_new(BIO_s_mem())), key_bio(BIO_new(BIO_s_mem()));
  if (!cert_bio || !key_bio || PEM_write_bio_X509(cert_bio.get(), cert) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return OpenSslFailure("cannot write a certificate");
  return KeyPair{PemOf(cert_bio.get()), PemOf(key_bio.get())};
}

bool AddName(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool AddExtension(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(cert, extension.get(), -1) == 1;
}

// Serial, key and validity; what a certificate has whoever signs it. The serial has 127 random
// bits, positive.
bool Begin(X509* cert, EVP_PKEY* key, WallTime from, WallTime until) {
  Owned<BIGNUM> serial(BN_new());
  if (!serial || BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1) return false;
  return X509_set_version(cert, X509_VERSION_3) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(cert)) != nullptr &&
         ASN1_TIME_set(X509_getm_notBefore(cert), std::chrono::system_clock::to_time_t(from)) !=
             nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(cert), std::chrono::system_clock::to_time_t(until)) !=
             nullptr &&
         X509_set_pubkey(cert, key) == 1;
}

// A SAN entry stands in OpenSSL's configuration syntax, where a comma would begin another one.
Status CheckSan(const std::string& name) {
  if (name.empty() || name.find_first_of(",;: \n\r") == std::string::npos) return Ok();
  return Status(Reason::kInvalid, "\"" + name + "\" cannot be a name in a certificate");
}

Result<std::string> SubjectAltNames(const LeafRequest& request) {
  std::string text;
  for (const std::string& name : request.dns_names) {
    DRAY_RETURN_IF_ERROR(CheckSan(name));
    text += (text.empty() ? "DNS:" : ",DNS:") + name;
  }
  for (const std::string& ip : request.ips) {
    std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> parsed(
        a2i_IPADDRESS(ip.c_str()), ASN1_OCTET_STRING_free);
    if (!parsed)
      return Status(Reason::kInvalid, "\"" + ip + "\" is no IP address for a certificate");
    text += (text.empty() ? "IP:" : ",IP:") + ip;
  }
  return text;
}

constexpr auto kBackdate = std::chrono::hours(1);  // peers whose clock is a little behind

}  // namespace

Result<KeyPair> NewCa(const std::string& common_name, WallTime now) {
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  Owned<X509> cert(X509_new());
  if (!key || !cert) return OpenSslFailure("cannot make a key");
  X509_NAME* name = X509_get_subject_name(cert.get());
  bool made = Begin(cert.get(), key.get(), now - kBackdate, now + std::chrono::hours(24 * 3650)) &&
              AddName(name, "CN", common_name) && X509_set_issuer_name(cert.get(), name) == 1 &&
              AddExtension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE") &&
              AddExtension(cert.get(), cert.get(), NID_key_usage,
                           "critical,keyCertSign,cRLSign,digitalSignature") &&
              AddExtension(cert.get(), cert.get(), NID_subject_key_identifier, "hash") &&
              X509_sign(cert.get(), key.get(), EVP_sha256()) > 0;
  if (!made) return OpenSslFailure("cannot make the certificate authority " + common_name);
  return ToPem(cert.get(), key.get());
}

Result<KeyPair> IssueLeaf(const KeyPair& ca, const LeafRequest& request, WallTime now) {
  Owned<BIO> ca_cert_bio(BIO_new_mem_buf(ca.cert_pem.data(), static_cast<int>(ca.cert_pem.size())));
  Owned<BIO> ca_key_bio(BIO_new_mem_buf(ca.key_pem.data(), static_cast<int>(ca.key_pem.size())));
  Owned<X509> issuer(PEM_read_bio_X509(ca_cert_bio.get(), nullptr, nullptr, nullptr));
  if (!issuer) return OpenSslFailure("cannot read the certificate of the certificate authority");
  Owned<EVP_PKEY> issuer_key(PEM_read_bio_PrivateKey(ca_key_bio.get(), nullptr, nullptr, nullptr));
  if (!issuer_key) return OpenSslFailure("cannot read the key of the certificate authority");

  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  Owned<X509> cert(X509_new());
  if (!key || !cert) return OpenSslFailure("cannot make a key");
  X509_NAME* name = X509_get_subject_name(cert.get());
  bool named = true;
  for (const std::string& organization : request.organizations)
    named = named && AddName(name, "O", organization);
  if (!request.common_name.empty()) named = named && AddName(name, "CN", request.common_name);

  std::string usages;
  if (request.server) usages = "serverAuth";
  if (request.client) usages += usages.empty() ? "clientAuth" : ",clientAuth";
  DRAY_ASSIGN_OR_RETURN(std::string names, SubjectAltNames(request));
  bool made =
      named && Begin(cert.get(), key.get(), now - kBackdate, now + request.lifetime) &&
      X509_set_issuer_name(cert.get(), X509_get_subject_name(issuer.get())) == 1 &&
      AddExtension(cert.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE") &&
      AddExtension(cert.get(), issuer.get(), NID_key_usage, "critical,digitalSignature") &&
      AddExtension(cert.get(), issuer.get(), NID_subject_key_identifier, "hash") &&
      AddExtension(cert.get(), issuer.get(), NID_authority_key_identifier, "keyid:always") &&
      (usages.empty() || AddExtension(cert.get(), issuer.get(), NID_ext_key_usage, usages)) &&
      (names.empty() || AddExtension(cert.get(), issuer.get(), NID_subject_alt_name, names)) &&
      X509_sign(cert.get(), issuer_key.get(), EVP_sha256()) > 0;
  if (!made) return OpenSslFailure("cannot issue a certificate for " + request.common_name);
  return ToPem(cert.get(), key.get());
}

std::string NewUuid() {
  std::array<unsigned char, 16> bytes;
  // The kernel's own randomness: a library generator would repeat itself after a fork.
  ssize_t got;
  do {
    got = ::getrandom(bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  CHECK_EQ(got, static_cast<ssize_t>(bytes.size())) << "the kernel gives no random bytes";
  bytes[6] = (bytes[6] & 0x0f) | 0x40;  // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80;  // variant of RFC 4122
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

std::string Base64Encode(std::string_view bytes) {
  return EncodeBase64(bytes);
}

Result<std::string> Base64Decode(std::string_view text) {
  std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes) return Status(Reason::kInvalid, "no base64 (RFC 4648, with padding)");
  return *std::move(bytes);
}

}  // namespace dray::runtime
