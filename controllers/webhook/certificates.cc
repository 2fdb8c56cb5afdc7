#include "controllers/webhook/certificates.h"

#include <nlohmann/json.hpp>

#include "dray/api/types/admission.h"
#include "dray/base/log.h"
#include "dray/runtime/files.h"

namespace dray::controllers {
namespace {

constexpr api::KindInfo kSecretKind{"", "v1", "Secret", "secrets", true};
constexpr char kExpiry[] = "dray_webhook_certificate_expiry_seconds";
constexpr char kExpiryHelp[] =
    "When the webhook's serving certificate expires, in seconds since 1970.";

std::string Field(const Json& data, const char* key) {
  auto found = data.find(key);
  if (found == data.end() || !found->is_string()) return "";
  Result<std::string> bytes = runtime::Base64Decode(found->get<std::string>());
  return bytes.ok() ? *bytes : "";
}

// The first PEM certificate of a bundle: the authority in use.
std::string FirstPem(const std::string& bundle) {
  static constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  const size_t end = bundle.find(kEnd);
  return end == std::string::npos ? bundle : bundle.substr(0, end + kEnd.size());
}

Status WriteIfChanged(const std::string& path, const std::string& text, int mode) {
  Result<std::string> present = runtime::ReadFile(path);
  if (present.ok() && *present == text) return {};
  return runtime::WriteFileAtomically(path, text, mode);
}

}  // namespace

Result<WebhookCertificateKeeper::Stored> WebhookCertificateKeeper::Read(const Context& ctx) const {
  DRAY_ASSIGN_OR_RETURN(
      const std::string body,
      options_.client.GetRaw(ctx, kSecretKind, {options_.namespace_, options_.secret}));
  const Json secret = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!secret.is_object())
    return Status(Reason::kInternal, "Secret " + options_.secret + ": the answer is no object");
  Stored stored;
  stored.resource_version = secret.value(Json::json_pointer("/metadata/resourceVersion"), "");
  const Json data = secret.value("data", Json::object());
  WebhookCertificates& held = stored.certificates;
  held.ca_bundle = Field(data, "ca.crt");
  held.ca = {FirstPem(held.ca_bundle), Field(data, "ca.key")};
  held.serving = {Field(data, "tls.crt"), Field(data, "tls.key")};
  stored.usable = runtime::BelongTogether(held.serving, held.ca.cert_pem);
  return stored;
}

Result<runtime::KeyPair> WebhookCertificateKeeper::IssueServing(const runtime::KeyPair& ca,
                                                                WallTime now) const {
  runtime::LeafRequest request;
  request.common_name = options_.dns_names.front();
  request.dns_names = options_.dns_names;
  request.server = true;
  request.lifetime = options_.lifetime;
  return runtime::IssueLeaf(ca, request, now);
}

Status WebhookCertificateKeeper::Write(const Context& ctx, const WebhookCertificates& certificates,
                                       const std::string& resource_version) const {
  Json secret = {{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"type", "kubernetes.io/tls"},
                 {"metadata",
                  {{"name", options_.secret},
                   {"namespace", options_.namespace_},
                   {"labels", {{"app.kubernetes.io/managed-by", "dray"}}}}},
                 {"data",
                  {{"ca.crt", runtime::Base64Encode(certificates.ca_bundle)},
                   {"ca.key", runtime::Base64Encode(certificates.ca.key_pem)},
                   {"tls.crt", runtime::Base64Encode(certificates.serving.cert_pem)},
                   {"tls.key", runtime::Base64Encode(certificates.serving.key_pem)}}}};
  if (resource_version.empty())
    return options_.client
        .CreateRaw(ctx, kSecretKind, options_.namespace_, secret.dump(), /*dry_run=*/false)
        .status();
  // Only over what was read: of two that renew at once, one is told so and reads again.
  const Json patch = {{"metadata", {{"resourceVersion", resource_version}}},
                      {"data", secret["data"]}};
  return options_.client
      .PatchRaw(ctx, kSecretKind, {options_.namespace_, options_.secret},
                runtime::PatchType::kMerge, patch.dump(), {})
      .status();
}

Status WebhookCertificateKeeper::Fetch(const Context& ctx) const {
  Result<Stored> stored = Read(ctx);
  // Made by whoever finds nothing, and kept by whoever was first: a replica must not wait for a
  // leader to answer the webhook.
  for (int attempt = 0;
       attempt < 4 && (stored.Is(Reason::kNotFound) || (stored.ok() && !stored->usable));
       ++attempt) {
    const WallTime now = ctx.clock().Now();
    WebhookCertificates fresh;
    DRAY_ASSIGN_OR_RETURN(fresh.ca, runtime::NewCa("dray-webhook-ca", now));
    fresh.ca_bundle = fresh.ca.cert_pem;
    DRAY_ASSIGN_OR_RETURN(fresh.serving, IssueServing(fresh.ca, now));
    const Status written = Write(ctx, fresh, stored.ok() ? stored->resource_version : "");
    if (!written.ok() && !written.Is(Reason::kAlreadyExists) && !written.Is(Reason::kConflict))
      return written;
    if (written.ok())
      LOG(INFO) << "webhook: new certificates in Secret " << options_.namespace_ << "/"
                << options_.secret;
    stored = Read(ctx);
  }
  if (!stored.ok()) return stored.status();
  if (!stored->usable)
    return Status(Reason::kUnavailable,
                  "Secret " + options_.secret + " holds no usable certificates");
  const WebhookCertificates& held = stored->certificates;
  DRAY_RETURN_IF_ERROR(runtime::MakeDirectories(options_.folder, 0700));
  // The key first: the server takes both only when they fit each other.
  DRAY_RETURN_IF_ERROR(WriteIfChanged(options_.folder + "/tls.key", held.serving.key_pem, 0600));
  DRAY_RETURN_IF_ERROR(WriteIfChanged(options_.folder + "/tls.crt", held.serving.cert_pem, 0644));
  Result<runtime::CertificateFacts> facts = runtime::ReadCertificate(held.serving.cert_pem);
  if (facts.ok() && options_.metrics != nullptr)
    options_.metrics->Set(
        kExpiry, kExpiryHelp, {},
        std::chrono::duration<double>(facts->not_after.time_since_epoch()).count());
  return {};
}

Status WebhookCertificateKeeper::Renew(const Context& ctx) const {
  DRAY_ASSIGN_OR_RETURN(Stored stored, Read(ctx));
  if (!stored.usable)
    return Status(Reason::kUnavailable,
                  "Secret " + options_.secret + " holds no usable certificates");
  WebhookCertificates& held = stored.certificates;
  const WallTime now = ctx.clock().Now();
  DRAY_ASSIGN_OR_RETURN(const runtime::CertificateFacts ca,
                        runtime::ReadCertificate(held.ca.cert_pem));
  DRAY_ASSIGN_OR_RETURN(const runtime::CertificateFacts serving,
                        runtime::ReadCertificate(held.serving.cert_pem));
  const bool new_ca = ca.not_after - now < options_.ca_renew_before;
  std::vector<std::string> wanted = options_.dns_names, present = serving.dns_names;
  std::sort(wanted.begin(), wanted.end());
  std::sort(present.begin(), present.end());
  const bool new_serving =
      new_ca || serving.not_after - now < options_.renew_before || wanted != present;
  if (new_ca) {
    const std::string before = held.ca.cert_pem;
    DRAY_ASSIGN_OR_RETURN(held.ca, runtime::NewCa("dray-webhook-ca", now));
    held.ca_bundle =
        held.ca.cert_pem +
        before;  // replicas answer with the old certificate until they have read the new one
  }
  // Callers trust the authority before anybody answers with a certificate of it.
  DRAY_RETURN_IF_ERROR(Trust(ctx, held.ca_bundle));
  if (!new_serving) return {};
  DRAY_ASSIGN_OR_RETURN(held.serving, IssueServing(held.ca, now));
  const Status written = Write(ctx, held, stored.resource_version);
  if (written.Is(Reason::kConflict))
    return {};  // somebody else has renewed them; the next look sees what they did
  if (written.ok())
    LOG(INFO) << "webhook: certificates renewed in Secret " << options_.namespace_ << "/"
              << options_.secret;
  return written;
}

Status WebhookCertificateKeeper::Trust(const Context& ctx, const std::string& bundle) const {
  const std::string encoded = runtime::Base64Encode(bundle);
  for (const api::KindInfo& kind : {api::KindOf<api::MutatingWebhookConfiguration>::value,
                                    api::KindOf<api::ValidatingWebhookConfiguration>::value}) {
    Result<std::string> body = options_.client.GetRaw(ctx, kind, {"", options_.configuration});
    if (body.Is(Reason::kNotFound)) continue;
    if (!body.ok()) return body.status();
    const Json object = Json::parse(*body, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) continue;
    const Json webhooks = object.value("webhooks", Json::array());
    Json patch = Json::array();
    for (size_t i = 0; i < webhooks.size(); ++i) {
      const std::string path = "/webhooks/" + std::to_string(i);
      if (webhooks[i].value(Json::json_pointer("/clientConfig/caBundle"), "") == encoded) continue;
      // The test keeps the patch from a webhook that has moved in the list meanwhile.
      patch.push_back(
          {{"op", "test"}, {"path", path + "/name"}, {"value", webhooks[i].value("name", "")}});
      patch.push_back(
          {{"op", "add"}, {"path", path + "/clientConfig/caBundle"}, {"value", encoded}});
    }
    if (patch.empty()) continue;
    DRAY_RETURN_IF_ERROR(options_.client
                             .PatchRaw(ctx, kind, {"", options_.configuration},
                                       runtime::PatchType::kJson, patch.dump(), {})
                             .status());
    LOG(INFO) << "webhook: " << kind.kind << " " << options_.configuration
              << " trusts the CA in use";
  }
  return {};
}

Status WebhookCertificateKeeper::Run(const Context& ctx,
                                     const std::function<bool()>& leading) const {
  while (!ctx.stopped()) {
    Status done = Fetch(ctx);
    if (done.ok() && leading()) {
      done = Renew(ctx);
      if (done.ok()) done = Fetch(ctx);  // our own folder need not wait for the next look
    }
    if (!done.ok() && !ctx.stopped()) LOG(WARNING) << "webhook certificates: " << done;
    if (!ctx.Sleep(options_.look_every).ok()) break;
  }
  return {};
}

}  // namespace dray::controllers
