#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dray/api/types/core.h"

// Which nodes a Pod fits, its claims aside. Pure. Known: nodeName, nodeSelector, required node
// affinity, taints, cordons, readiness, and every resource that nodes offer. Preferences, Pod
// affinity and topology spread are not looked at.
namespace dray::devcluster {

// A node with what its Pods request.
struct NodeInfo {
  std::shared_ptr<const api::Node> node;  // null: Pods are known there, the node is not (yet)
  api::ResourceList requested;
  int64_t pods = 0;

  void Add(const api::ResourceList& requests);
  void Remove(const api::ResourceList& requests);
};

// What a Pod requests as the scheduler counts it: containers and sidecars together, or an init
// container if that is more.
api::ResourceList RequestsOf(const api::Pod& pod);

// Why the Pod does not fit, in kube-scheduler's words ("Insufficient cpu"); empty when it does.
std::vector<std::string> Misfits(const api::Pod& pod, const api::ResourceList& requests,
                                 const NodeInfo& node);

// How much of the node would be free with the Pod, from 0 to 1: mean over cpu and memory (least
// allocated).
double FreeShare(const api::ResourceList& requests, const NodeInfo& node);

}  // namespace dray::devcluster
