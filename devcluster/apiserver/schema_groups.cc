#include "devcluster/apiserver/schema_tables.h"

// The other API groups: names, numbers and types of k8s.io/api 1.36.
namespace dray::devcluster {

const char kResourceTypes[] = R"(@io.k8s.api.resource.v1
AllocatedDeviceStatus driver=1 pool=2 device=3 shareID?=7 conditions[]:Condition=4 data:Raw=5
  networkData:NetworkDeviceData=6
AllocationResult devices:DeviceAllocationResult=1 nodeSelector:NodeSelector=3
  allocationTimestamp:Time=5
CELDeviceSelector expression=1
CapacityRequestPolicy default:Quantity=1 validValues[]:Quantity=3
  validRange:CapacityRequestPolicyRange=4
CapacityRequestPolicyRange min:Quantity=1 max:Quantity=2 step:Quantity=3
CapacityRequirements requests{}:Quantity=1
Counter value:Quantity=1
CounterSet name=1 counters{}:Counter=2
Device name=1 attributes{}:DeviceAttribute=2 capacity{}:DeviceCapacity=3
  consumesCounters[]:DeviceCounterConsumption=4 nodeName?=5 nodeSelector:NodeSelector=6
  allNodes?:bool=7 taints[]:DeviceTaint=8 bindsToNode?:bool=9 bindingConditions[]=10
  bindingFailureConditions[]=11 allowMultipleAllocations?:bool=12
  nodeAllocatableResourceMappings{}:NodeAllocatableResourceMapping=13
DeviceAllocationConfiguration source=1 requests[]=2 +:DeviceConfiguration=3
DeviceAllocationResult results[]:DeviceRequestAllocationResult=1
  config[]:DeviceAllocationConfiguration=2
DeviceAttribute int?:long=2 bool?:bool=3 string?=4 version?=5 ints[]:long=6 bools[]:bool=7
  strings[]=8 versions[]=9
DeviceCapacity value:Quantity=1 requestPolicy:CapacityRequestPolicy=2
DeviceClaim requests[]:DeviceRequest=1 constraints[]:DeviceConstraint=2
  config[]:DeviceClaimConfiguration=3
DeviceClaimConfiguration requests[]=1 +:DeviceConfiguration=2
DeviceClass metadata:ObjectMeta=1 spec:DeviceClassSpec=2
DeviceClassConfiguration +:DeviceConfiguration=1
DeviceClassSpec selectors[]:DeviceSelector=1 config[]:DeviceClassConfiguration=2
  extendedResourceName?=4
DeviceConfiguration opaque:OpaqueDeviceConfiguration=1
DeviceConstraint requests[]=1 matchAttribute?=2 distinctAttribute?=3
DeviceCounterConsumption counterSet=1 counters{}:Counter=2
DeviceRequest name=1 exactly:ExactDeviceRequest=2 firstAvailable[]:DeviceSubRequest=3
DeviceRequestAllocationResult request=1 driver=2 pool=3 device=4 adminAccess?:bool=5
  tolerations[]:DeviceToleration=6 bindingConditions[]=7 bindingFailureConditions[]=8 shareID?=9
  consumedCapacity{}:Quantity=10
DeviceSelector cel:CELDeviceSelector=1
DeviceSubRequest name=1 deviceClassName=2 selectors[]:DeviceSelector=3 allocationMode=4
  count:long=5 tolerations[]:DeviceToleration=6 capacity:CapacityRequirements=7
DeviceTaint key=1 value=2 effect=3 timeAdded:Time=4
DeviceToleration key=1 operator=2 value=3 effect=4 tolerationSeconds?:long=5
ExactDeviceRequest deviceClassName=1 selectors[]:DeviceSelector=2 allocationMode=3 count:long=4
  adminAccess?:bool=5 tolerations[]:DeviceToleration=6 capacity:CapacityRequirements=7
NetworkDeviceData interfaceName=1 ips[]=2 hardwareAddress=3
NodeAllocatableResourceMapping capacityKey?=1 allocationMultiplier:Quantity=2
OpaqueDeviceConfiguration driver=1 parameters:Raw=2
ResourceClaimConsumerReference apiGroup=1 resource=3 name=4 uid=5
ResourceClaimSpec devices:DeviceClaim=1
ResourceClaimStatus allocation:AllocationResult=1 reservedFor[]:ResourceClaimConsumerReference=2
  devices[]:AllocatedDeviceStatus=4
ResourceClaimTemplate metadata:ObjectMeta=1 spec:ResourceClaimTemplateSpec=2
ResourceClaimTemplateSpec metadata:ObjectMeta=1 spec:ResourceClaimSpec=2
ResourcePool name=1 generation:long=2 resourceSliceCount:long=3
ResourceSlice metadata:ObjectMeta=1 spec:ResourceSliceSpec=2
ResourceSliceSpec driver=1 pool:ResourcePool=2 nodeName?=3 nodeSelector:NodeSelector=4
  allNodes?:bool=5 devices[]:Device=6 perDeviceNodeSelection?:bool=7 sharedCounters[]:CounterSet=8
resource.ResourceClaim metadata:ObjectMeta=1 spec:ResourceClaimSpec=2 status:ResourceClaimStatus=3
)";

const char kGroupTypes[] = R"(@io.k8s.api.apps.v1
Deployment metadata:ObjectMeta=1 spec:DeploymentSpec=2 status:DeploymentStatus=3
DeploymentCondition type=1 status=2 lastUpdateTime:Time=6 lastTransitionTime:Time=7 reason=4
  message=5
DeploymentSpec replicas?:int=1 selector:LabelSelector=2 template:PodTemplateSpec=3
  strategy:DeploymentStrategy=4 minReadySeconds:int=5 revisionHistoryLimit?:int=6 paused:bool=7
  progressDeadlineSeconds?:int=9
DeploymentStatus observedGeneration:long=1 replicas:int=2 updatedReplicas:int=3 readyReplicas:int=7
  availableReplicas:int=4 unavailableReplicas:int=5 terminatingReplicas?:int=9
  conditions[]:DeploymentCondition=6 collisionCount?:int=8
DeploymentStrategy type=1 rollingUpdate:RollingUpdateDeployment=2
ReplicaSet metadata:ObjectMeta=1 spec:ReplicaSetSpec=2 status:ReplicaSetStatus=3
ReplicaSetCondition type=1 status=2 lastTransitionTime:Time=3 reason=4 message=5
ReplicaSetSpec replicas?:int=1 minReadySeconds:int=4 selector:LabelSelector=2
  template:PodTemplateSpec=3
ReplicaSetStatus replicas:int=1 fullyLabeledReplicas:int=2 readyReplicas:int=4
  availableReplicas:int=5 terminatingReplicas?:int=7 observedGeneration:long=3
  conditions[]:ReplicaSetCondition=6
RollingUpdateDeployment maxUnavailable:IntOrString=1 maxSurge:IntOrString=2
@io.k8s.api.batch.v1
Job metadata:ObjectMeta=1 spec:JobSpec=2 status:JobStatus=3
JobCondition type=1 status=2 lastProbeTime:Time=3 lastTransitionTime:Time=4 reason=5 message=6
JobSpec parallelism?:int=1 completions?:int=2 activeDeadlineSeconds?:long=3
  podFailurePolicy:PodFailurePolicy=11 successPolicy:SuccessPolicy=16 backoffLimit?:int=7
  backoffLimitPerIndex?:int=12 maxFailedIndexes?:int=13 selector:LabelSelector=4
  manualSelector?:bool=5 template:PodTemplateSpec=6 ttlSecondsAfterFinished?:int=8
  completionMode?=9 suspend?:bool=10 podReplacementPolicy?=14 managedBy?=15
JobStatus conditions[]:JobCondition=1 startTime:Time=2 completionTime:Time=3 active:int=4
  succeeded:int=5 failed:int=6 terminating?:int=11 completedIndexes=7 failedIndexes?=10
  uncountedTerminatedPods:UncountedTerminatedPods=8 ready?:int=9
PodFailurePolicy rules[]:PodFailurePolicyRule=1
PodFailurePolicyOnExitCodesRequirement containerName?=1 operator=2 values[]:int=3
PodFailurePolicyOnPodConditionsPattern type=1 status=2
PodFailurePolicyRule action=1 onExitCodes:PodFailurePolicyOnExitCodesRequirement=2
  onPodConditions[]:PodFailurePolicyOnPodConditionsPattern=3
SuccessPolicy rules[]:SuccessPolicyRule=1
SuccessPolicyRule succeededIndexes?=1 succeededCount?:int=2
UncountedTerminatedPods succeeded[]=1 failed[]=2
@io.k8s.api.coordination.v1
Lease metadata:ObjectMeta=1 spec:LeaseSpec=2
LeaseSpec holderIdentity?=1 leaseDurationSeconds?:int=2 acquireTime:MicroTime=3
  renewTime:MicroTime=4 leaseTransitions?:int=5 strategy?=6 preferredHolder?=7
@io.k8s.api.discovery.v1
Endpoint addresses[]=1 conditions:EndpointConditions=2 hostname?=3 targetRef:ObjectReference=4
  deprecatedTopology{}=5 nodeName?=6 zone?=7 hints:EndpointHints=8
EndpointConditions ready?:bool=1 serving?:bool=2 terminating?:bool=3
EndpointHints forZones[]:ForZone=1 forNodes[]:ForNode=2
EndpointPort name?=1 protocol?=2 port?:int=3 appProtocol?=4
EndpointSlice metadata:ObjectMeta=1 addressType=4 endpoints[]:Endpoint=2 ports[]:EndpointPort=3
ForNode name=1
ForZone name=1
@io.k8s.api.events.v1
events.Event metadata:ObjectMeta=1 eventTime:MicroTime=2 series:events.EventSeries=3
  reportingController=4 reportingInstance=5 action=6 reason=7 regarding:ObjectReference=8
  related:ObjectReference=9 note=10 type=11 deprecatedSource:EventSource=12
  deprecatedFirstTimestamp:Time=13 deprecatedLastTimestamp:Time=14 deprecatedCount:int=15
events.EventSeries count:int=1 lastObservedTime:MicroTime=2
@io.k8s.api.admissionregistration.v1
MatchCondition name=1 expression=2
MutatingWebhook name=1 clientConfig:WebhookClientConfig=2 rules[]:RuleWithOperations=3
  failurePolicy?=4 matchPolicy?=9 namespaceSelector:LabelSelector=5 objectSelector:LabelSelector=11
  sideEffects?=6 timeoutSeconds?:int=7 admissionReviewVersions[]=8 reinvocationPolicy?=10
  matchConditions[]:MatchCondition=12
MutatingWebhookConfiguration metadata:ObjectMeta=1 webhooks[]:MutatingWebhook=2
Rule apiGroups[]=1 apiVersions[]=2 resources[]=3 scope?=4
RuleWithOperations operations[]=1 +:Rule=2
ServiceReference namespace=1 name=2 path?=3 port?:int=4
ValidatingWebhook name=1 clientConfig:WebhookClientConfig=2 rules[]:RuleWithOperations=3
  failurePolicy?=4 matchPolicy?=9 namespaceSelector:LabelSelector=5 objectSelector:LabelSelector=10
  sideEffects?=6 timeoutSeconds?:int=7 admissionReviewVersions[]=8
  matchConditions[]:MatchCondition=11
ValidatingWebhookConfiguration metadata:ObjectMeta=1 webhooks[]:ValidatingWebhook=2
WebhookClientConfig url?=3 service:ServiceReference=1 caBundle:bytes=2
@io.k8s.api.rbac.v1
AggregationRule clusterRoleSelectors[]:LabelSelector=1
ClusterRole metadata:ObjectMeta=1 rules[]:PolicyRule=2 aggregationRule:AggregationRule=3
ClusterRoleBinding metadata:ObjectMeta=1 subjects[]:Subject=2 roleRef:RoleRef=3
PolicyRule verbs[]=1 apiGroups[]=2 resources[]=3 resourceNames[]=4 nonResourceURLs[]=5
Role metadata:ObjectMeta=1 rules[]:PolicyRule=2
RoleBinding metadata:ObjectMeta=1 subjects[]:Subject=2 roleRef:RoleRef=3
RoleRef apiGroup=1 kind=2 name=3
Subject kind=1 apiGroup=2 name=3 namespace=4
@io.k8s.api.policy.v1
Eviction metadata:ObjectMeta=1 deleteOptions:DeleteOptions=2
@io.k8s.api.autoscaling.v1
Scale metadata:ObjectMeta=1 spec:ScaleSpec=2 status:ScaleStatus=3
ScaleSpec replicas:int=1
ScaleStatus replicas:int=1 selector=2
)";

}  // namespace dray::devcluster
