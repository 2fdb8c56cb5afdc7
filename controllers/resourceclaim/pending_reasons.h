#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dray/api/alloc.h"
#include "dray/base/context.h"
#include "dray/base/guarded.h"
#include "dray/runtime/informer.h"

namespace dray::controllers {

// The claims that a Pod uses (claims::ClaimsOf) as "namespace/name": the index of Pods by claim.
std::vector<std::string> ClaimsOfPod(const api::Pod& pod);

// Why a Pod's claims are not allocated, found out by trying what the scheduler tries, on the
// caches. Any thread.
class PendingReasons {
 public:
  // `client`: for where an allocated claim may be used, which caches need not keep. `fresh`: for so
  // long what has been gathered is good enough, however much changes meanwhile; and longer where
  // gathering takes long, so that it is not what this process does all day.
  PendingReasons(runtime::Client client, const runtime::Lister<api::ResourceClaim>& claims,
                 const runtime::Lister<api::ResourceSlice>& slices,
                 const runtime::Lister<api::DeviceClass>& classes,
                 const runtime::Lister<api::Node>& nodes, Duration fresh = {})
      : client_(std::move(client)),
        claims_(claims),
        slices_(slices),
        classes_(classes),
        nodes_(nodes),
        fresh_(fresh) {}

  // "0/3 nodes: 2 had no devices, 1 ..."; empty when a node can take the claims (the scheduler has
  // not come round yet, or waits for something else), when none is left to allocate, and while a
  // claim has not been made.
  std::string Why(const Context& ctx, const api::Pod& pod);
  // Nobody waits any more: lets go of what was gathered, which is every device of the cluster.
  void LetGo();

 private:
  // What several Pods are explained with, as long as nothing has changed.
  struct Devices {
    std::array<uint64_t, 3> versions{};  // of slices, classes and claims
    std::shared_ptr<const alloc::Snapshot> snapshot;
    SteadyTime good_until;
    // Reasons against this snapshot by what was asked for: the replicas of one Deployment are tried
    // once.
    std::map<std::string, std::string> reasons;
  };
  std::shared_ptr<const alloc::Snapshot> Snapshot(Clock& clock);
  std::string Try(const Context& ctx, const alloc::Snapshot& snapshot,
                  const std::vector<const api::ResourceClaim*>& wanted,
                  const std::vector<api::NodeSelector>& places) const;

  const runtime::Client client_;
  const runtime::Lister<api::ResourceClaim>& claims_;
  const runtime::Lister<api::ResourceSlice>& slices_;
  const runtime::Lister<api::DeviceClass>& classes_;
  const runtime::Lister<api::Node>& nodes_;
  const Duration fresh_;
  Guarded<Devices> devices_;
};

}  // namespace dray::controllers
