#pragma once

#include "dray/api/types/resource.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/metrics.h"

namespace dray::controllers {

// Gauges of devices and what is allocated of them, from ResourceSlices and ResourceClaims alone; on
// every replica. Names and labels are HAMi's DRA monitor's (hami_dra_gpu_* per device,
// hami_dra_vgpu_* per Pod and claim) with driver, pool and claim beside them; ratios are 0 to 1. A
// device is keyed by driver, pool and name, of each pool only the newest generation; a claim that
// several Pods share counts once for the device and in full for each Pod; a claim without consumed
// capacity counts as the whole device; admin access takes nothing. With `legacy_names` HAMi's older
// names come as well, in their units (MiB, 0 to 100).
class DeviceMonitor {
 public:
  DeviceMonitor(const runtime::Lister<api::ResourceSlice>& slices,
                const runtime::Lister<api::ResourceClaim>& claims, bool legacy_names = false);

  // The exposition text of now; computed on each scrape.
  std::string Text() const;

 private:
  const runtime::Lister<api::ResourceSlice>& slices_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const bool legacy_names_;
};

}  // namespace dray::controllers
