#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dray/api/alloc.h"
#include "dray/base/context.h"
#include "dray/base/guarded.h"
#include "dray/runtime/informer.h"

namespace dray::controllers {

// The keys "ns/name" of the claims that a Pod uses, in its order, as far as they have a name yet.
std::vector<std::string> ClaimsOfPod(const api::Pod& pod);

// Why a Pod's claims are not allocated, found out by trying what the scheduler tries, on the caches. Any thread.
class PendingReasons {
 public:
  // `client`: for where an allocated claim may be used, which caches need not keep.
  PendingReasons(runtime::Client client, const runtime::Lister<api::ResourceClaim>& claims, const runtime::Lister<api::ResourceSlice>& slices,
                 const runtime::Lister<api::DeviceClass>& classes, const runtime::Lister<api::Node>& nodes)
      : client_(std::move(client)), claims_(claims), slices_(slices), classes_(classes), nodes_(nodes) {}

  // "0/3 nodes: 2 had no devices, 1 ..."; empty when a node can take the claims (the scheduler has not come round yet, or waits
  // for something else), when none is left to allocate, and while a claim has not been made.
  std::string Why(const Context& ctx, const api::Pod& pod);

 private:
  // What several Pods are explained with, as long as nothing has changed.
  struct Devices {
    alloc::Snapshot::Input input;
    std::shared_ptr<const alloc::Snapshot> snapshot;
  };
  std::shared_ptr<const alloc::Snapshot> Snapshot();

  const runtime::Client client_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const runtime::Lister<api::ResourceSlice>& slices_;
  const runtime::Lister<api::DeviceClass>& classes_;
  const runtime::Lister<api::Node>& nodes_;
  Guarded<Devices> devices_;
};

}  // namespace dray::controllers
