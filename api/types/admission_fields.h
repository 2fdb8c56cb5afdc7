#pragma once

#include "api/types/meta_fields.h"
#include "dray/api/types/admission.h"

// JSON names of admission.k8s.io/v1 and admissionregistration.k8s.io/v1.
namespace dray::api {

template <>
struct FieldsOf<GroupVersionKind> {
  using S = GroupVersionKind;
  static constexpr std::array fields = {
      Field<&S::group>("group", Emit::kAlways),
      Field<&S::version>("version", Emit::kAlways),
      Field<&S::kind>("kind", Emit::kAlways),
  };
};

template <>
struct FieldsOf<GroupVersionResource> {
  using S = GroupVersionResource;
  static constexpr std::array fields = {
      Field<&S::group>("group", Emit::kAlways),
      Field<&S::version>("version", Emit::kAlways),
      Field<&S::resource>("resource", Emit::kAlways),
  };
};

template <>
struct FieldsOf<UserInfo> {
  using S = UserInfo;
  static constexpr std::array fields = {
      Field<&S::username>("username"),
      Field<&S::uid>("uid"),
      Field<&S::groups>("groups"),
  };
};

template <>
struct FieldsOf<AdmissionRequest> {
  using S = AdmissionRequest;
  static constexpr std::array fields = {
      Field<&S::uid>("uid", Emit::kAlways),
      Field<&S::kind>("kind", Emit::kAlways),
      Field<&S::resource>("resource", Emit::kAlways),
      Field<&S::sub_resource>("subResource"),
      Field<&S::request_kind>("requestKind"),
      Field<&S::request_resource>("requestResource"),
      Field<&S::request_sub_resource>("requestSubResource"),
      Field<&S::name>("name"),
      Field<&S::namespace_>("namespace"),
      Field<&S::operation>("operation", Emit::kAlways),
      Field<&S::user_info>("userInfo", Emit::kAlways),
      TextField<&S::object, Shape::kRaw>("object"),
      TextField<&S::old_object, Shape::kRaw>("oldObject"),
      Field<&S::dry_run>("dryRun"),
  };
};

template <>
struct FieldsOf<WebhookServiceReference> {
  using S = WebhookServiceReference;
  static constexpr std::array fields = {
      Field<&S::namespace_>("namespace", Emit::kAlways),
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::path>("path"),
      Field<&S::port>("port"),
  };
};

template <>
struct FieldsOf<WebhookClientConfig> {
  using S = WebhookClientConfig;
  static constexpr std::array fields = {
      Field<&S::url>("url"),
      Field<&S::service>("service"),
      TextField<&S::ca_bundle, Shape::kBytes>("caBundle"),
  };
};

template <>
struct FieldsOf<RuleWithOperations> {
  using S = RuleWithOperations;
  static constexpr std::array fields = {
      Field<&S::operations>("operations"),
      Field<&S::api_groups>("apiGroups"),
      Field<&S::api_versions>("apiVersions"),
      Field<&S::resources>("resources"),
      Field<&S::scope>("scope"),
  };
};

template <>
struct FieldsOf<MatchCondition> {
  using S = MatchCondition;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::expression>("expression", Emit::kAlways),
  };
};

template <>
struct FieldsOf<Webhook> {
  using S = Webhook;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::client_config>("clientConfig", Emit::kAlways),
      Field<&S::rules>("rules"),
      Field<&S::failure_policy>("failurePolicy"),
      Field<&S::match_policy>("matchPolicy"),
      Field<&S::namespace_selector>("namespaceSelector"),
      Field<&S::object_selector>("objectSelector"),
      Field<&S::side_effects>("sideEffects", Emit::kAlways),
      Field<&S::timeout_seconds>("timeoutSeconds"),
      Field<&S::admission_review_versions>("admissionReviewVersions", Emit::kAlways),
      Field<&S::reinvocation_policy>("reinvocationPolicy"),
      Field<&S::match_conditions>("matchConditions"),
  };
};

template <>
struct FieldsOf<MutatingWebhookConfiguration> {
  using S = MutatingWebhookConfiguration;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::webhooks>("webhooks"),
  };
};

template <>
struct FieldsOf<ValidatingWebhookConfiguration> {
  using S = ValidatingWebhookConfiguration;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::webhooks>("webhooks"),
  };
};

}  // namespace dray::api
