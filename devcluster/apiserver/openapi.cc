#include <nlohmann/json.hpp>

#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/json_access.h"
#include "dray/runtime/pki.h"

namespace dray::devcluster {
namespace {

constexpr const char* kMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

// "io.k8s.api.resource.v1.ResourceClaim": how Kubernetes names schemas.
std::string SchemaName(const Resource& resource, const std::string& version) {
  std::string group = resource.group.substr(0, resource.group.find('.'));
  if (group.empty()) group = "core";
  return "io.k8s.api." + group + "." + version + "." + resource.kind;
}

Json Reference(const std::string& schema) {
  return {{"$ref", "#/components/schemas/" + schema}};
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
  Json schema = Reference(SchemaName(resource, version));
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
        QueryParameter("fieldValidation", "How unknown fields are treated: they are kept.")};
  for (const char* type : body_types)
    operation["requestBody"]["content"][type] = {
        {"schema", verb == "patch" ? Json({{"type", "object"}}) : schema}};
  return operation;
}

void AddPaths(const Resource& resource, const std::string& version, Json& paths) {
  std::string root = resource.group.empty() ? "/api/" + version
                                            : "/apis/" + resource.group + "/" + version;
  std::string collection =
      root + (resource.namespaced ? "/namespaces/{namespace}/" : "/") + resource.plural;
  paths[collection] = {{"get", Operation("list", resource, version, {})},
                       {"post", Operation("post", resource, version, {"application/json"})}};
  // Without the strategic media type here kubectl merges known kinds by its own Go types and others as plain JSON: both
  // are right, and no merge keys need to stand in the schemas.
  paths[collection + "/{name}"] = {
      {"get", Operation("get", resource, version, {})},
      {"put", Operation("put", resource, version, {"application/json"})},
      {"patch", Operation("patch", resource, version,
                          {"application/json-patch+json", "application/merge-patch+json",
                           "application/apply-patch+yaml"})},
      {"delete", Operation("delete", resource, version, {})}};
}

Json MetaSchema() {
  auto text = [](const char* description) {
    return Json({{"type", "string"}, {"description", description}});
  };
  auto map = [](const char* description) {
    return Json({{"type", "object"},
                 {"description", description},
                 {"additionalProperties", {{"type", "string"}}}});
  };
  return {{"type", "object"},
          {"description", "What every object carries."},
          {"properties",
           {{"name", text("Unique within a namespace and kind.")},
            {"generateName", text("A prefix for a name that the server makes unique.")},
            {"namespace", text("The namespace that the object lives in.")},
            {"uid", text("Unique in time and space; set by the server.")},
            {"resourceVersion", text("Changes with every change; set by the server.")},
            {"creationTimestamp", text("When the object was created; set by the server.")},
            {"deletionTimestamp", text("When the object is to be gone; set by the server.")},
            {"labels", map("Keys and values to select objects by.")},
            {"annotations", map("Keys and values that nobody selects by.")}}}};
}

Json KindSchema(const Resource& resource, const std::string& version) {
  auto part = [](const char* description) {
    return Json({{"type", "object"},
                 {"description", description},
                 {"x-kubernetes-preserve-unknown-fields", true}});
  };
  Json schema = {
      {"type", "object"},
      {"description", resource.kind + " of " + resource.ApiVersion(version) +
                          ", as Kubernetes 1.36 defines it. This development cluster does not "
                          "carry field descriptions."},
      {"x-kubernetes-group-version-kind", Json::array({KindExtension(resource, version)})},
      {"x-kubernetes-preserve-unknown-fields", true},
      {"properties",
       {{"apiVersion", {{"type", "string"}, {"description", "Group and version of this document."}}},
        {"kind", {{"type", "string"}, {"description", "What this document is."}}},
        {"metadata", {{"allOf", Json::array({Reference(kMeta)})},
                      {"description", "Name, labels and the like."}}},
        {"spec", part("The wanted state.")}}}};
  if (resource.HasStatus()) schema["properties"]["status"] = part("The present state.");
  return schema;
}

Json Document(const Registry& registry, const std::string& group, const std::string& version) {
  Json document = {{"openapi", "3.0.0"},
                   {"info", {{"title", "Dray development cluster"}, {"version", kGitVersion}}},
                   {"paths", Json::object()},
                   {"components", {{"schemas", {{kMeta, MetaSchema()}}}}}};
  for (const Resource& resource : registry.resources()) {
    if (registry.Find(group, version, resource.plural) != &resource) continue;
    AddPaths(resource, version, document["paths"]);
    document["components"]["schemas"][SchemaName(resource, version)] = KindSchema(resource, version);
  }
  return document;
}

std::string HashOf(const std::string& text) {
  std::string hash = runtime::Sha256Hex(text);
  for (char& c : hash) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return hash;
}

}  // namespace

std::optional<Answer> ServeOpenApi(const Registry& registry, std::string_view path,
                                   const Query& query) {
  constexpr std::string_view kRoot = "/openapi/v3";
  if (!path.starts_with(kRoot)) return std::nullopt;
  std::string_view rest = path.substr(kRoot.size());
  Json index = {{"paths", Json::object()}};
  for (const std::string& group : registry.groups())
    for (const std::string& version : registry.Versions(group)) {
      std::string name = group.empty() ? "api/" + version : "apis/" + group + "/" + version;
      bool wanted = rest == "/" + name;
      if (!rest.empty() && !wanted) continue;
      std::string document = Dump(Document(registry, group, version));
      std::string url = std::string(kRoot) + "/" + name + "?hash=" + HashOf(document);
      if (!wanted) {
        index["paths"][name] = {{"serverRelativeURL", url}};
        continue;
      }
      Answer answer;
      std::string hash = query.Get("hash");
      if (!hash.empty() && hash != HashOf(document)) {
        answer.code = 301;
        answer.headers["Location"] = url;
        return answer;
      }
      if (!hash.empty()) answer.headers["Cache-Control"] = "public, immutable";
      answer.body = std::move(document);
      return answer;
    }
  if (!rest.empty()) return std::nullopt;
  Answer answer;
  answer.body = Dump(index);
  return answer;
}

}  // namespace dray::devcluster
