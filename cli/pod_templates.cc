#include "cli/pod_templates.h"

#include <optional>

#include <nlohmann/json.hpp>

namespace dray::cli {
namespace {

// A workload of Kubernetes itself: where its Pod template stands, and what says how many Pods.
struct WorkloadKind {
  std::string_view api_version, kind, path, pods;
};
constexpr WorkloadKind kWorkloads[] = {
    {"v1", "Pod", "", ""},
    {"v1", "PodTemplate", "/template", ""},
    {"v1", "ReplicationController", "/spec/template", "/spec/replicas"},
    {"apps/v1", "DaemonSet", "/spec/template", ""},
    {"apps/v1", "Deployment", "/spec/template", "/spec/replicas"},
    {"apps/v1", "ReplicaSet", "/spec/template", "/spec/replicas"},
    {"apps/v1", "StatefulSet", "/spec/template", "/spec/replicas"},
    {"batch/v1", "CronJob", "/spec/jobTemplate/spec/template",
     "/spec/jobTemplate/spec/parallelism"},
    {"batch/v1", "Job", "/spec/template", "/spec/parallelism"},
};

std::string TextOf(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const WorkloadKind* FindWorkload(const Json& object) {
  const std::string kind = TextOf(object, "kind"), version = TextOf(object, "apiVersion");
  // Manifests without apiVersion are read by their kind.
  for (const WorkloadKind& one : kWorkloads)
    if (kind == one.kind && (version.empty() || version == one.api_version)) return &one;
  return nullptr;
}

void FindTemplates(const Json& value, const Json::json_pointer& at,
                   std::vector<std::string>& found) {
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i) FindTemplates(value[i], at / i, found);
  if (!value.is_object()) return;
  if (auto spec = value.find("spec"); spec != value.end() && spec->is_object())
    if (auto containers = spec->find("containers");
        containers != spec->end() && containers->is_array() && !containers->empty() &&
        (*containers)[0].is_object() && !at.empty())
      return found.push_back(at.to_string());
  for (const auto& [name, member] : value.items()) FindTemplates(member, at / name, found);
}

}  // namespace

std::vector<std::string> PodTemplatePaths(const Json& object) {
  if (const WorkloadKind* known = FindWorkload(object)) return {std::string(known->path)};
  std::vector<std::string> found;
  FindTemplates(object, Json::json_pointer(), found);
  return found;
}

int64_t PodsOf(const Json& object) {
  const WorkloadKind* known = FindWorkload(object);
  if (known == nullptr || known->pods.empty()) return 1;
  const Json::json_pointer path{std::string(known->pods)};
  if (!object.contains(path) || !object[path].is_number_integer()) return 1;
  return object[path].get<int64_t>();
}

bool IsList(const Json& object, std::string* item_kind) {
  const std::string kind = TextOf(object, "kind");
  if (!kind.ends_with("List") || !object.contains("items")) return false;
  *item_kind = kind.substr(0, kind.size() - 4);
  return true;
}

Status Unlike(const std::string& what, const Json& value, const char* wanted) {
  return Status(
      Reason::kInvalid,
      what + " " + value.dump(-1, ' ', false, Json::error_handler_t::replace) + ": want " + wanted);
}

Result<std::string> MetadataText(const Json& object, const std::string& kind, const char* key) {
  auto metadata = object.find("metadata");
  if (metadata == object.end() || metadata->is_null()) return std::string();
  if (!metadata->is_object())
    return Unlike("metadata of a " + kind + " is", *metadata, "an object");
  auto text = metadata->find(key);
  if (text == metadata->end() || text->is_null()) return std::string();
  if (!text->is_string())
    return Unlike(std::string("metadata.") + key + " of a " + kind + " is", *text, "a text");
  return text->get<std::string>();
}

}  // namespace dray::cli
