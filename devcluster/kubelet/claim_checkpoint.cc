#include "devcluster/kubelet/claim_checkpoint.h"

#include <nlohmann/json.hpp>

#include "dray/base/json.h"

namespace dray::devcluster {
namespace {

constexpr char kKind[] = "DRACheckpoint";
constexpr char kVersion[] = "checkpoint.dra.kubelet.k8s.io/v1";

// CRC-32 as IEEE 802.3 and zlib compute it.
uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xedb88320u : 0);
  }
  return ~crc;
}

Json EncodeDevice(const PreparedDevice& device) {
  return {{"PoolName", device.pool},
          {"DeviceName", device.device},
          {"ShareID", device.share_id ? Json(*device.share_id) : Json()},
          {"RequestNames", device.request_names},
          {"CDIDeviceIDs", device.cdi_ids}};
}

// Go writes a nil slice as null.
std::vector<std::string> Texts(const Json& parent, const char* key) {
  auto at = parent.find(key);
  return at == parent.end() || at->is_null() ? std::vector<std::string>()
                                             : at->get<std::vector<std::string>>();
}

PreparedDevice DecodeDevice(const Json& json) {
  PreparedDevice device{Texts(json, "RequestNames"),
                        json.at("PoolName").get<std::string>(),
                        json.at("DeviceName").get<std::string>(),
                        Texts(json, "CDIDeviceIDs"),
                        {}};
  if (auto share = json.find("ShareID"); share != json.end() && !share->is_null()) {
    device.share_id = share->get<std::string>();
  }
  return device;
}

ClaimInfo DecodeClaim(const Json& json) {
  ClaimInfo claim{json.at("Namespace").get<std::string>(), json.at("ClaimName").get<std::string>(),
                  json.at("ClaimUID").get<std::string>()};
  for (const auto& [uid, empty] : json.at("PodUIDs").items()) claim.pod_uids.insert(uid);
  for (const auto& [driver, state] : json.at("DriverState").items()) {
    auto& devices = claim.drivers[driver];
    auto list = state.find("Devices");
    if (list == state.end() || list->is_null()) continue;
    for (const Json& device : *list) devices.push_back(DecodeDevice(device));
  }
  return claim;
}

}  // namespace

std::string SealCheckpoint(const std::string& data) {
  return Json{{"Data", data}, {"Checksum", Crc32(data)}}.dump();
}

Result<std::string> OpenCheckpoint(std::string_view text) {
  Json outer = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!outer.is_object() || !outer.contains("Data") || !outer["Data"].is_string() ||
      !outer.contains("Checksum") || !outer["Checksum"].is_number_integer()) {
    return Status(Reason::kInvalid, "not a checkpoint (an object with Data and Checksum)");
  }
  std::string data = outer["Data"].get<std::string>();
  if (outer["Checksum"].get<int64_t>() != Crc32(data))
    return Status(Reason::kInvalid, "the checksum does not match");
  return data;
}

std::string EncodeClaimCheckpoint(const std::vector<ClaimInfo>& claims) {
  Json list = Json::array();
  for (const ClaimInfo& claim : claims) {
    Json pods = Json::object(), drivers = Json::object();
    for (const std::string& uid : claim.pod_uids) pods[uid] = Json::object();
    for (const auto& [driver, devices] : claim.drivers) {
      Json entries = Json::array();
      for (const PreparedDevice& device : devices) entries.push_back(EncodeDevice(device));
      drivers[driver] = {{"Devices", entries}};
    }
    list.push_back({{"ClaimUID", claim.uid},
                    {"ClaimName", claim.name},
                    {"Namespace", claim.namespace_},
                    {"PodUIDs", pods},
                    {"DriverState", drivers}});
  }
  return SealCheckpoint(
      Json{{"kind", kKind}, {"apiVersion", kVersion}, {"ClaimInfoStateList", list}}.dump());
}

Result<std::vector<ClaimInfo>> DecodeClaimCheckpoint(std::string_view text) {
  DRAY_ASSIGN_OR_RETURN(std::string data, OpenCheckpoint(text));
  try {
    Json inner = Json::parse(data);
    if (inner.at("kind") != kKind || inner.at("apiVersion") != kVersion) {
      return Status(Reason::kInvalid, "unknown layout " + inner.at("apiVersion").dump() + " " +
                                          inner.at("kind").dump());
    }
    std::vector<ClaimInfo> claims;
    const Json& list = inner.at("ClaimInfoStateList");
    if (!list.is_null()) {
      for (const Json& claim : list) claims.push_back(DecodeClaim(claim));
    }
    return claims;
  } catch (const Json::exception& error) {
    return Status(Reason::kInvalid, error.what());
  }
}

}  // namespace dray::devcluster
