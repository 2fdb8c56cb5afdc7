#include "devcluster/workloads/workloads.h"

#include "devcluster/workloads/deployment_reconciler.h"
#include "devcluster/workloads/garbage_collector.h"
#include "devcluster/workloads/job_reconciler.h"
#include "devcluster/workloads/namespace_reconciler.h"
#include "devcluster/workloads/replicaset_reconciler.h"
#include "dray/api/types/coordination.h"
#include "dray/api/types/resource.h"
#include "dray/runtime/controller.h"

namespace dray::devcluster {
namespace {

using runtime::Informer;

template <class... T>
std::vector<api::KindInfo> KindsOf(const Informer<T>&...) {
  return {api::KindOf<T>::value...};
}

}  // namespace

struct Workloads::State {
  State(runtime::Client client, Clock& clock)
      : pods(client),
        nodes(client),
        namespaces(client),
        configmaps(client),
        services(client),
        endpointslices(client),
        deployments(client),
        replicasets(client),
        jobs(client),
        leases(client),
        slices(client),
        claims(client),
        templates(client),
        events(client, clock, "dray-devcluster") {
    MakeControllers(client, clock);
  }

  template <class Use>
  void EachCollected(Use use) {
    use(pods), use(nodes), use(configmaps), use(services), use(endpointslices), use(deployments),
        use(replicasets), use(jobs), use(leases), use(slices), use(claims), use(templates);
  }

  runtime::WorkQueue* Add(Clock& clock, const char* name,
                          std::unique_ptr<runtime::Reconciler> reconciler) {
    controllers.push_back(
        std::make_unique<runtime::Controller>(clock, name, std::move(reconciler)));
    return &controllers.back()->queue;
  }

  void MakeControllers(const runtime::Client& client, Clock& clock) {
    auto* sets = Add(clock, "replicaset",
                     std::make_unique<ReplicaSetReconciler>(client, replicasets, events));
    auto* rollouts =
        Add(clock, "deployment",
            std::make_unique<DeploymentReconciler>(client, deployments, replicasets, events));
    auto* job_queue = Add(clock, "job", std::make_unique<JobReconciler>(client, jobs, events));
    auto* spaces =
        Add(clock, "namespace", std::make_unique<NamespaceReconciler>(client, namespaces));

    auto collector = std::make_unique<GarbageCollector>(
        client, KindsOf(pods, nodes, configmaps, services, endpointslices, deployments, replicasets,
                        jobs, leases, slices, claims, templates));
    GarbageCollector* gc = collector.get();
    auto* orphans = Add(clock, "garbage-collector", std::move(collector));
    EachCollected([&]<class T>(Informer<T>& informer) {
      runtime::InformerHandlers<T> handlers;
      handlers.on_change = [gc, orphans](const std::shared_ptr<const T>& before,
                                         const std::shared_ptr<const T>& after) {
        // The same name with another UID: the one that was there before is gone.
        const bool replaced =
            before != nullptr && after != nullptr && before->metadata.uid != after->metadata.uid;
        if (before != nullptr && (after == nullptr || replaced))
          for (const std::string& uid : gc->Gone(before->metadata)) orphans->Add({"", uid});
        if (after != nullptr)
          for (const std::string& uid :
               gc->Seen({api::KindOf<T>::value, api::KeyOf(*after), after->metadata}))
            orphans->Add({"", uid});
      };
      informer.AddHandler(std::move(handlers));
    });

    runtime::OnChange<api::Namespace>(namespaces, [=](const api::Namespace& one) {
      spaces->Add({"", one.metadata.name});
    });
    runtime::OnChange<api::Deployment>(
        deployments, [=](const api::Deployment& one) { rollouts->Add(api::KeyOf(one)); });
    runtime::OnChange<api::Job>(jobs,
                                [=](const api::Job& one) { job_queue->Add(api::KeyOf(one)); });
    runtime::OnChange<api::ReplicaSet>(replicasets, [=](const api::ReplicaSet& one) {
      sets->Add(api::KeyOf(one));
      if (const api::OwnerReference* owner = api::ControllerOf(one.metadata))
        rollouts->Add({one.metadata.namespace_, owner->name});
    });
    runtime::OnChange<api::Pod>(pods, [=, this](const api::Pod& one) {
      const api::OwnerReference* owner = api::ControllerOf(one.metadata);
      if (owner == nullptr) {
        for (const auto& set : replicasets.By("namespace", one.metadata.namespace_))
          if (api::Matches(set->spec.selector, one.metadata.labels)) sets->Add(api::KeyOf(*set));
      } else if (owner->kind == "Job") {
        job_queue->Add({one.metadata.namespace_, owner->name});
      } else if (owner->kind == "ReplicaSet") {
        const api::ObjectKey key{one.metadata.namespace_, owner->name};
        sets->Add(key);
        // A Recreate waits for the last old Pod, whose end changes no ReplicaSet.
        auto set = replicasets.Get(key);
        if (const api::OwnerReference* above =
                set == nullptr ? nullptr : api::ControllerOf(set->metadata))
          rollouts->Add({one.metadata.namespace_, above->name});
      }
    });
  }

  Informer<api::Pod> pods;
  Informer<api::Node> nodes;
  Informer<api::Namespace> namespaces;
  Informer<api::ConfigMap> configmaps;
  Informer<api::Service> services;
  Informer<api::EndpointSlice> endpointslices;
  Informer<api::Deployment> deployments;
  Informer<api::ReplicaSet> replicasets;
  Informer<api::Job> jobs;
  Informer<api::Lease> leases;
  Informer<api::ResourceSlice> slices;
  Informer<api::ResourceClaim> claims;
  Informer<api::ResourceClaimTemplate> templates;
  runtime::EventRecorder events;
  std::vector<std::unique_ptr<runtime::Controller>> controllers;
};

Workloads::Workloads(runtime::Client client, Clock& clock)
    : state_(std::make_unique<State>(std::move(client), clock)) {}
Workloads::~Workloads() = default;

void Workloads::AddTo(runtime::Manager& manager) {
  state_->EachCollected([&](auto& informer) { runtime::AddCache(manager, informer); });
  runtime::AddCache(manager, state_->namespaces);
  manager.Add(runtime::Stage::kEveryone, {"workloads",
                                          [this](const Context& ctx) {
                                            runtime::RunControllers(ctx, state_->controllers, 1);
                                            return Ok();
                                          },
                                          nullptr});
}

}  // namespace dray::devcluster
