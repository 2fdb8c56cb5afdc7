#pragma once

#include <variant>

#include "dray/api/quantity.h"
#include "dray/api/types/core.h"

// resource.k8s.io/v1, Kubernetes 1.36, every field. v1beta1 and v1beta2 are read and written
// through conversion in the codec. Units, limits and rules: k8s.io/api/resource/v1/types.go;
// validation in api/types/resource_validation.cc.
namespace dray::api {

// Exactly one alternative is set on a valid attribute; monostate: none was present in the JSON.
struct Version {
  std::string text;
  bool operator==(const Version&) const = default;
};  // semver 2.0.0 without "v"
struct DeviceAttribute {
  std::variant<std::monostate, int64_t, bool, std::string, Version, std::vector<int64_t>,
               std::vector<bool>, std::vector<std::string>, std::vector<Version>>
      value;
  bool operator==(const DeviceAttribute&) const = default;
};

struct CapacityRequestPolicyRange {
  std::optional<Quantity> min, max, step;
  bool operator==(const CapacityRequestPolicyRange&) const = default;
};
struct CapacityRequestPolicy {
  std::optional<Quantity> default_;
  std::vector<Quantity> valid_values;
  std::optional<CapacityRequestPolicyRange> valid_range;
  bool operator==(const CapacityRequestPolicy&) const = default;
};
struct DeviceCapacity {
  Quantity value;
  std::optional<CapacityRequestPolicy> request_policy;
  bool operator==(const DeviceCapacity&) const = default;
};

struct Counter {
  Quantity value;
  bool operator==(const Counter&) const = default;
};
struct CounterSet {
  std::string name;
  std::map<std::string, Counter> counters;
  bool operator==(const CounterSet&) const = default;
};
struct DeviceCounterConsumption {
  std::string counter_set;
  std::map<std::string, Counter> counters;
  bool operator==(const DeviceCounterConsumption&) const = default;
};

struct DeviceTaint {
  std::string key, value, effect;  // None | NoSchedule | NoExecute
  std::optional<Time> time_added;
  bool operator==(const DeviceTaint&) const = default;
};

struct NodeAllocatableResourceMapping {
  std::string capacity_key;
  std::optional<Quantity> allocation_multiplier;
  bool operator==(const NodeAllocatableResourceMapping&) const = default;
};

struct Device {
  std::string name;
  std::map<std::string, DeviceAttribute> attributes;  // QualifiedName
  std::map<std::string, DeviceCapacity> capacity;     // QualifiedName
  std::vector<DeviceCounterConsumption> consumes_counters;
  std::optional<std::string> node_name;
  std::optional<NodeSelector> node_selector;
  std::optional<bool> all_nodes;
  std::vector<DeviceTaint> taints;
  std::optional<bool> binds_to_node;
  std::vector<std::string> binding_conditions, binding_failure_conditions;
  std::optional<bool> allow_multiple_allocations;
  std::map<std::string, NodeAllocatableResourceMapping> node_allocatable_resource_mappings;
  bool operator==(const Device&) const = default;
};

struct ResourcePool {
  std::string name;
  int64_t generation = 0, resource_slice_count = 0;
  bool operator==(const ResourcePool&) const = default;
};
struct ResourceSliceSpec {
  std::string driver;
  ResourcePool pool;
  std::optional<std::string> node_name;
  std::optional<NodeSelector> node_selector;
  std::optional<bool> all_nodes, per_device_node_selection;
  std::vector<Device> devices;
  std::vector<CounterSet> shared_counters;
  bool operator==(const ResourceSliceSpec&) const = default;
};
struct ResourceSlice {
  ObjectMeta metadata;
  ResourceSliceSpec spec;
  bool operator==(const ResourceSlice&) const = default;
};
DRAY_KIND(ResourceSlice, "resource.k8s.io", "v1", "resourceslices", false);

struct CelDeviceSelector {
  std::string expression;
  bool operator==(const CelDeviceSelector&) const = default;
};
struct DeviceSelector {
  std::optional<CelDeviceSelector> cel;
  bool operator==(const DeviceSelector&) const = default;
};

struct OpaqueDeviceConfiguration {
  std::string driver;
  std::string parameters;  // the JSON object as text, at most 10 KiB
  bool operator==(const OpaqueDeviceConfiguration&) const = default;
};

struct DeviceToleration {
  std::string key, op, value, effect;
  std::optional<int64_t> toleration_seconds;
  bool operator==(const DeviceToleration&) const = default;
};

struct CapacityRequirements {
  std::map<std::string, Quantity> requests;
  bool operator==(const CapacityRequirements&) const = default;
};

// ExactDeviceRequest. DeviceSubRequest is the same without admin_access.
struct ExactDeviceRequest {
  std::string device_class_name;
  std::vector<DeviceSelector> selectors;
  std::string allocation_mode;  // "" (as ExactCount) | ExactCount | All
  int64_t count = 0;            // 0: not set; defaults to 1 for ExactCount
  std::optional<bool> admin_access;
  std::vector<DeviceToleration> tolerations;
  std::optional<CapacityRequirements> capacity;
  bool operator==(const ExactDeviceRequest&) const = default;
};
struct DeviceSubRequest {
  std::string name, device_class_name;
  std::vector<DeviceSelector> selectors;
  std::string allocation_mode;
  int64_t count = 0;
  std::vector<DeviceToleration> tolerations;
  std::optional<CapacityRequirements> capacity;
  bool operator==(const DeviceSubRequest&) const = default;
};
struct DeviceRequest {
  std::string name;
  std::optional<ExactDeviceRequest> exactly;
  std::vector<DeviceSubRequest> first_available;
  bool operator==(const DeviceRequest&) const = default;
};
struct DeviceConstraint {
  std::vector<std::string> requests;
  std::optional<std::string> match_attribute, distinct_attribute;
  bool operator==(const DeviceConstraint&) const = default;
};
struct DeviceClaimConfiguration {
  std::vector<std::string> requests;
  std::optional<OpaqueDeviceConfiguration> opaque;
  bool operator==(const DeviceClaimConfiguration&) const = default;
};
struct DeviceClaim {
  std::vector<DeviceRequest> requests;
  std::vector<DeviceConstraint> constraints;
  std::vector<DeviceClaimConfiguration> config;
  bool operator==(const DeviceClaim&) const = default;
};
struct ResourceClaimSpec {
  DeviceClaim devices;
  bool operator==(const ResourceClaimSpec&) const = default;
};

struct DeviceRequestAllocationResult {
  std::string request;  // "main" or "main/sub"
  std::string driver, pool, device;
  std::optional<bool> admin_access;
  std::vector<DeviceToleration> tolerations;
  std::vector<std::string> binding_conditions, binding_failure_conditions;
  std::optional<std::string> share_id;
  std::map<std::string, Quantity> consumed_capacity;
  bool operator==(const DeviceRequestAllocationResult&) const = default;
};
struct DeviceAllocationConfiguration {
  std::string source;  // FromClass | FromClaim
  std::vector<std::string> requests;
  std::optional<OpaqueDeviceConfiguration> opaque;
  bool operator==(const DeviceAllocationConfiguration&) const = default;
};
struct DeviceAllocationResult {
  std::vector<DeviceRequestAllocationResult> results;
  std::vector<DeviceAllocationConfiguration> config;
  bool operator==(const DeviceAllocationResult&) const = default;
};
struct AllocationResult {
  DeviceAllocationResult devices;
  std::optional<NodeSelector> node_selector;
  std::optional<Time> allocation_timestamp;
  bool operator==(const AllocationResult&) const = default;
};

struct ResourceClaimConsumerReference {
  std::string api_group, resource, name, uid;
  bool operator==(const ResourceClaimConsumerReference&) const = default;
};
struct NetworkDeviceData {
  std::string interface_name, hardware_address;
  std::vector<std::string> ips;
  bool operator==(const NetworkDeviceData&) const = default;
};
struct AllocatedDeviceStatus {
  std::string driver, pool, device;
  std::optional<std::string> share_id;
  std::vector<Condition> conditions;
  std::string data;  // the JSON object as text, "" for none
  std::optional<NetworkDeviceData> network_data;
  bool operator==(const AllocatedDeviceStatus&) const = default;
};
struct ResourceClaimStatus {
  std::optional<AllocationResult> allocation;
  std::vector<ResourceClaimConsumerReference> reserved_for;
  std::vector<AllocatedDeviceStatus> devices;
  bool operator==(const ResourceClaimStatus&) const = default;
};
struct ResourceClaim {
  ObjectMeta metadata;
  ResourceClaimSpec spec;
  ResourceClaimStatus status;
  bool operator==(const ResourceClaim&) const = default;
};
DRAY_KIND(ResourceClaim, "resource.k8s.io", "v1", "resourceclaims", true);

struct ResourceClaimTemplateSpec {
  ObjectMeta metadata;  // only labels and annotations
  ResourceClaimSpec spec;
  bool operator==(const ResourceClaimTemplateSpec&) const = default;
};
struct ResourceClaimTemplate {
  ObjectMeta metadata;
  ResourceClaimTemplateSpec spec;
  bool operator==(const ResourceClaimTemplate&) const = default;
};
DRAY_KIND(ResourceClaimTemplate, "resource.k8s.io", "v1", "resourceclaimtemplates", true);

struct DeviceClassConfiguration {
  std::optional<OpaqueDeviceConfiguration> opaque;
  bool operator==(const DeviceClassConfiguration&) const = default;
};
struct DeviceClassSpec {
  std::vector<DeviceSelector> selectors;
  std::vector<DeviceClassConfiguration> config;
  std::optional<std::string> extended_resource_name;
  bool operator==(const DeviceClassSpec&) const = default;
};
struct DeviceClass {
  ObjectMeta metadata;
  DeviceClassSpec spec;
  bool operator==(const DeviceClass&) const = default;
};
DRAY_KIND(DeviceClass, "resource.k8s.io", "v1", "deviceclasses", false);

// The finalizer, annotation and label names of the DRA API.
inline constexpr std::string_view kClaimFinalizer = "resource.kubernetes.io/delete-protection";
inline constexpr std::string_view kPodClaimNameAnnotation = "resource.kubernetes.io/pod-claim-name";
inline constexpr std::string_view kAdminAccessLabel = "resource.kubernetes.io/admin-access";

// Limits of the API (resource/v1/types.go).
inline constexpr int kMaxAllocationResults = 32;
inline constexpr int kMaxReservedFor = 256;

}  // namespace dray::api
