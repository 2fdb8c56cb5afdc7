#include "devcluster/apiserver/discovery.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"

namespace dray::devcluster {
namespace {

// "v2" or "v2beta1" when the client prefers the aggregated form.
std::string AggregatedVersion(std::string_view accept) {
  for (std::string_view range : Split(accept, ',')) {
    std::string group, version, as;
    std::vector<std::string_view> parts = Split(range, ';');
    if (Trim(parts[0]) != "application/json") continue;
    for (std::string_view part : parts) {
      part = Trim(part);
      if (part.starts_with("g=")) group = part.substr(2);
      if (part.starts_with("v=")) version = part.substr(2);
      if (part.starts_with("as=")) as = part.substr(3);
    }
    if (as.empty()) return "";
    if (group == "apidiscovery.k8s.io" && as == "APIGroupDiscoveryList" &&
        (version == "v2" || version == "v2beta1"))
      return version;
  }
  return "";
}

Json KindDocument(const std::string& group, const std::string& version, const std::string& kind) {
  return {{"group", group}, {"version", version}, {"kind", kind}};
}

// Group, version and kind of the documents of a subresource.
Json SubresourceKind(const Resource& resource, const std::string& version,
                     const Subresource& subresource) {
  if (subresource.kind.empty()) return KindDocument(resource.group, version, resource.kind);
  return KindDocument(subresource.group, subresource.version, subresource.kind);
}

Json AggregatedResource(const Resource& resource, const std::string& version) {
  Json json = {{"resource", resource.plural},
               {"responseKind", KindDocument(resource.group, version, resource.kind)},
               {"scope", resource.namespaced ? "Namespaced" : "Cluster"},
               {"singularResource", resource.singular},
               {"verbs", resource.verbs}};
  if (!resource.short_names.empty()) json["shortNames"] = resource.short_names;
  if (!resource.categories.empty()) json["categories"] = resource.categories;
  for (const Subresource& subresource : resource.subresources)
    json["subresources"].push_back(
        {{"subresource", subresource.name},
         {"responseKind", SubresourceKind(resource, version, subresource)},
         {"verbs", subresource.verbs}});
  return json;
}

Json AggregatedGroup(const Registry& registry, const std::string& group) {
  Json json = {{"metadata", {{"creationTimestamp", nullptr}}}, {"versions", Json::array()}};
  if (!group.empty()) json["metadata"]["name"] = group;
  for (const std::string& version : registry.Versions(group)) {
    Json resources = Json::array();
    for (const Resource& resource : registry.resources())
      if (resource.group == group && std::find(resource.versions.begin(), resource.versions.end(),
                                               version) != resource.versions.end())
        resources.push_back(AggregatedResource(resource, version));
    json["versions"].push_back(
        {{"version", version}, {"freshness", "Current"}, {"resources", std::move(resources)}});
  }
  return json;
}

Answer Aggregated(const Registry& registry, bool core, const std::string& version) {
  Json list = {{"kind", "APIGroupDiscoveryList"},
               {"apiVersion", "apidiscovery.k8s.io/" + version},
               {"metadata", Json::object()},
               {"items", Json::array()}};
  for (const std::string& group : registry.groups())
    if (group.empty() == core) list["items"].push_back(AggregatedGroup(registry, group));
  Answer answer;
  answer.content_type =
      "application/json;g=apidiscovery.k8s.io;v=" + version + ";as=APIGroupDiscoveryList";
  answer.headers["Vary"] = "Accept";
  answer.body = Dump(list);
  return answer;
}

Json GroupDocument(const Registry& registry, const std::string& group) {
  Json versions = Json::array();
  for (const std::string& version : registry.Versions(group))
    versions.push_back({{"groupVersion", group + "/" + version}, {"version", version}});
  return {{"name", group}, {"versions", versions}, {"preferredVersion", versions[0]}};
}

Json ResourceList(const Registry& registry, const std::string& group, const std::string& version) {
  Json resources = Json::array();
  for (const Resource& resource : registry.resources()) {
    if (registry.Find(group, version, resource.plural) != &resource) continue;
    Json json = {{"name", resource.plural},
                 {"singularName", resource.singular},
                 {"namespaced", resource.namespaced},
                 {"kind", resource.kind},
                 {"verbs", resource.verbs}};
    if (!resource.short_names.empty()) json["shortNames"] = resource.short_names;
    if (!resource.categories.empty()) json["categories"] = resource.categories;
    resources.push_back(std::move(json));
    for (const Subresource& subresource : resource.subresources) {
      Json kind = SubresourceKind(resource, version, subresource);
      Json sub = {{"name", resource.plural + "/" + subresource.name},
                  {"singularName", ""},
                  {"namespaced", resource.namespaced},
                  {"kind", kind["kind"]},
                  {"verbs", subresource.verbs}};
      if (!subresource.kind.empty()) {
        sub["group"] = kind["group"];
        sub["version"] = kind["version"];
      }
      resources.push_back(std::move(sub));
    }
  }
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group.empty() ? version : group + "/" + version},
          {"resources", std::move(resources)}};
}

Answer Plain(const Json& body) {
  Answer answer;
  answer.headers["Vary"] = "Accept";
  answer.body = Dump(body);
  return answer;
}

}  // namespace

std::optional<Answer> ServeDiscovery(const Registry& registry, std::string_view path,
                                     std::string_view accept, std::string_view host) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  bool core = path == "/api";
  if (core || path == "/apis") {
    if (std::string version = AggregatedVersion(accept); !version.empty())
      return Aggregated(registry, core, version);
    if (core)
      return Plain({{"kind", "APIVersions"},
                    {"versions", registry.Versions("")},
                    {"serverAddressByClientCIDRs",
                     Json::array({{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", host}}})}});
    Json groups = Json::array();
    for (const std::string& group : registry.groups())
      if (!group.empty()) groups.push_back(GroupDocument(registry, group));
    return Plain({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}});
  }
  std::vector<std::string_view> parts = Split(path.substr(1), '/');
  if (parts.size() == 2 && parts[0] == "api" && registry.Serves("", parts[1]))
    return Plain(ResourceList(registry, "", std::string(parts[1])));
  if (parts.size() < 2 || parts.size() > 3 || parts[0] != "apis") return std::nullopt;
  std::string group(parts[1]);
  if (group.empty() || registry.Versions(group).empty()) return std::nullopt;
  if (parts.size() == 2) {
    Json json = GroupDocument(registry, group);
    json["kind"] = "APIGroup";
    json["apiVersion"] = "v1";
    return Plain(json);
  }
  if (!registry.Serves(group, parts[2])) return std::nullopt;
  return Plain(ResourceList(registry, group, std::string(parts[2])));
}

}  // namespace dray::devcluster
