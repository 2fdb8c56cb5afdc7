// Life of a claim, stop 1 of 8: admit the Pod. What it asks for in device-plugin words becomes one claim template, named by
// its content, and a patch that makes the Pod's containers use it.
#include <openssl/sha.h>

#include <nlohmann/json.hpp>

#include "api/admission/ask.h"
#include "api/admission/selectors.h"
#include "dray/api/admission.h"
#include "dray/api/codec.h"
#include "dray/api/patch.h"

namespace dray::admission {
namespace {

constexpr std::string_view kClaimEntry = "dray";
constexpr std::string_view kConvertedLabel = "hami.io/dra";
constexpr size_t kMaxLabel = 63;

std::string Sha256(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  for (unsigned char byte : digest) {
    hex += kHex[byte >> 4];
    hex += kHex[byte & 15];
  }
  return hex;
}

// "<container>-<stem>", a DNS label: cut with a hash of the container's name when it is too long.
std::string RequestName(const std::string& container, const std::string& stem) {
  std::string name = container + "-" + stem;
  if (name.size() <= kMaxLabel) return name;
  const std::string tail = "-" + Sha256(container).substr(0, 8) + "-" + stem;
  std::string head = container.substr(0, kMaxLabel - tail.size());
  while (!head.empty() && head.back() == '-') head.pop_back();
  return head + tail;
}

struct ContainerAsk {
  std::string list;   // "containers" or "initContainers"
  size_t index = 0;   // in that list
  std::string container, request;
  Ask ask;
};

const Json* Member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string Text(const Json& object, std::string_view key) {
  const Json* value = Member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

api::Labels Annotations(const Json& pod) {
  api::Labels annotations;
  if (const Json* metadata = Member(pod, "metadata"))
    if (const Json* found = Member(*metadata, "annotations"); found != nullptr && found->is_object())
      for (const auto& [key, value] : found->items())
        if (value.is_string()) annotations[key] = value.get<std::string>();
  return annotations;
}

std::string AnnotationOf(const api::Labels& annotations, const std::string& key) {
  auto found = annotations.find(key);
  return key.empty() || found == annotations.end() ? "" : found->second;
}

// What the conversion writes into must have its shape: the API server has checked that, other callers may not have.
Status CheckShape(const Json& pod, const std::vector<ContainerAsk>& asks) {
  auto want = [](const Json& object, const char* key, const std::string& path, bool array) -> Status {
    const Json* value = Member(object, key);
    if (value == nullptr || (array ? value->is_array() : value->is_object())) return {};
    return Status(Reason::kBadRequest, path + key + ": want " + (array ? "a list" : "an object"));
  };
  DRAY_RETURN_IF_ERROR(want(pod, "metadata", "", false));
  if (const Json* metadata = Member(pod, "metadata"))
    for (const char* map : {"labels", "annotations"}) DRAY_RETURN_IF_ERROR(want(*metadata, map, "metadata.", false));
  DRAY_RETURN_IF_ERROR(want(pod["spec"], "resourceClaims", "spec.", true));
  for (const ContainerAsk& one : asks) {
    const Json& container = pod["spec"][one.list][one.index];
    const std::string path = "spec." + one.list + "[" + std::to_string(one.index) + "].";
    DRAY_RETURN_IF_ERROR(want(container, "env", path, true));
    DRAY_RETURN_IF_ERROR(want(container["resources"], "claims", path + "resources.", true));
  }
  return {};
}

// A Pod that the conversion can't serve at all, whatever it asks for.
Status CheckPod(const Json& spec, const std::vector<ContainerAsk>& asks) {
  const std::string node = Text(spec, "nodeName");
  if (!node.empty())
    return Status(Reason::kForbidden, "spec.nodeName: " + node + ": devices are allocated by the scheduler; use a "
                                      "nodeSelector on kubernetes.io/hostname instead");
  for (const ContainerAsk& one : asks) {
    const Json& container = spec[one.list][one.index];
    const Json* context = Member(container, "securityContext");
    const Json* privileged = context == nullptr ? nullptr : Member(*context, "privileged");
    if (privileged != nullptr && *privileged == true && one.ask.count > 0)
      return Status(Reason::kForbidden, "container " + one.container + ": " + one.ask.resources.front().first + ": " +
                                            one.ask.resources.front().second +
                                            ": a privileged container sees every device: drop privileged: true");
  }
  return {};
}

// Annotations whose meaning DRA can't give; those that only express a preference become warnings.
Status CheckAnnotations(const ContainerAsk& one, const api::Labels& annotations, AdmissionPlan& plan) {
  const VendorConfig& vendor = *one.ask.vendor;
  const std::string mode = AnnotationOf(annotations, vendor.mode);
  if (!mode.empty() && mode.find(vendor.mode_accepted) == std::string::npos)
    return Status(Reason::kInvalid, "annotation " + vendor.mode + ": " + mode + ": devices of " + vendor.driver +
                                        " are shared by " + vendor.mode_accepted + ": want " + vendor.mode_accepted);
  const std::string numa = AnnotationOf(annotations, vendor.numa_bind);
  if (numa == "true" && one.ask.count > 1)
    return Status(Reason::kInvalid, "annotation " + vendor.numa_bind + ": true: " + vendor.driver +
                                        " publishes no NUMA node, so " + std::to_string(one.ask.count) +
                                        " devices can't be bound to one: ask for one device or drop the annotation");
  for (const char* policy : {"hami.io/gpu-scheduler-policy", "hami.io/node-scheduler-policy"})
    if (!AnnotationOf(annotations, policy).empty())
      plan.warnings.push_back(std::string("annotation ") + policy +
                              " has no effect: kube-scheduler takes the first devices that fit");
  return {};
}

api::Quantity Mebibytes(int64_t mib) {
  return api::Quantity::FromInteger(mib * 1024 * 1024, api::Quantity::Format::kBinarySI);
}

// One sub-request per card size for a percentage, else one exact request.
Result<api::DeviceRequest> RequestFor(const ContainerAsk& one, const api::Labels& annotations,
                                      const Inventory& inventory) {
  const Ask& ask = one.ask;
  const VendorConfig& vendor = *ask.vendor;
  DRAY_ASSIGN_OR_RETURN(std::vector<std::string> expressions, DeviceSelectors(vendor, annotations));

  api::ExactDeviceRequest exact;
  exact.device_class_name = vendor.device_class;
  exact.allocation_mode = "ExactCount";
  exact.count = ask.count;
  for (std::string& expression : expressions) exact.selectors.push_back({api::CelDeviceSelector{std::move(expression)}});
  api::CapacityRequirements capacity;
  if (ask.memory_mib) capacity.requests["memory"] = Mebibytes(*ask.memory_mib);
  if (ask.cores) capacity.requests["cores"] = api::Quantity::FromInteger(*ask.cores);

  api::DeviceRequest request;
  request.name = one.request;
  auto sizes = inventory.memory_sizes.find(vendor.driver);
  if (ask.memory_mib && sizes != inventory.memory_sizes.end() && !sizes->second.empty() &&
      Mebibytes(*ask.memory_mib) > *sizes->second.rbegin())
    return Status(Reason::kInvalid, "container " + one.container + ": " + vendor.memory.front() + ": " +
                                        std::to_string(*ask.memory_mib) + " MiB: the largest device of " +
                                        vendor.driver + " has " + sizes->second.rbegin()->ToString());
  if (!ask.percentage) {
    if (!capacity.requests.empty()) exact.capacity = std::move(capacity);
    request.exactly = std::move(exact);
    return request;
  }

  const std::string what = "container " + one.container + ": " + vendor.memory_percentage.front() + ": " +
                           std::to_string(*ask.percentage);
  if (sizes == inventory.memory_sizes.end() || sizes->second.empty())
    return Status(Reason::kInvalid, what + ": no device of " + vendor.driver +
                                        " is known to take a percentage of: ask for " + vendor.memory.front());
  if (sizes->second.size() > 8)
    return Status(Reason::kInvalid, what + ": the cluster has more than 8 sizes of devices: ask for " +
                                        vendor.memory.front());
  for (const api::Quantity& size : sizes->second) {
    const int64_t mib = size.Value() / (1024 * 1024) * *ask.percentage / 100;
    api::DeviceSubRequest sub;
    sub.name = "size-" + std::to_string(request.first_available.size());
    sub.device_class_name = exact.device_class_name;
    sub.allocation_mode = exact.allocation_mode;
    sub.count = exact.count;
    sub.selectors = exact.selectors;
    sub.selectors.push_back({api::CelDeviceSelector{"device.capacity[" + CelString(vendor.driver) +
                                                    "].memory.compareTo(quantity(" + CelString(size.ToString()) +
                                                    ")) == 0"}});
    sub.capacity = capacity;
    sub.capacity->requests["memory"] = Mebibytes(std::max<int64_t>(mib, 1));
    request.first_available.push_back(std::move(sub));
  }
  return request;
}

api::ResourceClaimTemplate TemplateFor(std::vector<api::DeviceRequest> requests,
                                       std::vector<api::DeviceConstraint> constraints, std::string_view namespace_) {
  api::ResourceClaimTemplate made;
  made.spec.metadata.labels[std::string(kManagedByLabel)] = std::string(kManagedBy);
  made.spec.spec.devices.requests = std::move(requests);
  made.spec.spec.devices.constraints = std::move(constraints);
  const std::string hash = Sha256(api::ToJson(made)["spec"].dump());
  made.metadata.name = "dray-" + hash.substr(0, 16);
  made.metadata.namespace_ = std::string(namespace_);
  made.metadata.labels[std::string(kManagedByLabel)] = std::string(kManagedBy);
  made.metadata.annotations[std::string(kRequestHashAnnotation)] = hash;
  return made;
}

// Takes the resources out of the container and puts the claim in.
void Rewrite(Json& container, const ContainerAsk& one, const std::string& entry) {
  Json& resources = container["resources"];
  const VendorConfig& vendor = *one.ask.vendor;
  for (const char* list : {"limits", "requests"}) {
    auto found = resources.find(list);
    if (found == resources.end() || !found->is_object()) continue;
    for (const auto* names : {&vendor.count, &vendor.memory, &vendor.memory_percentage, &vendor.cores, &vendor.priority})
      for (const std::string& name : *names) found->erase(name);
    if (found->empty()) resources.erase(list);
  }
  if (one.ask.count > 0) {
    resources["claims"].push_back({{"name", entry}, {"request", one.request}});
    if (one.ask.priority) {
      Json& env = container["env"];
      bool present = false;
      if (env.is_array())
        for (const Json& variable : env) present = present || Text(variable, "name") == "CUDA_TASK_PRIORITY";
      if (!present) env.push_back({{"name", "CUDA_TASK_PRIORITY"}, {"value", std::to_string(*one.ask.priority)}});
    }
  }
  if (resources.empty()) container.erase("resources");
}

// A name for the Pod's claim entry that nobody took.
std::string FreeEntry(const Json& spec) {
  std::set<std::string> taken;
  if (const Json* entries = Member(spec, "resourceClaims"); entries != nullptr && entries->is_array())
    for (const Json& entry : *entries) taken.insert(Text(entry, "name"));
  std::string name(kClaimEntry);
  for (int i = 2; taken.contains(name); ++i) name = std::string(kClaimEntry) + "-" + std::to_string(i);
  return name;
}

Result<std::vector<ContainerAsk>> ReadAsks(const Json& spec, const DeviceConfig& config,
                                           const api::Labels& annotations) {
  std::vector<ContainerAsk> asks;
  for (const char* list : {"initContainers", "containers"}) {
    const Json* containers = Member(spec, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (size_t i = 0; i < containers->size(); ++i) {
      const Json& container = (*containers)[i];
      for (const VendorConfig& vendor : config.vendors()) {
        const bool soft = AnnotationOf(annotations, vendor.soft_mode) == "hami-core";
        DRAY_ASSIGN_OR_RETURN(std::optional<Ask> ask, ReadAsk(container, vendor, soft));
        if (!ask) continue;
        const std::string name = Text(container, "name");
        std::string request = RequestName(name, vendor.request);
        // Two chips of one vendor family in one container: the stem alone would not tell them apart.
        for (const ContainerAsk& other : asks)
          if (other.request == request) request = RequestName(name, vendor.request + "-" + std::to_string(asks.size()));
        asks.push_back({list, i, name, std::move(request), std::move(*ask)});
      }
    }
  }
  return asks;
}

}  // namespace

Result<AdmissionPlan> PlanAdmission(const Json& pod, std::string_view namespace_, const DeviceConfig& config,
                                    const Inventory& inventory) {
  AdmissionPlan plan;
  const Json* spec = Member(pod, "spec");
  if (spec == nullptr) return plan;
  const api::Labels annotations = Annotations(pod);
  if (annotations.contains(std::string(kConvertedAnnotation))) return plan;
  if (const Json* metadata = Member(pod, "metadata"))
    if (const Json* labels = Member(*metadata, "labels"); labels != nullptr && Text(*labels, "hami.io/webhook") == "ignore")
      return plan;
  // HAMi's own scheduler does not run beside us: its Pods are ours. Other schedulers may not know DRA.
  const std::string scheduler = Text(*spec, "schedulerName");
  if (!scheduler.empty() && scheduler != "default-scheduler" && scheduler != "hami-scheduler") return plan;

  DRAY_ASSIGN_OR_RETURN(std::vector<ContainerAsk> asks, ReadAsks(*spec, config, annotations));
  if (asks.empty()) return plan;
  DRAY_RETURN_IF_ERROR(CheckShape(pod, asks));
  DRAY_RETURN_IF_ERROR(CheckPod(*spec, asks));

  // 1. One claim for the Pod, one request per container and vendor, so that all its devices lie on one node.
  std::vector<api::DeviceRequest> requests;
  std::vector<api::DeviceConstraint> constraints;
  int64_t devices = 0;
  Json converted = Json::object();
  for (const ContainerAsk& one : asks) {
    plan.rules.push_back("container " + one.container + ": " + one.ask.rule);
    for (const auto& [name, value] : one.ask.resources) converted[one.container][name] = value;
    if (one.ask.count == 0) continue;
    DRAY_RETURN_IF_ERROR(CheckAnnotations(one, annotations, plan));
    DRAY_ASSIGN_OR_RETURN(api::DeviceRequest request, RequestFor(one, annotations, inventory));
    requests.push_back(std::move(request));
    // The count is a number of distinct cards (HAMi); a shared device alone could serve one request several times.
    if (one.ask.count > 1) {
      api::DeviceConstraint distinct;
      distinct.requests = {one.request};
      distinct.distinct_attribute = one.ask.vendor->driver + "/uuid";
      constraints.push_back(std::move(distinct));
    }
    devices += one.ask.count;
  }
  if (devices > api::kMaxAllocationResults)
    return Status(Reason::kInvalid, "the Pod asks for " + std::to_string(devices) + " devices: a claim holds at most " +
                                        std::to_string(api::kMaxAllocationResults));
  std::sort(plan.warnings.begin(), plan.warnings.end());
  plan.warnings.erase(std::unique(plan.warnings.begin(), plan.warnings.end()), plan.warnings.end());

  // 2. The Pod as it should be, and the patch that makes it so.
  Json after = pod;
  Json& after_spec = after["spec"];
  const std::string entry = FreeEntry(*spec);
  for (const ContainerAsk& one : asks) Rewrite(after_spec[one.list][one.index], one, entry);
  if (!requests.empty()) {
    plan.claim_template = TemplateFor(std::move(requests), std::move(constraints), namespace_);
    after_spec["resourceClaims"].push_back(
        {{"name", entry}, {"resourceClaimTemplateName", plan.claim_template->metadata.name}});
  }
  if (scheduler == "hami-scheduler") {
    after_spec["schedulerName"] = "default-scheduler";
    plan.rules.push_back("spec.schedulerName: hami-scheduler becomes default-scheduler, which allocates DRA devices");
  }
  Json& metadata = after["metadata"];
  metadata["annotations"][std::string(kConvertedAnnotation)] = converted.dump();
  metadata["labels"][std::string(kConvertedLabel)] = "true";
  plan.convert = true;
  plan.patch = api::DiffJsonPatch(pod, after).dump();
  return plan;
}

}  // namespace dray::admission
