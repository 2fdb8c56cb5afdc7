#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/resource.h"
#include "dray/base/status.h"

namespace dray::mockdev {

// Whose slices and of what.
struct PoolDescription {
  std::string driver;
  std::string pool;  // by habit the node's name
  std::string node_name, node_uid;
  std::vector<api::Device> devices;
};

// What has to be written so that the API server shows a pool. To be done in this order: a pool is
// then briefly incomplete, never contradictory.
struct SlicePlan {
  std::vector<api::ResourceSlice> remove;  // as they are on the server
  std::vector<api::ResourceSlice> update;  // with name and resourceVersion of the stored object
  std::vector<api::ResourceSlice> create;  // with generateName
  bool empty() const { return remove.empty() && update.empty() && create.empty(); }
};

// Compares what is wanted with the slices of this driver and node that exist (facts: dra.md F.1).
// Pure.
//  - At most 128 devices a slice, 64 when any device has taints; at least one slice, perhaps
//  without devices.
//  - The generation stays when at most one slice changes in place and none is added or removed;
//  else it is one above the
//    highest that exists, for all slices.
//  - A taint keeps the time it was added while it stays the same.
//  - Generated names begin with the slice's number, so that the allocator, which goes by name,
//  keeps the devices' order.
SlicePlan PlanSlices(const PoolDescription& wanted,
                     const std::vector<api::ResourceSlice>& existing);

// ok when the API server would take the slices of this pool; else kInvalid with its first fault,
// beginning with the device where there is one: "device gpu-0: taints[0].key: Invalid value: ...".
// Pure.
Status CheckPool(const PoolDescription& pool);

// Fields that were sent and did not come back: the server's feature gates dropped them. "" when all
// did. Pure.
std::string DroppedFields(const api::ResourceSlice& sent, const api::ResourceSlice& stored);

}  // namespace dray::mockdev
