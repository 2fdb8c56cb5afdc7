#include "devcluster/apiserver/openapi.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/json_access.h"
#include "dray/runtime/pki.h"

namespace dray::devcluster {
namespace {

constexpr char kTitle[] = "Dray development cluster";

const SchemaMessage& MessageOf(const Resource& resource) {
  return *Schema::Kubernetes().ForKind(resource.group, resource.kind);
}

Json KindExtension(const Resource& resource, const std::string& version) {
  return {{"group", resource.group}, {"version", version}, {"kind", resource.kind}};
}

Json QueryParameter(const char* name, const char* description) {
  return {{"name", name},
          {"in", "query"},
          {"description", description},
          {"schema", {{"type", "string"}, {"uniqueItems", true}}}};
}

Json Operation(const char* action, const Resource& resource, const std::string& version,
               std::initializer_list<const char*> body_types) {
  Json schema = {{"$ref", "#/components/schemas/" + MessageOf(resource).FullName()}};
  Json operation = {
      {"x-kubernetes-action", action},
      {"x-kubernetes-group-version-kind", KindExtension(resource, version)},
      {"responses",
       {{"200",
         {{"description", "OK"}, {"content", {{"application/json", {{"schema", schema}}}}}}}}}};
  std::string_view verb = action;
  if (verb == "post" || verb == "put" || verb == "patch")
    operation["parameters"] = {
        QueryParameter("dryRun", "All: everything happens but the change itself."),
        QueryParameter("fieldManager", "Who makes the change."),
        QueryParameter("fieldValidation", "Ignore, Warn or Strict: what unknown fields lead to.")};
  for (const char* type : body_types)
    operation["requestBody"]["content"][type] = {
        {"schema", verb == "patch" ? Json({{"type", "object"}}) : schema}};
  return operation;
}

void AddPaths(const Resource& resource, const std::string& version, Json& paths) {
  std::string root =
      resource.group.empty() ? "/api/" + version : "/apis/" + resource.group + "/" + version;
  std::string collection =
      root + (resource.namespaced ? "/namespaces/{namespace}/" : "/") + resource.plural;
  paths[collection] = {{"get", Operation("list", resource, version, {})},
                       {"post", Operation("post", resource, version, {"application/json"})}};
  // Without the strategic media type here kubectl merges known kinds by its own Go types and others
  // as plain JSON: both are right, and no merge keys need to stand in the schemas.
  paths[collection + "/{name}"] = {
      {"get", Operation("get", resource, version, {})},
      {"put", Operation("put", resource, version, {"application/json"})},
      {"patch", Operation("patch", resource, version,
                          {"application/json-patch+json", "application/merge-patch+json",
                           "application/apply-patch+yaml"})},
      {"delete", Operation("delete", resource, version, {})}};
}

// A top-level kind: its type with the two members that protobuf does not have, and the name by
// which kubectl finds it.
void AddKind(const Resource& resource, const std::string& version, Json& schemas) {
  const SchemaMessage& message = MessageOf(resource);
  AddSchemas(message, schemas);
  Json& schema = schemas[message.FullName()];
  schema["description"] = resource.kind + " of " + resource.ApiVersion(version) +
                          ", as Kubernetes 1.36 defines it. This development cluster knows names "
                          "and types of fields; their descriptions are in the Kubernetes API "
                          "reference.";
  schema["properties"]["apiVersion"] = {{"type", "string"}};
  schema["properties"]["kind"] = {{"type", "string"}};
  schema["x-kubernetes-group-version-kind"].push_back(KindExtension(resource, version));
}

Json DocumentOf(const Registry& registry, const std::string& group, const std::string& version) {
  Json document = {{"openapi", "3.0.0"},
                   {"info", {{"title", kTitle}, {"version", kGitVersion}}},
                   {"paths", Json::object()},
                   {"components", {{"schemas", Json::object()}}}};
  for (const Resource& resource : registry.resources()) {
    if (registry.Find(group, version, resource.plural) != &resource) continue;
    AddPaths(resource, version, document["paths"]);
    AddKind(resource, version, document["components"]["schemas"]);
  }
  return document;
}

std::string HashOf(const std::string& text) {
  std::string hash = runtime::Sha256Hex(text);
  for (char& c : hash) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return hash;
}

// A document of OpenAPI 2 without paths and definitions.
Answer VersionTwo(std::string_view accept) {
  Answer answer;
  if (accept.find("com.github.proto-openapi.spec.v2") == std::string_view::npos) {
    answer.body = Dump(Json{{"swagger", "2.0"},
                            {"info", {{"title", kTitle}, {"version", kGitVersion}}},
                            {"paths", Json::object()}});
    return answer;
  }
  // gnostic's OpenAPIv2.proto: Document.swagger = 1, info = 2, paths = 8; Info.title = 1,
  // version = 2. All texts are shorter than 128 bytes.
  auto field = [](char number, std::string_view bytes) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} +
           std::string(bytes);
  };
  answer.body = field(1, "2.0") + field(2, field(1, kTitle) + field(2, kGitVersion)) + field(8, "");
  // Asked for with an @, which no media type may have.
  answer.content_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
  return answer;
}

}  // namespace

std::optional<Answer> OpenApi::Serve(std::string_view path, const Query& query,
                                     std::string_view accept) {
  if (path == "/openapi/v2") return VersionTwo(accept);
  constexpr std::string_view kRoot = "/openapi/v3";
  if (!path.starts_with(kRoot)) return std::nullopt;
  std::call_once(made_, [&] {
    for (const std::string& group : registry_.groups())
      for (const std::string& version : registry_.Versions(group)) {
        std::string name = group.empty() ? "api/" + version : "apis/" + group + "/" + version;
        std::string text = Dump(DocumentOf(registry_, group, version));
        std::string url = std::string(kRoot) + "/" + name + "?hash=" + HashOf(text);
        documents_[name] = {std::move(text), std::move(url)};
      }
  });
  std::string_view rest = path.substr(kRoot.size());
  Answer answer;
  if (rest.empty() || rest == "/") {
    Json index = {{"paths", Json::object()}};
    for (const auto& [name, document] : documents_)
      index["paths"][name] = {{"serverRelativeURL", document.url}};
    answer.body = Dump(index);
    return answer;
  }
  auto found = documents_.find(rest.substr(1));
  if (rest[0] != '/' || found == documents_.end()) return std::nullopt;
  const Document& document = found->second;
  std::string hash = query.Get("hash");
  if (!hash.empty() && !document.url.ends_with("?hash=" + hash)) {
    answer.code = 301;
    answer.headers["Location"] = document.url;
    return answer;
  }
  if (!hash.empty()) answer.headers["Cache-Control"] = "public, immutable";
  answer.body = document.text;
  return answer;
}

}  // namespace dray::devcluster
