#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

#include "dray/runtime/pki.h"

namespace dray::runtime {
namespace {

template <class T, void (*free)(T*)>
struct Freed {
  void operator()(T* object) const { free(object); }
};
using OwnedCert = std::unique_ptr<X509, Freed<X509, X509_free>>;
using OwnedKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using OwnedBuffer = std::unique_ptr<BIO, Freed<BIO, BIO_free_all>>;

OwnedCert FirstCert(const std::string& pem) {
  OwnedBuffer buffer(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  OwnedCert cert(PEM_read_bio_X509(buffer.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return cert;
}

WallTime TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime();
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

}  // namespace

Result<CertificateFacts> ReadCertificate(const std::string& cert_pem) {
  OwnedCert cert = FirstCert(cert_pem);
  if (!cert) return Status(Reason::kInvalid, "no certificate in PEM");
  CertificateFacts facts;
  facts.not_before = TimeOf(X509_get0_notBefore(cert.get()));
  facts.not_after = TimeOf(X509_get0_notAfter(cert.get()));
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(cert.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    facts.dns_names.emplace_back(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
        static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(names);
  return facts;
}

bool BelongTogether(const KeyPair& pair, const std::string& ca_pem) {
  OwnedCert cert = FirstCert(pair.cert_pem), ca = FirstCert(ca_pem);
  OwnedBuffer buffer(BIO_new_mem_buf(pair.key_pem.data(), static_cast<int>(pair.key_pem.size())));
  OwnedKey key(PEM_read_bio_PrivateKey(buffer.get(), nullptr, nullptr, nullptr));
  const bool together = cert && ca && key && X509_check_private_key(cert.get(), key.get()) == 1 &&
                        X509_verify(cert.get(), X509_get0_pubkey(ca.get())) == 1;
  ERR_clear_error();
  return together;
}

}  // namespace dray::runtime
