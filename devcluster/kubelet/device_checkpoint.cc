#include "devcluster/kubelet/device_checkpoint.h"

#include <nlohmann/json.hpp>

#include "devcluster/kubelet/claim_checkpoint.h"
#include "dray/base/base64.h"
#include "dray/base/json.h"

namespace dray::devcluster {

std::string EncodeDeviceCheckpoint(const DeviceMemory& memory) {
  Json entries = Json::array();
  for (const auto& [pod, containers] : memory.holds) {
    for (const auto& [container, resources] : containers) {
      for (const auto& [resource, hold] : resources) {
        entries.push_back({{"PodUID", pod},
                           {"ContainerName", container},
                           {"ResourceName", resource},
                           {"DeviceIDs", {{"-1", hold.ids}}},
                           {"AllocResp", EncodeBase64(hold.grant)}});
      }
    }
  }
  Json registered = Json::object();
  for (const auto& [resource, ids] : memory.registered) registered[resource] = ids;
  return SealCheckpoint(
      Json{{"PodDeviceEntries", entries}, {"RegisteredDevices", registered}}.dump());
}

Result<DeviceMemory> DecodeDeviceCheckpoint(std::string_view text) {
  DRAY_ASSIGN_OR_RETURN(std::string data, OpenCheckpoint(text));
  try {
    Json json = Json::parse(data);
    DeviceMemory memory;
    for (const Json& entry : json.at("PodDeviceEntries")) {
      DeviceHold hold;
      for (const auto& [node, ids] : entry.at("DeviceIDs").items()) {
        for (const Json& id : ids) hold.ids.push_back(id.get<std::string>());
      }
      std::optional<std::string> grant = DecodeBase64(entry.at("AllocResp").get<std::string>());
      if (!grant) return Status(Reason::kInvalid, "AllocResp is not base64");
      hold.grant = std::move(*grant);
      memory.holds[entry.at("PodUID").get<std::string>()]
                  [entry.at("ContainerName").get<std::string>()]
                  [entry.at("ResourceName").get<std::string>()] = std::move(hold);
    }
    for (const auto& [resource, ids] : json.at("RegisteredDevices").items()) {
      memory.registered[resource] = ids.get<std::vector<std::string>>();
    }
    return memory;
  } catch (const Json::exception& error) {
    return Status(Reason::kInvalid, error.what());
  }
}

}  // namespace dray::devcluster
