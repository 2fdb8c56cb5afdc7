#include "dray/api/device_usage.h"

#include <algorithm>

namespace dray::claims {
namespace {

// A name under the driver's own domain is the one without a domain.
std::string_view WithoutDomain(std::string_view name, std::string_view driver) {
  if (name.size() > driver.size() && name.starts_with(driver) && name[driver.size()] == '/')
    name.remove_prefix(driver.size() + 1);
  return name;
}

}  // namespace

DeviceId IdOf(const api::DeviceRequestAllocationResult& result) {
  return {result.driver, result.pool, result.device};
}

const api::DeviceCapacity* CapacityOf(const api::Device& device, std::string_view driver,
                                      std::string_view name) {
  for (const auto& [written, capacity] : device.capacity)
    if (WithoutDomain(written, driver) == name) return &capacity;
  return nullptr;
}

void DeviceUsage::Add(const api::DeviceRequestAllocationResult& result) {
  if (result.admin_access.value_or(false)) return;
  if (result.consumed_capacity.empty() && !result.share_id) ++whole_;
  for (const auto& [name, amount] : result.consumed_capacity)
    Consume(std::string(WithoutDomain(name, result.driver)), amount);
}

void DeviceUsage::Add(const DeviceUsage& more) {
  whole_ += more.whole_;
  for (const auto& [name, amount] : more.consumed_) Consume(name, amount);
}

void DeviceUsage::Consume(std::string name, const api::Quantity& amount) {
  auto known = std::find_if(consumed_.begin(), consumed_.end(),
                            [&](const auto& one) { return one.first == name; });
  if (known == consumed_.end())
    consumed_.emplace_back(std::move(name), amount);
  else
    known->second += amount;
}

api::Quantity DeviceUsage::Of(const api::Device& device, std::string_view driver,
                              std::string_view name) const {
  api::Quantity used;
  for (const auto& [consumed, amount] : consumed_)
    if (consumed == name) used += amount;
  const api::DeviceCapacity* all = CapacityOf(device, driver, name);
  for (int i = 0; i < whole_ && all != nullptr; ++i) used += all->value;
  return used;
}

void AddUsage(const api::ResourceClaim& claim, std::map<DeviceId, DeviceUsage>& usage) {
  if (!claim.status.allocation) return;
  for (const api::DeviceRequestAllocationResult& result : claim.status.allocation->devices.results)
    if (!result.admin_access.value_or(false)) usage[IdOf(result)].Add(result);
}

}  // namespace dray::claims
