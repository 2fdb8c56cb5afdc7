// What the flags of dray-controller-manager name: addresses and files.
#include <charconv>

#include <nlohmann/json.hpp>

#include "controllers/manager/controller_manager.h"
#include "dray/runtime/device_config.h"
#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::controllers {

Result<std::optional<BindAddress>> ParseBindAddress(const std::string& flag, const std::string& text) {
  if (text.empty() || text == "0") return std::optional<BindAddress>();
  const size_t colon = text.rfind(':');
  unsigned port = 0;
  const char* end = text.data() + text.size();
  if (colon != std::string::npos) {
    auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error == std::errc() && stop == end && port <= 65535) {
      std::string address = text.substr(0, colon);
      if (address.size() > 1 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
      return std::optional<BindAddress>({address.empty() ? "0.0.0.0" : address, static_cast<uint16_t>(port)});
    }
  }
  return Status(Reason::kInvalid, "--" + flag + ": " + text + ": want ADDRESS:PORT as in :8080, or 0 for off");
}

Result<admission::DeviceConfig> LoadDeviceConfig(const std::string& path) {
  if (path.empty()) return admission::DeviceConfig();
  DRAY_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(path));
  DRAY_ASSIGN_OR_RETURN(Json document, runtime::ParseYaml(text, path));
  DRAY_ASSIGN_OR_RETURN(document, runtime::DeviceConfigDocument(std::move(document), path));
  Result<admission::DeviceConfig> config = admission::DeviceConfig::FromJson(document);
  if (!config.ok()) return config.status().Wrapped(path);
  return config;
}

Result<ConfiguredClasses> LoadDeviceClasses(const std::string& path) {
  if (path.empty()) return BuiltInDeviceClasses();
  if (path == "none") return ConfiguredClasses();
  DRAY_ASSIGN_OR_RETURN(std::string text, runtime::ReadFile(path));
  return ReadDeviceClasses(text, path);
}

}  // namespace dray::controllers
