#include "controllers/monitor/device_monitor.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace dray::controllers {
namespace {

using DeviceId = std::tuple<std::string, std::string, std::string>;  // driver, pool, device

struct Usage {
  api::Quantity memory, cores;
  bool whole = false;
};

// What one claim holds of one device, and the Pods that it is reserved for.
struct Share {
  const api::ResourceClaim* claim = nullptr;
  Usage usage;
};

std::string TextAttribute(const api::Device& device, std::string_view name) {
  auto found = device.attributes.find(std::string(name));
  if (found == device.attributes.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second.value);
  return text == nullptr ? "" : *text;
}

// The number that the vendor's own tools show.
std::string IndexOf(const api::Device& device) {
  for (const char* name : {"index", "minor"})
    if (auto found = device.attributes.find(name); found != device.attributes.end())
      if (const auto* number = std::get_if<int64_t>(&found->second.value)) return std::to_string(*number);
  return "";
}

api::Quantity CapacityOf(const api::Device& device, const char* name) {
  auto found = device.capacity.find(name);
  return found == device.capacity.end() ? api::Quantity() : found->second.value;
}

// False while a taint keeps claims away from the device.
bool Healthy(const api::Device& device) {
  return std::none_of(device.taints.begin(), device.taints.end(), [](const api::DeviceTaint& taint) {
    return taint.effect == "NoSchedule" || taint.effect == "NoExecute";
  });
}

Usage UsageOf(const api::DeviceRequestAllocationResult& result) {
  Usage usage;
  usage.whole = result.consumed_capacity.empty();
  for (const auto& [name, amount] : result.consumed_capacity) {
    if (name == "memory" || name == result.driver + "/memory") usage.memory += amount;
    if (name == "cores" || name == result.driver + "/cores") usage.cores += amount;
  }
  return usage;
}

double Ratio(const api::Quantity& part, const api::Quantity& whole) {
  return whole == api::Quantity() ? 0 : static_cast<double>(part.nanos()) / static_cast<double>(whole.nanos());
}

void Add(Usage& total, const Usage& more) {
  total.memory += more.memory;
  total.cores += more.cores;
}

}  // namespace

DeviceMonitor::DeviceMonitor(const runtime::Lister<api::ResourceSlice>& slices,
                             const runtime::Lister<api::ResourceClaim>& claims)
    : slices_(slices), claims_(claims) {}

std::string DeviceMonitor::Text() const {
  const auto claims = claims_.List();
  std::map<DeviceId, std::vector<Share>> held;
  for (const auto& claim : claims) {
    if (!claim->status.allocation) continue;
    for (const api::DeviceRequestAllocationResult& result : claim->status.allocation->devices.results)
      if (!result.admin_access.value_or(false))  // looks, takes nothing
        held[{result.driver, result.pool, result.device}].push_back({claim.get(), UsageOf(result)});
  }

  const auto slices = slices_.List();
  std::map<std::pair<std::string, std::string>, int64_t> newest;  // pool -> generation
  for (const auto& slice : slices) {
    int64_t& generation = newest[{slice->spec.driver, slice->spec.pool.name}];
    generation = std::max(generation, slice->spec.pool.generation);
  }

  runtime::Metrics metrics;
  for (const auto& slice : slices) {
    const api::ResourceSliceSpec& spec = slice->spec;
    if (spec.pool.generation < newest[{spec.driver, spec.pool.name}]) continue;
    for (const api::Device& device : spec.devices) {
      const std::string node = spec.node_name.value_or(device.node_name.value_or(""));
      const runtime::MetricLabels labels = {{"node", node},
                                            {"driver", spec.driver},
                                            {"pool", spec.pool.name},
                                            {"device_uuid", TextAttribute(device, "uuid")},
                                            {"device_index", IndexOf(device)},
                                            {"device_name", device.name},
                                            {"device_type", TextAttribute(device, "productName")}};
      const api::Quantity memory = CapacityOf(device, "memory");
      const api::Quantity cores = CapacityOf(device, "cores");
      Usage total;
      std::map<std::tuple<std::string, std::string, std::string>, Usage> by_pod;  // namespace, Pod, claim
      for (Share& share : held[{spec.driver, spec.pool.name, device.name}]) {
        if (share.usage.whole) share.usage = {memory, cores, true};
        Add(total, share.usage);
        for (const api::ResourceClaimConsumerReference& consumer : share.claim->status.reserved_for)
          if (consumer.api_group.empty() && consumer.resource == "pods")
            Add(by_pod[{share.claim->metadata.namespace_, consumer.name, share.claim->metadata.name}], share.usage);
      }
      metrics.Set("hami_dra_gpu_memory_limit_bytes", "Memory of the device.", labels, static_cast<double>(memory.Value()));
      metrics.Set("hami_dra_gpu_memory_allocated_bytes", "Memory given out to claims.", labels,
                  static_cast<double>(total.memory.Value()));
      metrics.Set("hami_dra_gpu_core_limit_ratio", "Cores of the device: 1 is all of them.", labels,
                  cores == api::Quantity() ? 0 : 1);
      metrics.Set("hami_dra_gpu_core_allocated_ratio", "Share of the cores given out to claims.", labels,
                  Ratio(total.cores, cores));
      metrics.Set("dray_device_healthy", "0 while a taint keeps claims away from the device.", labels, Healthy(device));
      for (const auto& [who, usage] : by_pod) {
        const auto& [space, pod, claim] = who;
        const runtime::MetricLabels of_pod = {{"node", node},       {"device_uuid", TextAttribute(device, "uuid")},
                                              {"device_name", device.name}, {"namespace", space}, {"pod", pod}, {"claim", claim}};
        metrics.Set("hami_dra_vgpu_memory_allocated_bytes", "Memory that a Pod may use by its claim.", of_pod,
                    static_cast<double>(usage.memory.Value()));
        metrics.Set("hami_dra_vgpu_core_allocated_ratio", "Share of the device's cores that a Pod may use by its claim.", of_pod,
                    Ratio(usage.cores, cores));
      }
    }
  }
  return metrics.Text();
}

}  // namespace dray::controllers
