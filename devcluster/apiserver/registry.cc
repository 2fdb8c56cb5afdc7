#include "devcluster/apiserver/registry.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dray::devcluster {

const Subresource* Resource::FindSubresource(std::string_view wanted) const {
  auto found = std::find_if(subresources.begin(), subresources.end(),
                            [&](const Subresource& s) { return s.name == wanted; });
  return found == subresources.end() ? nullptr : &*found;
}

bool Resource::Allows(std::string_view verb) const {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

std::vector<std::string> Resource::FieldLabels() const {
  std::vector<std::string> labels = {"metadata.name", "metadata.namespace"};
  for (const FieldSelector& field : fields) labels.push_back(field.label);
  return labels;
}

Registry::Registry() {
  for (auto* table :
       {CoreResources, WorkloadResources, DeviceResources, PolicyResources, ReviewResources})
    for (Resource& resource : table()) resources_.push_back(std::move(resource));

  size_t storages = 0;
  for (Resource& resource : resources_)
    if (!resource.stored_as_group) resource.storage = storages++;
  for (Resource& resource : resources_) {
    if (resource.stored_as_group)
      resource.storage = FindKind(resource.stored_as_group, resource.kind)->storage;
    if (resource.singular.empty()) {
      resource.singular = resource.kind;
      std::transform(resource.singular.begin(), resource.singular.end(), resource.singular.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    for (const std::string& version : resource.versions)
      by_path_.emplace(resource.group + "/" + version + "/" + resource.plural, &resource);
    if (std::find(groups_.begin(), groups_.end(), resource.group) == groups_.end())
      groups_.push_back(resource.group);
  }
}

const Resource* Registry::Find(std::string_view group, std::string_view version,
                               std::string_view plural) const {
  std::string path;
  path.append(group).append("/").append(version).append("/").append(plural);
  auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

const Resource* Registry::FindKind(std::string_view group, std::string_view kind) const {
  auto found = std::find_if(resources_.begin(), resources_.end(), [&](const Resource& resource) {
    return resource.group == group && resource.kind == kind;
  });
  return found == resources_.end() ? nullptr : &*found;
}

bool Registry::Serves(std::string_view group, std::string_view version) const {
  std::vector<std::string> versions = Versions(group);
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

std::vector<std::string> Registry::Versions(std::string_view group) const {
  std::vector<std::string> versions;
  for (const Resource& resource : resources_)
    if (resource.group == group)
      for (const std::string& version : resource.versions)
        if (std::find(versions.begin(), versions.end(), version) == versions.end())
          versions.push_back(version);
  return versions;
}

std::vector<const Resource*> Registry::Stored() const {
  std::vector<const Resource*> stored;
  for (const Resource& resource : resources_)
    if (!resource.stored_as_group) stored.push_back(&resource);
  return stored;
}

}  // namespace dray::devcluster
