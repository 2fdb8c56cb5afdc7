#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/server.h"
#include "devcluster/apiserver/tables.h"
#include "dray/api/codec.h"

namespace dray::devcluster {

void SendStatus(runtime::HttpResponder& responder, const Status& status) {
  runtime::HttpResponse response;
  response.code = HttpCode(status.reason());
  response.body = Dump(api::EncodeStatus(status, "", "", ""));
  responder.Send(std::move(response));
}

std::string Call::Manager() const {
  if (std::string manager = query.Get("fieldManager"); !manager.empty()) return manager;
  auto agent = http.headers.find("user-agent");
  if (agent == http.headers.end() || agent->second.empty()) return "unknown";
  return agent->second.substr(0, agent->second.find('/'));
}

Answer ObjectAnswer(const Server& server, const Call& call, int code, const std::string& text) {
  Answer answer;
  answer.code = code;
  const Resource& resource = *call.resource;
  if (call.form == Form::kPlain && !resource.from_stored) {
    answer.body = text;
    return answer;
  }
  Json document = Json::parse(text);
  if (call.form == Form::kTable) {
    std::string include = call.query.Get("includeObject");
    Json table = TableFor(
        resource, {{"resourceVersion", StringAt(document, "metadata.resourceVersion")}}, true);
    table["rows"].push_back(RowFor(resource, document,
                                   include == "None"     ? IncludeObject::kNone
                                   : include == "Object" ? IncludeObject::kObject
                                                         : IncludeObject::kMetadata,
                                   server.Now()));
    answer.body = Dump(table);
    return answer;
  }
  if (resource.from_stored) document = resource.from_stored(document);
  answer.body = Dump(call.form == Form::kPartialMetadata ? PartialMetadataOf(document) : document);
  return answer;
}

Answer SuccessAnswer(const Call& call, int code, const std::string& uid) {
  Json body = api::EncodeStatus(Ok(), call.path.group, call.path.resource, call.path.name);
  if (!uid.empty()) body["details"]["uid"] = uid;
  body.erase("code");
  if (code != 200) body["code"] = code;
  Answer answer;
  answer.code = code;
  answer.body = Dump(body);
  return answer;
}

Answer FailureAnswer(const Call& call, const Status& status) {
  // Details speak of the resource, except for invalid objects: there it is the kind.
  std::string what = call.path.resource;
  if (status.Is(Reason::kInvalid) && call.resource) what = call.resource->kind;
  Answer answer;
  answer.code = HttpCode(status.reason());
  answer.body = Dump(api::EncodeStatus(status, call.path.group, what, call.path.name));
  if (status.retry_after)
    answer.headers["Retry-After"] = std::to_string(status.retry_after->count());
  return answer;
}

Status NotFoundError(const Call& call) {
  return Status(Reason::kNotFound,
                call.resource->QualifiedPlural() + " \"" + call.path.name + "\" not found");
}

Status ConflictError(const Call& call) {
  return Status(Reason::kConflict, "Operation cannot be fulfilled on " +
                                       call.resource->QualifiedPlural() + " \"" + call.path.name +
                                       "\": the object has been modified; please apply your "
                                       "changes to the latest version and try again");
}

Status AlreadyExistsError(const Call& call, const std::string& name) {
  return Status(Reason::kAlreadyExists,
                call.resource->QualifiedPlural() + " \"" + name + "\" already exists");
}

Status ForbiddenError(const Call& call, const std::string& name, const std::string& why) {
  return Status(Reason::kForbidden,
                call.resource->QualifiedPlural() + " \"" + name + "\" is forbidden: " + why);
}

}  // namespace dray::devcluster
