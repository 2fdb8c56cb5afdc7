#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/sha256.h"
#include "dray/base/status.h"

namespace dray::runtime {

struct KeyPair {
  std::string cert_pem, key_pem;
};

// ECDSA P-256 certificates for development clusters and tests, by OpenSSL. Not before: an hour ago.
Result<KeyPair> NewCa(const std::string& common_name, WallTime now);

struct LeafRequest {
  std::string common_name;                  // user name, or server name
  std::vector<std::string> organizations;   // groups of a client certificate
  std::vector<std::string> dns_names, ips;  // SANs of a server certificate
  bool server = false, client = false;
  Duration lifetime = std::chrono::hours(24 * 365);
};
Result<KeyPair> IssueLeaf(const KeyPair& ca, const LeafRequest& request, WallTime now);

struct CertificateFacts {
  WallTime not_before{}, not_after{};
  std::vector<std::string> dns_names;
};
// Of the first certificate in the text. kInvalid when there is none.
Result<CertificateFacts> ReadCertificate(const std::string& cert_pem);
// True when the key is the certificate's and the first certificate of `ca_pem` has signed it.
bool BelongTogether(const KeyPair& pair, const std::string& ca_pem);

// Random bytes as lower-case text: an RFC 4122 version 4 UUID.
std::string NewUuid();
// dray/base/base64.h, with a sentence for what is none.
std::string Base64Encode(std::string_view bytes);
Result<std::string> Base64Decode(std::string_view text);
using dray::Sha256Hex;  // dray/base/sha256.h

}  // namespace dray::runtime
