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
  Json out = {{"uid", response.uid}, {"allowed", response.allowed}};
  if (!response.allowed) {
    // The caller decides by code; without one it would answer 400.
    const Status& denial = response.denial;
    Reason reason = denial.ok() ? Reason::kForbidden : denial.reason();
    out["status"] = {
        {"code", HttpCode(reason)}, {"reason", ReasonName(reason)}, {"message", denial.message()}};
  } else if (!response.patch.empty()) {
    out["patch"] = EncodeBase64(response.patch);
    out["patchType"] = "JSONPatch";
  }
  if (!response.warnings.empty()) out["warnings"] = response.warnings;
  if (!response.audit_annotations.empty()) out["auditAnnotations"] = response.audit_annotations;
  return Dump({{"kind", "AdmissionReview"},
               {"apiVersion", "admission.k8s.io/v1"},
               {"response", std::move(out)}});
}

}  // namespace dray::api
