#include "api/admission/claim_requests.h"

#include <nlohmann/json.hpp>

#include "api/admission/pod_annotations.h"
#include "api/admission/selectors.h"
#include "dray/api/codec.h"
#include "dray/base/sha256.h"

namespace dray::admission {
namespace {

constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxAlternatives = 8;  // firstAvailable

api::Quantity Mebibytes(int64_t mib) {
  return api::Quantity::FromInteger(mib * 1024 * 1024, api::Quantity::Format::kBinarySI);
}

std::string MessageStart(const ContainerAsk& one, const std::string& resource) {
  std::string value;
  for (const auto& [name, text] : one.ask.resources)
    if (name == resource) value = ": " + text;
  return "container " + one.container + ": " + resource + value + ": ";
}

api::DeviceSubRequest Alternative(const api::ExactDeviceRequest& exact, const std::string& name,
                                  const std::string& expression) {
  api::DeviceSubRequest sub;
  sub.name = name;
  sub.device_class_name = exact.device_class_name;
  sub.allocation_mode = exact.allocation_mode;
  sub.count = exact.count;
  sub.selectors = exact.selectors;
  sub.selectors.push_back({api::CelDeviceSelector{expression}});
  sub.capacity = exact.capacity;
  return sub;
}

// A percentage is taken of each size of card there is, the smallest first.
Status SplitBySize(const ContainerAsk& one, const Inventory& inventory,
                   const api::ExactDeviceRequest& exact, api::DeviceRequest& request) {
  const Ask& ask = one.ask;
  const std::string resource =
      ask.vendor->memory_percentage.empty() ? ask.vendor->cores.front() : [&] {
        for (const auto& [name, text] : ask.resources)
          for (const std::string& known : ask.vendor->memory_percentage)
            if (name == known) return name;
        return ask.vendor->memory_percentage.front();
      }();
  std::set<api::Quantity> sizes;
  if (auto known = inventory.memory_sizes.find(ask.target->driver);
      known != inventory.memory_sizes.end())
    sizes = known->second;
  if (sizes.empty() && ask.vendor->reference_memory_mib > 0)
    sizes.insert(Mebibytes(ask.vendor->reference_memory_mib));
  if (sizes.empty())
    return Status(Reason::kInvalid,
                  MessageStart(one, resource) + "no device of " + ask.target->driver +
                      " is known to take a percentage of: ask for " + ask.vendor->memory.front());
  if (sizes.size() > kMaxAlternatives)
    return Status(
        Reason::kInvalid,
        MessageStart(one, resource) + "the cluster has " + std::to_string(sizes.size()) +
            " sizes of devices, more than the 8 that a request can choose from: ask for " +
            ask.vendor->memory.front());
  const std::string capacity =
      "device.capacity[" + CelString(ask.target->driver) + "]." + ask.target->memory;
  for (const api::Quantity& size : sizes) {
    const int64_t mib = std::max<int64_t>(1, size.Value() / (1024 * 1024) * *ask.percentage / 100);
    api::DeviceSubRequest sub =
        Alternative(exact, "size-" + std::to_string(request.first_available.size()),
                    "has(" + capacity + ") && " + capacity + ".compareTo(quantity(" +
                        CelString(size.ToString()) + ")) == 0");
    if (!sub.capacity) sub.capacity.emplace();
    sub.capacity->requests[ask.target->memory] = Mebibytes(mib);
    request.first_available.push_back(std::move(sub));
  }
  return {};
}

// The smallest profile whose memory holds the request: fewest compute slices first.
void SplitByMigProfile(const Ask& ask, const api::ExactDeviceRequest& exact,
                       api::DeviceRequest& request) {
  const std::string profile = CelAttribute(*ask.target, "profile");
  for (const char* slices : {"1g", "2g", "3g", "4g", "7g"})
    request.first_available.push_back(Alternative(exact, "mig-" + std::string(slices),
                                                  "has(" + profile + ") && " + profile +
                                                      ".startsWith(" +
                                                      CelString(std::string(slices) + ".") + ")"));
}

Status CheckLargest(const ContainerAsk& one, const Inventory& inventory) {
  auto sizes = inventory.memory_sizes.find(one.ask.target->driver);
  if (!one.ask.memory_mib || sizes == inventory.memory_sizes.end() || sizes->second.empty() ||
      Mebibytes(*one.ask.memory_mib) <= *sizes->second.rbegin())
    return {};
  std::string resource = one.ask.vendor->memory.front();
  for (const auto& [name, text] : one.ask.resources)
    for (const std::string& known : one.ask.vendor->memory)
      if (name == known) resource = name;
  return Status(Reason::kInvalid, "container " + one.container + ": " + resource + ": " +
                                      std::to_string(*one.ask.memory_mib) +
                                      " MiB: the largest device of " + one.ask.target->driver +
                                      " has " + sizes->second.rbegin()->ToString());
}

Status AddConstraints(const ContainerAsk& one, const api::Labels& annotations,
                      api::DeviceClaim& claim) {
  const Ask& ask = one.ask;
  DRAY_ASSIGN_OR_RETURN(const bool numa, NumaBound(*ask.vendor, annotations));
  if (ask.count < 2) return {};
  // The count is a number of distinct cards (HAMi); a shared device alone could serve one request
  // several times. A whole card cannot, and its driver may publish nothing to tell cards apart by.
  const bool share =
      ask.memory_mib || ask.percentage || (ask.cores && *ask.cores < ask.vendor->cores_total);
  if (share && !ask.target->distinct.empty()) {
    api::DeviceConstraint distinct;
    distinct.requests = {one.request};
    distinct.distinct_attribute = ask.target->distinct;
    claim.constraints.push_back(std::move(distinct));
  }
  if (!numa) return {};
  api::DeviceConstraint near;
  near.requests = {one.request};
  near.match_attribute = ask.target->numa;
  claim.constraints.push_back(std::move(near));
  return {};
}

}  // namespace

Status AddRequest(const ContainerAsk& one, const api::Labels& annotations,
                  const Inventory& inventory, api::DeviceClaim& claim) {
  const Ask& ask = one.ask;
  const VendorConfig& vendor = *ask.vendor;
  if (ask.target->driver.empty() || ask.target->device_class.empty())
    return Status(Reason::kForbidden, MessageStart(one, ask.resources.front().first) +
                                          "no DRA driver is configured for " + vendor.name +
                                          ": name one under dra." + vendor.block +
                                          " in device-config.yaml");
  DRAY_RETURN_IF_ERROR(CheckLargest(one, inventory));
  DRAY_ASSIGN_OR_RETURN(std::vector<std::string> expressions,
                        DeviceSelectors(vendor, *ask.target, annotations));

  api::ExactDeviceRequest exact;
  exact.device_class_name = ask.target->device_class;
  exact.allocation_mode = "ExactCount";
  exact.count = ask.count;
  for (std::string& expression : expressions)
    exact.selectors.push_back({api::CelDeviceSelector{std::move(expression)}});
  if (ask.memory_mib || ask.cores) {
    exact.capacity.emplace();
    if (ask.memory_mib) exact.capacity->requests[ask.target->memory] = Mebibytes(*ask.memory_mib);
    if (ask.cores)
      exact.capacity->requests[ask.target->cores] = api::Quantity::FromInteger(*ask.cores);
  }

  api::DeviceRequest request;
  request.name = one.request;
  if (ask.target == &vendor.mig) {
    SplitByMigProfile(ask, exact, request);
  } else if (ask.percentage) {
    DRAY_RETURN_IF_ERROR(SplitBySize(one, inventory, exact, request));
  } else {
    request.exactly = std::move(exact);
  }
  claim.requests.push_back(std::move(request));
  DRAY_RETURN_IF_ERROR(AddConstraints(one, annotations, claim));

  DRAY_ASSIGN_OR_RETURN(Json parameters, DriverParameters(ask, annotations));
  if (parameters.empty()) return {};
  parameters["apiVersion"] = vendor.config_api_version;
  parameters["kind"] = vendor.config_kind;
  api::DeviceClaimConfiguration configuration;
  configuration.requests = {one.request};
  configuration.opaque = api::OpaqueDeviceConfiguration{ask.target->driver, parameters.dump()};
  claim.config.push_back(std::move(configuration));
  return {};
}

void KeepOnOneCard(const std::vector<ContainerAsk>& asks, api::DeviceClaim& claim) {
  std::map<const VendorConfig*, std::vector<std::string>> shares;
  std::vector<const VendorConfig*> order;  // of the constraints: the same for the same Pod
  for (const ContainerAsk& one : asks) {
    const VendorConfig* vendor = one.ask.vendor;
    if (!vendor->one_card_per_pod || one.ask.count != 1 || !one.ask.memory_mib ||
        one.ask.target->distinct.empty())
      continue;
    if (shares[vendor].empty()) order.push_back(vendor);
    shares[vendor].push_back(one.request);
  }
  for (const VendorConfig* vendor : order) {
    if (shares[vendor].size() < 2) continue;
    api::DeviceConstraint same;
    same.requests = std::move(shares[vendor]);
    same.match_attribute = vendor->target.distinct;
    claim.constraints.push_back(std::move(same));
  }
}

std::string RequestName(const std::string& container, const std::string& stem) {
  std::string name = container + "-" + stem;
  if (name.size() <= kMaxLabel) return name;
  const std::string tail = "-" + Sha256Hex(container).substr(0, 8) + "-" + stem;
  std::string head = container.substr(0, kMaxLabel - tail.size());
  while (!head.empty() && head.back() == '-') head.pop_back();
  return head + tail;
}

api::ResourceClaimTemplate TemplateFor(api::DeviceClaim claim, std::string_view namespace_) {
  api::ResourceClaimTemplate made;
  made.spec.metadata.labels[std::string(kManagedByLabel)] = std::string(kManagedBy);
  made.spec.spec.devices = std::move(claim);
  const std::string hash = Sha256Hex(api::ToJson(made)["spec"].dump());
  made.metadata.name = "dray-" + hash.substr(0, 16);
  made.metadata.namespace_ = std::string(namespace_);
  made.metadata.labels[std::string(kManagedByLabel)] = std::string(kManagedBy);
  made.metadata.annotations[std::string(kRequestHashAnnotation)] = hash;
  return made;
}

}  // namespace dray::admission
