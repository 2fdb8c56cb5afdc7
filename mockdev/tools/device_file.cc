#include "mockdev/tools/device_file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

namespace dray::mockdev::tools {
namespace {

constexpr int64_t kMiB = 1 << 20;

int64_t InMiB(const std::map<std::string, int64_t>& capacities, const std::string& name) {
  auto found = capacities.find(name);
  return found == capacities.end() ? 0 : found->second / kMiB;
}

DeviceFile Read(const std::filesystem::path& path) {
  std::ifstream in(path);
  nlohmann::json json = nlohmann::json::parse(in);
  DeviceFile device;
  device.claim_uid = json.at("claim").at("uid").get<std::string>();
  device.device = json.at("device").get<std::string>();
  device.request = json.value("request", "");
  device.ordinal = json.at("ordinal").get<int64_t>();
  device.slot = json.value("slot", int64_t{0});
  device.partial = json.value("partial", false);
  device.tools = json.at("tools").get<std::vector<std::string>>();
  device.values = json.at("values").get<std::map<std::string, std::string>>();
  for (const auto& [name, capacity] : json.at("capacity").items()) {
    device.total[name] = capacity.at("value").get<int64_t>();
    device.consumed[name] = capacity.at("consumed").get<int64_t>();
  }
  return device;
}

}  // namespace

std::string DeviceFile::Value(const std::string& name, const std::string& otherwise) const {
  auto found = values.find(name);
  return found == values.end() ? otherwise : found->second;
}

int64_t DeviceFile::TotalMiB(const std::string& capacity) const {
  return InMiB(total, capacity);
}
int64_t DeviceFile::ConsumedMiB(const std::string& capacity) const {
  return InMiB(consumed, capacity);
}

std::vector<DeviceFile> ReadDeviceFiles(const std::string& tool) {
  std::vector<DeviceFile> devices;
  std::error_code error;
  std::filesystem::path folder = Env("DRAY_DEVICE_DIR").value_or("/run/dray/devices");
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".json") continue;
    try {
      DeviceFile device = Read(entry.path());
      if (std::find(device.tools.begin(), device.tools.end(), tool) != device.tools.end()) {
        devices.push_back(std::move(device));
      }
    } catch (const std::exception& broken) {
      std::cerr << entry.path().string() << ": " << broken.what() << "\n";
    }
  }
  std::sort(devices.begin(), devices.end(), [](const DeviceFile& a, const DeviceFile& b) {
    return std::tie(a.claim_uid, a.ordinal) < std::tie(b.claim_uid, b.ordinal);
  });
  return devices;
}

std::optional<std::string> Env(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

}  // namespace dray::mockdev::tools
