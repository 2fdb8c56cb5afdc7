#include "devcluster/apiserver/schema_tables.h"

// What a Pod is made of: names, numbers and types of k8s.io/api 1.36.
namespace dray::devcluster {

const char kVolumeTypes[] = R"(@io.k8s.api.core.v1
AWSElasticBlockStoreVolumeSource volumeID=1 fsType=2 partition:int=3 readOnly:bool=4
AzureDiskVolumeSource diskName=1 diskURI=2 cachingMode?=3 fsType?=4 readOnly?:bool=5 kind?=6
AzureFileVolumeSource secretName=1 shareName=2 readOnly:bool=3
CSIVolumeSource driver=1 readOnly?:bool=2 fsType?=3 volumeAttributes{}=4
  nodePublishSecretRef:LocalObjectReference=5
CephFSVolumeSource monitors[]=1 path=2 user=3 secretFile=4 secretRef:LocalObjectReference=5
  readOnly:bool=6
CinderVolumeSource volumeID=1 fsType=2 readOnly:bool=3 secretRef:LocalObjectReference=4
ClusterTrustBundleProjection name?=1 signerName?=2 labelSelector:LabelSelector=3 optional?:bool=5
  path=4
ConfigMapProjection +:LocalObjectReference=1 items[]:KeyToPath=2 optional?:bool=4
ConfigMapVolumeSource +:LocalObjectReference=1 items[]:KeyToPath=2 defaultMode?:int=3
  optional?:bool=4
DownwardAPIProjection items[]:DownwardAPIVolumeFile=1
DownwardAPIVolumeFile path=1 fieldRef:ObjectFieldSelector=2
  resourceFieldRef:ResourceFieldSelector=3 mode?:int=4
DownwardAPIVolumeSource items[]:DownwardAPIVolumeFile=1 defaultMode?:int=2
EmptyDirVolumeSource medium=1 sizeLimit:Quantity=2
EphemeralVolumeSource volumeClaimTemplate:PersistentVolumeClaimTemplate=1
FCVolumeSource targetWWNs[]=1 lun?:int=2 fsType=3 readOnly:bool=4 wwids[]=5
FlexVolumeSource driver=1 fsType=2 secretRef:LocalObjectReference=3 readOnly:bool=4 options{}=5
FlockerVolumeSource datasetName=1 datasetUUID=2
GCEPersistentDiskVolumeSource pdName=1 fsType=2 partition:int=3 readOnly:bool=4
GitRepoVolumeSource repository=1 revision=2 directory=3
GlusterfsVolumeSource endpoints=1 path=2 readOnly:bool=3
HostPathVolumeSource path=1 type?=2
ISCSIVolumeSource targetPortal=1 iqn=2 lun:int=3 iscsiInterface=4 fsType=5 readOnly:bool=6
  portals[]=7 chapAuthDiscovery:bool=8 chapAuthSession:bool=11 secretRef:LocalObjectReference=10
  initiatorName?=12
ImageVolumeSource reference=1 pullPolicy=2
KeyToPath key=1 path=2 mode?:int=3
LocalObjectReference name=1
NFSVolumeSource server=1 path=2 readOnly:bool=3
ObjectFieldSelector apiVersion=1 fieldPath=2
PersistentVolumeClaimSpec accessModes[]=1 selector:LabelSelector=4
  resources:VolumeResourceRequirements=2 volumeName=3 storageClassName?=5 volumeMode?=6
  dataSource:TypedLocalObjectReference=7 dataSourceRef:TypedObjectReference=8
  volumeAttributesClassName?=9
PersistentVolumeClaimTemplate metadata:ObjectMeta=1 spec:PersistentVolumeClaimSpec=2
PersistentVolumeClaimVolumeSource claimName=1 readOnly:bool=2
PhotonPersistentDiskVolumeSource pdID=1 fsType=2
PodCertificateProjection signerName=1 keyType=2 maxExpirationSeconds?:int=3 credentialBundlePath=4
  keyPath=5 certificateChainPath=6 userAnnotations{}=7
PortworxVolumeSource volumeID=1 fsType=2 readOnly:bool=3
ProjectedVolumeSource sources[]:VolumeProjection=1 defaultMode?:int=2
QuobyteVolumeSource registry=1 volume=2 readOnly:bool=3 user=4 group=5 tenant=6
RBDVolumeSource monitors[]=1 image=2 fsType=3 pool=4 user=5 keyring=6
  secretRef:LocalObjectReference=7 readOnly:bool=8
ResourceFieldSelector containerName=1 resource=2 divisor:Quantity=3
ScaleIOVolumeSource gateway=1 system=2 secretRef:LocalObjectReference=3 sslEnabled:bool=4
  protectionDomain=5 storagePool=6 storageMode=7 volumeName=8 fsType=9 readOnly:bool=10
SecretProjection +:LocalObjectReference=1 items[]:KeyToPath=2 optional?:bool=4
SecretVolumeSource secretName=1 items[]:KeyToPath=2 defaultMode?:int=3 optional?:bool=4
ServiceAccountTokenProjection audience=1 expirationSeconds?:long=2 path=3
StorageOSVolumeSource volumeName=1 volumeNamespace=2 fsType=3 readOnly:bool=4
  secretRef:LocalObjectReference=5
TypedLocalObjectReference apiGroup?=1 kind=2 name=3
TypedObjectReference apiGroup?=1 kind=2 name=3 namespace?=4
Volume name=1 +:VolumeSource=2
VolumeProjection secret:SecretProjection=1 downwardAPI:DownwardAPIProjection=2
  configMap:ConfigMapProjection=3 serviceAccountToken:ServiceAccountTokenProjection=4
  clusterTrustBundle:ClusterTrustBundleProjection=5 podCertificate:PodCertificateProjection=6
VolumeResourceRequirements limits{}:Quantity=1 requests{}:Quantity=2
VolumeSource hostPath:HostPathVolumeSource=1 emptyDir:EmptyDirVolumeSource=2
  gcePersistentDisk:GCEPersistentDiskVolumeSource=3
  awsElasticBlockStore:AWSElasticBlockStoreVolumeSource=4 gitRepo:GitRepoVolumeSource=5
  secret:SecretVolumeSource=6 nfs:NFSVolumeSource=7 iscsi:ISCSIVolumeSource=8
  glusterfs:GlusterfsVolumeSource=9 persistentVolumeClaim:PersistentVolumeClaimVolumeSource=10
  rbd:RBDVolumeSource=11 flexVolume:FlexVolumeSource=12 cinder:CinderVolumeSource=13
  cephfs:CephFSVolumeSource=14 flocker:FlockerVolumeSource=15
  downwardAPI:DownwardAPIVolumeSource=16 fc:FCVolumeSource=17 azureFile:AzureFileVolumeSource=18
  configMap:ConfigMapVolumeSource=19 vsphereVolume:VsphereVirtualDiskVolumeSource=20
  quobyte:QuobyteVolumeSource=21 azureDisk:AzureDiskVolumeSource=22
  photonPersistentDisk:PhotonPersistentDiskVolumeSource=23 projected:ProjectedVolumeSource=26
  portworxVolume:PortworxVolumeSource=24 scaleIO:ScaleIOVolumeSource=25
  storageos:StorageOSVolumeSource=27 csi:CSIVolumeSource=28 ephemeral:EphemeralVolumeSource=29
  image:ImageVolumeSource=30
VsphereVirtualDiskVolumeSource volumePath=1 fsType=2 storagePolicyName=3 storagePolicyID=4
)";

const char kPodTypes[] = R"(@io.k8s.api.core.v1
Affinity nodeAffinity:NodeAffinity=1 podAffinity:PodAffinity=2 podAntiAffinity:PodAntiAffinity=3
AppArmorProfile type=1 localhostProfile?=2
Capabilities add[]=1 drop[]=2
ConfigMapEnvSource +:LocalObjectReference=1 optional?:bool=2
ConfigMapKeySelector +:LocalObjectReference=1 key=2 optional?:bool=3
Container name=1 image=2 command[]=3 args[]=4 workingDir=5 ports[]:ContainerPort=6
  envFrom[]:EnvFromSource=19 env[]:EnvVar=7 resources:ResourceRequirements=8
  resizePolicy[]:ContainerResizePolicy=23 restartPolicy?=24
  restartPolicyRules[]:ContainerRestartRule=25 volumeMounts[]:VolumeMount=9
  volumeDevices[]:VolumeDevice=21 livenessProbe:Probe=10 readinessProbe:Probe=11
  startupProbe:Probe=22 lifecycle:Lifecycle=12 terminationMessagePath=13
  terminationMessagePolicy=20 imagePullPolicy=14 securityContext:SecurityContext=15 stdin:bool=16
  stdinOnce:bool=17 tty:bool=18
ContainerExtendedResourceRequest containerName=1 resourceName=2 requestName=3
ContainerPort name=1 hostPort:int=2 containerPort:int=3 protocol=4 hostIP=5
ContainerResizePolicy resourceName=1 restartPolicy=2
ContainerRestartRule action=1 exitCodes:ContainerRestartRuleOnExitCodes=2
ContainerRestartRuleOnExitCodes operator=1 values[]:int=2
ContainerState waiting:ContainerStateWaiting=1 running:ContainerStateRunning=2
  terminated:ContainerStateTerminated=3
ContainerStateRunning startedAt:Time=1
ContainerStateTerminated exitCode:int=1 signal:int=2 reason=3 message=4 startedAt:Time=5
  finishedAt:Time=6 containerID=7
ContainerStateWaiting reason=1 message=2
ContainerStatus name=1 state:ContainerState=2 lastState:ContainerState=3 ready:bool=4
  restartCount:int=5 image=6 imageID=7 containerID=8 started?:bool=9
  allocatedResources{}:Quantity=10 resources:ResourceRequirements=11
  volumeMounts[]:VolumeMountStatus=12 user:ContainerUser=13
  allocatedResourcesStatus[]:ResourceStatus=14 stopSignal?=15
ContainerUser linux:LinuxContainerUser=1
EnvFromSource prefix=1 configMapRef:ConfigMapEnvSource=2 secretRef:SecretEnvSource=3
EnvVar name=1 value=2 valueFrom:EnvVarSource=3
EnvVarSource fieldRef:ObjectFieldSelector=1 resourceFieldRef:ResourceFieldSelector=2
  configMapKeyRef:ConfigMapKeySelector=3 secretKeyRef:SecretKeySelector=4
  fileKeyRef:FileKeySelector=5
EphemeralContainer +:EphemeralContainerCommon=1 targetContainerName=2
EphemeralContainerCommon name=1 image=2 command[]=3 args[]=4 workingDir=5 ports[]:ContainerPort=6
  envFrom[]:EnvFromSource=19 env[]:EnvVar=7 resources:ResourceRequirements=8
  resizePolicy[]:ContainerResizePolicy=23 restartPolicy?=24
  restartPolicyRules[]:ContainerRestartRule=25 volumeMounts[]:VolumeMount=9
  volumeDevices[]:VolumeDevice=21 livenessProbe:Probe=10 readinessProbe:Probe=11
  startupProbe:Probe=22 lifecycle:Lifecycle=12 terminationMessagePath=13
  terminationMessagePolicy=20 imagePullPolicy=14 securityContext:SecurityContext=15 stdin:bool=16
  stdinOnce:bool=17 tty:bool=18
ExecAction command[]=1
FileKeySelector volumeName=1 path=2 key=3 optional?:bool=4
GRPCAction port:int=1 service?=2
HTTPGetAction path=1 port:IntOrString=2 host=3 scheme=4 httpHeaders[]:HTTPHeader=5
HTTPHeader name=1 value=2
HostAlias ip=1 hostnames[]=2
HostIP ip=1
ImageVolumeStatus imageRef=1
Lifecycle postStart:LifecycleHandler=1 preStop:LifecycleHandler=2 stopSignal?=3
LifecycleHandler exec:ExecAction=1 httpGet:HTTPGetAction=2 tcpSocket:TCPSocketAction=3
  sleep:SleepAction=4
LinuxContainerUser uid:long=1 gid:long=2 supplementalGroups[]:long=3
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution:NodeSelector=1
  preferredDuringSchedulingIgnoredDuringExecution[]:PreferredSchedulingTerm=2
NodeAllocatableResourceClaimStatus resourceClaimName=1 containers[]=2 resources{}:Quantity=3
NodeSelector nodeSelectorTerms[]:NodeSelectorTerm=1
NodeSelectorRequirement key=1 operator=2 values[]=3
NodeSelectorTerm matchExpressions[]:NodeSelectorRequirement=1
  matchFields[]:NodeSelectorRequirement=2
Pod metadata:ObjectMeta=1 spec:PodSpec=2 status:PodStatus=3
PodAffinity requiredDuringSchedulingIgnoredDuringExecution[]:PodAffinityTerm=1
  preferredDuringSchedulingIgnoredDuringExecution[]:WeightedPodAffinityTerm=2
PodAffinityTerm labelSelector:LabelSelector=1 namespaces[]=2 topologyKey=3
  namespaceSelector:LabelSelector=4 matchLabelKeys[]=5 mismatchLabelKeys[]=6
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution[]:PodAffinityTerm=1
  preferredDuringSchedulingIgnoredDuringExecution[]:WeightedPodAffinityTerm=2
PodCondition type=1 observedGeneration:long=7 status=2 lastProbeTime:Time=3
  lastTransitionTime:Time=4 reason=5 message=6
PodDNSConfig nameservers[]=1 searches[]=2 options[]:PodDNSConfigOption=3
PodDNSConfigOption name=1 value?=2
PodExtendedResourceClaimStatus requestMappings[]:ContainerExtendedResourceRequest=1
  resourceClaimName=2
PodIP ip=1
PodOS name=1
PodReadinessGate conditionType=1
PodResourceClaim name=1 resourceClaimName?=3 resourceClaimTemplateName?=4
PodResourceClaimStatus name=1 resourceClaimName?=2
PodSchedulingGate name=1
PodSchedulingGroup podGroupName?=1
PodSecurityContext seLinuxOptions:SELinuxOptions=1 windowsOptions:WindowsSecurityContextOptions=8
  runAsUser?:long=2 runAsGroup?:long=6 runAsNonRoot?:bool=3 supplementalGroups[]:long=4
  supplementalGroupsPolicy?=12 fsGroup?:long=5 sysctls[]:Sysctl=7 fsGroupChangePolicy?=9
  seccompProfile:SeccompProfile=10 appArmorProfile:AppArmorProfile=11 seLinuxChangePolicy?=13
PodSpec volumes[]:Volume=1 initContainers[]:Container=20 containers[]:Container=2
  ephemeralContainers[]:EphemeralContainer=34 restartPolicy=3 terminationGracePeriodSeconds?:long=4
  activeDeadlineSeconds?:long=5 dnsPolicy=6 nodeSelector{}=7 serviceAccountName=8 serviceAccount=9
  automountServiceAccountToken?:bool=21 nodeName=10 hostNetwork:bool=11 hostPID:bool=12
  hostIPC:bool=13 shareProcessNamespace?:bool=27 securityContext:PodSecurityContext=14
  imagePullSecrets[]:LocalObjectReference=15 hostname=16 subdomain=17 affinity:Affinity=18
  schedulerName=19 tolerations[]:Toleration=22 hostAliases[]:HostAlias=23 priorityClassName=24
  priority?:int=25 dnsConfig:PodDNSConfig=26 readinessGates[]:PodReadinessGate=28
  runtimeClassName?=29 enableServiceLinks?:bool=30 preemptionPolicy?=31 overhead{}:Quantity=32
  topologySpreadConstraints[]:TopologySpreadConstraint=33 setHostnameAsFQDN?:bool=35 os:PodOS=36
  hostUsers?:bool=37 schedulingGates[]:PodSchedulingGate=38 resourceClaims[]:PodResourceClaim=39
  resources:ResourceRequirements=40 hostnameOverride?=41 schedulingGroup:PodSchedulingGroup=43
PodStatus observedGeneration:long=17 phase=1 conditions[]:PodCondition=2 message=3 reason=4
  nominatedNodeName=11 hostIP=5 hostIPs[]:HostIP=16 podIP=6 podIPs[]:PodIP=12 startTime:Time=7
  initContainerStatuses[]:ContainerStatus=10 containerStatuses[]:ContainerStatus=8 qosClass=9
  ephemeralContainerStatuses[]:ContainerStatus=13 resize=14
  resourceClaimStatuses[]:PodResourceClaimStatus=15
  extendedResourceClaimStatus:PodExtendedResourceClaimStatus=18 allocatedResources{}:Quantity=19
  resources:ResourceRequirements=20
  nodeAllocatableResourceClaimStatuses[]:NodeAllocatableResourceClaimStatus=21
PodTemplateSpec metadata:ObjectMeta=1 spec:PodSpec=2
PreferredSchedulingTerm weight:int=1 preference:NodeSelectorTerm=2
Probe +:ProbeHandler=1 initialDelaySeconds:int=2 timeoutSeconds:int=3 periodSeconds:int=4
  successThreshold:int=5 failureThreshold:int=6 terminationGracePeriodSeconds?:long=7
ProbeHandler exec:ExecAction=1 httpGet:HTTPGetAction=2 tcpSocket:TCPSocketAction=3
  grpc:GRPCAction=4
ResourceClaim name=1 request=2
ResourceHealth resourceID=1 health=2 message?=6
ResourceRequirements limits{}:Quantity=1 requests{}:Quantity=2 claims[]:ResourceClaim=3
ResourceStatus name=1 resources[]:ResourceHealth=2
SELinuxOptions user=1 role=2 type=3 level=4
SeccompProfile type=1 localhostProfile?=2
SecretEnvSource +:LocalObjectReference=1 optional?:bool=2
SecretKeySelector +:LocalObjectReference=1 key=2 optional?:bool=3
SecurityContext capabilities:Capabilities=1 privileged?:bool=2 seLinuxOptions:SELinuxOptions=3
  windowsOptions:WindowsSecurityContextOptions=10 runAsUser?:long=4 runAsGroup?:long=8
  runAsNonRoot?:bool=5 readOnlyRootFilesystem?:bool=6 allowPrivilegeEscalation?:bool=7 procMount?=9
  seccompProfile:SeccompProfile=11 appArmorProfile:AppArmorProfile=12
SleepAction seconds:long=1
Sysctl name=1 value=2
TCPSocketAction port:IntOrString=1 host=2
Toleration key=1 operator=2 value=3 effect=4 tolerationSeconds?:long=5
TopologySpreadConstraint maxSkew:int=1 topologyKey=2 whenUnsatisfiable=3
  labelSelector:LabelSelector=4 minDomains?:int=5 nodeAffinityPolicy?=6 nodeTaintsPolicy?=7
  matchLabelKeys[]=8
VolumeDevice name=1 devicePath=2
VolumeMount name=1 readOnly:bool=2 recursiveReadOnly?=7 mountPath=3 subPath=4 mountPropagation?=5
  subPathExpr=6
VolumeMountStatus name=1 mountPath=2 readOnly:bool=3 recursiveReadOnly?=4
  volumeStatus:VolumeStatus=5
VolumeStatus image:ImageVolumeStatus=1
WeightedPodAffinityTerm weight:int=1 podAffinityTerm:PodAffinityTerm=2
WindowsSecurityContextOptions gmsaCredentialSpecName?=1 gmsaCredentialSpec?=2 runAsUserName?=3
  hostProcess?:bool=4
)";

}  // namespace dray::devcluster
