#include "mockdev/profiles/check_profile.h"

#include "dray/api/validation.h"
#include "mockdev/profiles/edits.h"
#include "mockdev/slices/plan.h"

namespace dray::mockdev {
namespace {

// resource.k8s.io QualifiedName: a C identifier of at most 32 characters, perhaps behind "domain/".
bool IsQualifiedName(std::string_view name) {
  size_t slash = name.find('/');
  if (slash != std::string_view::npos) {
    if (slash > 63 || !api::IsDnsSubdomain(name.substr(0, slash))) return false;
    name.remove_prefix(slash + 1);
  }
  if (name.empty() || name.size() > 32 || (name[0] >= '0' && name[0] <= '9')) return false;
  for (char c : name) {
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '_')) return false;
  }
  return true;
}

std::string Quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// The rules of resource/v1/types.go for a request policy (facts: dra.md A.4).
void CheckPolicy(const std::string& field, const api::DeviceCapacity& capacity,
                 FirstError& errors) {
  const api::CapacityRequestPolicy& policy = *capacity.request_policy;
  if (!policy.default_) return;
  const api::Quantity& standard = *policy.default_;
  std::string value = capacity.value.ToString();
  if (!policy.valid_values.empty() && policy.valid_range) {
    errors.Report(field, "has both validValues and validRange; want one of them");
  } else if (!policy.valid_values.empty()) {
    const auto& values = policy.valid_values;
    if (values.size() > 10) errors.Report(field + ".validValues", "has more than 10 values");
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0 && !(values[i - 1] < values[i]))
        errors.Report(field + ".validValues", "are not in ascending order");
      if (values[i] > capacity.value) {
        errors.Report(field + ".validValues",
                      values[i].ToString() + " is above the capacity of " + value);
      }
    }
    if (std::find(values.begin(), values.end(), standard) == values.end()) {
      errors.Report(field + ".default", standard.ToString() + " is none of the validValues");
    }
  } else if (policy.valid_range && policy.valid_range->min) {
    const api::Quantity& min = *policy.valid_range->min;
    const api::Quantity max = policy.valid_range->max.value_or(capacity.value);
    if (max > capacity.value) {
      errors.Report(field + ".validRange.max",
                    max.ToString() + " is above the capacity of " + value);
    }
    if (standard < min || standard > max) {
      errors.Report(field + ".default", standard.ToString() + " is not between " + min.ToString() +
                                            " and " + max.ToString());
    }
    if (policy.valid_range->step) {
      int64_t step = policy.valid_range->step->Value();
      if (step <= 0 || (standard - min).Value() % step != 0 || (max - min).Value() % step != 0) {
        errors.Report(field + ".validRange.step", policy.valid_range->step->ToString() +
                                                      " does not lead from min to default and max");
      }
    }
  }
}

class TemplateChecker {
 public:
  TemplateChecker(const DeviceProfile& profile, FirstError& errors) : errors_(errors) {
    device_ = {"node", "index", "hash"};
    base_ = device_;
    for (const auto& [name, values] : profile.value_lists) base_.insert(name);
    for (const auto& [name, value] : profile.values) device_.insert(name);
    device_.insert(base_.begin(), base_.end());
    plugin_ = {"node", "amount", "amount:Mi"};
    claim_ = {"node", "claim", "claimName", "claimNamespace"};
    for (const std::string& name : device_) {
      plugin_.insert("list:" + name);
      claim_device_.insert({name, "list:" + name});
    }
    claim_device_.insert(claim_.begin(), claim_.end());
    claim_device_.insert({"ordinal", "request", "share", "slot"});
    if (!profile.assign_units.empty()) claim_device_.insert({"mask1", "mask2"});
    for (const auto& [name, capacity] : profile.capacity) {
      for (const char* kind : {"capacity.", "consumed."}) {
        claim_device_.insert({kind + name, kind + name + ":Mi"});
      }
    }
  }

  void Value(const std::string& field, const std::string& text) { Check(field, text, base_); }
  void Device(const std::string& field, const std::string& text) { Check(field, text, device_); }

  void Edits(const std::string& field, const EditTemplates& edits, bool per_device,
             bool plugin = false) {
    const std::set<std::string>& known = plugin ? plugin_ : per_device ? claim_device_ : claim_;
    for (size_t i = 0; i < edits.env.size(); ++i) {
      std::string at = field + ".env[" + std::to_string(i) + "].";
      Check(at + "name", edits.env[i].name, known);
      Check(at + "value", edits.env[i].value, known);
    }
    for (size_t i = 0; i < edits.device_nodes.size(); ++i) {
      Check(field + ".deviceNodes[" + std::to_string(i) + "].path", edits.device_nodes[i].path,
            known);
    }
    for (size_t i = 0; i < edits.mounts.size(); ++i) {
      const MountTemplate& mount = edits.mounts[i];
      std::string at = field + ".mounts[" + std::to_string(i) + "].";
      // What stays on the node must not be made from what belongs to one claim.
      static const std::set<std::string> kNode{"node"};
      Check(at + "containerPath", mount.container_path, known);
      Check(at + "name", mount.name, mount.shared ? kNode : known);
      Check(at + "content", mount.content, mount.shared ? kNode : known);
    }
  }

 private:
  void Check(const std::string& field, const std::string& text,
             const std::set<std::string>& known) {
    Result<std::set<std::string>> used = Placeholders(text);
    if (!used.ok()) return errors_.Report(field, used.status().message());
    for (const std::string& name : *used) {
      if (known.contains(name)) continue;
      std::string names;
      for (const std::string& one : known) names += (names.empty() ? "" : ", ") + one;
      errors_.Report(field, "{" + name + "} means nothing here; known are " + names);
    }
  }

  FirstError& errors_;
  std::set<std::string> base_, device_, claim_, claim_device_, plugin_;
};

void CheckDevicePlugin(const DeviceProfile& profile, FirstError& errors) {
  for (size_t i = 0; i < profile.device_plugin.size(); ++i) {
    const DevicePluginResource& resource = profile.device_plugin[i];
    std::string field = "devicePlugin[" + std::to_string(i) + "]";
    size_t slash = resource.name.find('/');
    if (slash == std::string::npos || !api::IsDnsSubdomain(resource.name.substr(0, slash)) ||
        resource.name.find("kubernetes.io") < slash || slash + 1 == resource.name.size()) {
      errors.Report(field + ".name",
                    Quoted(resource.name) + " is not an extended resource such as nvidia.com/gpu");
    }
    // A kubelet takes gRPC messages of at most 4 MiB and an entry of the list is up to 32 bytes
    // long.
    constexpr int64_t kMost = 110'000;
    auto limit = [&](const std::string& member, const std::string& value, int64_t per_device,
                     const char* want) {
      const int64_t total = per_device * profile.count;
      if (total <= kMost) return;
      errors.Report(field + member, value + " makes " + std::to_string(total) +
                                        " kubelet devices, more than the " + std::to_string(kMost) +
                                        " that fit into one message; want " + want);
    };
    if (resource.slots_per_device > 0) {
      limit(".slotsPerDevice", std::to_string(resource.slots_per_device), resource.slots_per_device,
            "fewer slots");
      continue;
    }
    auto capacity = profile.capacity.find(resource.capacity);
    if (capacity == profile.capacity.end()) {
      errors.Report(field + ".capacity",
                    Quoted(resource.capacity) + " is not under devices.capacity");
      continue;
    }
    limit(".unit", resource.unit.ToString(), capacity->second.value.Value() / resource.unit.Value(),
          "a larger unit");
  }
}

void CheckNames(const DeviceProfile& profile, FirstError& errors) {
  if (profile.driver.size() > 63 || !api::IsDnsSubdomain(profile.driver)) {
    errors.Report("driver", Quoted(profile.driver) +
                                " is not a DNS name of at most 63 lower-case characters");
  }
  if (!api::IsDnsSubdomain(profile.device_class)) {
    errors.Report("deviceClass", Quoted(profile.device_class) + " is not a lower-case DNS name");
  }
}

void CheckProperties(const DeviceProfile& profile, TemplateChecker& templates, FirstError& errors) {
  for (const auto& [name, text] : profile.values) templates.Value("devices.values." + name, text);
  templates.Device("devices.name", profile.device_name);
  for (const auto& [name, attribute] : profile.attributes) {
    std::string field = "devices.attributes." + name;
    if (!IsQualifiedName(name))
      errors.Report(field, "is not an attribute name such as productName");
    templates.Device(field, attribute.text);
  }
  for (const auto& [name, capacity] : profile.capacity) {
    std::string field = "devices.capacity." + name;
    if (!IsQualifiedName(name)) errors.Report(field, "is not a capacity name such as memory");
    if (!capacity.request_policy) continue;
    if (!profile.allow_multiple_allocations) {
      errors.Report(field + ".requestPolicy", "needs devices.allowMultipleAllocations: true");
    }
    CheckPolicy(field + ".requestPolicy", capacity, errors);
  }
  if (profile.attributes.size() + profile.capacity.size() > 32) {
    errors.Report("devices", "has more than 32 attributes and capacities together");
  }
}

// Which capacities make a part of a device, and which are handed out unit by unit.
void CheckParts(const DeviceProfile& profile, FirstError& errors) {
  for (const std::string& name : profile.partial_by) {
    if (!profile.capacity.contains(name)) {
      errors.Report("partialBy", Quoted(name) + " is not under devices.capacity");
    }
  }
  if (profile.assign_units.empty()) return;
  auto units = profile.capacity.find(profile.assign_units);
  if (units == profile.capacity.end() || units->second.value.Value() > kMaxUnits) {
    errors.Report("assignUnits", Quoted(profile.assign_units) + " is not a capacity of at most " +
                                     std::to_string(kMaxUnits) + " units");
  }
}

void CheckFaults(const DeviceProfile& profile, FirstError& errors) {
  for (size_t i = 0; i < profile.faults.size(); ++i) {
    const Fault& fault = profile.faults[i];
    std::string field = "faults[" + std::to_string(i) + "]";
    if (fault.device >= profile.count) errors.Report(field, "is for a node without devices");
    if (fault.taint.key.empty()) continue;
    if (!api::IsQualifiedName(fault.taint.key)) {
      errors.Report(field + ".taint.key",
                    Quoted(fault.taint.key) + " is not a taint key such as example.com/broken");
    }
    if (!api::IsLabelValue(fault.taint.value)) {
      errors.Report(field + ".taint.value",
                    Quoted(fault.taint.value) +
                        " is not a taint value (at most 63 letters, digits, '-', '_' and '.')");
    }
  }
}

// The devices as some node would show them, with all the taints they may ever get.
void CheckDevices(const DeviceProfile& profile, FirstError& errors) {
  constexpr char kNode[] = "node";
  Result<std::vector<MockDevice>> devices = EnumerateDevices(profile, kNode);
  if (!devices.ok()) {
    // "attributes.NAME: sentence" when an attribute is at fault.
    const std::string message = devices.status().message();
    size_t colon = message.starts_with("attributes.") ? message.find(": ") : std::string::npos;
    if (colon == std::string::npos) return errors.Report("devices", message);
    return errors.Report("devices." + message.substr(0, colon), message.substr(colon + 2));
  }
  PoolDescription pool{profile.driver, kNode, kNode, kNode, {}};
  std::set<std::string> names;
  for (const MockDevice& device : *devices) {
    if (!api::IsDnsLabel(device.device.name)) {
      errors.Report("devices.name",
                    Quoted(device.device.name) + " is not a DNS label (a-z, 0-9, '-', at most 63)");
    }
    if (!names.insert(device.device.name).second) {
      errors.Report("devices.name",
                    "gives two devices the name " + Quoted(device.device.name) + "; use {index}");
    }
    pool.devices.push_back(device.device);
  }
  for (const Fault& fault : profile.faults) {
    std::vector<api::DeviceTaint>& taints = pool.devices[fault.device].taints;
    if (!fault.taint.key.empty() &&
        std::none_of(taints.begin(), taints.end(),
                     [&](const auto& taint) { return taint.key == fault.taint.key; })) {
      taints.push_back(fault.taint);
    }
  }
  if (!errors.status().ok()) return;
  if (Status refused = CheckPool(pool); !refused.ok()) errors.Report("devices", refused.message());
}

}  // namespace

void CheckProfile(const DeviceProfile& profile, FirstError& errors) {
  CheckNames(profile, errors);
  TemplateChecker templates(profile, errors);
  CheckProperties(profile, templates, errors);
  CheckParts(profile, errors);
  templates.Edits("edits.claim", profile.claim_edits, false);
  templates.Edits("edits.device", profile.device_edits, true);
  for (size_t i = 0; i < profile.device_plugin.size(); ++i) {
    templates.Edits("devicePlugin[" + std::to_string(i) + "]", profile.device_plugin[i].edits,
                    false, true);
  }
  CheckDevicePlugin(profile, errors);
  CheckFaults(profile, errors);
  if (errors.status().ok()) CheckDevices(profile, errors);
}

}  // namespace dray::mockdev
