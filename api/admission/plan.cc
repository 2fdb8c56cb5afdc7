// Life of a claim, stop 1 of 8: admit the Pod. What it asks for in device-plugin words becomes one
// claim template, named by its content, and a patch that makes the Pod's containers use it.
#include <nlohmann/json.hpp>

#include "api/admission/claim_requests.h"
#include "api/admission/pod_annotations.h"
#include "dray/api/admission.h"
#include "dray/api/patch.h"
#include "dray/api/validation.h"

namespace dray::admission {
namespace {

constexpr std::string_view kClaimEntry = "dray";
constexpr std::string_view kConvertedLabel = "hami.io/dra";

// What the conversion writes into must have its shape: the API server has checked that, other
// callers may not have.
Status CheckShape(const Json& pod, const std::vector<ContainerAsk>& asks) {
  auto want = [](const Json& object, const char* key, const std::string& path,
                 bool array) -> Status {
    const Json* value = Member(object, key);
    if (value == nullptr || (array ? value->is_array() : value->is_object())) return {};
    return Status(Reason::kBadRequest, path + key + ": want " + (array ? "a list" : "an object"));
  };
  DRAY_RETURN_IF_ERROR(want(pod, "metadata", "", false));
  if (const Json* metadata = Member(pod, "metadata"))
    for (const char* map : {"labels", "annotations"})
      DRAY_RETURN_IF_ERROR(want(*metadata, map, "metadata.", false));
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
    return Status(Reason::kForbidden, "spec.nodeName: " + node +
                                          ": devices are allocated by the scheduler; use a "
                                          "nodeSelector on kubernetes.io/hostname instead");
  for (const ContainerAsk& one : asks) {
    const Json& container = spec[one.list][one.index];
    const Json* context = Member(container, "securityContext");
    const Json* privileged = context == nullptr ? nullptr : Member(*context, "privileged");
    if (privileged != nullptr && *privileged == true && one.ask.count > 0)
      return Status(Reason::kForbidden,
                    "container " + one.container + ": " + one.ask.resources.front().first + ": " +
                        one.ask.resources.front().second +
                        ": a privileged container sees every device: drop privileged: true");
  }
  return {};
}

void SetVariable(Json& container, const std::string& name, const std::string& value) {
  Json& env = container["env"];
  if (env.is_array())
    for (const Json& variable : env)
      if (Text(variable, "name") == name) return;  // the user's own value stands
  env.push_back({{"name", name}, {"value", value}});
}

// Takes the resources out of the container and puts the claim in.
void Rewrite(Json& container, const ContainerAsk& one, const std::string& entry) {
  Json& resources = container["resources"];
  const VendorConfig& vendor = *one.ask.vendor;
  for (const char* list : {"limits", "requests"}) {
    auto found = resources.find(list);
    if (found == resources.end() || !found->is_object()) continue;
    for (const auto* names : {&vendor.count, &vendor.memory, &vendor.memory_percentage,
                              &vendor.cores, &vendor.slices, &vendor.priority})
      for (const std::string& name : *names) found->erase(name);
    if (found->empty()) resources.erase(list);
  }
  if (one.ask.count > 0) resources["claims"].push_back({{"name", entry}, {"request", one.request}});
  if (resources.empty()) container.erase("resources");
  if (one.ask.count == 0) return;
  if (one.ask.priority && vendor.config_kind.empty() && !vendor.priority_variable.empty())
    SetVariable(container, vendor.priority_variable, std::to_string(*one.ask.priority));
  if (vendor.config_kind.empty())
    for (const Tuning& tuning : vendor.tunings)
      SetVariable(container, tuning.variable, tuning.value);
  for (const auto& [name, value] : vendor.env)
    SetVariable(container, name, value == "{container}" ? one.container : value);
}

// A name for the Pod's claim entry that nobody took.
std::string FreeEntry(const Json& spec) {
  std::set<std::string> taken;
  if (const Json* entries = Member(spec, "resourceClaims");
      entries != nullptr && entries->is_array())
    for (const Json& entry : *entries) taken.insert(Text(entry, "name"));
  std::string name(kClaimEntry);
  for (int i = 2; taken.contains(name); ++i)
    name = std::string(kClaimEntry) + "-" + std::to_string(i);
  return name;
}

std::vector<const std::string*> NamedResources(const Json& resources) {
  std::vector<const std::string*> named;
  for (const char* list : {"limits", "requests"}) {
    const Json* amounts = Member(resources, list);
    if (amounts == nullptr || !amounts->is_object()) continue;
    for (auto one = amounts->begin(); one != amounts->end(); ++one)
      if (one.key() != "cpu" && one.key() != "memory") named.push_back(&one.key());
  }
  return named;
}

bool NamesAny(const VendorConfig& vendor, const std::vector<const std::string*>& named) {
  for (const auto* names : {&vendor.count, &vendor.memory, &vendor.memory_percentage, &vendor.cores,
                            &vendor.slices, &vendor.priority})
    for (const std::string& name : *names)
      for (const std::string* one : named)
        if (*one == name) return true;
  return false;
}

Result<std::vector<ContainerAsk>> ReadAsks(const Json& spec, const DeviceConfig& config,
                                           const api::Labels& annotations) {
  std::vector<ContainerAsk> asks;
  for (const char* list : {"initContainers", "containers"}) {
    const Json* containers = Member(spec, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (size_t i = 0; i < containers->size(); ++i) {
      const Json& container = (*containers)[i];
      const Json* resources = Member(container, "resources");
      if (resources == nullptr || resources->empty()) continue;
      const std::vector<const std::string*> named = NamedResources(*resources);
      if (named.empty()) continue;
      for (const VendorConfig& vendor : config.vendors()) {
        if (!NamesAny(vendor, named)) continue;
        // A mode that cannot be served is the Pod's mistake only where it asks for the vendor.
        Result<Modes> modes = ModesFor(vendor, annotations);
        DRAY_ASSIGN_OR_RETURN(std::optional<Ask> ask,
                              ReadAsk(container, vendor, modes.ok() ? *modes : Modes()));
        if (!ask) continue;
        if (!modes.ok()) return modes.status();
        const std::string name = Text(container, "name");
        std::string request = RequestName(name, vendor.request);
        // Two chips of one vendor family in one container: the stem alone would not tell them
        // apart.
        for (const ContainerAsk& other : asks)
          if (other.request == request)
            request = RequestName(name, vendor.request + "-" + std::to_string(asks.size()));
        asks.push_back({list, i, name, std::move(request), std::move(*ask)});
      }
    }
  }
  return asks;
}

// HAMi's scheduler does not run beside us: its Pods are ours. Other schedulers may not know DRA.
bool IsOurs(const Json& pod, const Json& spec) {
  if (const Json* metadata = Member(pod, "metadata"))
    if (const Json* labels = Member(*metadata, "labels");
        labels != nullptr && Text(*labels, "hami.io/webhook") == "ignore")
      return false;
  const std::string scheduler = Text(spec, "schedulerName");
  return scheduler.empty() || scheduler == "default-scheduler" || scheduler == "hami-scheduler";
}

void WarnAboutDriver(const Ask& ask, const Inventory& inventory, AdmissionPlan& plan) {
  const DriverTarget& target = *ask.target;
  if (inventory.drivers.contains(target.driver)) return;
  if (!target.known)
    plan.warnings.push_back("no DRA driver of " + ask.vendor->name +
                            " is known: the claim asks for DeviceClass " + target.device_class +
                            ", which dray-mockdev serves; dra." + ask.vendor->block +
                            " in device-config.yaml names another");
  else if (inventory.complete)
    plan.warnings.push_back("no node publishes devices of driver " + target.driver +
                            " at present: the Pod stays Pending until one does");
}

// The scheduler makes a claim by itself for a resource that a DeviceClass maps (KEP-5004). Once we
// have taken the resource out it does not, so there is never a second claim; but it may be another
// class that the cluster's administrator had in mind.
void WarnAboutMapping(const ContainerAsk& one, const Inventory& inventory, AdmissionPlan& plan) {
  const std::string& wanted = one.ask.target->device_class;
  for (const auto& [resource, value] : one.ask.resources) {
    const auto mapped = inventory.extended_resources.find(resource);
    if (mapped == inventory.extended_resources.end() || mapped->second == wanted) continue;
    plan.warnings.push_back("container " + one.container + ": " + resource + ": DeviceClass " +
                            mapped->second + " serves it too; the claim is for DeviceClass " +
                            wanted +
                            " (label hami.io/webhook: ignore leaves the Pod to the former)");
  }
}

// HAMi asks for one NUMA node. A driver that publishes none is asked for one PCIe root, which is
// narrower.
void WarnAboutNuma(const ContainerAsk& one, const api::Labels& annotations, AdmissionPlan& plan) {
  const VendorConfig& vendor = *one.ask.vendor;
  const Result<bool> bound = NumaBound(vendor, annotations);
  if (one.ask.count < 2 || !bound.ok() || !*bound) return;
  if (one.ask.target->numa.starts_with("resource.kubernetes.io/pcieRoot"))
    plan.warnings.push_back("annotation " + vendor.numa_bind + ": driver " +
                            one.ask.target->driver + " publishes no NUMA node: the " +
                            std::to_string(one.ask.count) +
                            " cards must lie under one PCIe root, of which a NUMA node may have "
                            "several");
}

// The Pod as it should be.
Json Converted(const Json& pod, const std::vector<ContainerAsk>& asks,
               const std::string& template_name, const Json& converted, AdmissionPlan& plan) {
  Json after = pod;
  Json& spec = after["spec"];
  const std::string& entry = plan.claim_entry;
  for (const ContainerAsk& one : asks) {
    Rewrite(spec[one.list][one.index], one, entry);
    const std::string& runtime_class = one.ask.vendor->runtime_class;
    if (one.ask.count > 0 && !runtime_class.empty() && Text(spec, "runtimeClassName").empty()) {
      spec["runtimeClassName"] = runtime_class;
      plan.rules.push_back("spec.runtimeClassName: " + runtime_class + ", as configured for " +
                           one.ask.vendor->name);
    }
  }
  if (!template_name.empty())
    spec["resourceClaims"].push_back(
        {{"name", entry}, {"resourceClaimTemplateName", template_name}});
  if (Text(spec, "schedulerName") == "hami-scheduler") {
    spec["schedulerName"] = "default-scheduler";
    plan.rules.push_back(
        "spec.schedulerName: hami-scheduler becomes default-scheduler, which allocates DRA "
        "devices");
  }
  Json& metadata = after["metadata"];
  metadata["annotations"][std::string(kConvertedAnnotation)] = converted.dump();
  metadata["labels"][std::string(kConvertedLabel)] = "true";
  return after;
}

}  // namespace

Result<AdmissionPlan> PlanAdmission(const Json& pod, std::string_view namespace_,
                                    const DeviceConfig& config, const Inventory& inventory) {
  AdmissionPlan plan;
  const Json* spec = Member(pod, "spec");
  if (spec == nullptr || !IsOurs(pod, *spec)) return plan;
  const api::Labels annotations = PodAnnotations(pod);
  if (annotations.contains(std::string(kConvertedAnnotation))) return plan;
  DRAY_ASSIGN_OR_RETURN(const std::vector<ContainerAsk> asks, ReadAsks(*spec, config, annotations));
  if (asks.empty()) return plan;
  DRAY_RETURN_IF_ERROR(CheckShape(pod, asks));
  DRAY_RETURN_IF_ERROR(CheckPod(*spec, asks));

  // One claim for the Pod, one request per container and vendor, so that all its devices lie on one
  // node.
  api::DeviceClaim claim;
  int64_t devices = 0;
  Json converted = Json::object();
  for (const ContainerAsk& one : asks) {
    plan.rules.push_back("container " + one.container + ": " + one.ask.rule);
    for (const auto& [name, value] : one.ask.resources) converted[one.container][name] = value;
    if (one.ask.count == 0) continue;
    for (const std::string& warning : one.ask.warnings)
      plan.warnings.push_back("container " + one.container + ": " + warning);
    DRAY_RETURN_IF_ERROR(AddRequest(one, annotations, inventory, claim));
    WarnAboutDriver(one.ask, inventory, plan);
    WarnAboutMapping(one, inventory, plan);
    WarnAboutNuma(one, annotations, plan);
    plan.vendors.insert(one.ask.vendor->name);
    devices += one.ask.count;
  }
  KeepOnOneCard(asks, claim);
  if (devices > api::kMaxAllocationResults)
    return Status(Reason::kInvalid, "the Pod asks for " + std::to_string(devices) +
                                        " devices: a claim holds at most " +
                                        std::to_string(api::kMaxAllocationResults));
  if (devices > 0)
    for (std::string& warning : PreferenceWarnings(annotations))
      plan.warnings.push_back(std::move(warning));
  std::sort(plan.warnings.begin(), plan.warnings.end());
  plan.warnings.erase(std::unique(plan.warnings.begin(), plan.warnings.end()), plan.warnings.end());

  std::string template_name;
  if (!claim.requests.empty()) {
    plan.claim_template = TemplateFor(std::move(claim), namespace_);
    // What the API server would refuse later is refused with its words now. The selectors compile:
    // DeviceSelectors() has seen to it. Callers without a cluster may leave the namespace out.
    std::string& in_namespace = plan.claim_template->metadata.namespace_;
    if (namespace_.empty()) in_namespace = "default";
    Status valid = api::ValidateResourceClaimTemplate(*plan.claim_template);
    in_namespace = std::string(namespace_);
    if (!valid.ok())
      return Status(Reason::kInvalid, "the Pod's requests make no valid claim: " + valid.message());
    template_name = plan.claim_template->metadata.name;
  }
  plan.claim_entry = FreeEntry(*spec);
  if (const Json* metadata = Member(pod, "metadata"))
    DRAY_RETURN_IF_ERROR(CheckPodName(Text(*metadata, "name"), plan));
  const Json after = Converted(pod, asks, template_name, converted, plan);
  plan.convert = true;
  plan.patch = api::DiffJsonPatch(pod, after).dump();
  return plan;
}

Status CheckPodName(std::string_view name, const AdmissionPlan& plan) {
  constexpr size_t kLongestName = 253;
  const size_t most = kLongestName - 1 - plan.claim_entry.size();
  if (!plan.claim_template || name.size() <= most) return {};
  return Status(Reason::kInvalid,
                "metadata.name: " + std::to_string(name.size()) +
                    " characters: the Pod's claim is named after it: want at most " +
                    std::to_string(most));
}

std::set<std::string> VendorsOf(const Json& pod, const DeviceConfig& config) {
  std::set<std::string> vendors;
  const Json* spec = Member(pod, "spec");
  for (const char* list : {"initContainers", "containers"}) {
    const Json* containers = spec == nullptr ? nullptr : Member(*spec, list);
    if (containers == nullptr || !containers->is_array()) continue;
    for (const Json& container : *containers) {
      const Json* resources = Member(container, "resources");
      for (const char* amounts : {"limits", "requests"}) {
        const Json* found = resources == nullptr ? nullptr : Member(*resources, amounts);
        if (found == nullptr || !found->is_object()) continue;
        for (const VendorConfig& vendor : config.vendors())
          for (const auto* names : {&vendor.count, &vendor.memory, &vendor.memory_percentage,
                                    &vendor.cores, &vendor.slices, &vendor.priority})
            for (const std::string& name : *names)
              if (found->contains(name)) vendors.insert(vendor.name);
      }
    }
  }
  return vendors;
}

}  // namespace dray::admission
