#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/strategy.h"
#include "devcluster/apiserver/tables.h"
#include "devcluster/apiserver/validation.h"

// apps/v1 and batch/v1: the workloads that have a controller in devcluster/workloads.
namespace dray::devcluster {
namespace {

const Subresource kWorkloadStatus = {"status", {"get", "patch", "update"}, "", "", ""};
const Subresource kScale = {"scale", {"get", "patch", "update"}, "autoscaling", "v1", "Scale"};

}  // namespace

std::vector<Resource> WorkloadResources() {
  return {{.group = "apps",
           .kind = "Deployment",
           .plural = "deployments",
           .versions = {"v1"},
           .short_names = {"deploy"},
           .categories = {"all"},
           .subresources = {kScale, kWorkloadStatus},
           .generation = GenerationRule::kSpecOrAnnotations,
           .status_keeps_metadata = false,
           .columns = DeploymentColumns(),
           .cells = DeploymentCells,
           .defaults = DefaultDeployment,
           .validate = ValidateDeploymentDocument},
          {.group = "apps",
           .kind = "ReplicaSet",
           .plural = "replicasets",
           .versions = {"v1"},
           .short_names = {"rs"},
           .categories = {"all"},
           .subresources = {kScale, kWorkloadStatus},
           .fields = {{"status.replicas", "status.replicas", "0"}},
           .generation = GenerationRule::kSpec,
           .status_keeps_metadata = false,
           .columns = ReplicaSetColumns(),
           .cells = ReplicaSetCells,
           .defaults = DefaultReplicaSet,
           .validate = ValidateReplicaSetDocument},
          {.group = "batch",
           .kind = "Job",
           .plural = "jobs",
           .versions = {"v1"},
           .categories = {"all"},
           .subresources = {kWorkloadStatus},
           .fields = {{"status.successful", "status.succeeded", "0"}},
           .generation = GenerationRule::kSpec,
           .status_keeps_metadata = false,
           .columns = JobColumns(),
           .cells = JobCells,
           .defaults = DefaultJob,
           .on_create = CreateJob,
           .validate = ValidateJobDocument}};
}

}  // namespace dray::devcluster
