// ResourceSlice and DeviceClass.
#include <algorithm>

#include "api/types/validation_rules.h"

namespace dray::api {
namespace {

constexpr size_t kDevicesMost = 128;
constexpr size_t kAdvancedDevicesMost = 64;  // with taints, counters or list attributes
constexpr size_t kPropertiesMost = 32;       // attributes and capacities of a device
constexpr size_t kAttributeValuesMost = 48;
constexpr size_t kTaintsMost = 16;
constexpr size_t kCounterSetsMost = 8;
constexpr size_t kConsumptionsMost = 2;
constexpr size_t kCountersMost = 32;
constexpr size_t kValidValuesMost = 10;
constexpr size_t kTextMost = 64;

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
bool IsNumericIdentifier(std::string_view text) {
  return IsDigits(text) && (text.size() == 1 || text[0] != '0');
}

// Dot-separated identifiers of letters, digits and '-'; numbers without leading zeros when
// `strict`.
bool AreIdentifiers(std::string_view text, bool strict) {
  for (size_t at = 0; at <= text.size();) {
    size_t dot = std::min(text.find('.', at), text.size());
    std::string_view part = text.substr(at, dot - at);
    bool known = !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
    if (!known || (strict && IsDigits(part) && !IsNumericIdentifier(part))) return false;
    at = dot + 1;
  }
  return true;
}

bool IsSemanticVersion(std::string_view text) {
  size_t plus = text.find('+');
  if (plus != std::string_view::npos && !AreIdentifiers(text.substr(plus + 1), false)) return false;
  text = text.substr(0, plus);
  size_t dash = text.find('-');
  if (dash != std::string_view::npos && !AreIdentifiers(text.substr(dash + 1), true)) return false;
  text = text.substr(0, dash);
  int parts = 0;
  for (size_t at = 0; at <= text.size(); ++parts) {
    size_t dot = std::min(text.find('.', at), text.size());
    if (!IsNumericIdentifier(text.substr(at, dot - at))) return false;
    at = dot + 1;
  }
  return parts == 3;
}

void CheckText(FieldErrors& errors, const FieldPath& path, const std::string& text) {
  if (text.size() > kTextMost) errors.TooLong(path, kTextMost);
}
void CheckVersion(FieldErrors& errors, const FieldPath& path, const Version& version) {
  if (!IsSemanticVersion(version.text))
    errors.Invalid(path, version.text, "must be a version by semver.org 2.0.0");
  CheckText(errors, path, version.text);
}

// The number of values that an attribute counts for.
size_t CheckAttribute(FieldErrors& errors, const FieldPath& path,
                      const DeviceAttribute& attribute) {
  auto list = [&](std::string_view name, const auto& values, auto check_each) -> size_t {
    if (values.empty()) errors.Invalid(path / name, "[]", "must not be empty");
    for (size_t i = 0; i < values.size(); ++i) check_each((path / name)[i], values[i]);
    return std::max<size_t>(values.size(), 1);
  };
  auto nothing = [](const FieldPath&, const auto&) {};
  const auto& value = attribute.value;
  if (std::holds_alternative<std::monostate>(value))
    errors.Invalid(path, "", "exactly one value must be set");
  if (const auto* text = std::get_if<std::string>(&value))
    CheckText(errors, path / "string", *text);
  if (const auto* version = std::get_if<Version>(&value))
    CheckVersion(errors, path / "version", *version);
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&value))
    return list("ints", *ints, nothing);
  if (const auto* bools = std::get_if<std::vector<bool>>(&value))
    return list("bools", *bools, nothing);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value))
    return list("strings", *texts,
                [&](const FieldPath& at, const std::string& text) { CheckText(errors, at, text); });
  if (const auto* versions = std::get_if<std::vector<Version>>(&value))
    return list("versions", *versions,
                [&](const FieldPath& at, const Version& one) { CheckVersion(errors, at, one); });
  return 1;
}

bool IsList(const DeviceAttribute& attribute) {
  return attribute.value.index() >= 5;
}

void CheckValidValues(FieldErrors& errors, const FieldPath& path, const DeviceCapacity& capacity) {
  const std::vector<Quantity>& values = capacity.request_policy->valid_values;
  const Quantity& fallback = *capacity.request_policy->default_;
  if (values.size() > kValidValuesMost)
    return errors.TooMany(path, values.size(), kValidValuesMost);
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] > capacity.value)
      errors.Invalid(path[i], values[i],
                     "is larger than the capacity " + capacity.value.ToString());
    if (i > 0 && values[i] < values[i - 1])
      errors.Invalid(path[i], values[i], "values must ascend");
    if (i > 0 && values[i].Value() == values[i - 1].Value())
      errors.Duplicate(path[i], values[i].ToString());
  }
  if (std::ranges::find(values, fallback) == values.end())
    errors.Invalid(path, fallback, "the default must be one of the values");
}

void CheckValidRange(FieldErrors& errors, const FieldPath& path, const DeviceCapacity& capacity) {
  const CapacityRequestPolicyRange& range = *capacity.request_policy->valid_range;
  const Quantity& fallback = *capacity.request_policy->default_;
  std::string beyond = "is larger than the capacity " + capacity.value.ToString();
  if (!range.min) return errors.Required(path / "min", "required with validRange");
  const Quantity& min = *range.min;
  if (min > capacity.value) errors.Invalid(path / "min", min, beyond);
  if (fallback < min)
    errors.Invalid(path / "default", fallback, "is less than min " + min.ToString());
  if (range.max) {
    if (min > *range.max)
      errors.Invalid(path / "max", *range.max, "is less than min " + min.ToString());
    if (*range.max > capacity.value) errors.Invalid(path / "max", *range.max, beyond);
    if (fallback > *range.max)
      errors.Invalid(path / "default", fallback, "is more than max " + range.max->ToString());
  }
  if (!range.step) return;
  const Quantity& step = *range.step;
  if (step <= Quantity()) return errors.Invalid(path / "step", step, "must be greater than zero");
  if (min + step > capacity.value)
    errors.Invalid(path / "step", step, "one step from min " + beyond);
  // In whole units, as the allocator counts.
  auto on_grid = [&](const Quantity& value) {
    __extension__ using Wide = __int128;
    if ((static_cast<Wide>(value.Value()) - min.Value()) % step.Value() == 0) return;
    errors.Invalid(path / "step", value,
                   "is no multiple of the step " + step.ToString() + " from " + min.ToString());
  };
  on_grid(fallback);
  if (range.max) on_grid(*range.max);
}

void CheckCapacity(FieldErrors& errors, const FieldPath& path, const DeviceCapacity& capacity,
                   bool shared) {
  if (!capacity.request_policy) return;
  FieldPath at = path / "requestPolicy";
  const CapacityRequestPolicy& policy = *capacity.request_policy;
  if (!shared) return errors.Forbidden(at, "needs allowMultipleAllocations: true on the device");
  bool values = !policy.valid_values.empty(), range = policy.valid_range.has_value();
  if (values && range) return errors.Forbidden(at, "validValues and validRange exclude each other");
  if ((values || range) && !policy.default_)
    return errors.Required(at / "default",
                           std::string("required with ") + (values ? "validValues" : "validRange"));
  if (values) CheckValidValues(errors, at / "validValues", capacity);
  if (range) CheckValidRange(errors, at / "validRange", capacity);
}

void CheckCounters(FieldErrors& errors, const FieldPath& path,
                   const std::map<std::string, Counter>& counters) {
  if (counters.empty()) return errors.Required(path);
  if (counters.size() > kCountersMost) return errors.TooMany(path, counters.size(), kCountersMost);
  for (const auto& [name, counter] : counters) CheckDnsLabel(errors, path, name);
}

// Where devices are: `set` collects the fields that are used.
struct Placement {
  const std::optional<std::string>& node_name;
  const std::optional<NodeSelector>& node_selector;
  const std::optional<bool>& all_nodes;
  std::vector<std::string_view> set = {};

  void Check(FieldErrors& errors, const FieldPath& path) {
    if (node_name) {
      if (!node_name->empty()) set.push_back("nodeName");
      if (!IsDnsSubdomain(*node_name))
        errors.Invalid(path / "nodeName", *node_name, kWantDnsSubdomain);
    }
    if (node_selector) {
      set.push_back("nodeSelector");
      CheckNodeSelector(errors, path / "nodeSelector", *node_selector);
    }
    if (all_nodes) {
      if (*all_nodes)
        set.push_back("allNodes");
      else
        errors.Invalid(path / "allNodes", "false", "must be unset or true");
    }
  }
  void ExactlyOne(FieldErrors& errors, const FieldPath& path, std::string_view rule) const {
    if (set.empty()) errors.Required(path, rule);
    if (set.size() < 2) return;
    std::string used;
    for (std::string_view field : set) used.append(used.empty() ? "" : ", ").append(field);
    errors.Invalid(path, used, rule);
  }
};

void CheckDevice(FieldErrors& errors, const FieldPath& path, const Device& device,
                 const Device* old, bool per_device_placement) {
  CheckDnsLabel(errors, path / "name", device.name);
  size_t properties = device.attributes.size() + device.capacity.size();
  if (properties > kPropertiesMost)
    errors.Invalid(path, static_cast<int64_t>(properties),
                   "must have at most " + std::to_string(kPropertiesMost) +
                       " attributes and capacities together");
  size_t values = 0;
  for (const auto& [name, attribute] : device.attributes) {
    CheckQualifiedName(errors, path / "attributes", name);
    values += CheckAttribute(errors, (path / "attributes").Key(name), attribute);
  }
  if (values > kAttributeValuesMost)
    errors.Invalid(
        path, static_cast<int64_t>(values),
        "must have at most " + std::to_string(kAttributeValuesMost) + " attribute values");
  // What was accepted once and did not change is not looked at again.
  if (old == nullptr || old->capacity != device.capacity)
    for (const auto& [name, capacity] : device.capacity) {
      CheckQualifiedName(errors, path / "capacity", name);
      CheckCapacity(errors, (path / "capacity").Key(name), capacity,
                    device.allow_multiple_allocations == true);
    }
  if (old == nullptr || old->taints != device.taints) {
    FieldPath at = path / "taints";
    if (device.taints.size() > kTaintsMost)
      errors.TooMany(at, device.taints.size(), kTaintsMost);
    else
      for (size_t i = 0; i < device.taints.size(); ++i)
        CheckDeviceTaint(errors, at[i], device.taints[i]);
  }

  FieldPath at = path / "consumesCounters";
  if (device.consumes_counters.size() > kConsumptionsMost)
    errors.TooMany(at, device.consumes_counters.size(), kConsumptionsMost);
  for (size_t i = 0; i < device.consumes_counters.size(); ++i) {
    CheckDnsLabel(errors, at[i] / "counterSet", device.consumes_counters[i].counter_set);
    CheckCounters(errors, at[i] / "counters", device.consumes_counters[i].counters);
  }
  CheckUnique(errors, at, device.consumes_counters,
              [](const DeviceCounterConsumption& consumption) -> std::string_view {
                return consumption.counter_set;
              });

  if (per_device_placement) {
    Placement placement{device.node_name, device.node_selector, device.all_nodes};
    placement.Check(errors, path);
    placement.ExactlyOne(errors, path,
                         "exactly one of nodeName, nodeSelector and allNodes is required with "
                         "perDeviceNodeSelection");
  } else if (device.node_name || device.node_selector || device.all_nodes) {
    errors.Invalid(path, device.name,
                   "nodeName, nodeSelector and allNodes need perDeviceNodeSelection in the slice");
  }
  CheckBindingConditions(errors, path, device.binding_conditions,
                         device.binding_failure_conditions);
}

void CheckPlacement(FieldErrors& errors, const FieldPath& path, const ResourceSliceSpec& spec) {
  Placement placement{spec.node_name, spec.node_selector, spec.all_nodes};
  placement.Check(errors, path);
  if (spec.node_selector && spec.node_selector->node_selector_terms.size() > 1)
    errors.Invalid(path / "nodeSelector" / "nodeSelectorTerms",
                   static_cast<int64_t>(spec.node_selector->node_selector_terms.size()),
                   "must have exactly one term");
  if (spec.per_device_node_selection) {
    if (*spec.per_device_node_selection)
      placement.set.push_back("perDeviceNodeSelection");
    else
      errors.Invalid(path / "perDeviceNodeSelection", "false", "must be unset or true");
  }
  placement.ExactlyOne(
      errors, path,
      "exactly one of nodeName, nodeSelector, allNodes and perDeviceNodeSelection is "
      "required");
}

void CheckSliceSpec(FieldErrors& errors, const FieldPath& path, const ResourceSliceSpec& spec,
                    const ResourceSliceSpec* old) {
  CheckDriver(errors, path / "driver", spec.driver);
  CheckPoolName(errors, path / "pool" / "name", spec.pool.name);
  if (spec.pool.resource_slice_count <= 0)
    errors.Invalid(path / "pool" / "resourceSliceCount", spec.pool.resource_slice_count,
                   "must be greater than zero");
  if (spec.pool.generation < 0)
    errors.Invalid(path / "pool" / "generation", spec.pool.generation,
                   "must be greater than or equal to zero");
  if (old != nullptr) {
    if (spec.pool.name != old->pool.name) errors.Immutable(path / "pool" / "name");
    if (spec.driver != old->driver) errors.Immutable(path / "driver");
    if (spec.node_name != old->node_name) errors.Immutable(path / "nodeName");
  }
  CheckPlacement(errors, path, spec);
  if (!spec.shared_counters.empty() && !spec.devices.empty())
    errors.Invalid(path, "", "sharedCounters and devices exclude each other");

  bool advanced = std::ranges::any_of(spec.devices, [](const Device& device) {
    return !device.taints.empty() || !device.consumes_counters.empty() ||
           std::ranges::any_of(device.attributes,
                               [](const auto& entry) { return IsList(entry.second); });
  });
  size_t most = advanced ? kAdvancedDevicesMost : kDevicesMost;
  if (spec.devices.size() > most) {
    errors.TooMany(path / "devices", spec.devices.size(), most);
  } else {
    for (size_t i = 0; i < spec.devices.size(); ++i) {
      const Device* before = nullptr;
      if (old != nullptr) {
        auto found = std::ranges::find(old->devices, spec.devices[i].name, &Device::name);
        if (found != old->devices.end()) before = &*found;
      }
      CheckDevice(errors, (path / "devices")[i], spec.devices[i], before,
                  spec.per_device_node_selection == true);
    }
    CheckUnique(errors, path / "devices", spec.devices,
                [](const Device& device) -> std::string_view { return device.name; });
  }

  FieldPath counters = path / "sharedCounters";
  if (spec.shared_counters.size() > kCounterSetsMost)
    return errors.TooMany(counters, spec.shared_counters.size(), kCounterSetsMost);
  for (size_t i = 0; i < spec.shared_counters.size(); ++i) {
    CheckDnsLabel(errors, counters[i] / "name", spec.shared_counters[i].name);
    CheckCounters(errors, counters[i] / "counters", spec.shared_counters[i].counters);
  }
  CheckUnique(errors, counters, spec.shared_counters,
              [](const CounterSet& set) -> std::string_view { return set.name; });
}

// core/v1: a qualified name with a domain outside kubernetes.io that leaves room for the quota
// prefix "requests.".
bool IsExtendedResourceName(std::string_view name) {
  size_t slash = name.find('/');
  if (slash == std::string_view::npos || name.starts_with("requests.")) return false;
  std::string_view domain = name.substr(0, slash);
  if (domain.find("kubernetes.io") != std::string_view::npos) return false;
  return IsQualifiedName("requests." + std::string(name));
}

void CheckClassSpec(FieldErrors& errors, const DeviceClassSpec& spec, const CelCheck& cel) {
  constexpr size_t kConfigMost = 32;
  FieldPath path("spec");
  CheckSelectors(errors, path / "selectors", spec.selectors, cel);
  if (spec.config.size() > kConfigMost)
    errors.TooMany(path / "config", spec.config.size(), kConfigMost);
  else
    for (size_t i = 0; i < spec.config.size(); ++i)
      CheckOpaque(errors, (path / "config")[i], spec.config[i].opaque);
  if (spec.extended_resource_name && !IsExtendedResourceName(*spec.extended_resource_name))
    errors.Invalid(path / "extendedResourceName", *spec.extended_resource_name,
                   "must be a name with a domain outside kubernetes.io, such as example.com/gpu");
}

}  // namespace

Status ValidateResourceSlice(const ResourceSlice& slice) {
  FieldErrors errors;
  CheckMeta(errors, slice.metadata, KindOf<ResourceSlice>::value);
  CheckSliceSpec(errors, FieldPath("spec"), slice.spec, nullptr);
  return errors.For(KindOf<ResourceSlice>::value, slice.metadata);
}

Status ValidateResourceSliceUpdate(const ResourceSlice& updated, const ResourceSlice& old) {
  FieldErrors errors;
  CheckMetaUpdate(errors, updated.metadata, old.metadata, KindOf<ResourceSlice>::value);
  CheckSliceSpec(errors, FieldPath("spec"), updated.spec, &old.spec);
  return errors.For(KindOf<ResourceSlice>::value, updated.metadata);
}

Status ValidateDeviceClass(const DeviceClass& device_class, const CelCheck& cel) {
  FieldErrors errors;
  CheckMeta(errors, device_class.metadata, KindOf<DeviceClass>::value);
  CheckClassSpec(errors, device_class.spec, cel);
  return errors.For(KindOf<DeviceClass>::value, device_class.metadata);
}

Status ValidateDeviceClassUpdate(const DeviceClass& updated, const DeviceClass& old,
                                 const CelCheck& cel) {
  FieldErrors errors;
  CheckMetaUpdate(errors, updated.metadata, old.metadata, KindOf<DeviceClass>::value);
  CheckClassSpec(errors, updated.spec,
                 updated.spec.selectors == old.spec.selectors ? CelCheck() : cel);
  return errors.For(KindOf<DeviceClass>::value, updated.metadata);
}

}  // namespace dray::api
