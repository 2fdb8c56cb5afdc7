#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/patch.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/subresources.h"
#include "devcluster/apiserver/write.h"

namespace dray::devcluster {
namespace {

std::string ScaleSelector(const Json& object) {
  std::string text;
  if (const Json* labels = FindObject(object, "spec.selector.matchLabels"))
    for (const auto& [key, value] : labels->items())
      text += (text.empty() ? "" : ",") + key + "=" +
              (value.is_string() ? value.get<std::string>() : "");
  return text;
}

// autoscaling/v1 Scale of a Deployment or ReplicaSet.
Json ScaleOf(const Json& object) {
  Json metadata = Json::object();
  for (const char* member : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
    if (const Json* value = Find(object["metadata"], member)) metadata[member] = *value;
  return {{"kind", "Scale"},
          {"apiVersion", "autoscaling/v1"},
          {"metadata", std::move(metadata)},
          {"spec", {{"replicas", IntAt(object, "spec.replicas").value_or(0)}}},
          {"status",
           {{"replicas", IntAt(object, "status.replicas").value_or(0)},
            {"selector", ScaleSelector(object)}}}};
}

Answer ScaleAnswer(const std::string& text) {
  Answer answer;
  answer.body = Dump(ScaleOf(Json::parse(text)));
  return answer;
}

}  // namespace

Result<Answer> ServeScale(Server& server, Call& call) {
  if (call.http.method == "GET") {
    ObjectPtr present = server.Find(*call.resource, call.Key());
    if (!present) return NotFoundError(call);
    return ScaleAnswer(present->text);
  }
  // Reads the wanted Scale anew for each version that is stored.
  std::function<Result<Json>(const Json& present)> wanted;
  if (call.http.method == "PATCH") {
    DRAY_ASSIGN_OR_RETURN(PatchBody patch, PatchBody::Read(call));
    if (patch.type == PatchBody::Type::kApply)
      return Status(Reason::kUnsupportedMediaType,
                    "the scale subresource takes JSON, merge and strategic merge patches");
    wanted = [patch = std::move(patch)](const Json& present) {
      return patch.ApplyTo("autoscaling", "Scale", present);
    };
  } else {
    DRAY_ASSIGN_OR_RETURN(Json body, BodyOf(call));
    wanted = [body = std::move(body)](const Json&) -> Result<Json> { return body; };
  }

  Modification modification;
  modification.retry = call.http.method == "PATCH";
  modification.change = [&](const Json& stored) -> Result<Json> {
    DRAY_ASSIGN_OR_RETURN(Json scale, wanted(ScaleOf(stored)));
    std::string version = StringAt(scale, "metadata.resourceVersion");
    if (!version.empty() && version != StringAt(stored, "metadata.resourceVersion"))
      return ConflictError(call);
    std::optional<int64_t> replicas = IntAt(scale, "spec.replicas");
    if (replicas.value_or(0) < 0)
      return InvalidField(
          scale, "spec.replicas", "FieldValueInvalid",
          "Invalid value: " + std::to_string(*replicas) + ": must be greater than or equal to 0");
    Json object = stored;
    object["spec"]["replicas"] = replicas.value_or(0);
    return object;
  };
  DRAY_ASSIGN_OR_RETURN(Written written, Modify(server, call, modification));
  return ScaleAnswer(written.text);
}

Result<Answer> FinalizeNamespace(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(Json body, BodyOf(call));
  DRAY_RETURN_IF_ERROR(CheckIdentity(call, body));
  const Json* finalizers = FindArray(body, "spec.finalizers");
  for (;;) {
    ObjectPtr present = server.Find(*call.resource, call.Key());
    if (!present) return NotFoundError(call);
    Json namespace_ = Json::parse(present->text);
    std::string version = StringAt(body, "metadata.resourceVersion");
    if (!version.empty() && version != StringAt(namespace_, "metadata.resourceVersion"))
      return ConflictError(call);
    if (Empty(finalizers))
      Erase(namespace_, "spec.finalizers");
    else
      ObjectAt(namespace_, "spec")["finalizers"] = *finalizers;
    bool gone = Empty(finalizers) && Find(namespace_, "metadata.deletionTimestamp") &&
                Empty(Find(namespace_, "metadata.finalizers"));
    if (call.dry_run) return ObjectAnswer(server, call, 200, Dump(namespace_));
    size_t kind = call.resource->storage;
    Result<ObjectPtr> stored =
        gone ? server.store.Remove(kind, present, std::move(namespace_), server.Now())
             : server.store.Replace(kind, present, std::move(namespace_), server.Now());
    if (stored.ok()) return ObjectAnswer(server, call, 200, (*stored)->text);
  }
}

}  // namespace dray::devcluster
