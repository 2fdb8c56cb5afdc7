#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dray/base/context.h"
#include "dray/runtime/client.h"
#include "dray/runtime/metrics.h"
#include "dray/runtime/pki.h"

namespace dray::controllers {

// What the Secret of a self-managed webhook holds: tls.crt, tls.key, ca.key, and in ca.crt the
// certificate authorities that callers may trust, the one in use first.
struct WebhookCertificates {
  runtime::KeyPair ca;
  std::string ca_bundle;
  runtime::KeyPair serving;
};

// Makes the webhook's certificates without cert-manager: a CA and a serving certificate in one
// Secret. Every replica reads them into its folder, from where the HTTP server picks them up while
// it runs; the leader renews them before they expire and sees to it that the webhook configurations
// trust the CA. Everything here may be repeated at any time by any replica.
class WebhookCertificateKeeper {
 public:
  struct Options {
    runtime::Client client;
    std::string namespace_ = "dray-system";
    std::string secret = "dray-webhook-cert";
    std::vector<std::string> dns_names = {"dray-webhook.dray-system.svc",
                                          "dray-webhook.dray-system.svc.cluster.local"};
    std::string configuration = "dray";  // of the Mutating- and the ValidatingWebhookConfiguration
    std::string folder = {};             // gets tls.crt and tls.key
    Duration lifetime = std::chrono::hours(24 * 90);  // of the serving certificate
    Duration renew_before = std::chrono::hours(24 * 30);
    Duration ca_renew_before = std::chrono::hours(24 * 365);
    Duration look_every = std::chrono::seconds(30);
    runtime::Metrics* metrics = nullptr;  // may be null
  };
  explicit WebhookCertificateKeeper(Options options) : options_(std::move(options)) {}

  // What every replica does: reads the Secret, makes it where there is none, writes the folder.
  // After it the HTTP server can start.
  Status Fetch(const Context& ctx) const;
  // What the leader does: renews what expires soon and puts the CA into the webhook configurations.
  // A configuration that does not exist is passed over.
  Status Renew(const Context& ctx) const;
  // Repeats Fetch, and Renew where `leading` says so, until ctx is stopped. Failures are logged and
  // tried again.
  Status Run(const Context& ctx, const std::function<bool()>& leading) const;

 private:
  struct Stored {
    WebhookCertificates certificates;
    std::string resource_version;
    bool usable = false;
  };
  Result<Stored> Read(const Context& ctx) const;
  Status Write(const Context& ctx, const WebhookCertificates& certificates,
               const std::string& resource_version) const;
  Status Trust(const Context& ctx, const std::string& bundle) const;
  Result<runtime::KeyPair> IssueServing(const runtime::KeyPair& ca, WallTime now) const;

  const Options options_;
};

}  // namespace dray::controllers
