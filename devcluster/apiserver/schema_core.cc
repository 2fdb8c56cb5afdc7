#include "devcluster/apiserver/schema_tables.h"

// The rest of core/v1, and what all kinds share: names, numbers and types of k8s.io/api 1.36.
namespace dray::devcluster {

const char kCoreTypes[] = R"(@io.k8s.api.core.v1
AttachedVolume name=1 devicePath=2
Binding metadata:ObjectMeta=1 target:ObjectReference=2
ClientIPConfig timeoutSeconds?:int=1
ConfigMap metadata:ObjectMeta=1 immutable?:bool=4 data{}=2 binaryData{}:bytes=3
ConfigMapNodeConfigSource namespace=1 name=2 uid=3 resourceVersion=4 kubeletConfigKey=5
ContainerImage names[]=1 sizeBytes:long=2
DaemonEndpoint Port:int=1
Event metadata:ObjectMeta=1 involvedObject:ObjectReference=2 reason=3 message=4
  source:EventSource=5 firstTimestamp:Time=6 lastTimestamp:Time=7 count:int=8 type=9
  eventTime:MicroTime=10 series:EventSeries=11 action=12 related:ObjectReference=13
  reportingComponent=14 reportingInstance=15
EventSeries count:int=1 lastObservedTime:MicroTime=2
EventSource component=1 host=2
LoadBalancerIngress ip=1 hostname=2 ipMode?=3 ports[]:PortStatus=4
LoadBalancerStatus ingress[]:LoadBalancerIngress=1
Namespace metadata:ObjectMeta=1 spec:NamespaceSpec=2 status:NamespaceStatus=3
NamespaceCondition type=1 status=2 lastTransitionTime:Time=4 reason=5 message=6
NamespaceSpec finalizers[]=1
NamespaceStatus phase=1 conditions[]:NamespaceCondition=2
Node metadata:ObjectMeta=1 spec:NodeSpec=2 status:NodeStatus=3
NodeAddress type=1 address=2
NodeCondition type=1 status=2 lastHeartbeatTime:Time=3 lastTransitionTime:Time=4 reason=5 message=6
NodeConfigSource configMap:ConfigMapNodeConfigSource=2
NodeConfigStatus assigned:NodeConfigSource=1 active:NodeConfigSource=2
  lastKnownGood:NodeConfigSource=3 error=4
NodeDaemonEndpoints kubeletEndpoint:DaemonEndpoint=1
NodeFeatures supplementalGroupsPolicy?:bool=1
NodeRuntimeHandler name=1 features:NodeRuntimeHandlerFeatures=2
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts?:bool=1 userNamespaces?:bool=2
NodeSpec podCIDR=1 podCIDRs[]=7 providerID=3 unschedulable:bool=4 taints[]:Taint=5
  configSource:NodeConfigSource=6 externalID=2
NodeStatus capacity{}:Quantity=1 allocatable{}:Quantity=2 phase=3 conditions[]:NodeCondition=4
  addresses[]:NodeAddress=5 daemonEndpoints:NodeDaemonEndpoints=6 nodeInfo:NodeSystemInfo=7
  images[]:ContainerImage=8 volumesInUse[]=9 volumesAttached[]:AttachedVolume=10
  config:NodeConfigStatus=11 runtimeHandlers[]:NodeRuntimeHandler=12 features:NodeFeatures=13
  declaredFeatures[]=14
NodeSwapStatus capacity?:long=1
NodeSystemInfo machineID=1 systemUUID=2 bootID=3 kernelVersion=4 osImage=5
  containerRuntimeVersion=6 kubeletVersion=7 kubeProxyVersion=8 operatingSystem=9 architecture=10
  swap:NodeSwapStatus=11
ObjectReference kind=1 namespace=2 name=3 uid=4 apiVersion=5 resourceVersion=6 fieldPath=7
PortStatus port:int=1 protocol=2 error?=3
Secret metadata:ObjectMeta=1 immutable?:bool=5 data{}:bytes=2 stringData{}=4 type=3
Service metadata:ObjectMeta=1 spec:ServiceSpec=2 status:ServiceStatus=3
ServiceAccount metadata:ObjectMeta=1 secrets[]:ObjectReference=2
  imagePullSecrets[]:LocalObjectReference=3 automountServiceAccountToken?:bool=4
ServicePort name=1 protocol=2 appProtocol?=6 port:int=3 targetPort:IntOrString=4 nodePort:int=5
ServiceSpec ports[]:ServicePort=1 selector{}=2 clusterIP=3 clusterIPs[]=18 type=4 externalIPs[]=5
  sessionAffinity=7 loadBalancerIP=8 loadBalancerSourceRanges[]=9 externalName=10
  externalTrafficPolicy=11 healthCheckNodePort:int=12 publishNotReadyAddresses:bool=13
  sessionAffinityConfig:SessionAffinityConfig=14 ipFamilies[]=19 ipFamilyPolicy?=17
  allocateLoadBalancerNodePorts?:bool=20 loadBalancerClass?=21 internalTrafficPolicy?=22
  trafficDistribution?=23
ServiceStatus loadBalancer:LoadBalancerStatus=1 conditions[]:Condition=2
SessionAffinityConfig clientIP:ClientIPConfig=1
Taint key=1 value=2 effect=3 timeAdded:Time=4
)";

// Who am I, may I: without members that only an authorizer could use.
const char kReviewTypes[] = R"(@io.k8s.api.authentication.v1
SelfSubjectReview metadata:ObjectMeta=1 status:SelfSubjectReviewStatus=2
SelfSubjectReviewStatus userInfo:UserInfo=1
TokenReview metadata:ObjectMeta=1 spec:TokenReviewSpec=2 status:TokenReviewStatus=3
TokenReviewSpec token=1 audiences[]=2
TokenReviewStatus authenticated:bool=1 user:UserInfo=2 audiences[]=4 error=3
UserInfo username=1 uid=2 groups[]=3
@io.k8s.api.authorization.v1
NonResourceAttributes path=1 verb=2
NonResourceRule verbs[]=1 nonResourceURLs[]=2
ResourceAttributes namespace=1 verb=2 group=3 version=4 resource=5 subresource=6 name=7
ResourceRule verbs[]=1 apiGroups[]=2 resources[]=3 resourceNames[]=4
SelfSubjectAccessReview metadata:ObjectMeta=1 spec:SelfSubjectAccessReviewSpec=2
  status:SubjectAccessReviewStatus=3
SelfSubjectAccessReviewSpec resourceAttributes:ResourceAttributes=1
  nonResourceAttributes:NonResourceAttributes=2
SelfSubjectRulesReview metadata:ObjectMeta=1 spec:SelfSubjectRulesReviewSpec=2
  status:SubjectRulesReviewStatus=3
SelfSubjectRulesReviewSpec namespace=1
SubjectAccessReview metadata:ObjectMeta=1 spec:SubjectAccessReviewSpec=2
  status:SubjectAccessReviewStatus=3
SubjectAccessReviewSpec resourceAttributes:ResourceAttributes=1
  nonResourceAttributes:NonResourceAttributes=2 user=3 groups[]=4 uid=6
SubjectAccessReviewStatus allowed:bool=1 denied:bool=4 reason=2 evaluationError=3
SubjectRulesReviewStatus resourceRules[]:ResourceRule=1 nonResourceRules[]:NonResourceRule=2
  incomplete:bool=3 evaluationError=4
)";

const char kMetaTypes[] = R"(@io.k8s.apimachinery.pkg.apis.meta.v1
Condition type=1 status=2 observedGeneration:long=3 lastTransitionTime:Time=4 reason=5 message=6
DeleteOptions gracePeriodSeconds?:long=1 preconditions:Preconditions=2 orphanDependents?:bool=3
  propagationPolicy?=4 dryRun[]=5 ignoreStoreReadErrorWithClusterBreakingPotential?:bool=6
LabelSelector matchLabels{}=1 matchExpressions[]:LabelSelectorRequirement=2
LabelSelectorRequirement key=1 operator=2 values[]=3
ManagedFieldsEntry manager=1 operation=2 apiVersion=3 time:Time=4 fieldsType=6 fieldsV1:Raw=7
  subresource=8
ObjectMeta name=1 generateName=2 namespace=3 selfLink=4 uid=5 resourceVersion=6 generation:long=7
  creationTimestamp:Time=8 deletionTimestamp:Time=9 deletionGracePeriodSeconds?:long=10 labels{}=11
  annotations{}=12 ownerReferences[]:OwnerReference=13 finalizers[]=14
  managedFields[]:ManagedFieldsEntry=17
OwnerReference apiVersion=5 kind=1 name=3 uid=4 controller?:bool=6 blockOwnerDeletion?:bool=7
Preconditions uid?=1 resourceVersion?=2
)";

}  // namespace dray::devcluster
