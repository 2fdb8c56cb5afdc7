#pragma once

#include "api/types/core_fields.h"
#include "dray/api/types/resource.h"

// JSON names of resource.k8s.io/v1.
//
// v1beta1 wraps the contents of a device in "basic" and has the contents of "exactly" in the
// request itself: both are read into the v1 structs. v1beta2 is v1.
namespace dray::api {

// A member of DeviceRequest.exactly as v1beta1 writes it, one level higher.
template <auto kMember>
constexpr FieldInfo Beta1RequestField(std::string_view name) {
  using Type = typename MemberOf<decltype(kMember)>::Type;
  return {.name = name,
          .type = &TypeOf<Type>::value,
          .write = [](void* object) -> void* {
            auto& request = *static_cast<DeviceRequest*>(object);
            if (!request.exactly) request.exactly.emplace();
            return &(request.exactly.value().*kMember);
          },
          .read = nullptr,
          .emit = Emit::kNever,
          .beta1 = true};
}

template <>
struct FieldsOf<CapacityRequestPolicyRange> {
  using S = CapacityRequestPolicyRange;
  static constexpr std::array fields = {
      Field<&S::min>("min"),
      Field<&S::max>("max"),
      Field<&S::step>("step"),
  };
};

template <>
struct FieldsOf<CapacityRequestPolicy> {
  using S = CapacityRequestPolicy;
  static constexpr std::array fields = {
      Field<&S::default_>("default", Emit::kAlways),
      Field<&S::valid_values>("validValues"),
      Field<&S::valid_range>("validRange"),
  };
};

template <>
struct FieldsOf<DeviceCapacity> {
  using S = DeviceCapacity;
  static constexpr std::array fields = {
      Field<&S::value>("value", Emit::kAlways),
      Field<&S::request_policy>("requestPolicy"),
  };
};

template <>
struct FieldsOf<Counter> {
  using S = Counter;
  static constexpr std::array fields = {
      Field<&S::value>("value", Emit::kAlways),
  };
};

template <>
struct FieldsOf<CounterSet> {
  using S = CounterSet;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::counters>("counters", Emit::kAlways),
  };
};

template <>
struct FieldsOf<DeviceCounterConsumption> {
  using S = DeviceCounterConsumption;
  static constexpr std::array fields = {
      Field<&S::counter_set>("counterSet", Emit::kAlways),
      Field<&S::counters>("counters", Emit::kAlways),
  };
};

template <>
struct FieldsOf<DeviceTaint> {
  using S = DeviceTaint;
  static constexpr std::array fields = {
      Field<&S::key>("key", Emit::kAlways),
      Field<&S::value>("value"),
      Field<&S::effect>("effect", Emit::kAlways),
      Field<&S::time_added>("timeAdded"),
  };
};

template <>
struct FieldsOf<NodeAllocatableResourceMapping> {
  using S = NodeAllocatableResourceMapping;
  static constexpr std::array fields = {
      Field<&S::capacity_key>("capacityKey"),
      Field<&S::allocation_multiplier>("allocationMultiplier"),
  };
};

// A Version is read and written as its only member, a string.
static_assert(std::is_standard_layout_v<Version>);
template <>
struct TypeOf<Version> : ScalarType<Shape::kString> {};

template <>
struct FieldsOf<DeviceAttribute> {
  using S = DeviceAttribute;
  static constexpr std::array fields = {
      Alternative<&S::value, 1>("int"),     Alternative<&S::value, 2>("bool"),
      Alternative<&S::value, 3>("string"),  Alternative<&S::value, 4>("version"),
      Alternative<&S::value, 5>("ints"),    Alternative<&S::value, 6>("bools"),
      Alternative<&S::value, 7>("strings"), Alternative<&S::value, 8>("versions"),
  };
};

template <>
struct FieldsOf<Device> {
  using S = Device;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::attributes>("attributes"),
      Field<&S::capacity>("capacity"),
      Field<&S::consumes_counters>("consumesCounters"),
      Field<&S::node_name>("nodeName"),
      Field<&S::node_selector>("nodeSelector"),
      Field<&S::all_nodes>("allNodes"),
      Field<&S::taints>("taints"),
      Field<&S::binds_to_node>("bindsToNode"),
      Field<&S::binding_conditions>("bindingConditions"),
      Field<&S::binding_failure_conditions>("bindingFailureConditions"),
      Field<&S::allow_multiple_allocations>("allowMultipleAllocations"),
      Field<&S::node_allocatable_resource_mappings>("nodeAllocatableResourceMappings"),
      FieldInfo{.name = "basic",
                .type = nullptr,  // the device itself again
                .write = [](void* device) { return device; },
                .read = nullptr,
                .emit = Emit::kNever,
                .beta1 = true},
  };
};

template <>
struct FieldsOf<ResourcePool> {
  using S = ResourcePool;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::generation>("generation", Emit::kAlways),
      Field<&S::resource_slice_count>("resourceSliceCount", Emit::kAlways),
  };
};

template <>
struct FieldsOf<ResourceSliceSpec> {
  using S = ResourceSliceSpec;
  static constexpr std::array fields = {
      Field<&S::driver>("driver", Emit::kAlways),
      Field<&S::pool>("pool", Emit::kAlways),
      Field<&S::node_name>("nodeName"),
      Field<&S::node_selector>("nodeSelector"),
      Field<&S::all_nodes>("allNodes"),
      Field<&S::devices>("devices"),
      Field<&S::per_device_node_selection>("perDeviceNodeSelection"),
      Field<&S::shared_counters>("sharedCounters"),
  };
  // There nodeName and allNodes are plain values, whose zero means unset.
  static void AfterBeta1(ResourceSliceSpec& spec) {
    if (spec.node_name == "") spec.node_name.reset();
    if (spec.all_nodes == false) spec.all_nodes.reset();
  }
};

template <>
struct FieldsOf<ResourceSlice> {
  using S = ResourceSlice;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec", Emit::kAlways),
  };
};

template <>
struct FieldsOf<CelDeviceSelector> {
  using S = CelDeviceSelector;
  static constexpr std::array fields = {
      Field<&S::expression>("expression", Emit::kAlways),
  };
};

template <>
struct FieldsOf<DeviceSelector> {
  using S = DeviceSelector;
  static constexpr std::array fields = {
      Field<&S::cel>("cel"),
  };
};

template <>
struct FieldsOf<OpaqueDeviceConfiguration> {
  using S = OpaqueDeviceConfiguration;
  static constexpr std::array fields = {
      Field<&S::driver>("driver", Emit::kAlways),
      TextField<&S::parameters, Shape::kRaw>("parameters", Emit::kAlways),
  };
};

template <>
struct FieldsOf<DeviceToleration> {
  using S = DeviceToleration;
  static constexpr std::array fields = {
      Field<&S::key>("key"),
      Field<&S::op>("operator"),
      Field<&S::value>("value"),
      Field<&S::effect>("effect"),
      Field<&S::toleration_seconds>("tolerationSeconds"),
  };
};

template <>
struct FieldsOf<CapacityRequirements> {
  using S = CapacityRequirements;
  static constexpr std::array fields = {
      Field<&S::requests>("requests"),
  };
};

template <>
struct FieldsOf<ExactDeviceRequest> {
  using S = ExactDeviceRequest;
  static constexpr std::array fields = {
      Field<&S::device_class_name>("deviceClassName", Emit::kAlways),
      Field<&S::selectors>("selectors"),
      Field<&S::allocation_mode>("allocationMode"),
      Field<&S::count>("count"),
      Field<&S::admin_access>("adminAccess"),
      Field<&S::tolerations>("tolerations"),
      Field<&S::capacity>("capacity"),
  };
};

template <>
struct FieldsOf<DeviceSubRequest> {
  using S = DeviceSubRequest;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::device_class_name>("deviceClassName", Emit::kAlways),
      Field<&S::selectors>("selectors"),
      Field<&S::allocation_mode>("allocationMode"),
      Field<&S::count>("count"),
      Field<&S::tolerations>("tolerations"),
      Field<&S::capacity>("capacity"),
  };
};

template <>
struct FieldsOf<DeviceRequest> {
  using S = DeviceRequest;
  static constexpr std::array fields = {
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::exactly>("exactly"),
      Field<&S::first_available>("firstAvailable"),
      Beta1RequestField<&ExactDeviceRequest::device_class_name>("deviceClassName"),
      Beta1RequestField<&ExactDeviceRequest::selectors>("selectors"),
      Beta1RequestField<&ExactDeviceRequest::allocation_mode>("allocationMode"),
      Beta1RequestField<&ExactDeviceRequest::count>("count"),
      Beta1RequestField<&ExactDeviceRequest::admin_access>("adminAccess"),
      Beta1RequestField<&ExactDeviceRequest::tolerations>("tolerations"),
      Beta1RequestField<&ExactDeviceRequest::capacity>("capacity"),
  };
};

template <>
struct FieldsOf<DeviceConstraint> {
  using S = DeviceConstraint;
  static constexpr std::array fields = {
      Field<&S::requests>("requests"),
      Field<&S::match_attribute>("matchAttribute"),
      Field<&S::distinct_attribute>("distinctAttribute"),
  };
};

template <>
struct FieldsOf<DeviceClaimConfiguration> {
  using S = DeviceClaimConfiguration;
  static constexpr std::array fields = {
      Field<&S::requests>("requests"),
      Field<&S::opaque>("opaque"),
  };
};

template <>
struct FieldsOf<DeviceClaim> {
  using S = DeviceClaim;
  static constexpr std::array fields = {
      Field<&S::requests>("requests", Emit::kAlways),
      Field<&S::constraints>("constraints"),
      Field<&S::config>("config"),
  };
};

template <>
struct FieldsOf<ResourceClaimSpec> {
  using S = ResourceClaimSpec;
  static constexpr std::array fields = {
      Field<&S::devices>("devices", Emit::kAlways),
  };
};

template <>
struct FieldsOf<DeviceRequestAllocationResult> {
  using S = DeviceRequestAllocationResult;
  static constexpr std::array fields = {
      Field<&S::request>("request", Emit::kAlways),
      Field<&S::driver>("driver", Emit::kAlways),
      Field<&S::pool>("pool", Emit::kAlways),
      Field<&S::device>("device", Emit::kAlways),
      Field<&S::admin_access>("adminAccess"),
      Field<&S::tolerations>("tolerations"),
      Field<&S::binding_conditions>("bindingConditions"),
      Field<&S::binding_failure_conditions>("bindingFailureConditions"),
      Field<&S::share_id>("shareID"),
      Field<&S::consumed_capacity>("consumedCapacity"),
  };
};

template <>
struct FieldsOf<DeviceAllocationConfiguration> {
  using S = DeviceAllocationConfiguration;
  static constexpr std::array fields = {
      Field<&S::source>("source", Emit::kAlways),
      Field<&S::requests>("requests"),
      Field<&S::opaque>("opaque"),
  };
};

template <>
struct FieldsOf<DeviceAllocationResult> {
  using S = DeviceAllocationResult;
  static constexpr std::array fields = {
      Field<&S::results>("results"),
      Field<&S::config>("config"),
  };
};

template <>
struct FieldsOf<AllocationResult> {
  using S = AllocationResult;
  static constexpr std::array fields = {
      Field<&S::devices>("devices", Emit::kAlways),
      Field<&S::node_selector>("nodeSelector"),
      Field<&S::allocation_timestamp>("allocationTimestamp"),
  };
};

template <>
struct FieldsOf<ResourceClaimConsumerReference> {
  using S = ResourceClaimConsumerReference;
  static constexpr std::array fields = {
      Field<&S::api_group>("apiGroup"),
      Field<&S::resource>("resource", Emit::kAlways),
      Field<&S::name>("name", Emit::kAlways),
      Field<&S::uid>("uid", Emit::kAlways),
  };
};

template <>
struct FieldsOf<NetworkDeviceData> {
  using S = NetworkDeviceData;
  static constexpr std::array fields = {
      Field<&S::interface_name>("interfaceName"),
      Field<&S::ips>("ips"),
      Field<&S::hardware_address>("hardwareAddress"),
  };
};

template <>
struct FieldsOf<AllocatedDeviceStatus> {
  using S = AllocatedDeviceStatus;
  static constexpr std::array fields = {
      Field<&S::driver>("driver", Emit::kAlways),
      Field<&S::pool>("pool", Emit::kAlways),
      Field<&S::device>("device", Emit::kAlways),
      Field<&S::share_id>("shareID"),
      Field<&S::conditions>("conditions", Emit::kAlways),
      TextField<&S::data, Shape::kRaw>("data"),
      Field<&S::network_data>("networkData"),
  };
};

template <>
struct FieldsOf<ResourceClaimStatus> {
  using S = ResourceClaimStatus;
  static constexpr std::array fields = {
      Field<&S::allocation>("allocation"),
      Field<&S::reserved_for>("reservedFor"),
      Field<&S::devices>("devices"),
  };
};

template <>
struct FieldsOf<ResourceClaim> {
  using S = ResourceClaim;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec", Emit::kAlways),
      Field<&S::status>("status"),
  };
};

template <>
struct FieldsOf<ResourceClaimTemplateSpec> {
  using S = ResourceClaimTemplateSpec;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec", Emit::kAlways),
  };
};

template <>
struct FieldsOf<ResourceClaimTemplate> {
  using S = ResourceClaimTemplate;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec", Emit::kAlways),
  };
};

template <>
struct FieldsOf<DeviceClassConfiguration> {
  using S = DeviceClassConfiguration;
  static constexpr std::array fields = {
      Field<&S::opaque>("opaque"),
  };
};

template <>
struct FieldsOf<DeviceClassSpec> {
  using S = DeviceClassSpec;
  static constexpr std::array fields = {
      Field<&S::selectors>("selectors"),
      Field<&S::config>("config"),
      Field<&S::extended_resource_name>("extendedResourceName"),
  };
};

template <>
struct FieldsOf<DeviceClass> {
  using S = DeviceClass;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec", Emit::kAlways),
  };
};

}  // namespace dray::api
