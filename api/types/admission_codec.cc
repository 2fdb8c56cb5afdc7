#include "api/types/admission_fields.h"
#include "api/types/codec_templates.h"
#include "dray/base/base64.h"
#include "dray/base/json_depth.h"

namespace dray::api {

DRAY_CODEC(MutatingWebhookConfiguration);
DRAY_CODEC(ValidatingWebhookConfiguration);

DRAY_VALUE_CODEC(UserInfo);

namespace {

struct AdmissionReview {
  std::string kind, api_version;
  std::optional<AdmissionRequest> request;
};

// The deepest Kubernetes type stays below 30. What is read here is copied and compared by recursion
// later.
constexpr size_t kDeepestReview = 250;

}  // namespace

template <>
struct FieldsOf<AdmissionReview> {
  using S = AdmissionReview;
  static constexpr std::array fields = {
      Field<&S::kind>("kind"),
      Field<&S::api_version>("apiVersion"),
      Field<&S::request>("request"),
  };
};

Result<AdmissionRequest> DecodeAdmissionReview(std::string_view json) {
  if (NestedDeeper(json, kDeepestReview))
    return Status(Reason::kInvalid,
                  "nested more than " + std::to_string(kDeepestReview) + " levels deep");
  AdmissionReview review;
  DRAY_RETURN_IF_ERROR(DecodeObject(json, "", TypeOf<AdmissionReview>::value, &review));
  if (review.kind != "AdmissionReview" || review.api_version != "admission.k8s.io/v1")
    return Status(Reason::kInvalid, "want an AdmissionReview of admission.k8s.io/v1, got kind \"" +
                                        review.kind + "\", apiVersion \"" + review.api_version +
                                        "\"");
  if (!review.request) return Status(Reason::kInvalid, "request: missing");
  if (review.request->uid.empty()) return Status(Reason::kInvalid, "request.uid: missing");
  return std::move(*review.request);
}

std::string EncodeAdmissionReview(const AdmissionResponse& response) {
  std::string out;
  out.reserve(256 + response.patch.size() / 3 * 4);
  out += R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":)";
  out += Dump(response.uid);
  out += response.allowed ? R"(,"allowed":true)" : R"(,"allowed":false)";
  if (!response.allowed) {
    // The caller decides by code; without one it would answer 400.
    const Status& denial = response.denial;
    Reason reason = denial.ok() ? Reason::kForbidden : denial.reason();
    Json status = {
        {"code", HttpCode(reason)}, {"reason", ReasonName(reason)}, {"message", denial.message()}};
    for (const Cause& cause : denial.causes)
      status["details"]["causes"].push_back(
          {{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
    out += R"(,"status":)" + Dump(status);
  } else if (!response.patch.empty()) {
    out += R"(,"patchType":"JSONPatch","patch":")";
    out += EncodeBase64(response.patch);
    out += '"';
  }
  if (!response.warnings.empty()) out += R"(,"warnings":)" + Dump(response.warnings);
  if (!response.audit_annotations.empty())
    out += R"(,"auditAnnotations":)" + Dump(response.audit_annotations);
  out += "}}";
  return out;
}

}  // namespace dray::api
