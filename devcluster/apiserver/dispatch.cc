#include "devcluster/apiserver/dispatch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devcluster/apiserver/deletion.h"
#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/json_access.h"
#include "devcluster/apiserver/openapi.h"
#include "devcluster/apiserver/patch.h"
#include "devcluster/apiserver/read.h"
#include "devcluster/apiserver/subresources.h"
#include "devcluster/apiserver/write.h"

namespace dray::devcluster {
namespace {

constexpr size_t kLargestBody = 3u << 20;

Status NoSuchPath() {
  return Status(Reason::kNotFound, "the server could not find the requested resource");
}
// A subresource of Pods that a full cluster has.
Status NoSuchDoor(std::string_view name) {
  constexpr std::string_view kInto[] = {"exec", "attach", "portforward", "proxy"};
  constexpr std::string_view kChange[] = {"ephemeralcontainers", "resize"};
  if (std::find(std::begin(kInto), std::end(kInto), name) != std::end(kInto))
    return Status(Reason::kBadRequest,
                  "this development cluster runs containers as processes of this machine and does "
                  "not serve pods/" +
                      std::string(name) + "; kubectl logs shows what they print");
  if (std::find(std::begin(kChange), std::end(kChange), name) != std::end(kChange))
    return Status(Reason::kBadRequest,
                  "this development cluster does not serve pods/" + std::string(name));
  return NoSuchPath();
}
Status NotAllowed(const Call& call) {
  return Status(Reason::kMethodNotAllowed, "the server does not allow this method (" +
                                               call.http.method + ") on the requested resource");
}

std::string Header(const Call& call, const char* name) {
  auto found = call.http.headers.find(name);
  return found == call.http.headers.end() ? std::string() : found->second;
}

// Warning: 299 - "text", one after another as RFC 7234 allows.
std::string WarningHeader(const std::vector<std::string>& warnings) {
  constexpr size_t kLongest = 256;
  std::string header;
  for (const std::string& warning : warnings) {
    std::string quoted;
    for (char c : warning.substr(0, kLongest)) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    header += (header.empty() ? "" : ", ") + std::string("299 - \"") + quoted + "\"";
  }
  return header;
}

void Reply(const Call& call, Answer answer, runtime::HttpResponder& responder) {
  runtime::HttpResponse response;
  response.code = answer.code;
  response.body = std::move(answer.body);
  response.content_type = std::move(answer.content_type);
  response.headers = std::move(answer.headers);
  response.headers.emplace("Cache-Control", "no-cache, private");
  if (!call.warnings.empty()) response.headers["Warning"] = WarningHeader(call.warnings);
  responder.Send(std::move(response));
}

// Finds resource and subresource, and reads what all verbs have in common.
Status Resolve(const Server& server, Call& call) {
  std::optional<ResourcePath> path = ParseResourcePath(call.http.path());
  if (!path) return NoSuchPath();
  call.path = *path;
  call.resource = server.registry.Find(path->group, path->version, path->resource);
  if (!call.resource) return NoSuchPath();
  if (!call.resource->namespaced && !path->namespace_.empty()) return NoSuchPath();
  if (call.resource->namespaced && path->namespace_.empty() && !path->name.empty())
    return NoSuchPath();
  if (!path->subresource.empty() && !call.resource->FindSubresource(path->subresource))
    return call.resource->kind == "Pod" ? NoSuchDoor(path->subresource) : NoSuchPath();
  if (path->subresource != "log") {
    DRAY_ASSIGN_OR_RETURN(call.form, FormFromAccept(Header(call, "accept")));
  }
  if (call.http.body.size() > kLargestBody)
    return Status(Reason::kTooLarge,
                  "Request entity too large: limit is " + std::to_string(kLargestBody));
  if (std::string dry = call.query.Get("dryRun"); !dry.empty()) {
    if (dry != "All")
      return Status(Reason::kInvalid,
                    "dryRun: Unsupported value: \"" + dry + "\": supported values: \"All\"");
    call.dry_run = true;
  }
  if (std::string validation = call.query.Get("fieldValidation");
      !validation.empty() && validation != "Ignore" && validation != "Warn" &&
      validation != "Strict")
    return Status(Reason::kInvalid, "fieldValidation: Unsupported value: \"" + validation +
                                        "\": supported values: \"Ignore\", \"Warn\", \"Strict\"");
  return Ok();
}

Result<Answer> ServeSubresource(Server& server, Call& call) {
  const std::string& method = call.http.method;
  const std::string& name = call.path.subresource;
  const std::vector<std::string>& verbs = call.resource->FindSubresource(name)->verbs;
  auto allows = [&](const char* verb) {
    return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
  };
  bool allowed = (method == "GET" && allows("get")) || (method == "PUT" && allows("update")) ||
                 (method == "PATCH" && allows("patch")) || (method == "POST" && allows("create"));
  if (!allowed) return NotAllowed(call);
  if (name == "binding") return BindPod(server, call);
  if (name == "eviction") return EvictPod(server, call);
  if (name == "scale") return ServeScale(server, call);
  if (name == "finalize") return FinalizeNamespace(server, call);
  if (method == "GET") return GetObject(server, call);  // status
  return method == "PUT" ? PutObject(server, call) : PatchObject(server, call);
}

Result<Answer> ServeCollection(Server& server, Call& call) {
  const std::string& method = call.http.method;
  if (call.resource->review) return method == "POST" ? PostReview(server, call) : NotAllowed(call);
  if (method == "GET") return ListObjects(server, call);
  if (method == "POST") {
    if (call.resource->namespaced && call.path.namespace_.empty())
      return Status(Reason::kBadRequest, "an empty namespace may not be set during creation");
    return PostObject(server, call);
  }
  if (method == "DELETE" && call.resource->Allows("deletecollection"))
    return DeleteCollection(server, call);
  return NotAllowed(call);
}

Result<Answer> Serve(Server& server, Call& call) {
  if (!call.path.subresource.empty()) return ServeSubresource(server, call);
  if (call.path.name.empty()) return ServeCollection(server, call);
  if (call.resource->review) return NoSuchPath();
  const std::string& method = call.http.method;
  if (method == "GET") return GetObject(server, call);
  if (method == "PUT") return PutObject(server, call);
  if (method == "PATCH") return PatchObject(server, call);
  if (method == "DELETE") return DeleteObject(server, call);
  return NotAllowed(call);
}

// Discovery and the like; nothing when the path is a resource's.
std::optional<Answer> ServeDescription(const Server& server, const Call& call) {
  std::string_view path = call.http.path();
  if (call.http.method != "GET") return std::nullopt;
  if (path == "/") {
    Answer answer;
    answer.body = Dump(Json{{"paths",
                             {"/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3",
                              "/readyz", "/version"}}});
    return answer;
  }
  const std::string accept = Header(call, "accept");
  if (std::optional<Answer> answer = server.open_api->Serve(path, call.query, accept))
    return answer;
  return ServeDiscovery(server.registry, path, accept, Header(call, "host"));
}

}  // namespace

Result<UserInfo> Authenticate(const Server& server, const runtime::HttpRequest& request) {
  UserInfo user;
  auto authorization = request.headers.find("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (!request.peer_common_name.empty()) {
    user = {request.peer_common_name, request.peer_organizations};
  } else if (authorization != request.headers.end() && authorization->second.starts_with(kBearer)) {
    auto known = server.options.tokens.find(authorization->second.substr(kBearer.size()));
    if (known == server.options.tokens.end()) return Status(Reason::kUnauthorized, "Unauthorized");
    user = known->second;
  } else {
    return Status(Reason::kUnauthorized, "Unauthorized");
  }
  if (std::find(user.groups.begin(), user.groups.end(), "system:authenticated") ==
      user.groups.end())
    user.groups.push_back("system:authenticated");
  return user;
}

void Dispatch(Server& server, Call call, const std::shared_ptr<runtime::HttpResponder>& responder) {
  if (std::optional<Answer> answer = ServeDescription(server, call))
    return Reply(call, std::move(*answer), *responder);
  if (Status status = Resolve(server, call); !status.ok())
    return Reply(call, FailureAnswer(call, status), *responder);

  bool reading = call.http.method == "GET";
  bool log = reading && call.path.subresource == "log";
  bool watch = reading && call.path.subresource.empty() && call.query.Flag("watch") &&
               call.resource->Allows("watch");
  if (log || watch) {
    Status status = log ? ServeLog(server, call, responder) : StartWatch(server, call, responder);
    if (!status.ok()) Reply(call, FailureAnswer(call, status), *responder);
    return;
  }
  Result<Answer> answer = Serve(server, call);
  Reply(call, answer.ok() ? std::move(*answer) : FailureAnswer(call, answer.status()), *responder);
}

}  // namespace dray::devcluster
