#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/admission/vendors.h"

namespace dray::admission {

// What one container asks of one vendor, in DRA's units.
struct Ask {
  const VendorConfig* vendor = nullptr;
  const DriverTarget* target = nullptr;  // the vendor's, or its mig
  int64_t count = 0;                     // 0: nothing is wanted, the resources only go away
  std::optional<int64_t> memory_mib;     // per device; absent: the whole card
  std::optional<int64_t> percentage;     // of each card's memory; excludes memory_mib
  std::optional<int64_t> cores;          // per device, in the driver's unit; absent: the whole card
  std::optional<int64_t> priority;
  std::vector<std::pair<std::string, std::string>>
      resources;                      // what stood in the manifest: name, value
  std::string rule;                   // in words
  std::vector<std::string> warnings;  // values that were accepted and do less than they say
};

// What the Pod's annotations say about how a vendor's cards are used.
struct Modes {
  bool soft = false;    // VendorConfig::soft_mode: no fixed partitions
  bool mig = false;     // VendorConfig::mode: MIG devices
  bool mutex = false;   // hami.io/gpu-scheduler-policy: only cards that nobody uses
  bool online = false;  // VendorConfig::app_class: one card and no core share
};

// Reads the vendor's resources of `container`, limits first, then requests. Nothing when there are
// none. kInvalid: one sentence with container, resource, value and what would be right.
Result<std::optional<Ask>> ReadAsk(const Json& container, const VendorConfig& vendor,
                                   const Modes& modes);

}  // namespace dray::admission
