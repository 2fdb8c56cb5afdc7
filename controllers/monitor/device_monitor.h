#pragma once

#include <array>
#include <memory>

#include "controllers/monitor/deflated.h"
#include "dray/api/types/resource.h"
#include "dray/base/guarded.h"
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

  // The exposition text of now, compressed: a cluster of thousands of nodes has a hundred megabytes
  // of it. Computed when slices or claims have changed since the last scrape. Any thread; two at
  // once compute twice.
  std::shared_ptr<const DeflatedText> Deflated() const;
  std::string Text() const { return Inflate(*Deflated()); }

 private:
  DeflatedText Compute() const;

  const runtime::Lister<api::ResourceSlice>& slices_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const bool legacy_names_;
  struct Kept {
    std::array<uint64_t, 2> versions{};  // of slices and claims
    std::shared_ptr<const DeflatedText> text;
  };
  mutable Guarded<Kept> kept_;
};

}  // namespace dray::controllers
