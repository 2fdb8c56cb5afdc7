#include <nlohmann/json.hpp>

#include "devcluster/apiserver/defaults.h"
#include "devcluster/apiserver/json_access.h"

namespace dray::devcluster {
namespace {

void DefaultTemplate(Json& spec) {
  if (Json* pod = Find(spec, "template.spec")) DefaultPodSpec(*pod);
}

}  // namespace

void DefaultDeployment(Json& object, WallTime) {
  Json* spec = Find(object, "spec");
  if (!spec || !spec->is_object()) return;
  Default(*spec, "replicas", 1);
  Default(*spec, "revisionHistoryLimit", 10);
  Default(*spec, "progressDeadlineSeconds", 600);
  Json& strategy = ObjectAt(*spec, "strategy");
  Default(strategy, "type", "RollingUpdate");
  if (StringAt(strategy, "type") == "RollingUpdate") {
    Json& rolling = ObjectAt(strategy, "rollingUpdate");
    Default(rolling, "maxUnavailable", "25%");
    Default(rolling, "maxSurge", "25%");
  }
  DefaultTemplate(*spec);
}

void DefaultReplicaSet(Json& object, WallTime) {
  Json* spec = Find(object, "spec");
  if (!spec || !spec->is_object()) return;
  Default(*spec, "replicas", 1);
  DefaultTemplate(*spec);
}

void DefaultJob(Json& object, WallTime) {
  Json* spec = Find(object, "spec");
  if (!spec || !spec->is_object()) return;
  // A work queue (parallelism without completions) keeps its completions unset.
  if (!Find(*spec, "completions") && !Find(*spec, "parallelism")) Default(*spec, "completions", 1);
  Default(*spec, "parallelism", 1);
  Default(*spec, "backoffLimit", 6);
  Default(*spec, "completionMode", "NonIndexed");
  Default(*spec, "suspend", false);
  Default(*spec, "manualSelector", false);
  Default(*spec, "podReplacementPolicy",
          Find(*spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
  DefaultTemplate(*spec);
}

}  // namespace dray::devcluster
