#include "api/alloc/capacity.h"

namespace dray::alloc {
namespace {

using api::Quantity;

// Step arithmetic is done on whole numbers, as in Kubernetes.
Quantity RoundUp(const Quantity& asked, const api::CapacityRequestPolicyRange& range) {
  if (asked < *range.min) return *range.min;
  if (!range.step || range.step->Value() <= 0) return asked;
  const int64_t min = range.min->Value(), step = range.step->Value();
  const int64_t above = asked.Value() - min;
  return Quantity::FromInteger(min + step * (above / step + (above % step != 0)),
                               Quantity::Format::kBinarySI);
}

bool Grants(const api::CapacityRequestPolicy& policy, const Quantity& amount) {
  if (policy.default_ && amount == *policy.default_) return true;
  if (policy.valid_range) {
    const api::CapacityRequestPolicyRange& range = *policy.valid_range;
    if (range.max && amount > *range.max) return false;
    if (!range.step || !range.min || range.step->Value() <= 0) return true;
    return (amount.Value() - range.min->Value()) % range.step->Value() == 0;
  }
  for (const Quantity& valid : policy.valid_values) {
    if (amount == valid) return true;
  }
  return policy.valid_values.empty();
}

Quantity Rounded(const Quantity& asked, const api::CapacityRequestPolicy& policy) {
  if (policy.valid_range && policy.valid_range->min) return RoundUp(asked, *policy.valid_range);
  for (const Quantity& valid : policy.valid_values) {
    if (asked <= valid) return valid;
  }
  return asked;
}

const CapacityAsk* AskFor(uint32_t name, std::span<const CapacityAsk> asks) {
  for (const CapacityAsk& ask : asks) {
    if (ask.name == name) return &ask;
  }
  return nullptr;
}

}  // namespace

std::optional<Quantity> Consumption(const Quantity* asked, const api::DeviceCapacity& capacity) {
  if (!capacity.request_policy) return asked != nullptr ? *asked : capacity.value;
  const api::CapacityRequestPolicy& policy = *capacity.request_policy;
  const Quantity amount =
      asked != nullptr ? Rounded(*asked, policy) : policy.default_.value_or(capacity.value);
  if (!Grants(policy, amount)) return std::nullopt;
  return amount;
}

bool HasRoom(const DeviceInfo& device, std::span<const CapacityAsk> asks, const Usage& used,
             std::span<const Nanos> taken) {
  size_t known = 0;
  for (size_t i = 0; i < device.capacities.size(); ++i) {
    const CapacityInfo& capacity = device.capacities[i];
    const CapacityAsk* ask = AskFor(capacity.name, asks);
    Nanos total = 0;
    if (ask == nullptr) {
      if (!capacity.unasked) return false;
      total = *capacity.unasked;
    } else if (++known; !capacity.capacity->request_policy) {
      total = ask->nanos;
    } else {
      std::optional<Quantity> amount = Consumption(ask->amount, *capacity.capacity);
      if (!amount) return false;
      total = amount->nanos();
    }
    total += used.ConsumedOf(capacity.name);
    if (!taken.empty()) total += taken[i];
    if (total > capacity.value) return false;
  }
  return known == asks.size();  // else it asks for what the device does not have
}

std::vector<Quantity> ConsumptionOf(const DeviceInfo& device, std::span<const CapacityAsk> asks) {
  std::vector<Quantity> amounts;
  amounts.reserve(device.capacities.size());
  for (const CapacityInfo& capacity : device.capacities) {
    const CapacityAsk* ask = AskFor(capacity.name, asks);
    amounts.push_back(Consumption(ask != nullptr ? ask->amount : nullptr, *capacity.capacity)
                          .value_or(Quantity()));
  }
  return amounts;
}

}  // namespace dray::alloc
