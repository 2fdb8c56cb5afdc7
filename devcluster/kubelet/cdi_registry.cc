#include "devcluster/kubelet/cdi_registry.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::devcluster {
namespace {

Result<Json> ParseFile(const std::string& path) {
  DRAY_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(path));
  if (path.ends_with(".yaml")) return runtime::ParseYaml(text, path);
  Json document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) return Status(Reason::kInvalid, "not JSON");
  return document;
}

}  // namespace

void CdiRegistry::Add(std::shared_ptr<const CdiSpec> spec, int priority, const std::string& file) {
  for (const CdiDevice& device : spec->devices) {
    std::string name = spec->kind + "=" + device.name;
    Entry& entry = devices_[name];
    if (!entry.file.empty() && entry.priority > priority) continue;
    if (!entry.file.empty() && entry.priority == priority) {
      errors_.push_back(file + ": device " + name + " stands in " + entry.file +
                        " too: not usable");
      entry.device = nullptr;
      continue;
    }
    entry = {spec, &device, priority, file};
  }
}

CdiRegistry CdiRegistry::Load(const std::vector<std::string>& directories) {
  CdiRegistry registry;
  int priority = 0;
  for (const std::string& directory : directories) {
    std::vector<std::string> files;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
      std::string path = at->path().string();
      if (path.ends_with(".json") || path.ends_with(".yaml")) files.push_back(path);
    }
    std::sort(files.begin(), files.end());
    for (const std::string& path : files) {
      Result<Json> document = ParseFile(path);
      Result<CdiSpec> spec =
          document.ok() ? ParseCdiSpec(*document) : Result<CdiSpec>(document.status());
      if (spec.ok()) {
        registry.Add(std::make_shared<const CdiSpec>(std::move(*spec)), priority, path);
      } else if (!spec.Is(Reason::kNotFound)) {  // removed since the directory was read
        registry.errors_.push_back(path + ": " + spec.status().message());
      }
    }
    ++priority;
  }
  return registry;
}

Result<ContainerEdits> CdiRegistry::Resolve(const std::vector<std::string>& names) const {
  std::vector<std::string> unresolved;
  for (const std::string& name : names) {
    auto at = devices_.find(name);
    if (at == devices_.end() || at->second.device == nullptr) unresolved.push_back(name);
  }
  if (!unresolved.empty()) {
    std::string message = "unresolvable CDI devices ";
    for (size_t i = 0; i < unresolved.size(); ++i) message += (i == 0 ? "" : ", ") + unresolved[i];
    for (const std::string& error : errors_) message += "; " + error;
    return Status(Reason::kInvalid, message);
  }
  ContainerEdits merged;
  std::set<const CdiSpec*> seen;
  std::set<std::string> done;
  for (const std::string& name : names) {
    if (!done.insert(name).second) continue;
    const Entry& entry = devices_.at(name);
    if (seen.insert(entry.spec.get()).second) merged.Append(entry.spec->edits);
    merged.Append(entry.device->edits);
  }
  return merged;
}

}  // namespace dray::devcluster
