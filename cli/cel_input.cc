#include "cli/cel_input.h"

#include <nlohmann/json.hpp>

#include "dray/base/json.h"

namespace dray::cli {
namespace {

// Of several values Kubernetes takes the first of int, bool, string, version, and a list before all of them where lists count.
api::DeviceAttribute ToAttribute(const Json& json, bool lists) {
  api::DeviceAttribute attribute;
  if (!json.is_object()) return attribute;
  auto take = [&](const char* kind, auto read) {
    auto found = json.find(kind);
    if (found != json.end() && !found->is_null()) read(*found);
  };
  auto take_lists = [&] {
    take("versions", [&](const Json& v) {
      std::vector<api::Version> versions;
      for (const Json& item : v) versions.push_back({item.get<std::string>()});
      attribute.value = std::move(versions);
    });
    take("strings", [&](const Json& v) { attribute.value = v.get<std::vector<std::string>>(); });
    take("bools", [&](const Json& v) { attribute.value = v.get<std::vector<bool>>(); });
    take("ints", [&](const Json& v) { attribute.value = v.get<std::vector<int64_t>>(); });
  };
  if (!lists) take_lists();
  take("version", [&](const Json& v) { attribute.value = api::Version{v.get<std::string>()}; });
  take("string", [&](const Json& v) { attribute.value = v.get<std::string>(); });
  take("bool", [&](const Json& v) { attribute.value = v.get<bool>(); });
  take("int", [&](const Json& v) { attribute.value = v.get<int64_t>(); });
  if (lists) take_lists();
  return attribute;
}

// A member that is an object; an empty one when it is absent or null.
Json Part(const Json& json, const char* name) {
  auto found = json.find(name);
  return found == json.end() || found->is_null() ? Json::object() : *found;
}

}  // namespace

Result<CelInput> ParseCelInput(std::string_view line, bool lists) {
  CelInput input;
  try {
    Json json = Json::parse(line);
    if (!json.is_object()) return Status(Reason::kInvalid, "not a JSON object");
    if (auto id = json.find("id"); id != json.end()) input.id = id->dump();
    input.expression = json.at("expression").get<std::string>();
    const Json features = Part(json, "features");
    input.list_attributes = lists || features.value("listTypeAttributes", false);
    input.consumable_capacity = features.value("consumableCapacity", true);
    const Json device = Part(json, "device");
    input.driver = device.value("driver", "");
    const Json attributes = Part(device, "attributes"), capacities = Part(device, "capacity");
    for (const auto& [name, attribute] : attributes.items())
      input.device.attributes[name] = ToAttribute(attribute, input.list_attributes);
    for (const auto& [name, capacity] : capacities.items()) {
      const Json& value = capacity.is_object() ? capacity.at("value") : capacity;
      Result<api::Quantity> amount = api::Quantity::Parse(value.is_number() ? value.dump() : value.get<std::string>());
      if (!amount.ok()) return amount.status().Wrapped("capacity " + name);
      input.device.capacity[name].value = *amount;
    }
    if (auto allow = device.find("allowMultipleAllocations");
        allow != device.end() && !allow->is_null())
      input.device.allow_multiple_allocations = allow->get<bool>();
  } catch (const Json::exception& e) {
    return Status(Reason::kInvalid, e.what());
  }
  return input;
}

}  // namespace dray::cli
