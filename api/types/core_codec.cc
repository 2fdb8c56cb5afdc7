#include "api/types/codec_templates.h"
#include "api/types/core_fields.h"

namespace dray::api {

DRAY_CODEC(Pod);
DRAY_CODEC(Node);
DRAY_CODEC(Namespace);
DRAY_CODEC(ConfigMap);
DRAY_CODEC(Event);
DRAY_CODEC(Service);
DRAY_CODEC(EndpointSlice);

DRAY_VALUE_CODEC(ObjectMeta);
DRAY_VALUE_CODEC(OwnerReference);
DRAY_VALUE_CODEC(std::vector<OwnerReference>);
DRAY_VALUE_CODEC(Condition);
DRAY_VALUE_CODEC(std::vector<Condition>);
DRAY_VALUE_CODEC(LabelSelector);
DRAY_VALUE_CODEC(PodSpec);
DRAY_VALUE_CODEC(PodStatus);
DRAY_VALUE_CODEC(PodCondition);
DRAY_VALUE_CODEC(PodTemplateSpec);
DRAY_VALUE_CODEC(PodResourceClaim);
DRAY_VALUE_CODEC(PodResourceClaimStatus);
DRAY_VALUE_CODEC(Container);
DRAY_VALUE_CODEC(ContainerStatus);
DRAY_VALUE_CODEC(ResourceRequirements);
DRAY_VALUE_CODEC(ObjectReference);
DRAY_VALUE_CODEC(NodeSelector);
DRAY_VALUE_CODEC(NodeStatus);
DRAY_VALUE_CODEC(NodeCondition);
DRAY_VALUE_CODEC(std::vector<Taint>);
DRAY_VALUE_CODEC(Labels);
DRAY_VALUE_CODEC(std::vector<std::string>);
// std::map<std::string, Quantity>: ResourceList, CapacityRequirements.requests, consumedCapacity.
DRAY_VALUE_CODEC(ResourceList);
DRAY_VALUE_CODEC(Quantity);

}  // namespace dray::api
