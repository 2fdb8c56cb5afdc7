#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/core.h"
#include "dray/api/types/resource.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// Device-plugin style requests (HAMi's resource names) -> a ResourceClaimTemplate and a patch of
// the Pod. Pure: the webhook and `dray convert` call the same function. Rules are HAMi's; one table
// row per vendor, no class per vendor.
namespace dray::admission {

// What HAMi's device-config.yaml (ConfigMap hami-scheduler-device) says, as far as DRA needs it;
// defaults are HAMi's.
struct VendorConfig;  // private table row: api/admission/vendors.h
class DeviceConfig {
 public:
  DeviceConfig();  // HAMi's defaults, every vendor known to this version
  ~DeviceConfig();
  DeviceConfig(const DeviceConfig&);
  DeviceConfig(DeviceConfig&&) noexcept;
  DeviceConfig& operator=(DeviceConfig&&) noexcept;
  // `document`: the YAML of device-config.yaml as JSON (both vnpus layouts). kInvalid names the key
  // and value.
  static Result<DeviceConfig> FromJson(const Json& document);

  const std::vector<VendorConfig>& vendors() const { return vendors_; }

 private:
  std::vector<VendorConfig> vendors_;
};

// What devices the cluster has: driver -> the distinct sizes of their "memory" capacity. Needed for
// percentages, and to refuse a memory above every card at once instead of leaving the Pod Pending.
// An absent driver: nothing is known.
struct Inventory {
  std::map<std::string, std::set<api::Quantity>> memory_sizes;
  std::set<std::string> drivers;  // that publish any device
  // What DeviceClasses serve by themselves (spec.extendedResourceName, KEP-5004): resource ->
  // class.
  std::map<std::string, std::string> extended_resources;
  bool complete = false;  // all of the cluster's slices were looked at, so a driver that is not
                          // there has no device
  bool operator==(const Inventory&) const = default;
};
void AddToInventory(const api::ResourceSlice& slice, Inventory& inventory);
void AddToInventory(const api::DeviceClass& device_class, Inventory& inventory);

struct AdmissionPlan {
  bool convert = false;  // false: nothing of ours in the Pod, answer "allowed" without a patch
  // One template for the whole Pod, with one request per container and vendor, named dray-<16 hex
  // of the content's SHA-256> and annotated with dray.dev/request-hash. Its metadata.namespace is
  // the Pod's.
  std::optional<api::ResourceClaimTemplate> claim_template;
  std::string claim_entry;  // what the Pod calls its claim: "dray", or another if that was taken
  std::string patch;        // RFC 6902, minimal: only what changes
  std::vector<std::string> warnings;  // shown by kubectl
  std::vector<std::string> rules;     // what was done, in words (dray convert --explain)
  std::set<std::string> vendors;      // whose devices the claim asks for ("NVIDIA"), for metrics
};

// `pod` is the object of the AdmissionReview, `namespace_` that of the request. kForbidden or
// kInvalid: the Pod is refused with one sentence that names container, resource, value and what
// would be right. A Pod that was converted before (annotation dray.dev/converted) gives an empty
// plan.
Result<AdmissionPlan> PlanAdmission(const Json& pod, std::string_view namespace_,
                                    const DeviceConfig& config, const Inventory& inventory = {});

// A Pod's claim is named <pod>-<entry>-<random>: kInvalid when the Pod's name leaves no room for
// that, which the API server would refuse. PlanAdmission asks as far as `pod` has a name.
Status CheckPodName(std::string_view name, const AdmissionPlan& plan);

// An update of a Pod that was converted before. `before` and `pod` are oldObject and object of the
// AdmissionReview. Where the device-plugin resources came back as they were (kubectl apply of the
// original file), the patch takes them out again, so that the update changes nothing that is
// immutable. kForbidden: they came back with another value. Never a template.
Result<AdmissionPlan> PlanUpdate(const Json& before, const Json& pod);

// What a validating webhook says: the first thing that is wrong (kInvalid, with its field path as
// the cause), and what is accepted but does less than it says.
struct ClaimFindings {
  Status status;
  std::vector<std::string> warnings;
};
// The opaque configurations of a ResourceClaim, ResourceClaimTemplate or DeviceClass, as far as
// their driver is known.
ClaimFindings CheckClaimObject(const Json& object, const DeviceConfig& config);
// The annotation dray.dev/converted of a Pod.
ClaimFindings CheckPodMark(const Json& pod, const DeviceConfig& config);
// What stands before the "/" in the configured resource names, each once: "nvidia.com".
std::vector<std::string> ResourceDomains(const DeviceConfig& config);
// False only when the JSON text of a Pod names no resource of these domains, whatever else is in
// it: PlanAdmission would leave it alone. Looks at the text alone, for webhooks that see many Pods
// that ask for nothing.
bool MayConcern(std::string_view pod, const std::vector<std::string>& domains);
// The text of a Pod as far as admission reads or changes it: without status, volumes, commands and
// the like, which patches never touch; so the Pods of one Deployment read the same. The whole text
// where it is no well-formed JSON object.
std::string PodForAdmission(std::string_view pod);
// The same as a document. Discarded when the text is no JSON.
Json ParsePodForAdmission(std::string_view pod);
// The vendors whose resources the Pod names, by VendorConfig::name; for metrics.
std::set<std::string> VendorsOf(const Json& pod, const DeviceConfig& config);

inline constexpr std::string_view kConvertedAnnotation = "dray.dev/converted";
inline constexpr std::string_view kRequestHashAnnotation = "dray.dev/request-hash";
inline constexpr std::string_view kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kManagedBy = "dray";

}  // namespace dray::admission
