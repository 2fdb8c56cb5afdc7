#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dray/api/types/resource.h"

// What is given out of devices. Pure.
namespace dray::claims {

struct DeviceId {
  std::string driver, pool, device;
  auto operator<=>(const DeviceId&) const = default;
};
DeviceId IdOf(const api::DeviceRequestAllocationResult& result);

// The capacity `name` of a device of `driver`: "memory" and "DRIVER/memory" are one name, whichever
// of them slice and claim use; under another domain it is another capacity (QualifiedName,
// resource/v1). Null: the device has none.
const api::DeviceCapacity* CapacityOf(const api::Device& device, std::string_view driver,
                                      std::string_view name);

// What allocations take of one device. A share takes what it says it consumes, an allocation
// without a share the whole device, also where the device is a partition of another one (what that
// takes of shared counters is not seen here); admin access looks on and takes nothing.
class DeviceUsage {
 public:
  void Add(const api::DeviceRequestAllocationResult& result);
  void Add(const DeviceUsage& more);
  bool empty() const { return whole_ == 0 && consumed_.empty(); }
  // How much of the capacity `name` ("memory") that is, for the device as it is published.
  api::Quantity Of(const api::Device& device, std::string_view driver, std::string_view name) const;

 private:
  void Consume(std::string name, const api::Quantity& amount);

  int whole_ = 0;
  std::vector<std::pair<std::string, api::Quantity>> consumed_;  // few
};

// Adds what `claim` holds.
void AddUsage(const api::ResourceClaim& claim, std::map<DeviceId, DeviceUsage>& usage);

}  // namespace dray::claims
