// Life of a claim, stop 5 of 8: prepare, the memory. The order of the effects is in
// claim_preparer.cc.
#include "mockdev/ledger/claim_ledger.h"

#include <nlohmann/json.hpp>

#include "dray/base/json.h"
#include "dray/runtime/files.h"
#include "dray/runtime/pki.h"

namespace dray::mockdev {
namespace {

constexpr int kVersion = 1;

Json EncodeRecord(const ClaimRecord& record) {
  Json devices = Json::array();
  for (const PreparedDevice& device : record.devices) {
    Json one = {{"request", device.request}, {"pool", device.pool},
                {"device", device.device},   {"slot", device.slot},
                {"cdiID", device.cdi_id},    {"consumed", Json::object()}};
    for (const auto& [name, quantity] : device.consumed)
      one["consumed"][name] = quantity.ToString();
    if (device.share_id) one["shareID"] = *device.share_id;
    if (device.admin_access) one["adminAccess"] = true;
    if (!device.units.empty()) one["units"] = device.units;
    devices.push_back(std::move(one));
  }
  return {{"state", record.state == ClaimRecord::State::kCompleted ? "completed" : "started"},
          {"namespace", record.namespace_},
          {"name", record.name},
          {"devices", std::move(devices)}};
}

// Throws nlohmann's errors and std::runtime_error; Open catches both.
ClaimRecord DecodeRecord(const std::string& uid, const Json& json) {
  ClaimRecord record;
  record.uid = uid;
  std::string state = json.at("state").get<std::string>();
  if (state != "started" && state != "completed")
    throw std::runtime_error("unknown state " + state);
  record.state =
      state == "completed" ? ClaimRecord::State::kCompleted : ClaimRecord::State::kStarted;
  record.namespace_ = json.at("namespace").get<std::string>();
  record.name = json.at("name").get<std::string>();
  for (const Json& one : json.at("devices")) {
    PreparedDevice device;
    device.request = one.at("request").get<std::string>();
    device.pool = one.at("pool").get<std::string>();
    device.device = one.at("device").get<std::string>();
    device.slot = one.at("slot").get<int64_t>();
    device.cdi_id = one.at("cdiID").get<std::string>();
    for (const auto& [name, text] : one.at("consumed").items()) {
      Result<api::Quantity> quantity = api::Quantity::Parse(text.get<std::string>());
      if (!quantity.ok()) throw std::runtime_error(quantity.status().message());
      device.consumed[name] = *quantity;
    }
    if (one.contains("shareID")) device.share_id = one.at("shareID").get<std::string>();
    device.admin_access = one.value("adminAccess", false);
    device.units = one.value("units", std::vector<int>());
    record.devices.push_back(std::move(device));
  }
  return record;
}

}  // namespace

ClaimLedger::ClaimLedger(std::string path, std::string driver, EffectHook before)
    : path_(std::move(path)), driver_(std::move(driver)), before_(std::move(before)) {}

Result<std::unique_ptr<ClaimLedger>> ClaimLedger::Open(std::string path, std::string driver,
                                                       EffectHook before) {
  std::unique_ptr<ClaimLedger> ledger(
      new ClaimLedger(std::move(path), std::move(driver), std::move(before)));
  Result<std::string> text = runtime::ReadFile(ledger->path_);
  if (text.Is(Reason::kNotFound)) return ledger;
  if (!text.ok()) return text.status();
  auto refuse = [&](const std::string& why) {
    return Status(Reason::kInvalid, "ledger " + ledger->path_ + " " + why +
                                        ": which claims are prepared on this node is unknown; "
                                        "restore the file, or drain the node and "
                                        "remove it");
  };
  try {
    Json document = Json::parse(*text);
    const Json& data = document.at("data");
    int version = data.at("version").get<int>();
    if (version != kVersion)
      return refuse("has version " + std::to_string(version) + " and this program knows 1");
    if (document.at("checksum").get<std::string>() != runtime::Sha256Hex(data.dump())) {
      return refuse("does not match its checksum");
    }
    if (std::string owner = data.at("driver").get<std::string>(); owner != ledger->driver_) {
      return refuse("belongs to driver " + owner + " and not to " + ledger->driver_);
    }
    for (const auto& [uid, record] : data.at("claims").items())
      ledger->claims_[uid] = DecodeRecord(uid, record);
  } catch (const std::exception& error) {
    return refuse("cannot be understood (" + std::string(error.what()) + ")");
  }
  return ledger;
}

const ClaimRecord* ClaimLedger::Find(const std::string& uid) const {
  auto found = claims_.find(uid);
  return found == claims_.end() ? nullptr : &found->second;
}

Status ClaimLedger::Put(const ClaimRecord& record) {
  std::map<std::string, ClaimRecord> claims = claims_;
  claims[record.uid] = record;
  DRAY_RETURN_IF_ERROR(Write(claims, record.state == ClaimRecord::State::kCompleted
                                         ? "ledger completed"
                                         : "ledger started"));
  claims_ = std::move(claims);
  return {};
}

Status ClaimLedger::Remove(const std::string& uid) {
  if (!claims_.contains(uid)) return {};
  std::map<std::string, ClaimRecord> claims = claims_;
  claims.erase(uid);
  DRAY_RETURN_IF_ERROR(Write(claims, "ledger removed"));
  claims_ = std::move(claims);
  return {};
}

Status ClaimLedger::Write(const std::map<std::string, ClaimRecord>& claims, std::string_view step) {
  if (before_) DRAY_RETURN_IF_ERROR(before_(step));
  Json data = {{"version", kVersion}, {"driver", driver_}, {"claims", Json::object()}};
  for (const auto& [uid, record] : claims) data["claims"][uid] = EncodeRecord(record);
  Json document = {{"checksum", runtime::Sha256Hex(data.dump())}, {"data", std::move(data)}};
  return runtime::WriteFileAtomically(path_, document.dump(1) + "\n", 0600);
}

}  // namespace dray::mockdev
