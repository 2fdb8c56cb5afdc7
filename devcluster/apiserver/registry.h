#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// Every kind that the server knows, as data. The code around it (read, write, patch, delete, watch,
// discovery, tables) is the same for all of them.
namespace dray::devcluster {

struct Server;
struct Call;

struct Column {
  std::string name;
  std::string type = "string";
  std::string format;  // "name" for the name column
  int priority = 0;    // above 0: only with -o wide
  std::string description;
};

struct Subresource {
  std::string name;  // "status"
  std::vector<std::string> verbs;
  std::string group, version, kind;  // of its documents; kind "" means the parent's
};

struct FieldSelector {
  std::string label;  // as in ?fieldSelector=
  std::string path;   // where the value stands in the document
  std::string if_absent;
};

// When metadata.generation grows.
enum class GenerationRule { kNone, kSpec, kSpecOrAnnotations };

struct Resource {
  std::string group, kind, plural, singular;
  std::vector<std::string> versions;  // the first is preferred
  std::vector<std::string> short_names, categories;
  bool namespaced = true;
  std::vector<std::string> verbs = {"create", "delete", "deletecollection", "get",
                                    "list",   "patch",  "update",           "watch"};
  std::vector<Subresource> subresources;
  std::vector<FieldSelector> fields;  // metadata.name and metadata.namespace come by themselves

  GenerationRule generation = GenerationRule::kNone;
  bool status_keeps_metadata = true;  // a write to /status leaves all metadata as stored
  bool create_on_update = false;      // PUT of a missing object creates it
  bool unconditional_update = true;   // PUT without resourceVersion
  bool delete_returns_object = false;
  bool expires = false;  // objects vanish an hour after their last change

  std::vector<Column> columns;  // empty: Name, Age
  Json (*cells)(const Json& object, WallTime now) = nullptr;

  // Each may be null. `defaults` also runs on the outcome of a patch or webhook; `on_create` and
  // `on_update` after the metadata is complete; `validate` last, kInvalid with causes. `stored` is
  // null on create.
  void (*defaults)(Json& object, WallTime now) = nullptr;
  void (*on_create)(Json& object) = nullptr;
  void (*on_update)(Json& object, const Json& stored) = nullptr;
  Status (*validate)(const Json& object, const Json* stored) = nullptr;
  // Called instead of on_update and validate for a write to /status.
  void (*on_status)(Json& object, const Json& stored) = nullptr;
  Status (*validate_status)(const Json& object, const Json& stored) = nullptr;

  // Another face of a stored kind (events.k8s.io): the documents are converted both ways at the
  // edge.
  const char* stored_as_group = nullptr;
  Json (*from_stored)(const Json& object) = nullptr;
  Json (*to_stored)(const Json& object) = nullptr;

  // Not an object but a question: POST fills in the status and stores nothing (reviews.cc).
  void (*review)(const Server& server, const Call& call, Json& question) = nullptr;

  size_t storage = 0;  // the kind's index in the Store; filled by Registry

  std::string ApiVersion(std::string_view version) const {
    return group.empty() ? std::string(version) : group + "/" + std::string(version);
  }
  std::string ListKind() const { return kind + "List"; }
  // "pods", "resourceclaims.resource.k8s.io"
  std::string QualifiedPlural() const { return group.empty() ? plural : plural + "." + group; }
  // "Pod", "ResourceClaim.resource.k8s.io"
  std::string QualifiedKind() const { return group.empty() ? kind : kind + "." + group; }
  const Subresource* FindSubresource(std::string_view name) const;
  bool HasStatus() const { return FindSubresource("status") != nullptr; }
  bool Allows(std::string_view verb) const;
  std::vector<std::string> FieldLabels() const;  // metadata.name, metadata.namespace, fields...
};

class Registry {
 public:
  Registry();  // all kinds

  // Null when group, version or plural is not served.
  const Resource* Find(std::string_view group, std::string_view version,
                       std::string_view plural) const;
  const Resource* FindKind(std::string_view group, std::string_view kind) const;
  bool Serves(std::string_view group, std::string_view version) const;
  const std::vector<Resource>& resources() const { return resources_; }
  // In the order of discovery; "" first.
  const std::vector<std::string>& groups() const { return groups_; }
  // The versions of a group, preferred first.
  std::vector<std::string> Versions(std::string_view group) const;
  // One per storage index.
  std::vector<const Resource*> Stored() const;

 private:
  std::vector<Resource> resources_;
  std::vector<std::string> groups_;
  std::map<std::string, const Resource*, std::less<>> by_path_;  // "group/version/plural"
};

// The tables behind the registry, one per file resources_*.cc.
std::vector<Resource> CoreResources();
std::vector<Resource> WorkloadResources();
std::vector<Resource> DeviceResources();
std::vector<Resource> PolicyResources();  // admissionregistration, rbac
std::vector<Resource> ReviewResources();  // authentication, authorization

}  // namespace dray::devcluster
