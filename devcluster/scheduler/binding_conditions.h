#pragma once

#include <string>

#include "dray/api/types/resource.h"

namespace dray::devcluster {

// May a Pod be bound that uses this allocated claim? Devices can have conditions that must be True
// before (facts: DRA, B.4, PreBind), written to status.devices by whoever prepares them.
struct Bindability {
  enum State { kReady, kPending, kFailed };
  State state = kReady;
  std::string why;               // unless kReady
  std::chrono::seconds left{0};  // until kPending becomes kFailed
};

inline constexpr std::chrono::seconds kBindingTimeout{600};

Bindability BindabilityOf(const api::ResourceClaim& claim, api::Time now);

}  // namespace dray::devcluster
