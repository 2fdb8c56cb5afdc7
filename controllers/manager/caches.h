#pragma once

#include "dray/api/types/resource.h"
#include "dray/runtime/informer.h"
#include "dray/runtime/manager.h"

namespace dray::controllers {

// The caches that every replica keeps warm, so that a new leader starts at once. Of each object
// only what somebody here reads is kept, and of all but the few DeviceClasses that in packed form:
// with a hundred thousand claims, and thousands of nodes, that is most of the memory.
struct Caches {
  explicit Caches(const runtime::Client& client);

  void AddTo(runtime::Manager& manager);
  // Gauges of how fresh they are, in Prometheus' text format.
  std::string Text(SteadyTime now) const;

  runtime::Informer<api::Pod> pods;  // indexes claim, template
  runtime::Informer<api::Node> nodes;
  runtime::Informer<api::ResourceClaim>
      claims;  // index waits: "yes" for those without an allocation
  runtime::Informer<api::ResourceClaimTemplate> templates;
  runtime::Informer<api::ResourceSlice> slices;  // indexes pool, node
  runtime::Informer<api::DeviceClass> classes;
};

// Names a claim, or has got one for its extended resources.
bool UsesClaims(const api::Pod& pod);
// What the transforms of the caches leave of an object.
void KeepOfPod(api::Pod& pod);
void KeepOfNode(api::Node& node);
void KeepOfClaim(api::ResourceClaim& claim);
void KeepOfTemplate(api::ResourceClaimTemplate& claim_template);

}  // namespace dray::controllers
