#include "devcluster/apiserver/patch.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/field_check.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/write.h"
#include "dray/api/patch.h"
#include "dray/runtime/yaml.h"

namespace dray::devcluster {
namespace {

Status InvalidPatchOptions(const std::string& field, const std::string& message) {
  Status status(Reason::kInvalid,
                "PatchOptions.meta.k8s.io \"\" is invalid: " + field + ": " + message);
  status.causes.push_back({"FieldValueInvalid", message, field});
  return status;
}

Status CheckOptions(const Call& call, PatchBody::Type type) {
  bool apply = type == PatchBody::Type::kApply;
  std::string manager = call.query.Get("fieldManager");
  if (apply && manager.empty())
    return InvalidPatchOptions("fieldManager", "Required value: is required for apply patch");
  if (manager.size() > 128)
    return InvalidPatchOptions("fieldManager", "Too long: may not be more than 128 bytes");
  if (!apply && call.query.Has("force"))
    return InvalidPatchOptions("force", "Forbidden: may not be specified for non-apply patch");
  return Ok();
}

// What a patch made of an object must still be that object, in the version that was patched.
Status CheckSameObject(const Call& call, const Json& stored, const Json& patched) {
  for (const char* member : {"kind", "apiVersion"})
    if (StringAt(patched, member) != StringAt(stored, member))
      return Status(Reason::kBadRequest, "a patch cannot change the " + std::string(member) +
                                             " of an object (from " + StringAt(stored, member) +
                                             " to " + StringAt(patched, member) + ")");
  for (const char* field : {"metadata.name", "metadata.namespace"})
    if (StringAt(patched, field) != StringAt(stored, field))
      return Status(Reason::kBadRequest, "a patch cannot change " + std::string(field) +
                                             " (from \"" + StringAt(stored, field) + "\" to \"" +
                                             StringAt(patched, field) + "\")");
  for (const char* field : {"metadata.resourceVersion", "metadata.uid"})
    if (std::string value = StringAt(patched, field);
        !value.empty() && value != StringAt(stored, field))
      return ConflictError(call);
  return Ok();
}

Status CheckApplied(const Call& call, const Json& applied) {
  if (!Empty(Find(applied, "metadata.managedFields")))
    return Status(Reason::kBadRequest, "metadata.managedFields must be nil");
  std::string want = call.resource->ApiVersion(call.path.version);
  if (StringAt(applied, "kind") != call.resource->kind || StringAt(applied, "apiVersion") != want)
    return Status(Reason::kBadRequest, "an applied document must say apiVersion " + want +
                                           " and kind " + call.resource->kind + ", not \"" +
                                           StringAt(applied, "apiVersion") + "\" and \"" +
                                           StringAt(applied, "kind") + "\"");
  if (std::string name = StringAt(applied, "metadata.name"); name != call.path.name)
    return Status(Reason::kBadRequest, "metadata.name must be that of the URL (" + call.path.name +
                                           "), not \"" + name + "\"");
  return Ok();
}

Result<Answer> ApplyObject(Server& server, Call& call, const PatchBody& patch) {
  const Resource& resource = *call.resource;
  Json applied = *patch.document;
  DRAY_RETURN_IF_ERROR(CheckApplied(call, applied));
  DRAY_RETURN_IF_ERROR(UnderstandFields(call, SentAs::kApply, applied));
  DRAY_RETURN_IF_ERROR(CheckIdentity(call, applied));
  api::ApplyRequest request{.manager = call.Manager(),
                            .force = call.query.Flag("force"),
                            .group = resource.group,
                            .kind = resource.kind,
                            .api_version = resource.ApiVersion(call.path.version),
                            .subresource = call.path.subresource,
                            .now = FormatNow(server.Now())};
  constexpr int kAttempts = 5;
  for (int attempt = 1; !server.Find(resource, call.Key()); ++attempt) {
    if (!call.path.subresource.empty()) return NotFoundError(call);
    if (!StringAt(applied, "metadata.resourceVersion").empty() ||
        !StringAt(applied, "metadata.uid").empty())
      return ConflictError(call);
    DRAY_ASSIGN_OR_RETURN(Json object, api::ApplyServerSide(request, Json(), applied));
    Result<Written> created = Create(server, call, std::move(object), true);
    if (created.ok()) return ObjectAnswer(server, call, 201, created->text);
    // Somebody else was faster: then it is there now.
    if (!created.Is(Reason::kAlreadyExists) || attempt == kAttempts) return created.status();
  }
  Modification modification;
  modification.subresource = call.path.subresource;
  modification.retry = true;
  modification.tracked = true;
  modification.options_kind = "PatchOptions";
  modification.change = [&](const Json& stored) -> Result<Json> {
    DRAY_RETURN_IF_ERROR(CheckSameObject(call, stored, applied));
    return api::ApplyServerSide(request, stored, applied);
  };
  DRAY_ASSIGN_OR_RETURN(Written written, Modify(server, call, modification));
  return ObjectAnswer(server, call, 200, written.text);
}

}  // namespace

Result<PatchBody> PatchBody::Read(const Call& call) {
  auto header = call.http.headers.find("content-type");
  std::string type = header == call.http.headers.end() ? "" : MediaType(header->second);
  PatchBody patch;
  if (type == "application/json-patch+json")
    patch.type = Type::kJson;
  else if (type == "application/merge-patch+json")
    patch.type = Type::kMerge;
  else if (type == "application/strategic-merge-patch+json")
    patch.type = Type::kStrategic;
  else if (type == "application/apply-patch+yaml")
    patch.type = Type::kApply;
  else
    return Status(Reason::kUnsupportedMediaType,
                  "the body of the request was in an unknown format - accepted media types "
                  "include: application/json-patch+json, application/merge-patch+json, "
                  "application/strategic-merge-patch+json, application/apply-patch+yaml");
  if (patch.type == Type::kApply) {
    DRAY_ASSIGN_OR_RETURN(Json document, runtime::ParseYaml(call.http.body, "request body"));
    if (!document.is_object()) return Status(Reason::kBadRequest, "the body must be an object");
    patch.document = std::make_shared<const Json>(std::move(document));
  } else if (patch.type == Type::kJson) {
    DRAY_ASSIGN_OR_RETURN(Json document, ParseJson(call.http.body));
    if (!document.is_array())
      return Status(Reason::kBadRequest, "a JSON patch must be an array of operations");
    patch.document = std::make_shared<const Json>(std::move(document));
  } else {
    DRAY_ASSIGN_OR_RETURN(Json document, ParseBody(call.http.body));
    patch.document = std::make_shared<const Json>(std::move(document));
  }
  return patch;
}

Result<Json> PatchBody::ApplyTo(std::string_view group, std::string_view kind, Json target) const {
  if (type == Type::kJson) return api::ApplyJsonPatch(std::move(target), *document);
  if (type == Type::kMerge) return api::ApplyMergePatch(std::move(target), *document);
  return api::ApplyStrategicMergePatch(group, kind, std::move(target), *document);
}

Result<Answer> PatchObject(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(PatchBody patch, PatchBody::Read(call));
  DRAY_RETURN_IF_ERROR(CheckOptions(call, patch.type));
  if (patch.type == PatchBody::Type::kApply) return ApplyObject(server, call, patch);

  const Resource& resource = *call.resource;
  Modification modification;
  modification.subresource = call.path.subresource;
  modification.retry = true;
  modification.options_kind = "PatchOptions";
  modification.change = [&](const Json& stored) -> Result<Json> {
    Json before = resource.from_stored ? resource.from_stored(stored) : stored;
    DRAY_ASSIGN_OR_RETURN(Json after, patch.ApplyTo(resource.group, resource.kind, before));
    if (!after.is_object()) return Status(Reason::kInvalid, "the patch leaves no object behind");
    DRAY_RETURN_IF_ERROR(UnderstandFields(call, SentAs::kPatch, after));
    DRAY_RETURN_IF_ERROR(CheckSameObject(call, before, after));
    DRAY_RETURN_IF_ERROR(CheckIdentity(call, after));
    return after;
  };
  DRAY_ASSIGN_OR_RETURN(Written written, Modify(server, call, modification));
  return ObjectAnswer(server, call, 200, written.text);
}

}  // namespace dray::devcluster
