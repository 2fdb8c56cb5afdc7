#include "devcluster/apiserver/write.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/field_check.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/metadata.h"
#include "devcluster/apiserver/protobuf_body.h"
#include "devcluster/apiserver/validation.h"
#include "dray/api/patch.h"
#include "dray/runtime/yaml.h"

namespace dray::devcluster {
namespace {

constexpr int kNameAttempts = 8;
constexpr int kConflictAttempts = 5;
constexpr Duration kLifetime = std::chrono::hours(1);  // of what expires
constexpr Duration kExpiryInterval = std::chrono::minutes(1);

api::ApplyRequest Tracking(const Server& server, const Call& call, const std::string& subresource) {
  const Resource& resource = *call.resource;
  return {.manager = call.Manager(),
          .force = false,
          .group = resource.group,
          .kind = resource.kind,
          .api_version = resource.ApiVersion(call.path.version),
          .subresource = subresource,
          .now = FormatNow(server.Now())};
}

// Defaults and typed checks of metadata, before and after webhooks.
Status Complete(const Server& server, const Resource& resource, Json& object) {
  if (resource.defaults) resource.defaults(object, server.Now());
  return ValidateMetadata(resource, object);
}

// What the next webhook sees of an object that one has patched.
Status Patched(const Server& server, const Resource& resource, Json& object) {
  DRAY_RETURN_IF_ERROR(CanonicalFields(resource, object));
  if (resource.defaults) resource.defaults(object, server.Now());
  return Ok();
}

bool LastFinalizerTaken(const Json& object) {
  return IntAt(object, "metadata.deletionGracePeriodSeconds") == 0 &&
         Find(object, "metadata.deletionTimestamp") && Empty(Find(object, "metadata.finalizers")) &&
         (StringAt(object, "kind") != "Namespace" || Empty(Find(object, "spec.finalizers")));
}

Status NamesakeError(const Call& call, const std::string& name, bool generated) {
  Status status = AlreadyExistsError(call, name);
  if (generated) status.retry_after = std::chrono::seconds(1);
  return status;
}

// Removes the objects of a kind whose time is over, at most once a minute: whoever adds one pays
// for it.
void Expire(Server& server, const Resource& resource) {
  SteadyTime now = server.clock.Steady();
  bool due = server.last_expiry.With([&](SteadyTime& last) {
    bool over = last == SteadyTime() || now - last >= kExpiryInterval;
    if (over) last = now;
    return over;
  });
  if (!due) return;
  WallTime wall = server.Now();
  ListRequest old;
  old.wanted = [&](const StoredObject& object) { return wall - object.written >= kLifetime; };
  Result<ListResult> found = server.store.List(resource.storage, old);
  if (!found.ok()) return;
  for (const ObjectPtr& object : found->items)
    // A conflict means that somebody has just renewed it.
    (void)server.store.Remove(resource.storage, object, Json::parse(object->text), wall);
}

// managedFields as the client left them: [] and [{}] clear (true), anything else is the stored
// list.
bool KeepManagedFields(const Json& stored, Json& object) {
  const Json* sent = FindArray(object, "metadata.managedFields");
  bool cleared = sent && (sent->empty() || (sent->size() == 1 && (*sent)[0].empty()));
  Erase(object, "metadata.managedFields");
  if (cleared) return true;
  if (const Json* kept = Find(stored, "metadata.managedFields"))
    object["metadata"]["managedFields"] = *kept;
  return false;
}

}  // namespace

AdmissionCall AdmissionFor(const Call& call, const std::string& operation, const std::string& name,
                           const std::string& options_kind) {
  const Resource& resource = *call.resource;
  AdmissionCall admission;
  admission.operation = operation;
  admission.kind = {resource.group, call.path.version, resource.kind};
  admission.resource = {resource.group, call.path.version, resource.plural};
  admission.subresource = call.path.subresource;
  admission.name = name;
  // A Namespace is in itself.
  admission.namespace_ =
      resource.kind == "Namespace" && resource.group.empty() ? name : call.path.namespace_;
  admission.namespaced = resource.namespaced || resource.kind == "Namespace";
  admission.user = call.user.name;
  admission.groups = call.user.groups;
  admission.dry_run = call.dry_run;
  admission.options_kind = options_kind;
  return admission;
}

Status CheckNamespace(const Server& server, const Call& call, const std::string& name) {
  if (!call.resource->namespaced) return Ok();
  const Resource* namespaces = server.registry.FindKind("", "Namespace");
  ObjectPtr found = server.Find(*namespaces, call.path.namespace_);
  if (!found)
    return Status(Reason::kNotFound, "namespaces \"" + call.path.namespace_ + "\" not found");
  if (!Find(Json::parse(found->text), "metadata.deletionTimestamp")) return Ok();
  Status status = ForbiddenError(call, name,
                                 "unable to create new content in namespace " +
                                     call.path.namespace_ + " because it is being terminated");
  status.causes.push_back({"NamespaceTerminating",
                           "namespace " + call.path.namespace_ + " is being terminated",
                           "metadata.namespace"});
  return status;
}

Result<Json> BodyOf(const Call& call) {
  auto header = call.http.headers.find("content-type");
  std::string type = header == call.http.headers.end() ? "" : MediaType(header->second);
  if (type.empty() || type == "application/json") return ParseBody(call.http.body);
  if (type == "application/yaml") {
    DRAY_ASSIGN_OR_RETURN(Json document, runtime::ParseYaml(call.http.body, "request body"));
    if (!document.is_object()) return Status(Reason::kBadRequest, "the body must be an object");
    return document;
  }
  if (type == kProtobufType) return ParseProtobufBody(call.http.body);
  return Status(Reason::kUnsupportedMediaType,
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

Result<Written> Create(Server& server, Call& call, Json object, bool tracked) {
  const Resource& resource = *call.resource;
  if (!StringAt(object, "metadata.resourceVersion").empty())
    return Status(Reason::kInternal, "resourceVersion should not be set on objects to be created");
  DRAY_RETURN_IF_ERROR(CheckNamespace(server, call, StringAt(object, "metadata.name")));
  DRAY_RETURN_IF_ERROR(Complete(server, resource, object));
  if (resource.expires) Expire(server, resource);
  std::string given = StringAt(object, "metadata.name");
  std::string base = StringAt(object, "metadata.generateName");

  AdmissionCall admission = AdmissionFor(call, "CREATE", given, "CreateOptions");
  auto complete = [&](Json& changed) { return Patched(server, resource, changed); };
  DRAY_RETURN_IF_ERROR(server.webhooks->Mutate(admission, object, complete, call.warnings));
  DRAY_RETURN_IF_ERROR(CanonicalFields(resource, object));
  DRAY_RETURN_IF_ERROR(Complete(server, resource, object));

  StampNew(resource, object, server.Now());
  if (!given.empty()) object["metadata"]["name"] = given;
  if (resource.namespaced) object["metadata"]["namespace"] = call.path.namespace_;
  const Json draft = std::move(object);
  for (int attempt = 1;; ++attempt) {
    Json created = draft;
    if (given.empty()) created["metadata"]["name"] = GenerateName(base);
    std::string name = StringAt(created, "metadata.name");
    if (resource.on_create) resource.on_create(created);
    if (resource.validate) DRAY_RETURN_IF_ERROR(resource.validate(created, nullptr));
    DRAY_RETURN_IF_ERROR(server.webhooks->Validate(admission, created, call.warnings));
    if (!tracked) {
      Erase(created, "metadata.managedFields");
      api::TrackUpdate(Tracking(server, call, ""), Json(), created);
    }
    bool taken = false;
    if (call.dry_run) {
      taken = server.Find(resource, call.KeyOf(name)) != nullptr;
      if (!taken) return Written{.text = Dump(created), .created = true};
    } else {
      Result<ObjectPtr> stored =
          server.store.Create(resource.storage, std::move(created), server.Now());
      if (stored.ok()) return Written{.text = (*stored)->text, .created = true};
      taken = true;
    }
    if (taken && (!given.empty() || attempt == kNameAttempts))
      return NamesakeError(call, name, given.empty());
  }
}

Result<Written> Modify(Server& server, Call& call, const Modification& modification) {
  const Resource& resource = *call.resource;
  bool status = modification.subresource == "status";
  for (int attempt = 1;; ++attempt) {
    ObjectPtr present = server.Find(resource, call.Key());
    if (!present) return NotFoundError(call);
    const Json stored = Json::parse(present->text);
    DRAY_ASSIGN_OR_RETURN(Json object, modification.change(stored));
    // An apply has done its own bookkeeping; who clears the books starts them anew with the next
    // write.
    bool keeps_books = !modification.tracked && !KeepManagedFields(stored, object);
    DRAY_RETURN_IF_ERROR(Complete(server, resource, object));
    DRAY_RETURN_IF_ERROR(CarryOver(resource, modification.subresource, stored, object));

    AdmissionCall admission =
        AdmissionFor(call, "UPDATE", call.path.name, modification.options_kind);
    admission.old_object = &stored;
    if (modification.admit) {
      auto complete = [&](Json& changed) { return Patched(server, resource, changed); };
      DRAY_RETURN_IF_ERROR(server.webhooks->Mutate(admission, object, complete, call.warnings));
      DRAY_RETURN_IF_ERROR(CanonicalFields(resource, object));
      DRAY_RETURN_IF_ERROR(Complete(server, resource, object));
      DRAY_RETURN_IF_ERROR(CarryOver(resource, modification.subresource, stored, object));
    }
    if (status) {
      if (resource.on_status) resource.on_status(object, stored);
      if (resource.validate_status) DRAY_RETURN_IF_ERROR(resource.validate_status(object, stored));
    } else {
      if (resource.on_update) resource.on_update(object, stored);
      UpdateGeneration(resource, stored, object);
      if (resource.validate) DRAY_RETURN_IF_ERROR(resource.validate(object, &stored));
    }
    if (modification.admit)
      DRAY_RETURN_IF_ERROR(server.webhooks->Validate(admission, object, call.warnings));
    if (keeps_books)
      api::TrackUpdate(Tracking(server, call, modification.subresource), stored, object);

    bool removed = LastFinalizerTaken(object);
    if (!removed && SameButForTimes(stored, object)) return Written{.text = present->text};
    if (call.dry_run) return Written{.text = Dump(object), .removed = removed};
    Result<ObjectPtr> outcome =
        removed ? server.store.Remove(resource.storage, present, std::move(object), server.Now())
                : server.store.Replace(resource.storage, present, std::move(object), server.Now());
    if (outcome.ok()) return Written{.text = (*outcome)->text, .removed = removed};
    if (!modification.retry || attempt == kConflictAttempts) return ConflictError(call);
  }
}

Result<Answer> PostObject(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(Json object, BodyOf(call));
  DRAY_RETURN_IF_ERROR(UnderstandFields(call, SentAs::kBody, object));
  DRAY_RETURN_IF_ERROR(CheckIdentity(call, object));
  DRAY_ASSIGN_OR_RETURN(Written written, Create(server, call, std::move(object), false));
  return ObjectAnswer(server, call, 201, written.text);
}

Result<Answer> PutObject(Server& server, Call& call) {
  DRAY_ASSIGN_OR_RETURN(const Json body, [&]() -> Result<Json> {
    DRAY_ASSIGN_OR_RETURN(Json object, BodyOf(call));
    DRAY_RETURN_IF_ERROR(UnderstandFields(call, SentAs::kBody, object));
    DRAY_RETURN_IF_ERROR(CheckIdentity(call, object));
    return object;
  }());
  std::string name = StringAt(body, "metadata.name");
  if (name != call.path.name)
    return Status(Reason::kBadRequest, "the name of the object (" + name +
                                           ") does not match the name on the URL (" +
                                           call.path.name + ")");
  std::string version = StringAt(body, "metadata.resourceVersion");
  std::string uid = StringAt(body, "metadata.uid");
  bool main = call.path.subresource.empty();
  if (main && call.resource->create_on_update && version.empty() &&
      !server.Find(*call.resource, call.Key())) {
    DRAY_ASSIGN_OR_RETURN(Written created, Create(server, call, body, false));
    return ObjectAnswer(server, call, 201, created.text);
  }

  Modification modification;
  modification.subresource = call.path.subresource;
  modification.retry = version.empty();
  modification.change = [&](const Json& stored) -> Result<Json> {
    if (!uid.empty() && uid != StringAt(stored, "metadata.uid"))
      return Status(Reason::kConflict,
                    ConflictError(call).message().substr(
                        0, ConflictError(call).message().find(": the object")) +
                        ": Precondition failed: UID in precondition: " + uid +
                        ", UID in object meta: " + StringAt(stored, "metadata.uid"));
    if (!version.empty() && version != StringAt(stored, "metadata.resourceVersion"))
      return ConflictError(call);
    if (version.empty() && !call.resource->unconditional_update) {
      Status status(Reason::kInvalid, call.resource->QualifiedKind() + " \"" + name +
                                          "\" is invalid: metadata.resourceVersion: Invalid "
                                          "value: 0: must be specified for an update");
      status.causes.push_back({"FieldValueInvalid",
                               "Invalid value: 0: must be specified for an update",
                               "metadata.resourceVersion"});
      return status;
    }
    return body;
  };
  DRAY_ASSIGN_OR_RETURN(Written written, Modify(server, call, modification));
  return ObjectAnswer(server, call, 200, written.text);
}

}  // namespace dray::devcluster
