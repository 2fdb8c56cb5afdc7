#include "api/types/codec_templates.h"
#include "api/types/workload_fields.h"

namespace dray::api {

DRAY_CODEC(Deployment);
DRAY_CODEC(ReplicaSet);
DRAY_CODEC(Job);

DRAY_VALUE_CODEC(DeploymentStatus);
DRAY_VALUE_CODEC(ReplicaSetStatus);
DRAY_VALUE_CODEC(JobStatus);
DRAY_VALUE_CODEC(LabelSelector);

}  // namespace dray::api
