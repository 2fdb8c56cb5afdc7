// What HAMi-DRA 0.0.1 lacks beside its webhook (tests/api/admission/defects_test.cc has the rest).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/cleanup/cleanup_reconcilers.h"
#include "controllers/deviceclass/deviceclass_reconciler.h"
#include "controllers/resourceclaim/resourceclaim_reconciler.h"
#include "tests/support/test_cluster.h"

namespace dray::controllers {
namespace {

using testing::TestCluster;

// Nothing reconciled DeviceClasses, said where claims stand, or took what is left over.
TEST(HamiDraController, C2_17_ClassesComeBackClaimsAreReportedAndLeftoversGo) {
  TestCluster cluster;
  runtime::Metrics metrics;
  runtime::EventRecorder events(cluster.client, cluster.clock, "dray-controller-manager");
  testing::SyncedCache<api::DeviceClass> classes;
  testing::SyncedCache<api::ResourceClaim> claims;
  testing::SyncedCache<api::ResourceClaimTemplate> templates;
  testing::SyncedCache<api::ResourceSlice> slices;
  testing::SyncedCache<api::Node> nodes;
  testing::SyncedCache<api::Pod> pods{{{"claim", ClaimsOfPod}, {"template", TemplatesOfPod}}};
  auto sync = [&] {
    classes.Sync(cluster.client, cluster.Ctx());
    claims.Sync(cluster.client, cluster.Ctx());
    templates.Sync(cluster.client, cluster.Ctx());
    slices.Sync(cluster.client, cluster.Ctx());
    nodes.Sync(cluster.client, cluster.Ctx());
    pods.Sync(cluster.client, cluster.Ctx());
  };

  // A class that somebody deletes is there again.
  const std::string manifest =
      R"({"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","metadata":{"name":"gpu"},
          "spec":{"selectors":[{"cel":{"expression":"device.driver == \"gpu.example.com\""}}]}})";
  DeviceClassReconciler class_reconciler(DeviceClassReconciler::Options{
      cluster.Tested(), &classes, &claims, &templates, &events, &metrics, {{"gpu", manifest}}});
  for (int i = 0; i < 2; ++i) {
    sync();
    ASSERT_TRUE(class_reconciler.Reconcile(cluster.Ctx(), {"", "gpu"}).ok());
    ASSERT_TRUE(cluster.Find<api::DeviceClass>({"", "gpu"}).has_value());
    ASSERT_TRUE(cluster.client.Delete<api::DeviceClass>(cluster.Ctx(), {"", "gpu"}).ok());
  }

  // A claim that cannot be served (its class is gone) is counted as such.
  cluster.Create(TestCluster::MakeClaim("c"));
  cluster.Create(TestCluster::MakePod("p", {{"c", "c", std::nullopt}}));
  ResourceClaimReconciler claim_reconciler(ResourceClaimReconciler::Options{
      cluster.Tested(), &claims, &pods, &slices, &classes, &nodes, &events, &metrics});
  sync();
  ASSERT_TRUE(claim_reconciler.Reconcile(cluster.Ctx(), {"default", "c"}).ok());
  EXPECT_THAT(metrics.Text(),
              ::testing::HasSubstr("dray_resourceclaims{standing=\"unschedulable\"} 1"));

  // A template that no Pod names any more goes.
  api::ResourceClaimTemplate made = TestCluster::MakeTemplate("dray-0123456789abcdef");
  made.metadata.labels["app.kubernetes.io/managed-by"] = "dray";
  made.metadata.annotations["dray.dev/request-hash"] = "0123456789abcdef" + std::string(48, '0');
  cluster.Create(made);
  cluster.clock.Advance(std::chrono::hours(1));
  sync();
  TemplateCleanup cleanup({.client = cluster.Tested(), .pods = &pods, .metrics = &metrics},
                          &templates);
  ASSERT_TRUE(cleanup.Reconcile(cluster.Ctx(), api::KeyOf(made)).ok());
  EXPECT_FALSE(cluster.Find<api::ResourceClaimTemplate>(api::KeyOf(made)).has_value());
}

}  // namespace
}  // namespace dray::controllers
