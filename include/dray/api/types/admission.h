#pragma once

#include "dray/api/types/meta.h"

// admission.k8s.io/v1 and admissionregistration.k8s.io/v1.
namespace dray::api {

struct GroupVersionKind {
  std::string group, version, kind;
  bool operator==(const GroupVersionKind&) const = default;
};
struct GroupVersionResource {
  std::string group, version, resource;
  bool operator==(const GroupVersionResource&) const = default;
};
struct UserInfo {
  std::string username, uid;
  std::vector<std::string> groups;
  bool operator==(const UserInfo&) const = default;
};
struct AdmissionRequest {
  std::string uid;
  GroupVersionKind kind, request_kind;
  GroupVersionResource resource, request_resource;
  std::string sub_resource, request_sub_resource, name, namespace_,
      operation;  // CREATE UPDATE DELETE CONNECT
  UserInfo user_info;
  std::string object, old_object;  // JSON text exactly as received; "" for null
  bool dry_run = false;
  bool operator==(const AdmissionRequest&) const = default;
};
struct AdmissionResponse {
  std::string uid;
  bool allowed = false;
  Status denial;      // when !allowed: becomes status {code, reason, message}
  std::string patch;  // an RFC 6902 array as text, not yet base64; "" for none
  std::vector<std::string> warnings;
  std::map<std::string, std::string> audit_annotations;
};

// AdmissionReview v1. kInvalid when the text is not one (wrong kind or apiVersion, no request, no
// uid), or nested more than 250 levels deep.
Result<AdmissionRequest> DecodeAdmissionReview(std::string_view json);
std::string EncodeAdmissionReview(const AdmissionResponse& response);

struct WebhookServiceReference {
  std::string namespace_, name, path;
  int32_t port = 443;
  bool operator==(const WebhookServiceReference&) const = default;
};
struct WebhookClientConfig {
  std::string url;
  std::optional<WebhookServiceReference> service;
  std::string ca_bundle;  // PEM, decoded from base64
  bool operator==(const WebhookClientConfig&) const = default;
};
struct RuleWithOperations {
  std::vector<std::string> operations, api_groups, api_versions, resources;
  std::string scope;
  bool operator==(const RuleWithOperations&) const = default;
};
struct MatchCondition {
  std::string name, expression;
  bool operator==(const MatchCondition&) const = default;
};
struct Webhook {  // MutatingWebhook and ValidatingWebhook; defaults as in
                  // admissionregistration.k8s.io/v1
  std::string name;
  WebhookClientConfig client_config;
  std::vector<RuleWithOperations> rules;
  std::string failure_policy = "Fail", match_policy = "Equivalent", side_effects,
              reinvocation_policy = "Never";
  LabelSelector namespace_selector, object_selector;
  int32_t timeout_seconds = 10;
  std::vector<std::string> admission_review_versions;
  std::vector<MatchCondition> match_conditions;
  bool operator==(const Webhook&) const = default;
};
struct MutatingWebhookConfiguration {
  ObjectMeta metadata;
  std::vector<Webhook> webhooks;
  bool operator==(const MutatingWebhookConfiguration&) const = default;
};
DRAY_KIND(MutatingWebhookConfiguration, "admissionregistration.k8s.io", "v1",
          "mutatingwebhookconfigurations", false);
struct ValidatingWebhookConfiguration {
  ObjectMeta metadata;
  std::vector<Webhook> webhooks;
  bool operator==(const ValidatingWebhookConfiguration&) const = default;
};
DRAY_KIND(ValidatingWebhookConfiguration, "admissionregistration.k8s.io", "v1",
          "validatingwebhookconfigurations", false);

}  // namespace dray::api
