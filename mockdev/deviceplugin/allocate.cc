#include "mockdev/deviceplugin/allocate.h"

#include <algorithm>
#include <charconv>

namespace dray::mockdev {
namespace {

// Kubelet devices of one device.
int64_t CountOf(const DevicePluginResource& resource, const MockDevice& device) {
  if (resource.slots_per_device > 0) return resource.slots_per_device;
  return device.device.capacity.at(resource.capacity).value.Value() / resource.unit.Value();
}

// Position in `devices` of the device that an id stands for; nothing for a foreign id.
std::optional<size_t> PositionOf(const DevicePluginResource& resource,
                                 const std::vector<MockDevice>& devices, const std::string& id) {
  size_t position = 0;
  int64_t number = -1;
  const char* end = id.data() + id.size();
  auto [dash, error] = std::from_chars(id.data(), end, position);
  if (error != std::errc() || dash == end || *dash != '-') return std::nullopt;
  auto [rest, error2] = std::from_chars(dash + 1, end, number);
  if (error2 != std::errc() || rest != end || number < 0 || position >= devices.size())
    return std::nullopt;
  if (number >= CountOf(resource, devices[position])) return std::nullopt;
  return position;
}

}  // namespace

std::vector<PluginDevice> ListDevices(const DevicePluginResource& resource,
                                      const std::vector<MockDevice>& devices) {
  std::vector<PluginDevice> all;
  for (size_t position = 0; position < devices.size(); ++position) {
    for (int64_t number = 0; number < CountOf(resource, devices[position]); ++number) {
      all.push_back({std::to_string(position) + "-" + std::to_string(number), position});
    }
  }
  return all;
}

std::vector<std::string> PreferDevices(const DevicePluginResource& resource,
                                       const std::vector<MockDevice>& devices,
                                       const std::vector<std::string>& available,
                                       const std::vector<std::string>& must, size_t count) {
  std::vector<std::string> chosen;
  std::vector<std::vector<std::string>> free(devices.size());  // by position of the device
  std::vector<size_t> given(devices.size(), 0);
  for (const std::string& id : must) {
    std::optional<size_t> position = PositionOf(resource, devices, id);
    if (!position || chosen.size() == count) continue;
    ++given[*position];
    chosen.push_back(id);
  }
  for (const std::string& id : available) {
    std::optional<size_t> position = PositionOf(resource, devices, id);
    if (!position || std::find(must.begin(), must.end(), id) != must.end()) continue;
    free[*position].push_back(id);
  }
  // The lowest number first, as a person would count: the kubelet sends them in any order.
  for (std::vector<std::string>& ids : free) {
    std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
      return a.size() != b.size() ? a.size() > b.size() : a > b;
    });
  }
  while (chosen.size() < count) {
    size_t best = devices.size();
    for (size_t i = 0; i < devices.size(); ++i) {
      if (free[i].empty()) continue;
      if (best == devices.size() || given[i] < given[best] ||
          (given[i] == given[best] && free[i].size() > free[best].size())) {
        best = i;
      }
    }
    if (best == devices.size()) break;
    chosen.push_back(std::move(free[best].back()));
    free[best].pop_back();
    ++given[best];
  }
  return chosen;
}

Result<AllocateEdits> EditsForAllocate(const DeviceProfile& profile,
                                       const DevicePluginResource& resource,
                                       const std::vector<MockDevice>& devices,
                                       const NodePaths& paths,
                                       const std::vector<std::string>& ids) {
  std::set<size_t> given;
  for (const std::string& id : ids) {
    std::optional<size_t> position = PositionOf(resource, devices, id);
    if (!position)
      return Status(Reason::kInvalid, "resource " + resource.name + " has no device " + id);
    given.insert(*position);
  }

  AllocateEdits all;
  Variables variables;
  int64_t amount = static_cast<int64_t>(ids.size());
  variables["amount"] = std::to_string(amount);
  variables["amount:Mi"] = std::to_string((amount * resource.unit.Value()) >> 20);
  for (size_t position : given) {
    variables["node"] = devices[position].variables.at("node");
    for (const auto& [name, value] : devices[position].variables) {
      std::string& list = variables["list:" + name];
      list += (list.empty() ? "" : ",") + value;
    }
  }
  for (const EnvTemplate& env : resource.edits.env) {
    DRAY_ASSIGN_OR_RETURN(std::string name, Expand(env.name, variables));
    DRAY_ASSIGN_OR_RETURN(std::string value, Expand(env.value, variables));
    all.edits.env.push_back(name + "=" + value);
  }
  // Devices come with the resource that counts them; the others only limit.
  if (resource.slots_per_device == 0) return all;

  auto add_node = [&](const DeviceNodeTemplate& node, const Variables& values) -> Status {
    DRAY_ASSIGN_OR_RETURN(std::string path, Expand(node.path, values));
    all.edits.device_nodes.push_back({path, "/dev/null", "", {}, {}, node.permissions});
    return {};
  };
  for (const DeviceNodeTemplate& node : profile.claim_edits.device_nodes) {
    DRAY_RETURN_IF_ERROR(add_node(node, variables));
  }
  ClaimRecord record;
  record.uid = "device-plugin";
  for (size_t position : given) {
    const MockDevice& device = devices[position];
    for (const DeviceNodeTemplate& node : profile.device_edits.device_nodes) {
      DRAY_RETURN_IF_ERROR(add_node(node, device.variables));
    }
    // The device as a whole: what limits it is in the environment, which the tools read too. The
    // ordinal is the index, so that the file is the same for every container.
    record.devices.assign(device.index + 1, PreparedDevice());
    PreparedDevice& whole = record.devices.back();
    whole.device = device.device.name;
    whole.consumed = FullCapacity(device.device);
    HostFile file{paths.shared() + "/device-" + std::to_string(device.index) + ".json", false,
                  DescribeDevice(profile, device, record, device.index)};
    all.edits.mounts.push_back(
        {file.path,
         std::string(kDeviceFolderInContainer) + "/" + device.device.name + ".json",
         {"ro"}});
    all.files.push_back(std::move(file));
  }
  for (const Tool& tool : profile.tools) {
    all.edits.mounts.push_back({paths.tools() + "/" + tool.name, tool.container_path, {"ro"}});
  }
  return all;
}

}  // namespace dray::mockdev
