#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/selectors.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/typed_document.h"
#include "devcluster/apiserver/validation.h"
#include "dray/api/types/workload.h"
#include "dray/api/validation.h"

namespace dray::devcluster {
namespace {

// The rules of a Pod on the template of `object`, with the template's paths.
Status ValidateTemplate(const Json& object, const api::PodTemplateSpec& pod_template) {
  api::Pod pod;
  pod.metadata.name = "template";
  pod.metadata.namespace_ = "default";
  pod.metadata.labels = pod_template.metadata.labels;
  pod.metadata.annotations = pod_template.metadata.annotations;
  pod.spec = pod_template.spec;
  Status status = api::ValidatePod(pod);
  if (status.ok()) return status;
  std::string faults;
  for (Cause& cause : status.causes) {
    cause.field = "spec.template." + cause.field;
    faults += (faults.empty() ? "" : ", ") + cause.field + ": " + cause.message;
  }
  if (status.causes.size() > 1) faults = "[" + faults + "]";
  Status wrapped(Reason::kInvalid, Described(object) + " is invalid: " + faults);
  wrapped.causes = std::move(status.causes);
  return wrapped;
}

Status ValidateCounts(const Json& object, std::initializer_list<const char*> paths) {
  for (const char* path : paths)
    if (int64_t value = IntAt(object, path).value_or(0); value < 0)
      return InvalidField(
          object, path, "FieldValueInvalid",
          "Invalid value: " + std::to_string(value) + ": must be greater than or equal to 0");
  return Ok();
}

Status ValidateSelectorAndTemplate(const Json& object, const api::PodTemplateSpec& pod_template,
                                   const Json* stored) {
  const Json* selector = FindObject(object, "spec.selector");
  if (!selector)
    return InvalidField(object, "spec.selector", "FieldValueRequired", "Required value");
  if (selector->empty())
    return InvalidField(object, "spec.selector", "FieldValueInvalid",
                        "Invalid value: {}: empty selector is invalid for deployment");
  Result<LabelFilter> filter = LabelFilter::FromSelector(selector);
  if (!filter.ok())
    return InvalidField(object, "spec.selector", "FieldValueInvalid",
                        "Invalid value: " + filter.status().message());
  const api::Labels& labels = pod_template.metadata.labels;
  if (!filter->Matches(LabelMap(labels.begin(), labels.end())))
    return InvalidField(
        object, "spec.template.metadata.labels", "FieldValueInvalid",
        "Invalid value: " + Dump(Json(labels)) + ": `selector` does not match template `labels`");
  if (pod_template.spec.restart_policy != "Always")
    return InvalidField(object, "spec.template.spec.restartPolicy", "FieldValueNotSupported",
                        "Unsupported value: \"" + pod_template.spec.restart_policy +
                            "\": supported values: \"Always\"");
  if (stored) DRAY_RETURN_IF_ERROR(CheckSelectorUpdate(object, *stored));
  return ValidateTemplate(object, pod_template);
}

}  // namespace

Status ValidateDeploymentDocument(const Json& object, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(api::Deployment typed, Typed<api::Deployment>(object));
  DRAY_RETURN_IF_ERROR(ValidateCounts(
      object, {"spec.replicas", "spec.minReadySeconds", "spec.revisionHistoryLimit"}));
  if (typed.spec.strategy.type != "RollingUpdate" && typed.spec.strategy.type != "Recreate")
    return InvalidField(object, "spec.strategy.type", "FieldValueNotSupported",
                        "Unsupported value: \"" + typed.spec.strategy.type +
                            "\": supported values: \"Recreate\", \"RollingUpdate\"");
  return ValidateSelectorAndTemplate(object, typed.spec.template_, stored);
}

Status ValidateReplicaSetDocument(const Json& object, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(api::ReplicaSet typed, Typed<api::ReplicaSet>(object));
  DRAY_RETURN_IF_ERROR(ValidateCounts(object, {"spec.replicas", "spec.minReadySeconds"}));
  return ValidateSelectorAndTemplate(object, typed.spec.template_, stored);
}

Status ValidateJobDocument(const Json& job, const Json* stored) {
  DRAY_ASSIGN_OR_RETURN(api::Job typed, Typed<api::Job>(job));
  DRAY_RETURN_IF_ERROR(
      ValidateCounts(job, {"spec.parallelism", "spec.completions", "spec.backoffLimit",
                           "spec.activeDeadlineSeconds", "spec.ttlSecondsAfterFinished"}));
  const std::string& policy = typed.spec.template_.spec.restart_policy;
  if (policy != "OnFailure" && policy != "Never")
    return InvalidField(job, "spec.template.spec.restartPolicy", "FieldValueRequired",
                        "Required value: valid values: \"OnFailure\", \"Never\"");
  if (StringAt(job, "spec.completionMode") != "NonIndexed")
    return InvalidField(job, "spec.completionMode", "FieldValueNotSupported",
                        "Unsupported value: \"" + StringAt(job, "spec.completionMode") +
                            "\": this development cluster runs \"NonIndexed\" jobs only");
  if (stored) return CheckJobUpdate(job, *stored);
  return ValidateTemplate(job, typed.spec.template_);
}

}  // namespace dray::devcluster
