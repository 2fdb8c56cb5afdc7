#pragma once

#include <openssl/ossl_typ.h>

#include <memory>
#include <string>

#include "dray/base/guarded.h"
#include "dray/runtime/transport.h"

namespace dray::runtime {

// What TLS needs to know about a cluster: whom to trust and who we are. Any thread.
class TlsIdentity {
 public:
  // kInvalid when a certificate or key cannot be used, naming which one.
  static Result<std::shared_ptr<TlsIdentity>> Make(const ClusterAccess& access);
  ~TlsIdentity();

  // Makes a fresh client context trust the cluster's CA alone and show our certificate. Files are
  // read again first; one that has become unreadable or bad leaves the last good credentials in
  // place. The context must not outlive `this`.
  void Apply(SSL_CTX* context);

  bool verifies() const { return !insecure_; }
  // Why the last server certificate was refused; empty when none was.
  std::string VerifyError() const { return verify_error_.Copy(); }

 private:
  struct Credentials;  // parsed
  TlsIdentity() = default;
  static Result<std::shared_ptr<const Credentials>> Parse(const std::string& ca,
                                                          const std::string& cert,
                                                          const std::string& key);
  void Reread();
  static int Verify(X509_STORE_CTX* chain, void* self);

  bool insecure_ = false;
  std::string ca_file_, cert_file_, key_file_;
  struct Current {
    std::string ca_pem, cert_pem, key_pem;
    std::shared_ptr<const Credentials> parsed;
  };
  Guarded<Current> current_;
  mutable Guarded<std::string> verify_error_;
};

// Asks the kernel to notice a peer that went away without a word within a minute or so.
void KeepAlive(int socket);

}  // namespace dray::runtime
