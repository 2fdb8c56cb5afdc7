#include "devcluster/apiserver/deletion.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/read.h"
#include "devcluster/apiserver/write.h"
#include "dray/api/types/meta.h"

namespace dray::devcluster {
namespace {

constexpr const char* kForeground = "foregroundDeletion";
constexpr const char* kOrphan = "orphan";
constexpr int kAttempts = 5;

Status CheckPreconditions(const Call& call, const DeleteOptions& options, const Json& stored) {
  struct Condition {
    const std::string& wanted;
    const char* path;
    const char* name;
  };
  for (const Condition& condition :
       {Condition{options.uid, "metadata.uid", "UID"},
        Condition{options.resource_version, "metadata.resourceVersion", "ResourceVersion"}}) {
    std::string present = StringAt(stored, condition.path);
    if (condition.wanted.empty() || condition.wanted == present) continue;
    return Status(Reason::kConflict, "Operation cannot be fulfilled on " +
                                         call.resource->QualifiedPlural() + " \"" + call.path.name +
                                         "\": Precondition failed: " + condition.name +
                                         " in precondition: " + condition.wanted + ", " +
                                         condition.name + " in object meta: " + present);
  }
  return Ok();
}

// The finalizers that the garbage collector serves, as the propagation policy wants them.
void SetPropagation(Json& object, const std::string& propagation) {
  if (propagation.empty()) return;
  Json kept = Json::array();
  if (const Json* finalizers = FindArray(object, "metadata.finalizers"))
    for (const Json& finalizer : *finalizers)
      if (finalizer != kForeground && finalizer != kOrphan) kept.push_back(finalizer);
  if (propagation == "Foreground") kept.push_back(kForeground);
  if (propagation == "Orphan") kept.push_back(kOrphan);
  if (kept.empty())
    Erase(object, "metadata.finalizers");
  else
    object["metadata"]["finalizers"] = std::move(kept);
}

// Seconds that a Pod has left to end; 0 removes it at once.
int64_t PodGrace(const Json& pod, const DeleteOptions& options) {
  int64_t grace = options.grace_period_seconds.value_or(
      IntAt(pod, "spec.terminationGracePeriodSeconds").value_or(30));
  if (grace < 0) grace = 1;
  std::string phase = StringAt(pod, "status.phase");
  bool nobody_waits =
      StringAt(pod, "spec.nodeName").empty() || phase == "Succeeded" || phase == "Failed";
  return nobody_waits ? 0 : grace;
}

void MarkDeleted(Json& object, WallTime at, int64_t grace) {
  Json& metadata = object["metadata"];
  metadata["deletionTimestamp"] = FormatNow(at);
  metadata["deletionGracePeriodSeconds"] = grace;
  if (int64_t generation = IntAt(metadata, "generation").value_or(0); generation > 0)
    metadata["generation"] = generation + 1;
}

enum class Next { kKeep, kStore, kRemove };

// What one DELETE does to `object`, which is changed accordingly.
Next Advance(const Resource& resource, const DeleteOptions& options, WallTime now, Json& object) {
  bool core = resource.group.empty();
  bool deleting = Find(object, "metadata.deletionTimestamp") != nullptr;
  const Json before = object;
  SetPropagation(object, options.propagation);

  if (core && resource.kind == "Pod") {
    int64_t grace = PodGrace(object, options);
    if (!deleting && grace > 0) {
      MarkDeleted(object, now + std::chrono::seconds(grace), grace);
      return Next::kStore;
    }
    if (deleting) {
      int64_t running = IntAt(object, "metadata.deletionGracePeriodSeconds").value_or(0);
      // A later delete can only shorten what is left, and one without a wish changes nothing.
      if (running > 0) {
        bool shorter = options.grace_period_seconds && grace < running;
        if (!shorter) return object == before ? Next::kKeep : Next::kStore;
        Result<WallTime> end = api::ParseTime(StringAt(object, "metadata.deletionTimestamp"));
        WallTime begun = (end.ok() ? *end : now) - std::chrono::seconds(running);
        MarkDeleted(object, begun + std::chrono::seconds(grace), grace);
        if (grace > 0) return Next::kStore;
      }
    }
  }
  bool namespace_waits =
      core && resource.kind == "Namespace" && !Empty(Find(object, "spec.finalizers"));
  if (Empty(Find(object, "metadata.finalizers")) && !namespace_waits) return Next::kRemove;
  if (!Find(object, "metadata.deletionTimestamp")) {
    MarkDeleted(object, now, 0);
    if (core && resource.kind == "Namespace") ObjectAt(object, "status")["phase"] = "Terminating";
  }
  return object == before ? Next::kKeep : Next::kStore;
}

Status CheckPermanent(const Call& call) {
  const Resource& resource = *call.resource;
  if (!resource.group.empty() || resource.kind != "Namespace") return Ok();
  for (const char* name : {"default", "kube-system", "kube-public"})
    if (call.path.name == name)
      return ForbiddenError(call, call.path.name, "this namespace may not be deleted");
  return Ok();
}

}  // namespace

Result<DeleteOptions> DeleteOptionsFrom(const Json& document) {
  DeleteOptions options;
  options.grace_period_seconds = IntAt(document, "gracePeriodSeconds");
  options.uid = StringAt(document, "preconditions.uid");
  options.resource_version = StringAt(document, "preconditions.resourceVersion");
  options.propagation = StringAt(document, "propagationPolicy");
  if (const Json* dry = FindArray(document, "dryRun"); !Empty(dry)) {
    if (*dry != Json::array({"All"}))
      return Status(Reason::kInvalid,
                    "DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: " +
                        Dump(*dry) + ": supported values: \"All\"");
    options.dry_run = true;
  }
  if (const Json* orphan = Find(document, "orphanDependents"); orphan && orphan->is_boolean()) {
    if (!options.propagation.empty())
      return Status(Reason::kInvalid,
                    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: "
                    "\"" +
                        options.propagation +
                        "\": orphanDependents and deletionPropagation "
                        "cannot be both set");
    options.propagation = orphan->get<bool>() ? "Orphan" : "Background";
  }
  if (!options.propagation.empty() && options.propagation != "Foreground" &&
      options.propagation != "Background" && options.propagation != "Orphan")
    return Status(
        Reason::kInvalid,
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: "
        "\"" +
            options.propagation +
            "\": supported values: \"Foreground\", \"Background\", \"Orphan\"");
  return options;
}

Result<DeleteOptions> DeleteOptionsOf(const Call& call) {
  Json document = Json::object();
  if (!call.http.body.empty()) {
    DRAY_ASSIGN_OR_RETURN(document, BodyOf(call));
  }
  if (call.query.Has("gracePeriodSeconds")) {
    DRAY_ASSIGN_OR_RETURN(std::optional<int64_t> grace, call.query.Int("gracePeriodSeconds"));
    if (grace) document["gracePeriodSeconds"] = *grace;
  }
  if (std::string policy = call.query.Get("propagationPolicy"); !policy.empty())
    document["propagationPolicy"] = policy;
  if (call.query.Has("orphanDependents"))
    document["orphanDependents"] = call.query.Flag("orphanDependents");
  DRAY_ASSIGN_OR_RETURN(DeleteOptions options, DeleteOptionsFrom(document));
  options.dry_run = options.dry_run || call.dry_run;
  return options;
}

Result<Deleted> DeleteOne(Server& server, Call& call, const DeleteOptions& options) {
  const Resource& resource = *call.resource;
  DRAY_RETURN_IF_ERROR(CheckPermanent(call));
  for (int attempt = 1;; ++attempt) {
    ObjectPtr present = server.Find(resource, call.Key());
    if (!present) return NotFoundError(call);
    const Json stored = Json::parse(present->text);
    DRAY_RETURN_IF_ERROR(CheckPreconditions(call, options, stored));

    AdmissionCall admission = AdmissionFor(call, "DELETE", call.path.name, "DeleteOptions");
    admission.dry_run = options.dry_run;
    admission.old_object = &stored;
    Json none;
    DRAY_RETURN_IF_ERROR(server.webhooks->Mutate(admission, none, nullptr, call.warnings));
    DRAY_RETURN_IF_ERROR(server.webhooks->Validate(admission, none, call.warnings));

    Json object = stored;
    Next next = Advance(resource, options, server.Now(), object);
    Deleted deleted{.text = present->text, .uid = present->uid, .removed = next == Next::kRemove};
    if (next == Next::kKeep) return deleted;
    if (options.dry_run) {
      deleted.text = Dump(object);
      return deleted;
    }
    Result<ObjectPtr> outcome =
        next == Next::kRemove
            ? server.store.Remove(resource.storage, present, std::move(object), server.Now())
            : server.store.Replace(resource.storage, present, std::move(object), server.Now());
    if (outcome.ok()) {
      deleted.text = (*outcome)->text;
      return deleted;
    }
    if (attempt == kAttempts) return ConflictError(call);
  }
}

Result<Answer> DeleteObject(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(DeleteOptions options, DeleteOptionsOf(call));
  DRAY_ASSIGN_OR_RETURN(Deleted deleted, DeleteOne(server, call, options));
  if (!deleted.removed || call.resource->delete_returns_object)
    return ObjectAnswer(server, call, 200, deleted.text);
  return SuccessAnswer(call, 200, deleted.uid);
}

Result<Answer> DeleteCollection(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(DeleteOptions options, DeleteOptionsOf(call));
  // The answer shows what was there.
  DRAY_ASSIGN_OR_RETURN(Answer answer, ListObjects(server, call));
  DRAY_ASSIGN_OR_RETURN(Selection selection, SelectionOf(call));
  ListRequest request;
  request.prefix = selection.KeyPrefix();
  request.wanted = [&](const StoredObject& object) { return selection.Matches(object); };
  DRAY_ASSIGN_OR_RETURN(ListResult found, server.store.List(call.resource->storage, request));
  for (const ObjectPtr& object : found.items) {
    Call one = call;
    size_t slash = object->key.find('/');
    one.path.name = slash == std::string::npos ? object->key : object->key.substr(slash + 1);
    if (slash != std::string::npos) one.path.namespace_ = object->key.substr(0, slash);
    DeleteOptions exactly = options;
    exactly.uid = object->uid;  // not one that took its name meanwhile
    Result<Deleted> deleted = DeleteOne(server, one, exactly);
    if (!deleted.ok() && !deleted.Is(Reason::kNotFound) && !deleted.Is(Reason::kConflict))
      return deleted.status();
  }
  return answer;
}

}  // namespace dray::devcluster
