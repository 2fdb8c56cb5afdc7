#include "dray/base/sha256.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "dray/base/log.h"

namespace dray {

std::string Sha256Hex(std::string_view bytes) {
  // Looked up once: OpenSSL goes through its providers each time otherwise. Never freed.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  unsigned char digest[SHA256_DIGEST_LENGTH] = {};
  CHECK_EQ(EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, kSha256, nullptr), 1);
  std::string hex;
  for (unsigned char byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

}  // namespace dray
