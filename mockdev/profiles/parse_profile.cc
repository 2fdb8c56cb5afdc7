#include <nlohmann/json.hpp>

#include "dray/runtime/yaml.h"
#include "mockdev/profiles/check_profile.h"
#include "mockdev/profiles/field_reader.h"
#include "mockdev/profiles/profile.h"

namespace dray::mockdev {
namespace {

std::string At(const std::string& list, size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

When ReadWhen(FieldReader& in) {
  std::string word = in.OneOf("when", {"always", "partial", "whole"}, "always");
  return word == "partial" ? When::kPartial : word == "whole" ? When::kWhole : When::kAlways;
}

// `read(entry)` for each entry of the list `key`, where there is one.
template <class Read>
void ForEachEntry(FieldReader& in, const char* key, FirstError& errors, Read read) {
  const Json* list = in.List(key);
  if (list == nullptr) return;
  for (size_t i = 0; i < list->size(); ++i) {
    FieldReader entry((*list)[i], At(in.path(key), i), errors);
    read(entry);
    entry.Done();
  }
}

EnvTemplate ReadEnv(FieldReader& entry) {
  EnvTemplate env{entry.Text("name"), entry.TextOr("value", ""), ReadWhen(entry)};
  if (!entry.Has("value")) entry.Fail("value", "is missing; want a text");
  return env;
}

DeviceNodeTemplate ReadDeviceNode(FieldReader& entry) {
  DeviceNodeTemplate node{entry.Text("path"), entry.TextOr("permissions", "rw"), ReadWhen(entry)};
  if (!node.path.starts_with("/dev/"))
    entry.Fail("path", "\"" + node.path + "\" does not begin with /dev/");
  if (node.permissions.empty() || node.permissions.find_first_not_of("rwm") != std::string::npos) {
    entry.Fail("permissions", "\"" + node.permissions + "\" is not made of r, w and m");
  }
  return node;
}

MountTemplate ReadMount(FieldReader& entry) {
  MountTemplate mount;
  mount.container_path = entry.Text("containerPath");
  mount.name = entry.Text("name");
  mount.directory = entry.BoolOr("directory", false);
  mount.content = entry.TextOr("content", "");
  mount.shared = entry.BoolOr("shared", false);
  mount.read_only = entry.BoolOr("readOnly", true);
  mount.when = ReadWhen(entry);
  if (!mount.container_path.starts_with('/')) {
    entry.Fail("containerPath", "\"" + mount.container_path + "\" is not an absolute path");
  }
  if (mount.name.find('/') != std::string::npos || mount.name == "." || mount.name == ".." ||
      mount.name == "devices") {
    entry.Fail("name", "\"" + mount.name + "\" is not a plain file name (\"devices\" is taken)");
  }
  if (mount.directory == entry.Has("content")) {
    entry.Fail("content", "a mount is either a directory: true or a file with content");
  }
  return mount;
}

// What Allocate of a device plugin can do; `in` may have other fields.
EditTemplates ReadPluginEdits(FieldReader& in, FirstError& errors) {
  EditTemplates edits;
  ForEachEntry(in, "env", errors, [&](FieldReader& entry) { edits.env.push_back(ReadEnv(entry)); });
  ForEachEntry(in, "deviceNodes", errors,
               [&](FieldReader& entry) { edits.device_nodes.push_back(ReadDeviceNode(entry)); });
  return edits;
}

EditTemplates ReadEdits(const Json& object, const std::string& path, FirstError& errors) {
  FieldReader in(object, path, errors);
  EditTemplates edits = ReadPluginEdits(in, errors);
  ForEachEntry(in, "mounts", errors,
               [&](FieldReader& entry) { edits.mounts.push_back(ReadMount(entry)); });
  in.Done();
  return edits;
}

void ReadAttributes(const Json& object, const std::string& path, DeviceProfile& profile,
                    FirstError& errors) {
  for (const auto& [name, value] : object.items()) {
    FieldReader in(value, path + "." + name, errors);
    AttributeTemplate attribute;
    static constexpr std::pair<const char*, AttributeTemplate::Kind> kKinds[] = {
        {"string", AttributeTemplate::Kind::kString},
        {"int", AttributeTemplate::Kind::kInt},
        {"bool", AttributeTemplate::Kind::kBool},
        {"version", AttributeTemplate::Kind::kVersion}};
    int set = 0;
    for (const auto& [key, kind] : kKinds) {
      if (!in.Has(key)) continue;
      ++set;
      attribute.kind = kind;
      const Json& text = value.at(key);
      // An integer or a truth value may stand without quotes: it means the same.
      if (text.is_string()) {
        attribute.text = text.get<std::string>();
      } else if (text.is_number_integer() && kind == AttributeTemplate::Kind::kInt) {
        attribute.text = text.dump();
      } else if (text.is_boolean() && kind == AttributeTemplate::Kind::kBool) {
        attribute.text = text.dump();
      } else {
        in.Fail(key, Shown(text) + " is not a text; put it in quotes");
      }
    }
    if (set != 1)
      in.Fail("", Shown(value) + " does not have exactly one of string, int, bool, version");
    in.Done();
    profile.attributes[name] = std::move(attribute);
  }
}

api::DeviceCapacity ReadCapacity(const Json& object, const std::string& path, FirstError& errors) {
  FieldReader in(object, path, errors);
  api::DeviceCapacity capacity;
  capacity.value = in.QuantityOf("value", true).value_or(api::Quantity());
  if (const Json* policy_json = in.Mapping("requestPolicy", false)) {
    FieldReader policy_in(*policy_json, in.path("requestPolicy"), errors);
    api::CapacityRequestPolicy policy;
    policy.default_ = policy_in.QuantityOf("default", true);
    if (const Json* values = policy_in.List("validValues")) {
      for (size_t i = 0; i < values->size(); ++i) {
        const Json& value = (*values)[i];
        Result<api::Quantity> quantity =
            api::Quantity::Parse(value.is_string() ? value.get<std::string>() : value.dump());
        if (quantity.ok()) {
          policy.valid_values.push_back(*quantity);
        } else {
          policy_in.Fail("validValues", Shown(value) + " is not a quantity such as 80Gi");
        }
      }
    }
    if (const Json* range_json = policy_in.Mapping("validRange", false)) {
      FieldReader range_in(*range_json, policy_in.path("validRange"), errors);
      api::CapacityRequestPolicyRange range;
      range.min = range_in.QuantityOf("min", true);
      range.max = range_in.QuantityOf("max", false);
      range.step = range_in.QuantityOf("step", false);
      range_in.Done();
      policy.valid_range = range;
    }
    policy_in.Done();
    capacity.request_policy = std::move(policy);
  }
  in.Done();
  return capacity;
}

void ReadValues(const Json& object, const std::string& path, DeviceProfile& profile,
                FirstError& errors) {
  FieldReader in(object, path, errors);
  for (const auto& [name, value] : object.items()) {
    in.Has(name);
    if (name == "node" || name == "index" || name == "hash") {
      in.Fail(name, "this name is always there; choose another one");
    } else if (value.is_array()) {
      profile.value_lists[name] = in.Texts(name);
      if (static_cast<int64_t>(value.size()) < profile.count) {
        in.Fail(name, "has " + std::to_string(value.size()) + " values; want one for each of the " +
                          std::to_string(profile.count) + " devices");
      }
    } else {
      profile.values[name] = in.Text(name);
    }
  }
  if (!object.contains("uuid")) in.Fail("uuid", "is missing; want a text such as \"GPU-{hash}\"");
}

void ReadDevices(const Json& object, const std::string& path, DeviceProfile& profile,
                 FirstError& errors) {
  FieldReader in(object, path, errors);
  profile.count = in.Integer("count", 0, 4096);
  profile.device_name = in.Text("name");
  static const Json kEmpty = Json::object();
  const Json* values = in.Mapping("values", true);
  ReadValues(values != nullptr ? *values : kEmpty, in.path("values"), profile, errors);
  if (const Json* attributes = in.Mapping("attributes", false)) {
    ReadAttributes(*attributes, in.path("attributes"), profile, errors);
  }
  if (const Json* capacity = in.Mapping("capacity", false)) {
    for (const auto& [name, value] : capacity->items()) {
      profile.capacity[name] = ReadCapacity(value, in.path("capacity") + "." + name, errors);
    }
  }
  profile.allow_multiple_allocations = in.BoolOr("allowMultipleAllocations", false);
  in.Done();
}

DevicePluginResource ReadResource(FieldReader& in, FirstError& errors) {
  DevicePluginResource resource;
  resource.name = in.Text("name");
  if (in.Has("slotsPerDevice") == in.Has("capacity")) {
    in.Fail("", "want either slotsPerDevice or capacity and unit");
  }
  if (in.Has("slotsPerDevice")) {
    resource.slots_per_device = in.Integer("slotsPerDevice", 1, 1000);
  } else if (in.Has("capacity")) {
    resource.capacity = in.Text("capacity");
    resource.unit = in.QuantityOf("unit", true).value_or(api::Quantity::FromInteger(1));
    if (resource.unit.Value() <= 0) in.Fail("unit", "is not above zero");
  }
  resource.edits = ReadPluginEdits(in, errors);
  return resource;
}

Fault ReadFault(FieldReader& in, const DeviceProfile& profile, FirstError& errors) {
  Fault fault;
  fault.after = in.DurationOf("after").value_or(Duration(0));
  fault.device = in.Integer("device", 0, std::max<int64_t>(profile.count - 1, 0));
  std::string word = in.OneOf("do", {"unhealthy", "taint", "disappear", "recover"}, "");
  fault.kind = word == "taint"       ? Fault::Kind::kTaint
               : word == "disappear" ? Fault::Kind::kDisappear
               : word == "recover"   ? Fault::Kind::kRecover
                                     : Fault::Kind::kUnhealthy;
  fault.message = in.TextOr("message", "");
  if (const Json* taint = in.Mapping("taint", word == "taint")) {
    FieldReader taint_in(*taint, in.path("taint"), errors);
    fault.taint.key = taint_in.Text("key");
    fault.taint.value = taint_in.TextOr("value", "");
    fault.taint.effect = taint_in.OneOf("effect", {"None", "NoSchedule", "NoExecute"}, "");
    taint_in.Done();
  }
  return fault;
}

// apiVersion, kind, metadata.
void ReadHead(FieldReader& in, DeviceProfile& profile, FirstError& errors) {
  in.OneOf("apiVersion", {"mockdev.dray.dev/v1"}, "");
  in.OneOf("kind", {"DeviceProfile"}, "");
  static const Json kEmpty = Json::object();
  const Json* metadata = in.Mapping("metadata", true);
  FieldReader metadata_in(metadata != nullptr ? *metadata : kEmpty, "metadata", errors);
  profile.name = metadata_in.Text("name");
  metadata_in.Done();
}

// What a prepared container gets, and what opaque parameters may say about it.
void ReadPreparation(FieldReader& in, DeviceProfile& profile, FirstError& errors) {
  ForEachEntry(in, "acceptedConfigs", errors, [&](FieldReader& entry) {
    profile.accepted_configs.emplace_back(entry.Text("apiVersion"), entry.Text("kind"));
    profile.accepted_members[profile.accepted_configs.back().second] = entry.Texts("members");
  });
  if (const Json* edits = in.Mapping("edits", false)) {
    FieldReader edits_in(*edits, "edits", errors);
    if (const Json* claim = edits_in.Mapping("claim", false))
      profile.claim_edits = ReadEdits(*claim, "edits.claim", errors);
    if (const Json* device = edits_in.Mapping("device", false))
      profile.device_edits = ReadEdits(*device, "edits.device", errors);
    edits_in.Done();
  }
  ForEachEntry(in, "tools", errors, [&](FieldReader& entry) {
    profile.tools.push_back({entry.Text("name"), entry.Text("containerPath")});
    if (profile.tools.back().name.find('/') != std::string::npos) {
      entry.Fail("name", "\"" + profile.tools.back().name + "\" is not a plain file name");
    }
  });
}

}  // namespace

Result<DeviceProfile> ParseProfile(std::string_view yaml, std::string_view file) {
  DRAY_ASSIGN_OR_RETURN(Json document, runtime::ParseYaml(yaml, file));
  FirstError errors(file, yaml);
  DeviceProfile profile;
  FieldReader in(document, "", errors);
  ReadHead(in, profile, errors);
  profile.driver = in.Text("driver");
  profile.device_class = in.Text("deviceClass");
  if (const Json* devices = in.Mapping("devices", true))
    ReadDevices(*devices, "devices", profile, errors);
  profile.partial_by = in.Texts("partialBy");
  if (!in.Has("partialBy")) {
    for (const auto& [name, capacity] : profile.capacity) profile.partial_by.push_back(name);
  }
  profile.assign_units = in.TextOr("assignUnits", "");
  ReadPreparation(in, profile, errors);
  ForEachEntry(in, "devicePlugin", errors, [&](FieldReader& entry) {
    profile.device_plugin.push_back(ReadResource(entry, errors));
  });
  ForEachEntry(in, "faults", errors, [&](FieldReader& entry) {
    profile.faults.push_back(ReadFault(entry, profile, errors));
  });
  in.Done();
  DRAY_RETURN_IF_ERROR(errors.status());
  CheckProfile(profile, errors);
  DRAY_RETURN_IF_ERROR(errors.status());
  return profile;
}

}  // namespace dray::mockdev
