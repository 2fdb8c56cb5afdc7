#include "dray/runtime/device_config.h"

#include <nlohmann/json.hpp>

#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::runtime {

Result<Json> DeviceConfigDocument(Json document, const std::string& file) {
  if (!document.is_object() || document.value("kind", "") != "ConfigMap") return document;
  const Json data = document.value("data", Json::object());
  auto inner = data.find("device-config.yaml");
  if (inner == data.end() || !inner->is_string())
    return Status(Reason::kInvalid, file + ": the ConfigMap has no data[\"device-config.yaml\"]");
  return ParseYaml(inner->get<std::string>(), file + ": device-config.yaml");
}

Result<admission::DeviceConfig> LoadDeviceConfig(const std::string& path) {
  if (path.empty()) return admission::DeviceConfig();
  Result<std::string> text = ReadFile(path);
  if (!text.ok()) return Status(Reason::kInvalid, text.status().message());
  DRAY_ASSIGN_OR_RETURN(Json document, ParseYaml(*text, path));
  DRAY_ASSIGN_OR_RETURN(document, DeviceConfigDocument(std::move(document), path));
  Result<admission::DeviceConfig> config = admission::DeviceConfig::FromJson(document);
  if (!config.ok()) return config.status().Wrapped(path);
  return config;
}

}  // namespace dray::runtime
