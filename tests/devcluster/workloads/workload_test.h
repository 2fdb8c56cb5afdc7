#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devcluster/workloads/deployment_reconciler.h"
#include "devcluster/workloads/job_reconciler.h"
#include "devcluster/workloads/owned_pods.h"
#include "devcluster/workloads/replicaset_reconciler.h"
#include "tests/support/test_cluster.h"

// What the tests of Deployment, ReplicaSet and Job share: one workload "web" against the API
// server's own rules.
namespace dray::devcluster {

inline const api::ObjectKey kName{"default", "web"};

inline Json PodTemplate(const std::string& image = "nginx", const std::string& restart = "Always") {
  return {{"metadata", {{"labels", {{"app", "web"}}}, {"annotations", {{"note", "x"}}}}},
          {"spec",
           {{"restartPolicy", restart},
            {"containers",
             {{{"name", "main"},
               {"image", image},
               {"resources", {{"limits", {{"nvidia.com/gpu", "1"}}}}}}}}}}};
}

inline Json WorkloadOf(const char* version, const char* kind, Json spec) {
  return {{"apiVersion", version},
          {"kind", kind},
          {"metadata", {{"name", "web"}, {"namespace", "default"}}},
          {"spec", std::move(spec)}};
}

inline Json DeploymentOf(int replicas, const std::string& image = "nginx",
                         Json strategy = nullptr) {
  Json spec = {{"replicas", replicas},
               {"selector", {{"matchLabels", {{"app", "web"}}}}},
               {"template", PodTemplate(image)}};
  if (!strategy.is_null()) spec["strategy"] = std::move(strategy);
  return WorkloadOf("apps/v1", "Deployment", std::move(spec));
}

struct WorkloadTest : ::testing::Test {
  template <class R, class T>
  Result<runtime::Requeue> Run(testing::SyncedCache<T>& cache) {
    cache.Sync(cluster.client, cluster.Ctx());
    return R(cluster.Tested(), cache, *events).Reconcile(cluster.Ctx(), kName);
  }
  Result<runtime::Requeue> RunDeployment() {
    deployments.Sync(cluster.client, cluster.Ctx());
    sets.Sync(cluster.client, cluster.Ctx());
    return DeploymentReconciler(cluster.Tested(), deployments, sets, *events)
        .Reconcile(cluster.Ctx(), kName);
  }
  // Every ReplicaSet, then the Deployment.
  void Round() {
    sets.Sync(cluster.client, cluster.Ctx());
    for (const auto& set : sets.List()) {
      Result<runtime::Requeue> done = ReplicaSetReconciler(cluster.Tested(), sets, *events)
                                          .Reconcile(cluster.Ctx(), api::KeyOf(*set));
      EXPECT_TRUE(done.ok()) << done.status();
    }
    Result<runtime::Requeue> done = RunDeployment();
    EXPECT_TRUE(done.ok()) << done.status();
  }
  void Settle() {
    std::string before;
    for (int i = 0; i < 50; ++i) {
      Round();
      cluster.wire->TakeWrites();
      Round();
      if (cluster.wire->TakeWrites().empty()) return;
    }
    FAIL() << "does not come to rest";
  }
  void AllReady() {
    for (const api::Pod& pod : cluster.List<api::Pod>("default"))
      if (Active(pod) && !Ready(pod)) cluster.SetPhase(api::KeyOf(pod), "Running", true);
  }
  std::vector<api::Pod> Pods() { return cluster.List<api::Pod>("default"); }
  // Pods neither done nor ending, by image.
  std::map<std::string, int> Running() {
    std::map<std::string, int> running;
    for (const api::Pod& pod : Pods())
      if (Active(pod)) ++running[pod.spec.containers[0].image];
    return running;
  }
  // Wanted replicas by image.
  std::map<std::string, int> Wanted() {
    std::map<std::string, int> wanted;
    for (const api::ReplicaSet& set : cluster.List<api::ReplicaSet>())
      wanted[set.spec.template_.spec.containers[0].image] += set.spec.replicas.value_or(-1);
    return wanted;
  }
  static std::string ConditionIn(const std::vector<api::WorkloadCondition>& conditions,
                                 const char* type) {
    for (const auto& one : conditions)
      if (one.type == type) return one.status + " " + one.reason;
    return "absent";
  }
  std::vector<std::string> Events() {
    events.reset();
    cluster.clock.Advance(std::chrono::seconds(1));
    auto lines = cluster.Events();
    events.emplace(cluster.client, cluster.clock, "dray-devcluster");
    return lines;
  }

  testing::TestCluster cluster;
  testing::SyncedCache<api::Deployment> deployments;
  testing::SyncedCache<api::ReplicaSet> sets;
  testing::SyncedCache<api::Job> jobs;
  std::optional<runtime::EventRecorder> events{std::in_place, cluster.client, cluster.clock,
                                               "dray-devcluster"};
};

}  // namespace dray::devcluster
