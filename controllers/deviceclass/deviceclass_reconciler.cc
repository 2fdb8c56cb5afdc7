// Side entrance before stop 3 of a claim's life: the classes that claims refer to stand as
// configured, and a selector that does not compile is seen here and not in the scheduler.
#include "controllers/deviceclass/deviceclass_reconciler.h"

#include <nlohmann/json.hpp>

#include "dray/api/admission.h"
#include "dray/base/log.h"

namespace dray::controllers {
namespace {

constexpr char kFieldManager[] = "dray-controller-manager";
constexpr char kErrors[] = "dray_deviceclass_errors";
constexpr char kErrorsHelp[] =
    "1 while a DeviceClass has a selector that does not compile or a field owned by someone else.";

constexpr char kMatching[] = "dray_deviceclass_matching_devices";
constexpr char kMatchingHelp[] = "Published devices that a DeviceClass selects.";

bool Ours(const api::DeviceClass& present) {
  auto label = present.metadata.labels.find(std::string(admission::kManagedByLabel));
  return label != present.metadata.labels.end() && label->second == admission::kManagedBy;
}

// Whether an apply of ours made the class and nobody else has a say in its spec: only then is it
// ours to delete. The label alone may as well have come with a manifest.
bool MadeByUs(const Json& document) {
  static const Json kNone = Json::array();
  const Json::json_pointer at("/metadata/managedFields");
  bool applied = false;
  for (const Json& entry : document.contains(at) ? document[at] : kNone) {
    if (!entry.is_object()) return false;
    auto says = [&](const char* key, const char* value) {
      auto found = entry.find(key);
      return found != entry.end() && *found == value;
    };
    const bool ours = says("manager", kFieldManager) && says("operation", "Apply");
    applied = applied || ours;
    if (!ours && entry.contains(Json::json_pointer("/fieldsV1/f:spec"))) return false;
  }
  return applied;
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

DeviceClassReconciler::DeviceClassReconciler(Options options)
    : options_(std::move(options)), matches_(options_.slices) {}

Result<runtime::Requeue> DeviceClassReconciler::Reconcile(const Context& ctx,
                                                          const api::ObjectKey& key) {
  runtime::Requeue requeue;
  const auto present = options_.classes->Get(key);
  if (auto wanted = options_.configured.find(key.name); wanted != options_.configured.end()) {
    const bool settled = present != nullptr && settled_.With([&](const auto& settled) {
      auto known = settled.find(key.name);
      return known != settled.end() &&
             known->second == present->metadata.uid + " " + present->metadata.resource_version;
    });
    if (!settled) DRAY_RETURN_IF_ERROR(Apply(ctx, key.name, wanted->second));
  } else if (present == nullptr) {
    Forget(key.name);
  } else if (Ours(*present) && !present->metadata.deletion_timestamp) {
    Duration retry{};
    DRAY_RETURN_IF_ERROR(Prune(ctx, *present, &retry));
    if (retry != Duration::zero()) requeue.after = retry;
  }
  if (present == nullptr) return requeue;
  CheckSelectors(*present);
  if (options_.slices != nullptr)
    if (auto again = CountDevices(*present, ctx.clock().Steady());
        again && (!requeue.after || *again < *requeue.after))
      requeue.after = again;
  return requeue;
}

void DeviceClassReconciler::Say(const api::DeviceClass& present, std::string_view type,
                                const char* reason, const std::string& message) {
  const bool news = said_.With([&](auto& said) {
    std::string& last = said[present.metadata.name][reason];
    const bool changed = last != message;
    last = message;
    return changed;
  });
  if (news && !message.empty() &&
      !options_.events->Record(runtime::ReferenceTo(present), type, reason, message))
    said_.With([&](auto& said) { said[present.metadata.name].erase(reason); });  // no room: later
}

void DeviceClassReconciler::Forget(const std::string& name) {
  for (const char* error : {"conflict", "selector"})
    options_.metrics->Remove(kErrors, {{"deviceclass", name}, {"error", error}});
  options_.metrics->Remove(kMatching, {{"deviceclass", name}});
  matches_.Forget(name);
  settled_.With([&](auto& settled) { settled.erase(name); });
  empty_since_.With([&](auto& since) { since.erase(name); });
  named_by_.With([&](auto& by) { by.erase(name); });
  said_.With([&](auto& said) { said.erase(name); });
}

Status DeviceClassReconciler::Apply(const Context& ctx, const std::string& name,
                                    const std::string& manifest) {
  const Json configured = Json::parse(manifest);
  // Only what a configuration can say: a manifest that was exported from a cluster also names a uid
  // and a resourceVersion.
  Json applied = {{"apiVersion", configured["apiVersion"]},
                  {"kind", configured["kind"]},
                  {"metadata", {{"name", name}}}};
  for (const char* field : {"labels", "annotations"})
    if (auto at = Json::json_pointer(std::string("/metadata/") + field); configured.contains(at))
      applied[at] = configured[at];
  if (configured.contains("spec")) applied["spec"] = configured["spec"];
  applied["metadata"]["labels"][std::string(admission::kManagedByLabel)] =
      std::string(admission::kManagedBy);
  runtime::PatchOptions options;
  options.field_manager = kFieldManager;
  // No force: a field that an administrator took over is left to them.
  Result<api::DeviceClass> result = options_.client.Patch<api::DeviceClass>(
      ctx, {"", name}, runtime::PatchType::kApply, applied.dump(), options);
  const bool conflict = result.Is(Reason::kConflict);
  if (!result.ok() && !conflict) return result.status();
  options_.metrics->Set(kErrors, kErrorsHelp, {{"deviceclass", name}, {"error", "conflict"}},
                        conflict ? 1 : 0);
  if (auto present = options_.classes->Get({"", name}))
    Say(*present, "Warning", "FieldOwnedByOther",
        conflict ? "not applied as configured: " + result.status().message() : "");
  if (conflict)
    LOG(WARNING) << "deviceclass " << name << ": left as it is: " << result.status().message();
  // A conflict is settled for the version that it was about: the cache's, or a later one that its
  // event brings.
  const auto present = options_.classes->Get({"", name});
  const api::ObjectMeta* about = result.ok()          ? &result->metadata
                                 : present != nullptr ? &present->metadata
                                                      : nullptr;
  if (about != nullptr)
    settled_.With(
        [&](auto& settled) { settled[name] = about->uid + " " + about->resource_version; });
  if (!result.ok()) return {};
  const Json::json_pointer extended("/spec/extendedResourceName");
  const bool dropped = applied.contains(extended) &&
                       result->spec.extended_resource_name.value_or("") != applied[extended];
  Say(*result, "Warning", "ExtendedResourceNameDropped",
      dropped ? "the API server does not keep spec.extendedResourceName: it needs the feature gate "
                "DRAExtendedResource"
              : "");
  return {};
}

bool DeviceClassReconciler::InUse(const std::string& name) const {
  for (const auto& claim : options_.claims->By("waits", "yes"))
    if (Names(claim->spec, name)) return true;
  for (const auto& claim_template : options_.templates->List())
    if (Names(claim_template->spec.spec, name)) return true;
  return false;
}

Result<bool> DeviceClassReconciler::InUseByServer(const Context& ctx, const std::string& name) {
  // Who named it the last time, as long as that one is there: all are asked once per such claim.
  const auto known = named_by_.With([&](const auto& by) {
    auto found = by.find(name);
    return found == by.end() ? std::optional<api::ObjectKey>() : found->second;
  });
  if (known) {
    Result<api::ResourceClaim> claim = options_.client.Get<api::ResourceClaim>(ctx, *known);
    if (!claim.ok() && !claim.Is(Reason::kNotFound)) return claim.status();
    if (claim.ok() && Names(claim->spec, name)) return true;
  }
  std::string token;
  do {
    DRAY_ASSIGN_OR_RETURN(
        std::string body,
        options_.client.ListRaw(ctx, api::KindOf<api::ResourceClaim>::value, {}, token));
    DRAY_ASSIGN_OR_RETURN(api::ListOf<api::ResourceClaim> page,
                          api::DecodeList<api::ResourceClaim>(body));
    for (const api::ResourceClaim& claim : page.items)
      if (Names(claim.spec, name)) {
        named_by_.With([&](auto& by) { by[name] = api::KeyOf(claim); });
        return true;
      }
    token = std::move(page.continue_token);
  } while (!token.empty());
  return false;
}

Status DeviceClassReconciler::Prune(const Context& ctx, const api::DeviceClass& present,
                                    Duration* retry) {
  const std::string& name = present.metadata.name;
  Result<std::string> live =
      options_.client.GetRaw(ctx, api::KindOf<api::DeviceClass>::value, {"", name});
  if (live.Is(Reason::kNotFound)) return {};
  if (!live.ok()) return live.status();
  const Json document = Json::parse(*live, nullptr, /*allow_exceptions=*/false);
  // What stands between us and a server that restarts may answer in its stead.
  if (!document.is_object())
    return Status(Reason::kUnavailable, "deviceclass " + name + ": the answer is no JSON object");
  if (!MadeByUs(document)) return {};
  bool used = InUse(name);
  if (!used) {
    DRAY_ASSIGN_OR_RETURN(used, InUseByServer(ctx, name));
  }
  Say(present, "Normal", "StillInUse",
      used ? "no longer configured; deleted when no claim names it" : "");
  if (used) {
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
  const std::string problem = matches_.Problems(present);
  options_.metrics->Set(kErrors, kErrorsHelp, {{"deviceclass", name}, {"error", "selector"}},
                        problem.empty() ? 0 : 1);
  Say(present, "Warning", "InvalidSelector", problem);
}

std::optional<Duration> DeviceClassReconciler::CountDevices(const api::DeviceClass& present,
                                                            SteadyTime now) {
  const std::string& name = present.metadata.name;
  const ClassMatches::Count count = matches_.Of(present);
  options_.metrics->Set(kMatching, kMatchingHelp, {{"deviceclass", name}},
                        static_cast<double>(count.devices));
  Say(present, "Warning", "SelectorFails", count.failure);
  if (count.devices > 0) {
    empty_since_.With([&](auto& since) { since.erase(name); });
    Say(present, "Warning", "NoMatchingDevices", "");
    return std::nullopt;
  }
  // Drivers come and go; only a class that stays empty is worth a word.
  const SteadyTime since =
      empty_since_.With([&](auto& since) { return since.try_emplace(name, now).first->second; });
  if (now - since < options_.empty_after) return options_.empty_after - (now - since);
  Say(present, "Warning", "NoMatchingDevices",
      count.looked_at == 0 ? "no driver has published a device"
                           : "none of the published devices matches the selectors");
  return std::nullopt;
}

}  // namespace dray::controllers
