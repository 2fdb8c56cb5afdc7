// config/rbac allows each call that the controller manager makes on a real cluster, where nothing
// else would tell before it fails there.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dray/runtime/files.h"
#include "dray/runtime/yaml.h"

namespace dray::controllers {
namespace {

bool Has(const Json& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

bool Allows(const std::vector<Json>& documents, const std::string& kind, const std::string& group,
            const std::string& resource, const std::string& verb) {
  for (const Json& document : documents) {
    if (!document.is_object() || document.value("kind", "") != kind) continue;
    for (const Json& rule : document.at("rules"))
      if (Has(rule.at("apiGroups"), group) && Has(rule.at("resources"), resource) &&
          Has(rule.at("verbs"), verb) && !rule.contains("resourceNames"))
        return true;
  }
  return false;
}

TEST(Rbac, AllowsWhatTheManagerDoes) {
  Result<std::string> text = runtime::ReadFile(DRAY_SOURCE_DIR "/config/rbac/rbac.yaml");
  ASSERT_TRUE(text.ok()) << text.status();
  Result<std::vector<Json>> documents = runtime::ParseYamlDocuments(*text, "rbac.yaml");
  ASSERT_TRUE(documents.ok()) << documents.status();
  const std::string resource = "resource.k8s.io";
  struct Case {
    std::string group, resource;
    std::vector<std::string> verbs;
  };
  const Case cluster_wide[] = {
      {"", "pods", {"get", "list", "watch"}},
      {"", "nodes", {"get", "list", "watch", "patch"}},                  // NodeCleanup
      {"", "nodes/status", {"patch"}},                                   // NodeCleanup
      {"", "events", {"create", "patch"}},                               // EventRecorder
      {resource, "resourceslices", {"get", "list", "watch", "delete"}},  // SliceCleanup
      {resource, "deviceclasses", {"get", "list", "watch", "create", "patch", "delete"}},
      {resource,
       "resourceclaims",
       {"get", "list", "watch", "patch", "delete"}},  // patch: the finalizer, ReservationCleanup
      {resource, "resourceclaims/status", {"patch"}},
      {resource,
       "resourceclaims/binding",
       {"patch"}},  // 1.36: who changes reservedFor and allocation
      {resource,
       "resourceclaims/driver",
       {"arbitrary-node:patch"}},  // 1.36: who writes status.devices
      {resource, "resourceclaimtemplates", {"get", "list", "watch", "create", "patch", "delete"}},
  };
  for (const Case& one : cluster_wide)
    for (const std::string& verb : one.verbs)
      EXPECT_TRUE(Allows(*documents, "ClusterRole", one.group, one.resource, verb))
          << verb << " " << one.resource;
  for (const char* verb : {"get", "list", "watch", "create", "update"})
    EXPECT_TRUE(Allows(*documents, "Role", "coordination.k8s.io", "leases", verb))
        << verb << " leases";
  for (const char* verb : {"get", "watch", "create", "update", "delete"})
    EXPECT_TRUE(Allows(*documents, "Role", "coordination.k8s.io", "leasecandidates", verb))
        << verb << " leasecandidates";
}

TEST(Grafana, ThePanelsAskForMetricsThatExist) {
  Result<std::string> text = runtime::ReadFile(DRAY_SOURCE_DIR "/config/grafana/dray.json");
  ASSERT_TRUE(text.ok()) << text.status();
  const Json dashboard = Json::parse(*text, nullptr, false);
  ASSERT_TRUE(dashboard.is_object());
  const char* const known[] = {"hami_dra_gpu_memory_limit_bytes",
                               "hami_dra_gpu_memory_allocated_bytes",
                               "hami_dra_gpu_core_allocated_ratio",
                               "hami_dra_vgpu_memory_allocated_bytes",
                               "dray_device_healthy",
                               "dray_pool_complete",
                               "dray_deviceclass_matching_devices",
                               "dray_deviceclass_errors",
                               "dray_resourceclaims",
                               "dray_resourceclaim_standing_seconds_bucket",
                               "dray_resourceclaim_stuck",
                               "dray_admissions_total",
                               "dray_admission_duration_seconds_bucket",
                               "dray_cleanup_deleted_total",
                               "dray_cleanup_reservations_released_total",
                               "leader_election_master_status",
                               "dray_cache_silent_seconds",
                               "workqueue_depth",
                               "workqueue_retries_total",
                               "dray_build_info"};
  size_t asked = 0;
  for (const Json& panel : dashboard.at("panels"))
    for (const Json& target : panel.value("targets", Json::array())) {
      const std::string query = target.at("expr");
      EXPECT_TRUE(std::any_of(std::begin(known), std::end(known), [&](const char* metric) {
        return query.find(metric) != std::string::npos;
      })) << query;
      ++asked;
    }
  EXPECT_GT(asked, 15u);
}

}  // namespace
}  // namespace dray::controllers
