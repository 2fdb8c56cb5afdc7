// Side entrance before stop 3 of a claim's life: the classes that claims refer to stand as configured, and a selector that
// does not compile is seen here and not in the scheduler.
#include "controllers/deviceclass/deviceclass_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/api/admission.h"
#include "dray/api/cel.h"
#include "dray/base/log.h"

namespace dray::controllers {
namespace {

constexpr char kErrors[] = "dray_deviceclass_errors";
constexpr char kErrorsHelp[] = "1 while a DeviceClass has a selector that does not compile or a field owned by someone else.";

bool Ours(const api::DeviceClass& present) {
  auto label = present.metadata.labels.find(std::string(admission::kManagedByLabel));
  return label != present.metadata.labels.end() && label->second == admission::kManagedBy;
}

bool Names(const api::ResourceClaimSpec& spec, const std::string& name) {
  for (const api::DeviceRequest& request : spec.devices.requests) {
    if (request.exactly && request.exactly->device_class_name == name) return true;
    for (const api::DeviceSubRequest& sub : request.first_available)
      if (sub.device_class_name == name) return true;
  }
  return false;
}

}  // namespace

DeviceClassReconciler::DeviceClassReconciler(Options options) : options_(std::move(options)) {}

Result<runtime::Requeue> DeviceClassReconciler::Reconcile(const Context& ctx, const api::ObjectKey& key) {
  runtime::Requeue requeue;
  const auto present = options_.classes->Get(key);
  if (auto wanted = options_.configured.find(key.name); wanted != options_.configured.end()) {
    DRAY_RETURN_IF_ERROR(Apply(ctx, key.name, wanted->second));
  } else if (present != nullptr && Ours(*present) && !present->metadata.deletion_timestamp) {
    Duration retry{};
    DRAY_RETURN_IF_ERROR(Prune(ctx, *present, &retry));
    if (retry != Duration::zero()) requeue.after = retry;
  }
  if (present != nullptr) CheckSelectors(*present);
  return requeue;
}

Status DeviceClassReconciler::Apply(const Context& ctx, const std::string& name, const std::string& manifest) {
  Json applied = Json::parse(manifest);
  applied["metadata"]["labels"][std::string(admission::kManagedByLabel)] = std::string(admission::kManagedBy);
  runtime::PatchOptions options;
  // No force: a field that an administrator took over is left to them.
  Result<api::DeviceClass> result = options_.client.Patch<api::DeviceClass>(
      ctx, {"", name}, runtime::PatchType::kApply, applied.dump(), options);
  options_.metrics->Set(kErrors, kErrorsHelp, {{"deviceclass", name}, {"error", "conflict"}},
                        result.Is(Reason::kConflict) ? 1 : 0);
  if (!result.Is(Reason::kConflict)) return result.status();
  if (auto present = options_.classes->Get({"", name}))
    options_.events->Record(runtime::ReferenceTo(*present), "Warning", "FieldOwnedByOther",
                            "not applied as configured: " + result.status().message());
  LOG(WARNING) << "deviceclass " << name << ": left as it is: " << result.status().message();
  return {};
}

bool DeviceClassReconciler::InUse(const std::string& name) const {
  for (const auto& claim : options_.claims->List())
    if (Names(claim->spec, name)) return true;
  for (const auto& claim_template : options_.templates->List())
    if (Names(claim_template->spec.spec, name)) return true;
  return false;
}

Status DeviceClassReconciler::Prune(const Context& ctx, const api::DeviceClass& present, Duration* retry) {
  const std::string& name = present.metadata.name;
  if (InUse(name)) {
    options_.events->Record(runtime::ReferenceTo(present), "Normal", "StillInUse",
                            "no longer configured; deleted when no claim names it");
    *retry = std::chrono::minutes(1);
    return {};
  }
  runtime::DeleteOptions options;
  options.uid = present.metadata.uid;
  options.resource_version = present.metadata.resource_version;
  LOG(INFO) << "deviceclass " << name << ": no longer configured, deleting";
  return IgnoreNotFound(options_.client.Delete<api::DeviceClass>(ctx, {"", name}, options));
}

void DeviceClassReconciler::CheckSelectors(const api::DeviceClass& present) {
  const std::string& name = present.metadata.name;
  std::string problem;
  for (size_t i = 0; i < present.spec.selectors.size() && problem.empty(); ++i) {
    if (!present.spec.selectors[i].cel) continue;
    if (Status compiled = cel::Program::Compile(present.spec.selectors[i].cel->expression, {}).status(); !compiled.ok())
      problem = "spec.selectors[" + std::to_string(i) + "].cel.expression: " + compiled.message();
  }
  options_.metrics->Set(kErrors, kErrorsHelp, {{"deviceclass", name}, {"error", "selector"}}, problem.empty() ? 0 : 1);
  const bool news = reported_.With([&](auto& reported) {
    const bool changed = reported[name] != problem;
    reported[name] = problem;
    return changed;
  });
  if (news && !problem.empty())
    options_.events->Record(runtime::ReferenceTo(present), "Warning", "InvalidSelector", problem);
}

}  // namespace dray::controllers
