// Life of a claim, stop 5 of 8: prepare, the pure half. The effects are in mockdev/ledger.
#include "mockdev/profiles/edits.h"

#include <nlohmann/json.hpp>

namespace dray::mockdev {
namespace {

std::string HexMask(const std::vector<int>& units, int first) {
  uint64_t mask = 0;
  for (int unit : units) {
    if (unit >= first && unit < first + 64) mask |= uint64_t{1} << (unit - first);
  }
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, mask >>= 4) text[i] = kDigits[mask & 15];
  return text;
}

void AddQuantities(const std::string& prefix,
                   const std::map<std::string, api::Quantity>& quantities, Variables& variables) {
  for (const auto& [name, quantity] : quantities) {
    variables[prefix + name] = std::to_string(quantity.Value());
    variables[prefix + name + ":Mi"] = std::to_string(quantity.Value() >> 20);
  }
}

bool IsPartial(const DeviceProfile& profile, const api::Device& device,
               const PreparedDevice& prepared) {
  for (const std::string& name : profile.partial_by) {
    auto whole = device.capacity.find(name);
    auto given = prepared.consumed.find(name);
    if (whole != device.capacity.end() && given != prepared.consumed.end() &&
        given->second < whole->second.value) {
      return true;
    }
  }
  return false;
}

bool Applies(When when, bool partial) {
  return when == When::kAlways || (when == When::kPartial) == partial;
}

// Adds the expanded templates to `edits`, and what they need on the host to `files`.
Status Apply(const EditTemplates& templates, const Variables& variables, bool partial,
             const NodePaths& paths, const std::string& claim_dir, cdi::ContainerEdits& edits,
             std::vector<HostFile>& files) {
  for (const EnvTemplate& env : templates.env) {
    if (!Applies(env.when, partial)) continue;
    DRAY_ASSIGN_OR_RETURN(std::string name, Expand(env.name, variables));
    DRAY_ASSIGN_OR_RETURN(std::string value, Expand(env.value, variables));
    edits.env.push_back(name + "=" + value);
  }
  for (const DeviceNodeTemplate& node : templates.device_nodes) {
    if (!Applies(node.when, partial)) continue;
    DRAY_ASSIGN_OR_RETURN(std::string path, Expand(node.path, variables));
    // The null device under the vendor's name: every runtime can make it on every machine.
    edits.device_nodes.push_back({path, "", "c", 1, 3, node.permissions});
  }
  for (const MountTemplate& mount : templates.mounts) {
    if (!Applies(mount.when, partial)) continue;
    DRAY_ASSIGN_OR_RETURN(std::string name, Expand(mount.name, variables));
    DRAY_ASSIGN_OR_RETURN(std::string container_path, Expand(mount.container_path, variables));
    DRAY_ASSIGN_OR_RETURN(std::string content, Expand(mount.content, variables));
    HostFile file{(mount.shared ? paths.shared() : claim_dir) + "/" + name, mount.directory,
                  std::move(content), !mount.read_only};
    edits.mounts.push_back(
        {file.path, container_path, {mount.read_only ? "ro" : "rw", "nosuid", "nodev", "bind"}});
    files.push_back(std::move(file));
  }
  return {};
}

}  // namespace

std::map<std::string, api::Quantity> FullCapacity(const api::Device& device) {
  std::map<std::string, api::Quantity> full;
  for (const auto& [name, capacity] : device.capacity) full[name] = capacity.value;
  return full;
}

std::string DescribeDevice(const DeviceProfile& profile, const MockDevice& device,
                           const ClaimRecord& record, size_t ordinal) {
  const PreparedDevice& prepared = record.devices[ordinal];
  Json capacity = Json::object();
  for (const auto& [name, quantity] : FullCapacity(device.device)) {
    auto consumed = prepared.consumed.find(name);
    capacity[name] = {
        {"value", quantity.Value()},
        {"consumed", (consumed == prepared.consumed.end() ? quantity : consumed->second).Value()}};
  }
  Json values = Json::object();
  for (const auto& [name, value] : device.variables) values[name] = value;
  Json tools = Json::array();
  for (const Tool& tool : profile.tools) tools.push_back(tool.name);
  Json description = {
      {"driver", profile.driver},
      {"pool", prepared.pool},
      {"device", prepared.device},
      {"request", ParentRequest(prepared.request)},
      {"claim", {{"uid", record.uid}, {"namespace", record.namespace_}, {"name", record.name}}},
      {"ordinal", ordinal},
      {"slot", prepared.slot},
      {"shared", prepared.share_id.has_value()},
      {"partial", IsPartial(profile, device.device, prepared)},
      {"tools", std::move(tools)},
      {"values", std::move(values)},
      {"capacity", std::move(capacity)}};
  return description.dump(2) + "\n";
}

Result<ClaimEdits> EditsForClaim(const DeviceProfile& profile,
                                 const std::vector<MockDevice>& devices, const NodePaths& paths,
                                 const ClaimRecord& record) {
  ClaimEdits all;
  std::string claim_dir = paths.claim(record.uid);
  Variables claim = {
      {"claim", record.uid}, {"claimName", record.name}, {"claimNamespace", record.namespace_}};

  std::vector<const MockDevice*> given;
  for (const PreparedDevice& prepared : record.devices) {
    const MockDevice* device = FindDevice(devices, prepared.device);
    if (device == nullptr) {
      return Status(Reason::kNotFound, "device " + prepared.device + " of driver " +
                                           profile.driver + " is not on this node");
    }
    claim["node"] = device->variables.at("node");
    given.push_back(device);
  }
  DRAY_RETURN_IF_ERROR(
      Apply(profile.claim_edits, claim, false, paths, claim_dir, all.common, all.files));
  for (const Tool& tool : profile.tools) {
    all.common.mounts.push_back(
        {paths.tools() + "/" + tool.name, tool.container_path, {"ro", "nosuid", "nodev", "bind"}});
  }

  all.files.push_back({claim_dir + "/devices", true, ""});
  for (size_t i = 0; i < record.devices.size(); ++i) {
    const PreparedDevice& prepared = record.devices[i];
    Variables variables = claim;
    variables.insert(given[i]->variables.begin(), given[i]->variables.end());
    for (const auto& [name, value] : given[i]->variables) {
      std::string& list = variables["list:" + name];
      for (size_t k = 0; k < record.devices.size(); ++k) {
        if (ParentRequest(record.devices[k].request) != ParentRequest(prepared.request)) continue;
        list += (list.empty() ? "" : ",") + given[k]->variables.at(name);
      }
    }
    variables["ordinal"] = std::to_string(i);
    variables["request"] = ParentRequest(prepared.request);
    variables["share"] = prepared.share_id.value_or("");
    variables["slot"] = std::to_string(prepared.slot);
    variables["mask1"] = HexMask(prepared.units, 0);
    variables["mask2"] = HexMask(prepared.units, 64);
    AddQuantities("capacity.", FullCapacity(given[i]->device), variables);
    AddQuantities("consumed.", FullCapacity(given[i]->device), variables);
    AddQuantities("consumed.", prepared.consumed, variables);

    cdi::ContainerEdits edits;
    bool partial = IsPartial(profile, given[i]->device, prepared);
    DRAY_RETURN_IF_ERROR(
        Apply(profile.device_edits, variables, partial, paths, claim_dir, edits, all.files));
    std::string file = std::to_string(i) + ".json";
    all.files.push_back(
        {claim_dir + "/devices/" + file, false, DescribeDevice(profile, *given[i], record, i)});
    edits.mounts.push_back({all.files.back().path,
                            std::string(kDeviceFolderInContainer) + "/" + record.uid + "-" + file,
                            {"ro", "nosuid", "nodev", "bind"}});
    all.devices.push_back(std::move(edits));
  }
  return all;
}

}  // namespace dray::mockdev
