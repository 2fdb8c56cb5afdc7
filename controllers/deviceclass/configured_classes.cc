#include <nlohmann/json.hpp>

#include "controllers/deviceclass/deviceclass_reconciler.h"
#include "dray/api/cel.h"
#include "dray/api/codec.h"
#include "dray/api/validation.h"
#include "dray/base/embedded.h"
#include "dray/runtime/yaml.h"

namespace dray::controllers {
namespace {

bool Says(const Json& document, const char* key, const char* value) {
  if (!document.is_object()) return false;
  auto found = document.find(key);
  return found != document.end() && *found == value;
}

Status Compiles(std::string_view expression) {
  return cel::Program::Compile(expression, {}).status();
}

}  // namespace

Result<ConfiguredClasses> ReadDeviceClasses(std::string_view yaml, std::string_view file) {
  DRAY_ASSIGN_OR_RETURN(std::vector<Json> documents, runtime::ParseYamlDocuments(yaml, file));
  ConfiguredClasses classes;
  for (size_t i = 0; i < documents.size(); ++i) {
    if (documents[i].is_null()) continue;
    const std::string where = std::string(file) + ": document " + std::to_string(i + 1);
    if (!Says(documents[i], "kind", "DeviceClass") ||
        !Says(documents[i], "apiVersion", "resource.k8s.io/v1"))
      return Status(Reason::kInvalid,
                    where + ": want kind DeviceClass of apiVersion resource.k8s.io/v1");
    Result<api::DeviceClass> parsed = api::FromJson<api::DeviceClass>(documents[i]);
    if (!parsed.ok()) return parsed.status().Wrapped(where);
    if (Status valid = api::ValidateDeviceClass(*parsed, Compiles); !valid.ok())
      return valid.Wrapped(where);
    const std::string name = parsed->metadata.name;
    if (!classes.emplace(name, documents[i].dump()).second)
      return Status(Reason::kInvalid,
                    where + ": metadata.name: " + name + ": this class was already given");
  }
  return classes;
}

Result<ConfiguredClasses> BuiltInDeviceClasses() {
  ConfiguredClasses all;
  for (std::string_view path : EmbeddedFiles("config/deviceclasses/")) {
    if (path.ends_with("kustomization.yaml")) continue;
    DRAY_ASSIGN_OR_RETURN(ConfiguredClasses some, ReadDeviceClasses(*EmbeddedFile(path), path));
    all.merge(some);
  }
  return all;
}

}  // namespace dray::controllers
