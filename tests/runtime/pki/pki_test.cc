#include "dray/runtime/pki.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <regex>
#include <set>

#include "dray/runtime/real_clock.h"

namespace dray::runtime {
namespace {

using Cert = std::unique_ptr<X509, decltype(&X509_free)>;

Cert Read(const std::string& pem) {
  std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), pem.size()), BIO_free);
  return Cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
}

// The verification result for `leaf` against `ca` for `purpose` at `when`: X509_V_OK or why not.
int Verify(const std::string& ca, const std::string& leaf, int purpose, WallTime when) {
  Cert root = Read(ca), end = Read(leaf);
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  X509_STORE_add_cert(store.get(), root.get());
  std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> ctx(X509_STORE_CTX_new(),
                                                                      X509_STORE_CTX_free);
  X509_STORE_CTX_init(ctx.get(), store.get(), end.get(), nullptr);
  X509_STORE_CTX_set_purpose(ctx.get(), purpose);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx.get()), X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX_set_time(ctx.get(), 0, std::chrono::system_clock::to_time_t(when));
  X509_verify_cert(ctx.get());
  return X509_STORE_CTX_get_error(ctx.get());
}

const WallTime kNow{std::chrono::seconds(1767225600)};

TEST(Pki, ServerCertificateVerifiesForItsNamesOnly) {
  KeyPair ca = *NewCa("test-ca", kNow);
  LeafRequest request;
  request.common_name = "webhook";
  request.dns_names = {"webhook.dray-system.svc", "localhost"};
  request.ips = {"127.0.0.1", "::1"};
  request.server = true;
  Result<KeyPair> leaf = IssueLeaf(ca, request, kNow);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Verify(ca.cert_pem, leaf->cert_pem, X509_PURPOSE_SSL_SERVER, kNow), X509_V_OK);
  EXPECT_EQ(Verify(ca.cert_pem, leaf->cert_pem, X509_PURPOSE_SSL_CLIENT, kNow),
            X509_V_ERR_INVALID_PURPOSE);
  Cert cert = Read(leaf->cert_pem);
  EXPECT_EQ(X509_check_host(cert.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(cert.get(), "elsewhere", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(cert.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(cert.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(cert.get(), "10.0.0.1", 0), 0);
}

TEST(Pki, ClientCertificateCarriesUserAndGroups) {
  KeyPair ca = *NewCa("test-ca", kNow);
  LeafRequest request;
  request.common_name = "system:admin";
  request.organizations = {"system:masters", "devs, all"};
  request.client = true;
  Result<KeyPair> leaf = IssueLeaf(ca, request, kNow);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Verify(ca.cert_pem, leaf->cert_pem, X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK);
  Cert cert = Read(leaf->cert_pem);
  char subject[256];
  X509_NAME_oneline(X509_get_subject_name(cert.get()), subject, sizeof subject);
  EXPECT_STREQ(subject, "/O=system:masters/O=devs, all/CN=system:admin");
}

TEST(Pki, ValidityIsAnHourAgoToLifetime) {
  KeyPair ca = *NewCa("test-ca", kNow);
  LeafRequest request;
  request.common_name = "x";
  request.server = true;
  request.lifetime = std::chrono::hours(2);
  KeyPair leaf = *IssueLeaf(ca, request, kNow);
  auto at = [&](std::chrono::minutes offset) {
    return Verify(ca.cert_pem, leaf.cert_pem, X509_PURPOSE_SSL_SERVER, kNow + offset);
  };
  EXPECT_EQ(at(std::chrono::minutes(-59)), X509_V_OK);
  EXPECT_EQ(at(std::chrono::minutes(119)), X509_V_OK);
  EXPECT_EQ(at(std::chrono::minutes(121)), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(Pki, AForeignAuthorityIsNotTrusted) {
  KeyPair ours = *NewCa("ours", kNow), theirs = *NewCa("ours", kNow);
  LeafRequest request;
  request.common_name = "x";
  request.server = true;
  KeyPair leaf = *IssueLeaf(theirs, request, kNow);
  EXPECT_NE(Verify(ours.cert_pem, leaf.cert_pem, X509_PURPOSE_SSL_SERVER, kNow), X509_V_OK);
}

TEST(Pki, BadInputIsASentence) {
  KeyPair ca = *NewCa("test-ca", kNow);
  LeafRequest request;
  request.ips = {"300.1.1.1"};
  EXPECT_EQ(IssueLeaf(ca, request, kNow).status().message(),
            "\"300.1.1.1\" is no IP address for a certificate");
  request.ips.clear();
  request.dns_names = {"a,DNS:b"};
  EXPECT_TRUE(IssueLeaf(ca, request, kNow).Is(Reason::kInvalid));
  EXPECT_FALSE(IssueLeaf({"not a certificate", "no key"}, {}, kNow).ok());
  EXPECT_FALSE(IssueLeaf({ca.cert_pem, ca.cert_pem}, {}, kNow).ok());
}

TEST(Pki, UuidsAreVersion4AndDiffer) {
  std::regex shape("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    std::string uuid = NewUuid();
    EXPECT_TRUE(std::regex_match(uuid, shape)) << uuid;
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(Pki, Base64BothWays) {
  const std::pair<std::string, std::string> kCases[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"\xff\xfe\xfd", "//79"},
                                                        {std::string("\0\0", 2), "AAA="}};
  for (const auto& [bytes, text] : kCases) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(*Base64Decode(text), bytes);
  }
  EXPECT_EQ(*Base64Decode("Zm9v\r\nYg=="), "foob");
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Z===", "=", "Zg==Zg==", "Zm9v!", "Zm-_"})
    EXPECT_TRUE(Base64Decode(bad).Is(Reason::kInvalid)) << bad;
}

TEST(Pki, Sha256OfKnownTexts) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(ReadCertificate, SaysWhenItEndsAndForWhomItIs) {
  const WallTime now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const KeyPair ca = *NewCa("ca", now), other = *NewCa("other", now);
  LeafRequest request;
  request.dns_names = {"a.svc", "b.svc"};
  request.server = true;
  request.lifetime = std::chrono::hours(24);
  const KeyPair leaf = *IssueLeaf(ca, request, now);
  Result<CertificateFacts> facts = ReadCertificate(leaf.cert_pem);
  ASSERT_TRUE(facts.ok()) << facts.status();
  EXPECT_EQ(facts->not_after, now + std::chrono::hours(24));
  EXPECT_LT(facts->not_before, now);
  EXPECT_EQ(facts->dns_names, (std::vector<std::string>{"a.svc", "b.svc"}));
  EXPECT_TRUE(ReadCertificate("").Is(Reason::kInvalid));
  EXPECT_TRUE(ReadCertificate(leaf.key_pem).Is(Reason::kInvalid));

  EXPECT_TRUE(BelongTogether(leaf, ca.cert_pem));
  EXPECT_TRUE(BelongTogether(leaf, ca.cert_pem + other.cert_pem));  // the first one counts
  EXPECT_FALSE(BelongTogether(leaf, other.cert_pem));
  EXPECT_FALSE(BelongTogether({leaf.cert_pem, ca.key_pem}, ca.cert_pem));
  EXPECT_FALSE(BelongTogether({"", ""}, ""));
}

}  // namespace
}  // namespace dray::runtime
