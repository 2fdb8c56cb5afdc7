#include "controllers/monitor/device_monitor.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "controllers/monitor/exposition.h"
#include "dray/api/device_usage.h"
#include "dray/runtime/memory.h"

namespace dray::controllers {
namespace {

using claims::DeviceUsage;

// What one claim holds of one device, and the Pods that it is reserved for.
struct Holder {
  std::string namespace_, claim;
  std::vector<std::string> pods;
};
struct Share {
  std::shared_ptr<const Holder> holder;
  DeviceUsage usage;
};
// Shares of a device of these many claims leave holes behind that are worth giving back.
constexpr size_t kManyShares = 10'000;

Holder HolderOf(const api::ResourceClaim& claim) {
  Holder holder{claim.metadata.namespace_, claim.metadata.name, {}};
  for (const api::ResourceClaimConsumerReference& consumer : claim.status.reserved_for)
    if (consumer.api_group.empty() && consumer.resource == "pods")
      holder.pods.push_back(consumer.name);
  return holder;
}

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
      if (const auto* number = std::get_if<int64_t>(&found->second.value))
        return std::to_string(*number);
  return "";
}

api::Quantity LimitOf(const api::Device& device, const std::string& driver, const char* name) {
  const api::DeviceCapacity* capacity = claims::CapacityOf(device, driver, name);
  return capacity == nullptr ? api::Quantity() : capacity->value;
}

// False while a taint keeps claims away from the device.
bool Healthy(const api::Device& device) {
  return std::none_of(device.taints.begin(), device.taints.end(),
                      [](const api::DeviceTaint& taint) {
                        return taint.effect == "NoSchedule" || taint.effect == "NoExecute";
                      });
}

double Ratio(const api::Quantity& part, const api::Quantity& whole) {
  return whole == api::Quantity()
             ? 0
             : static_cast<double>(part.nanos()) / static_cast<double>(whole.nanos());
}

struct Families {
  explicit Families(Exposition& out, bool legacy)
      : memory_limit(out.Family("hami_dra_gpu_memory_limit_bytes", "Memory of the device.")),
        memory_allocated(
            out.Family("hami_dra_gpu_memory_allocated_bytes", "Memory given out to claims.")),
        core_limit(
            out.Family("hami_dra_gpu_core_limit_ratio", "Cores of the device: 1 is all of them.")),
        core_allocated(out.Family("hami_dra_gpu_core_allocated_ratio",
                                  "Share of the cores given out to claims.")),
        pod_memory(out.Family("hami_dra_vgpu_memory_allocated_bytes",
                              "Memory that a Pod may use by its claim.")),
        pod_cores(out.Family("hami_dra_vgpu_core_allocated_ratio",
                             "Share of the device's cores that a Pod may use by its claim.")),
        healthy(out.Family("dray_device_healthy",
                           "0 while a taint keeps claims away from the device.")),
        complete(out.Family("dray_pool_complete",
                            "0 while slices of the pool's newest generation are missing: nothing "
                            "is allocated from it.")) {
    if (!legacy) return;
    old = {out.Family("GPUDeviceMemoryLimit", "Memory of the device in MiB (legacy)."),
           out.Family("GPUDeviceCoreLimit", "Cores of the device, 0 to 100 (legacy)."),
           out.Family("GPUDeviceMemoryAllocated", "Memory given out to claims in MiB (legacy)."),
           out.Family("GPUDeviceCoreAllocated", "Cores given out to claims, 0 to 100 (legacy)."),
           out.Family("vGPUDeviceMemoryAllocated", "Memory that a Pod may use in MiB (legacy)."),
           out.Family("vGPUDeviceCoreAllocated", "Cores that a Pod may use, 0 to 100 (legacy).")};
  }
  size_t memory_limit, memory_allocated, core_limit, core_allocated, pod_memory, pod_cores, healthy,
      complete;
  std::vector<size_t> old;
};

double Bytes(const api::Quantity& quantity) {
  return static_cast<double>(quantity.Value());
}
double Mib(const api::Quantity& quantity) {
  return Bytes(quantity) / (1024 * 1024);
}

// One device with what is given out of it.
struct Scraped {
  const api::Device& device;
  const std::string& driver;
  std::string node, uuid, index, type;
  api::Quantity memory, cores;
  DeviceUsage total;
  std::map<std::tuple<std::string, std::string, std::string>, DeviceUsage>
      by_pod;  // namespace, Pod, claim

  api::Quantity MemoryOf(const DeviceUsage& usage) const {
    return usage.Of(device, driver, "memory");
  }
  double CoresOf(const DeviceUsage& usage) const {
    return Ratio(usage.Of(device, driver, "cores"), cores);
  }
};

void Write(Exposition& out, const Families& families, const api::ResourceSliceSpec& spec,
           const Scraped& one) {
  const std::string labels = LabelText({{"device_index", one.index},
                                        {"device_name", one.device.name},
                                        {"device_type", one.type},
                                        {"device_uuid", one.uuid},
                                        {"driver", spec.driver},
                                        {"node", one.node},
                                        {"pool", spec.pool.name}});
  out.Sample(families.memory_limit, labels, Bytes(one.memory));
  out.Sample(families.memory_allocated, labels, Bytes(one.MemoryOf(one.total)));
  out.Sample(families.core_limit, labels, one.cores == api::Quantity() ? 0 : 1);
  out.Sample(families.core_allocated, labels, one.CoresOf(one.total));
  out.Sample(families.healthy, labels, Healthy(one.device));
  for (const auto& [who, usage] : one.by_pod) {
    const auto& [space, pod, claim] = who;
    const std::string of_pod = LabelText({{"claim", claim},
                                          {"device_name", one.device.name},
                                          {"device_uuid", one.uuid},
                                          {"driver", spec.driver},
                                          {"namespace", space},
                                          {"node", one.node},
                                          {"pod", pod},
                                          {"pool", spec.pool.name}});
    out.Sample(families.pod_memory, of_pod, Bytes(one.MemoryOf(usage)));
    out.Sample(families.pod_cores, of_pod, one.CoresOf(usage));
  }
}

// HAMi-DRA's names before 0.2, with its labels and units.
void WriteLegacy(Exposition& out, const std::vector<size_t>& old, const Scraped& one) {
  const std::string brand = TextAttribute(one.device, "brand");
  const std::string labels = LabelText({{"devicebrand", brand},
                                        {"deviceidx", one.index},
                                        {"devicename", one.device.name},
                                        {"deviceproductname", one.type},
                                        {"deviceuuid", one.uuid},
                                        {"nodeid", one.node}});
  out.Sample(old[0], labels, Mib(one.memory));
  out.Sample(old[1], labels, one.cores == api::Quantity() ? 0 : 100);
  out.Sample(old[2], labels, Mib(one.MemoryOf(one.total)));
  out.Sample(old[3], labels, 100 * one.CoresOf(one.total));
  std::map<std::pair<std::string, std::string>, DeviceUsage> by_pod;  // no claim in these labels
  for (const auto& [who, usage] : one.by_pod)
    by_pod[{std::get<0>(who), std::get<1>(who)}].Add(usage);
  for (const auto& [who, usage] : by_pod) {
    const std::string of_pod = LabelText({{"devicebrand", brand},
                                          {"deviceidx", one.index},
                                          {"devicename", one.device.name},
                                          {"deviceproductname", one.type},
                                          {"deviceuuid", one.uuid},
                                          {"nodeid", one.node},
                                          {"podname", who.second},
                                          {"podnamespace", who.first}});
    out.Sample(old[4], of_pod, Mib(one.MemoryOf(usage)));
    out.Sample(old[5], of_pod, 100 * one.CoresOf(usage));
  }
}

}  // namespace

DeviceMonitor::DeviceMonitor(const runtime::Lister<api::ResourceSlice>& slices,
                             const runtime::Lister<api::ResourceClaim>& claims, bool legacy_names)
    : slices_(slices), claims_(claims), legacy_names_(legacy_names) {}

std::shared_ptr<const DeflatedText> DeviceMonitor::Deflated() const {
  // Taken before the objects: what changes meanwhile is seen the next time.
  const std::array<uint64_t, 2> versions = {slices_.Version(), claims_.Version()};
  Kept kept = kept_.Copy();
  if (kept.text != nullptr && kept.versions == versions && versions[0] != 0 && versions[1] != 0)
    return kept.text;
  kept = {versions, std::make_shared<const DeflatedText>(Compute())};
  kept_.With([&](Kept& now) { now = kept; });
  return kept.text;
}

DeflatedText DeviceMonitor::Compute() const {
  std::map<claims::DeviceId, std::vector<Share>> held;
  size_t shares_held = 0;
  claims_.ForEach([&](const api::ResourceClaim& claim) {
    if (!claim.status.allocation) return;
    const auto holder = std::make_shared<const Holder>(HolderOf(claim));
    for (const api::DeviceRequestAllocationResult& result :
         claim.status.allocation->devices.results) {
      if (result.admin_access.value_or(false)) continue;  // looks, takes nothing
      Share& share = held[claims::IdOf(result)].emplace_back();
      share.holder = holder;
      share.usage.Add(result);
      ++shares_held;
    }
  });

  struct Pool {
    int64_t generation = -1, there = 0, wanted = 0;
  };
  std::map<std::pair<std::string, std::string>, Pool> pools;  // driver, pool: its newest generation
  slices_.ForEach([&](const api::ResourceSlice& slice) {
    const api::ResourcePool& pool = slice.spec.pool;
    Pool& known = pools[{slice.spec.driver, pool.name}];
    if (pool.generation > known.generation) known = {pool.generation, 0, pool.resource_slice_count};
    if (pool.generation == known.generation) ++known.there;
  });

  Exposition out(Exposition::Form::kDeflated);
  const Families families(out, legacy_names_);
  for (const auto& [id, pool] : pools)
    out.Sample(families.complete, LabelText({{"driver", id.first}, {"pool", id.second}}),
               pool.there >= pool.wanted);
  slices_.ForEach([&](const api::ResourceSlice& slice) {
    const api::ResourceSliceSpec& spec = slice.spec;
    // One that has come since the pools were counted is in the next scrape.
    const auto pool = pools.find({spec.driver, spec.pool.name});
    if (pool == pools.end() || spec.pool.generation != pool->second.generation) return;
    for (const api::Device& device : spec.devices) {
      Scraped one{device,
                  spec.driver,
                  spec.node_name.value_or(device.node_name.value_or("")),
                  TextAttribute(device, "uuid"),
                  IndexOf(device),
                  TextAttribute(device, "productName"),
                  LimitOf(device, spec.driver, "memory"),
                  LimitOf(device, spec.driver, "cores"),
                  {},
                  {}};
      if (auto shares = held.find({spec.driver, spec.pool.name, device.name}); shares != held.end())
        for (const Share& share : shares->second) {
          one.total.Add(share.usage);
          for (const std::string& pod : share.holder->pods)
            one.by_pod[{share.holder->namespace_, pod, share.holder->claim}].Add(share.usage);
        }
      Write(out, families, spec, one);
      if (legacy_names_) WriteLegacy(out, families.old, one);
    }
  });
  held.clear();
  if (shares_held >= kManyShares) runtime::ReleaseMemory();
  return out.Deflated();
}

}  // namespace dray::controllers
