#include "controllers/monitor/device_monitor.h"

#include <map>
#include <tuple>

namespace dray::controllers {
namespace {

using DeviceId = std::tuple<std::string, std::string, std::string>;  // driver, pool, device

struct Usage {
  api::Quantity memory, cores;
  bool whole = false;
};

std::string TextAttribute(const api::Device& device, std::string_view name) {
  auto found = device.attributes.find(std::string(name));
  if (found == device.attributes.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second.value);
  return text == nullptr ? "" : *text;
}

api::Quantity CapacityOf(const api::Device& device, const char* name) {
  auto found = device.capacity.find(name);
  return found == device.capacity.end() ? api::Quantity() : found->second.value;
}

double Ratio(const api::Quantity& part, const api::Quantity& whole) {
  return whole == api::Quantity() ? 0 : static_cast<double>(part.nanos()) / static_cast<double>(whole.nanos());
}

}  // namespace

DeviceMonitor::DeviceMonitor(const runtime::Lister<api::ResourceSlice>& slices,
                             const runtime::Lister<api::ResourceClaim>& claims)
    : slices_(slices), claims_(claims) {}

std::string DeviceMonitor::Text() const {
  std::map<DeviceId, Usage> used;
  for (const auto& claim : claims_.List()) {
    if (!claim->status.allocation) continue;
    for (const api::DeviceRequestAllocationResult& result : claim->status.allocation->devices.results) {
      if (result.admin_access.value_or(false)) continue;  // looks, takes nothing
      Usage& usage = used[{result.driver, result.pool, result.device}];
      if (result.consumed_capacity.empty()) usage.whole = true;
      for (const auto& [name, amount] : result.consumed_capacity) {
        if (name == "memory") usage.memory += amount;
        if (name == "cores") usage.cores += amount;
      }
    }
  }

  const auto slices = slices_.List();
  std::map<std::pair<std::string, std::string>, int64_t> newest;  // pool -> generation
  for (const auto& slice : slices) {
    int64_t& generation = newest[{slice->spec.driver, slice->spec.pool.name}];
    generation = std::max(generation, slice->spec.pool.generation);
  }

  runtime::Metrics metrics;
  for (const auto& slice : slices) {
    if (slice->spec.pool.generation < newest[{slice->spec.driver, slice->spec.pool.name}]) continue;
    for (const api::Device& device : slice->spec.devices) {
      const runtime::MetricLabels labels = {{"node", slice->spec.node_name.value_or("")},
                                            {"driver", slice->spec.driver},
                                            {"device_uuid", TextAttribute(device, "uuid")},
                                            {"device_name", device.name},
                                            {"device_type", TextAttribute(device, "productName")}};
      const api::Quantity memory = CapacityOf(device, "memory");
      const api::Quantity cores = CapacityOf(device, "cores");
      Usage usage = used[{slice->spec.driver, slice->spec.pool.name, device.name}];
      if (usage.whole) usage = {memory, cores, true};
      metrics.Set("hami_dra_gpu_memory_limit_bytes", "Memory of the device.", labels, static_cast<double>(memory.Value()));
      metrics.Set("hami_dra_gpu_memory_allocated_bytes", "Memory given out to claims.", labels,
                  static_cast<double>(usage.memory.Value()));
      metrics.Set("hami_dra_gpu_core_limit_ratio", "Cores of the device: 1 is all of them.", labels,
                  cores == api::Quantity() ? 0 : 1);
      metrics.Set("hami_dra_gpu_core_allocated_ratio", "Share of the cores given out to claims.", labels,
                  Ratio(usage.cores, cores));
    }
  }
  return metrics.Text();
}

}  // namespace dray::controllers
