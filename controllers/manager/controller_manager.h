#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controllers/deviceclass/deviceclass_reconciler.h"
#include "controllers/webhook/certificates.h"
#include "dray/api/admission.h"
#include "dray/runtime/elector.h"
#include "dray/runtime/transport.h"

namespace dray::controllers {

struct BindAddress {
  std::string address;
  uint16_t port = 0;
};
// ":8080", "127.0.0.1:8080"; "0" or "" is off. kInvalid names the flag.
Result<std::optional<BindAddress>> ParseBindAddress(const std::string& flag,
                                                    const std::string& text);
// `path` empty: the built-in classes; "none": no class is kept.
Result<ConfiguredClasses> LoadDeviceClasses(const std::string& path);

// "nvidia.com/gpu=hami-core-gpu.project-hami.io,...": sets spec.extendedResourceName of those
// classes, so that Pods may ask for the resource without the webhook. kInvalid names the flag and
// what is wrong.
Status SetExtendedResources(const std::string& flag, const std::string& text,
                            ConfiguredClasses* classes);

// One replica: webhook, metrics and health on every one, the controllers where the Lease is held.
class ControllerManager {
 public:
  struct Options {
    runtime::ClusterAccess access;
    bool elect = true;
    runtime::ElectionConfig election;
    bool elect_coordinated = false;  // where the server takes LeaseCandidates, else as without it
    std::string webhook_address = "0.0.0.0";
    uint16_t webhook_port = 9443;
    std::string webhook_cert_dir;       // empty: no webhook
    bool webhook_self_managed = false;  // the manager keeps its certificates in a Secret and writes
                                        // them to webhook_cert_dir
    std::string webhook_namespace = "dray-system";  // of the webhook's Service and that Secret,
                                                    // wherever the Lease may be
    std::optional<BindAddress> metrics, health;
    admission::DeviceConfig device_config;
    std::string device_config_path;  // read again when it changes; empty: HAMi's defaults
    ConfiguredClasses classes;
    Duration cleanup_grace = std::chrono::minutes(10);
    bool cleanup_dry_run = false;
    bool cleanup_hami_claims = false;
    int cleanup_per_minute = 120;
    Duration stuck_after = std::chrono::minutes(5);
    bool legacy_metrics = false;
    int workers = 2;
  };
  explicit ControllerManager(Options options) : options_(std::move(options)) {}

  // ok when ctx was stopped; an error when a port is taken, the API server can't be used, or the
  // Lease was lost.
  Status Run(const Context& ctx);

  // How a webhook of these options keeps its own certificates.
  static WebhookCertificateKeeper::Options CertificateOptions(const Options& options,
                                                              runtime::Client client);

 private:
  Options options_;
};

}  // namespace dray::controllers
