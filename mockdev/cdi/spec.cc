// Life of a claim, stop 6 of 8: describe. What a container runtime has to do for a container with
// this claim.
#include "mockdev/cdi/spec.h"

#include <cctype>
#include <nlohmann/json.hpp>

namespace dray::mockdev::cdi {
namespace {

Json EncodeEdits(const ContainerEdits& edits) {
  Json out = Json::object();
  if (!edits.env.empty()) out["env"] = edits.env;
  for (const DeviceNode& node : edits.device_nodes) {
    Json one = {{"path", node.path}};
    if (!node.host_path.empty()) one["hostPath"] = node.host_path;
    if (!node.type.empty()) one["type"] = node.type;
    if (node.major) one["major"] = *node.major;
    if (node.minor) one["minor"] = *node.minor;
    if (!node.permissions.empty()) one["permissions"] = node.permissions;
    out["deviceNodes"].push_back(std::move(one));
  }
  for (const Mount& mount : edits.mounts) {
    out["mounts"].push_back({{"hostPath", mount.host_path},
                             {"containerPath", mount.container_path},
                             {"options", mount.options}});
  }
  return out;
}

// Throws std::runtime_error with a sentence, or nlohmann's type error: DecodeSpec catches both.
void OnlyKeys(const Json& object, std::initializer_list<std::string_view> known,
              const std::string& where) {
  if (!object.is_object()) throw std::runtime_error(where + " is not an object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw std::runtime_error(where + " has the unknown field \"" + key + "\"");
    }
  }
}

ContainerEdits DecodeEdits(const Json& object, const std::string& where) {
  OnlyKeys(object, {"env", "deviceNodes", "mounts"}, where);
  ContainerEdits edits;
  for (const Json& env : object.value("env", Json::array())) {
    edits.env.push_back(env.get<std::string>());
    size_t equals = edits.env.back().find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw std::runtime_error(where + ": env \"" + edits.env.back() + "\" is not NAME=value");
    }
  }
  for (const Json& one : object.value("deviceNodes", Json::array())) {
    OnlyKeys(one, {"path", "hostPath", "type", "major", "minor", "permissions"},
             where + ".deviceNodes");
    DeviceNode node{
        one.at("path").get<std::string>(), one.value("hostPath", ""), one.value("type", ""), {}, {},
        one.value("permissions", "")};
    if (one.contains("major")) node.major = one.at("major").get<int64_t>();
    if (one.contains("minor")) node.minor = one.at("minor").get<int64_t>();
    edits.device_nodes.push_back(std::move(node));
  }
  for (const Json& one : object.value("mounts", Json::array())) {
    OnlyKeys(one, {"hostPath", "containerPath", "options"}, where + ".mounts");
    edits.mounts.push_back({one.at("hostPath").get<std::string>(),
                            one.at("containerPath").get<std::string>(),
                            one.value("options", std::vector<std::string>())});
  }
  return edits;
}

bool IsDeviceName(const std::string& name) {
  auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (name.empty() || !letter(name.front()) || !letter(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || c == '_' || c == '-' || c == '.' || c == ':';
  });
}

std::string DeviceName(const ClaimRecord& record, size_t ordinal) {
  return record.uid + "-" + std::to_string(ordinal) + "-" + record.devices[ordinal].device;
}

}  // namespace

std::string KindOfDriver(std::string_view driver) {
  return "k8s." + std::string(driver) + "/claim";
}

std::string DeviceId(std::string_view driver, const ClaimRecord& record, size_t ordinal) {
  return KindOfDriver(driver) + "=" + DeviceName(record, ordinal);
}

Spec SpecForClaim(std::string_view driver, const ClaimRecord& record, const ClaimEdits& edits) {
  Spec spec;
  spec.kind = KindOfDriver(driver);
  spec.edits = edits.common;
  for (size_t i = 0; i < edits.devices.size(); ++i) {
    spec.devices.push_back({DeviceName(record, i), edits.devices[i]});
  }
  return spec;
}

std::string EncodeSpec(const Spec& spec) {
  Json out = {{"cdiVersion", spec.version}, {"kind", spec.kind}, {"devices", Json::array()}};
  for (const NamedDevice& device : spec.devices) {
    out["devices"].push_back(
        {{"name", device.name}, {"containerEdits", EncodeEdits(device.edits)}});
  }
  if (!spec.edits.empty()) out["containerEdits"] = EncodeEdits(spec.edits);
  return out.dump(2) + "\n";
}

Result<Spec> DecodeSpec(std::string_view text) {
  try {
    Json document = Json::parse(text);
    OnlyKeys(document, {"cdiVersion", "kind", "devices", "containerEdits"}, "the file");
    Spec spec;
    spec.version = document.at("cdiVersion").get<std::string>();
    spec.kind = document.at("kind").get<std::string>();
    if (spec.version != "0.6.0")
      throw std::runtime_error("cdiVersion " + spec.version + " is not 0.6.0");
    if (std::count(spec.kind.begin(), spec.kind.end(), '/') != 1) {
      throw std::runtime_error("kind " + spec.kind + " is not vendor/class");
    }
    for (const Json& one : document.at("devices")) {
      OnlyKeys(one, {"name", "containerEdits"}, "a device");
      NamedDevice device{one.at("name").get<std::string>(), {}};
      if (!IsDeviceName(device.name))
        throw std::runtime_error("\"" + device.name + "\" is not a device name");
      device.edits = DecodeEdits(one.at("containerEdits"), "device " + device.name);
      if (device.edits.empty()) throw std::runtime_error("device " + device.name + " has no edits");
      spec.devices.push_back(std::move(device));
    }
    if (spec.devices.empty()) throw std::runtime_error("there are no devices");
    if (document.contains("containerEdits"))
      spec.edits = DecodeEdits(document["containerEdits"], "containerEdits");
    return spec;
  } catch (const std::exception& error) {
    return Status(Reason::kInvalid, "not a CDI file of ours: " + std::string(error.what()));
  }
}

}  // namespace dray::mockdev::cdi
