#include "api/types/codec_templates.h"
#include "api/types/resource_fields.h"

namespace dray::api {

DRAY_CODEC(ResourceClaim);
DRAY_CODEC(ResourceClaimTemplate);
DRAY_CODEC(ResourceSlice);
DRAY_CODEC(DeviceClass);

DRAY_VALUE_CODEC(ResourceClaimSpec);
DRAY_VALUE_CODEC(ResourceClaimStatus);
DRAY_VALUE_CODEC(ResourceClaimTemplateSpec);
DRAY_VALUE_CODEC(DeviceClaim);
DRAY_VALUE_CODEC(DeviceRequest);
DRAY_VALUE_CODEC(AllocationResult);
DRAY_VALUE_CODEC(DeviceRequestAllocationResult);
DRAY_VALUE_CODEC(AllocatedDeviceStatus);
DRAY_VALUE_CODEC(std::vector<AllocatedDeviceStatus>);
DRAY_VALUE_CODEC(ResourceClaimConsumerReference);
DRAY_VALUE_CODEC(std::vector<ResourceClaimConsumerReference>);
DRAY_VALUE_CODEC(ResourceSliceSpec);
DRAY_VALUE_CODEC(Device);
DRAY_VALUE_CODEC(std::vector<Device>);
DRAY_VALUE_CODEC(DeviceAttribute);
DRAY_VALUE_CODEC(DeviceCapacity);
DRAY_VALUE_CODEC(DeviceClassSpec);

namespace {

Json* Member(Json& parent, std::string_view name) {
  if (!parent.is_object()) return nullptr;
  auto found = parent.find(name);
  return found == parent.end() ? nullptr : &*found;
}

void DevicesToBeta1(Json& devices) {
  for (Json& device : devices) {
    if (!device.is_object()) continue;
    Json wrapped = Json::object();
    if (Json* name = Member(device, "name")) wrapped["name"] = std::move(*name);
    device.erase("name");
    wrapped["basic"] = std::move(device);
    device = std::move(wrapped);
  }
}

void ClaimSpecToBeta1(Json* spec) {
  Json* devices = spec != nullptr ? Member(*spec, "devices") : nullptr;
  Json* requests = devices != nullptr ? Member(*devices, "requests") : nullptr;
  if (requests == nullptr || !requests->is_array()) return;
  for (Json& request : *requests) {
    Json* exactly = Member(request, "exactly");
    if (exactly == nullptr) continue;
    Json flat = exactly->is_object() ? std::move(*exactly) : Json::object();
    request.erase("exactly");
    request.update(flat);
  }
}

// One object, in place.
void ToBeta1(Json& object) {
  Json* spec = Member(object, "spec");
  if (spec == nullptr) return;
  const Json& kind = object["kind"];
  if (kind == "ResourceClaim") {
    ClaimSpecToBeta1(spec);
  } else if (kind == "ResourceClaimTemplate") {
    ClaimSpecToBeta1(Member(*spec, "spec"));
  } else if (kind == "ResourceSlice") {
    Json* devices = Member(*spec, "devices");
    if (devices != nullptr && devices->is_array()) DevicesToBeta1(*devices);
  }
}

}  // namespace

Json ToVersion(const Json& v1_object, std::string_view version) {
  Json object = v1_object;
  Json* api_version = Member(object, "apiVersion");
  if (api_version == nullptr || *api_version != "resource.k8s.io/v1" || version == "v1")
    return object;
  *api_version = "resource.k8s.io/" + std::string(version);
  if (Json* items = Member(object, "items"); items != nullptr && items->is_array()) {
    std::string kind = object.value("kind", "");
    if (kind.ends_with("List")) kind.resize(kind.size() - 4);
    for (Json& item : *items) {
      // Servers leave kind and apiVersion out of list items.
      bool bare = item.is_object() && !item.contains("kind");
      if (bare) item["kind"] = kind;
      if (version == "v1beta1") ToBeta1(item);
      if (bare) item.erase("kind");
      if (Json* own = Member(item, "apiVersion")) *own = *api_version;
    }
  } else if (version == "v1beta1") {
    ToBeta1(object);
  }
  return object;
}

}  // namespace dray::api
