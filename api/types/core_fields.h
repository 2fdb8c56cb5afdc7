#pragma once

#include "api/types/pod_fields.h"
#include "dray/api/types/core.h"

// JSON names of core/v1 besides the Pod, and discovery.k8s.io/v1.
namespace dray::api {

template <>
struct FieldsOf<NodeAddress> {
  using S = NodeAddress;
  static constexpr std::array fields = {
      Field<&S::type>("type", Emit::kAlways),
      Field<&S::address>("address", Emit::kAlways),
  };
};

template <>
struct FieldsOf<NodeCondition> {
  using S = NodeCondition;
  static constexpr std::array fields = {
      Field<&S::type>("type", Emit::kAlways),
      Field<&S::status>("status", Emit::kAlways),
      Field<&S::last_heartbeat_time>("lastHeartbeatTime"),
      Field<&S::last_transition_time>("lastTransitionTime"),
      Field<&S::reason>("reason"),
      Field<&S::message>("message"),
  };
};

template <>
struct FieldsOf<NodeSystemInfo> {
  using S = NodeSystemInfo;
  static constexpr std::array fields = {
      Field<&S::machine_id>("machineID", Emit::kAlways),
      Field<&S::system_uuid>("systemUUID", Emit::kAlways),
      Field<&S::boot_id>("bootID", Emit::kAlways),
      Field<&S::kernel_version>("kernelVersion", Emit::kAlways),
      Field<&S::os_image>("osImage", Emit::kAlways),
      Field<&S::container_runtime_version>("containerRuntimeVersion", Emit::kAlways),
      Field<&S::kubelet_version>("kubeletVersion", Emit::kAlways),
      Field<&S::operating_system>("operatingSystem", Emit::kAlways),
      Field<&S::architecture>("architecture", Emit::kAlways),
  };
};

template <>
struct FieldsOf<NodeSpec> {
  using S = NodeSpec;
  static constexpr std::array fields = {
      Field<&S::provider_id>("providerID"),
      Field<&S::unschedulable>("unschedulable"),
      Field<&S::taints>("taints"),
  };
};

template <>
struct FieldsOf<NodeStatus> {
  using S = NodeStatus;
  static constexpr std::array fields = {
      Field<&S::capacity>("capacity"),     Field<&S::allocatable>("allocatable"),
      Field<&S::conditions>("conditions"), Field<&S::addresses>("addresses"),
      Field<&S::node_info>("nodeInfo"),
  };
};

template <>
struct FieldsOf<Node> {
  using S = Node;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
      Field<&S::status>("status"),
  };
};

template <>
struct FieldsOf<NamespaceStatus> {
  using S = NamespaceStatus;
  static constexpr std::array fields = {
      Field<&S::phase>("phase"),
  };
};

template <>
struct FieldsOf<Namespace> {
  using S = Namespace;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::status>("status"),
  };
};

template <>
struct FieldsOf<ConfigMap> {
  using S = ConfigMap;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::data>("data"),
  };
};

template <>
struct FieldsOf<ObjectReference> {
  using S = ObjectReference;
  static constexpr std::array fields = {
      Field<&S::kind>("kind"),
      Field<&S::namespace_>("namespace"),
      Field<&S::name>("name"),
      Field<&S::uid>("uid"),
      Field<&S::api_version>("apiVersion"),
      Field<&S::resource_version>("resourceVersion"),
      Field<&S::field_path>("fieldPath"),
  };
};

template <>
struct FieldsOf<EventSource> {
  using S = EventSource;
  static constexpr std::array fields = {
      Field<&S::component>("component"),
      Field<&S::host>("host"),
  };
};

template <>
struct FieldsOf<EventSeries> {
  using S = EventSeries;
  static constexpr std::array fields = {
      Field<&S::count>("count"),
      Field<&S::last_observed_time>("lastObservedTime"),
  };
};

template <>
struct FieldsOf<Event> {
  using S = Event;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::involved_object>("involvedObject", Emit::kAlways),
      Field<&S::reason>("reason"),
      Field<&S::message>("message"),
      Field<&S::source>("source"),
      Field<&S::first_timestamp>("firstTimestamp"),
      Field<&S::last_timestamp>("lastTimestamp"),
      Field<&S::count>("count"),
      Field<&S::type>("type"),
      Field<&S::event_time>("eventTime"),
      Field<&S::series>("series"),
      Field<&S::action>("action"),
      Field<&S::reporting_component>("reportingComponent", Emit::kAlways),
      Field<&S::reporting_instance>("reportingInstance", Emit::kAlways),
  };
};

template <>
struct FieldsOf<ServicePort> {
  using S = ServicePort;
  static constexpr std::array fields = {
      Field<&S::name>("name"),
      Field<&S::protocol>("protocol"),
      Field<&S::port>("port", Emit::kAlways),
      Field<&S::target_port>("targetPort"),
  };
};

template <>
struct FieldsOf<ServiceSpec> {
  using S = ServiceSpec;
  static constexpr std::array fields = {
      Field<&S::ports>("ports"),
      Field<&S::selector>("selector"),
      Field<&S::cluster_ip>("clusterIP"),
      Field<&S::type>("type"),
  };
};

template <>
struct FieldsOf<Service> {
  using S = Service;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::spec>("spec"),
  };
};

// endpoints[].conditions, of which Endpoint holds one member itself.
struct EndpointConditions {
  static constexpr std::array fields = {Field<&Endpoint::ready>("ready")};
  static constexpr TypeInfo type{Shape::kStruct, fields};
};
template <>
struct FieldsOf<Endpoint> {
  using S = Endpoint;
  static constexpr std::array fields = {
      Field<&S::addresses>("addresses", Emit::kAlways),
      FieldInfo{.name = "conditions",
                .type = &EndpointConditions::type,
                .write = [](void* endpoint) { return endpoint; },
                .read = [](const void* endpoint) { return endpoint; }},
  };
};

template <>
struct FieldsOf<EndpointPort> {
  using S = EndpointPort;
  static constexpr std::array fields = {
      Field<&S::name>("name"),
      Field<&S::protocol>("protocol"),
      Field<&S::port>("port"),
  };
};

template <>
struct FieldsOf<EndpointSlice> {
  using S = EndpointSlice;
  static constexpr std::array fields = {
      Field<&S::metadata>("metadata"),
      Field<&S::address_type>("addressType", Emit::kAlways),
      Field<&S::endpoints>("endpoints", Emit::kAlways),
      Field<&S::ports>("ports", Emit::kAlways),
  };
};

}  // namespace dray::api
