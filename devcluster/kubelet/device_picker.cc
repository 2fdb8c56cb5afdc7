#include "devcluster/kubelet/device_picker.h"

#include <algorithm>
#include <map>

namespace dray::devcluster {
namespace {

// The free devices, those of the first NUMA node that can serve the whole request in front.
std::vector<std::string> InOrder(const std::vector<PluginDevice>& devices,
                                 const std::set<std::string>& free, size_t wanted) {
  std::map<int64_t, std::set<std::string>> by_node;
  for (const PluginDevice& device : devices) {
    if (!free.count(device.id)) continue;
    for (int64_t node : device.numa_nodes) by_node[node].insert(device.id);
  }
  for (const auto& [node, ids] : by_node) {
    if (ids.size() < wanted) continue;
    std::vector<std::string> order(ids.begin(), ids.end());
    for (const std::string& id : free) {
      if (!ids.count(id)) order.push_back(id);
    }
    return order;
  }
  return {free.begin(), free.end()};
}

}  // namespace

Result<std::vector<std::string>> PickDevices(const std::string& resource,
                                             const PickRequest& request) {
  size_t count = static_cast<size_t>(std::max(request.count, 0));
  std::vector<std::string> picked;
  for (const std::string& id : request.reusable) {
    if (picked.size() < count) picked.push_back(id);
  }
  if (picked.size() == count) return picked;

  std::set<std::string> free;
  for (const PluginDevice& device : request.devices) {
    if (device.healthy && !request.in_use.count(device.id) && !request.reusable.count(device.id))
      free.insert(device.id);
  }
  size_t missing = count - picked.size();
  if (free.size() < missing) {
    return Status(Reason::kInvalid, "requested number of devices unavailable for " + resource +
                                        ". Requested: " + std::to_string(missing) +
                                        ", Available: " + std::to_string(free.size()));
  }
  std::vector<std::string> order = InOrder(request.devices, free, missing);
  if (request.preferred) {
    std::vector<std::string> available(free.begin(), free.end());
    available.insert(available.end(), picked.begin(), picked.end());
    std::sort(available.begin(), available.end());
    DRAY_ASSIGN_OR_RETURN(std::vector<std::string> wish, request.preferred(available, picked));
    std::vector<std::string> first;
    for (const std::string& id : wish) {
      if (free.count(id) && std::find(first.begin(), first.end(), id) == first.end())
        first.push_back(id);
    }
    std::erase_if(order, [&](const std::string& id) {
      return std::find(first.begin(), first.end(), id) != first.end();
    });
    order.insert(order.begin(), first.begin(), first.end());
  }
  picked.insert(picked.end(), order.begin(), order.begin() + static_cast<ptrdiff_t>(missing));
  return picked;
}

}  // namespace dray::devcluster
