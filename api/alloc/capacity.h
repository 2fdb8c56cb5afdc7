#pragma once

#include <optional>
#include <span>
#include <vector>

#include "api/alloc/snapshot.h"

namespace dray::alloc {

// One capacity that a request names.
struct CapacityAsk {
  uint32_t name = 0;
  const std::string* text = nullptr;
  const api::Quantity* amount = nullptr;
  Nanos nanos = 0;

  CapacityAsk(uint32_t name, const std::string* text, const api::Quantity* amount)
      : name(name), text(text), amount(amount), nanos(amount->nanos()) {}
};

// What one allocation consumes of `capacity` (facts: DRA, "Consumable capacity policy"); `asked` is
// null when the request does not name it. Nothing when the policy cannot grant it.
std::optional<api::Quantity> Consumption(const api::Quantity* asked,
                                         const api::DeviceCapacity& capacity);

// Is there room on the device for the request, beside what existing allocations (`used`) and this
// attempt (`taken`, one amount per capacity of the device, or empty) consume? Every capacity
// counts, requested or not.
bool HasRoom(const DeviceInfo& device, std::span<const CapacityAsk> asks, const Usage& used,
             std::span<const Nanos> taken);

// The consumption of all capacities of the device, in their order. Only after HasRoom.
std::vector<api::Quantity> ConsumptionOf(const DeviceInfo& device,
                                         std::span<const CapacityAsk> asks);

}  // namespace dray::alloc
