#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "dray/api/scenario.h"
#include "dray/base/status.h"

namespace dray::cli {

// What `dray allocate` decides about, from its files; "-" is standard input. A file holds
//  - a scenario: {nodes, slices, classes, allocated, claims, groups}, or some of it, or
//  - Kubernetes objects, YAML or JSON: Nodes, ResourceSlices, DeviceClasses, ResourceClaims,
//    ResourceClaimTemplates, Pods and workloads, as `dray convert` prints them and kubectl does.
//    Others are passed over.
// Objects get what a cluster would add: a Pod's claims come from its templates, named
// "<pod>-<entry>", and are allocated together; a workload stands for its replicas; the classes are
// those of config/deviceclasses where none is given, the nodes those of the slices. A claim with
// an allocation holds its devices.
// `warnings`: about Pods that have nothing to allocate though they ask for devices.
// kInvalid names the file and what is wrong; kBadRequest: a file cannot be read.
Result<alloc::Scenario> ReadAllocateInput(const std::vector<std::string>& files, std::istream& in,
                                          std::vector<std::string>& warnings);

}  // namespace dray::cli
