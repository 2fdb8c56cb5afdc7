#include "devcluster/eviction/device_taint_eviction.h"

#include "devcluster/eviction/evict_reconciler.h"
#include "dray/runtime/controller.h"

namespace dray::devcluster {
namespace {

runtime::InformerOptions<api::ResourceClaim> WithPools() {
  runtime::InformerOptions<api::ResourceClaim> options;
  options.indexes[kPoolIndex] = [](const api::ResourceClaim& claim) {
    std::vector<std::string> pools;
    if (!claim.status.allocation) return pools;
    for (const api::DeviceRequestAllocationResult& result :
         claim.status.allocation->devices.results)
      pools.push_back(PoolKey(result.driver, result.pool));
    return pools;
  };
  return options;
}

runtime::InformerOptions<api::ResourceSlice> ByPool() {
  runtime::InformerOptions<api::ResourceSlice> options;
  options.indexes[kPoolIndex] = [](const api::ResourceSlice& slice) {
    return std::vector{PoolKey(slice.spec.driver, slice.spec.pool.name)};
  };
  return options;
}

}  // namespace

struct DeviceTaintEviction::State {
  State(runtime::Client client, Clock& clock)
      : pods(client),
        claims(client, WithPools()),
        slices(client, ByPool()),
        events(client, clock, "device-taint-eviction-controller") {
    controllers.push_back(std::make_unique<runtime::Controller>(
        clock, "device-taint-eviction",
        std::make_unique<EvictReconciler>(client, pods, claims, slices, events)));
    auto* queue = &controllers[0]->queue;
    auto add_users = [queue](const api::ResourceClaim& claim) {
      if (!claim.status.allocation) return;
      for (const api::ResourceClaimConsumerReference& consumer : claim.status.reserved_for) {
        if (consumer.api_group.empty() && consumer.resource == "pods")
          queue->Add({claim.metadata.namespace_, consumer.name});
      }
    };
    runtime::OnChange<api::Pod>(pods, [queue](const api::Pod& pod) {
      if (!pod.spec.resource_claims.empty() && !pod.spec.node_name.empty())
        queue->Add(api::KeyOf(pod));
    });
    runtime::OnChange<api::ResourceClaim>(claims, add_users);
    runtime::OnChange<api::ResourceSlice>(
        slices, [this, add_users](const api::ResourceSlice& slice) {
          for (const auto& claim :
               claims.By(kPoolIndex, PoolKey(slice.spec.driver, slice.spec.pool.name)))
            add_users(*claim);
        });
  }

  runtime::Informer<api::Pod> pods;
  runtime::Informer<api::ResourceClaim> claims;
  runtime::Informer<api::ResourceSlice> slices;
  runtime::EventRecorder events;
  std::vector<std::unique_ptr<runtime::Controller>> controllers;
};

DeviceTaintEviction::DeviceTaintEviction(runtime::Client client, Clock& clock)
    : state_(std::make_unique<State>(std::move(client), clock)) {}
DeviceTaintEviction::~DeviceTaintEviction() = default;

void DeviceTaintEviction::AddTo(runtime::Manager& manager) {
  runtime::AddCache(manager, state_->pods);
  runtime::AddCache(manager, state_->claims);
  runtime::AddCache(manager, state_->slices);
  manager.Add(runtime::Stage::kEveryone, {"device taint eviction",
                                          [this](const Context& ctx) {
                                            runtime::RunControllers(ctx, state_->controllers, 2);
                                            return Ok();
                                          },
                                          nullptr});
}

}  // namespace dray::devcluster
