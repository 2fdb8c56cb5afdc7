#pragma once

#include "dray/api/types/resource.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"

namespace dray::controllers {

// Gauges of devices and what is allocated of them, from ResourceSlices and ResourceClaims alone; on every replica. Names and
// labels are HAMi's DRA monitor's (hami_dra_gpu_*), ratios are 0 to 1. A device is keyed by driver, pool and name; a shared
// claim counts once; a claim without consumed capacity counts as the whole device.
class DeviceMonitor {
 public:
  DeviceMonitor(const runtime::Lister<api::ResourceSlice>& slices, const runtime::Lister<api::ResourceClaim>& claims);

  // The exposition text of now; computed on each scrape.
  std::string Text() const;

 private:
  const runtime::Lister<api::ResourceSlice>& slices_;
  const runtime::Lister<api::ResourceClaim>& claims_;
};

}  // namespace dray::controllers
