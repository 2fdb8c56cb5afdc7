#include "dray/runtime/device_config.h"

#include <nlohmann/json.hpp>

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

}  // namespace dray::runtime
