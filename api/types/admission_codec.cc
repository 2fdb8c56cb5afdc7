#include "api/types/admission_fields.h"
#include "api/types/codec_templates.h"
#include "dray/base/base64.h"

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
constexpr int kDeepestReview = 250;

bool NestedTooDeep(std::string_view json) {
  // Most reviews open fewer brackets than that in all ('[' and '{' differ in one bit).
  int opened = 0;
  for (const char c : json) opened += (c | 0x20) == '{';
  if (opened <= kDeepestReview) return false;
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepestReview) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

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
  if (NestedTooDeep(json))
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
