#include "cli/cel_input.h"

#include <nlohmann/json.hpp>

#include "dray/base/json.h"

namespace dray::cli {
namespace {

api::DeviceAttribute ToAttribute(const Json& json) {
  api::DeviceAttribute attribute;
  if (auto v = json.find("int"); v != json.end()) attribute.value = v->get<int64_t>();
  if (auto v = json.find("bool"); v != json.end()) attribute.value = v->get<bool>();
  if (auto v = json.find("string"); v != json.end()) attribute.value = v->get<std::string>();
  if (auto v = json.find("version"); v != json.end())
    attribute.value = api::Version{v->get<std::string>()};
  if (auto v = json.find("ints"); v != json.end()) attribute.value = v->get<std::vector<int64_t>>();
  if (auto v = json.find("bools"); v != json.end()) attribute.value = v->get<std::vector<bool>>();
  if (auto v = json.find("strings"); v != json.end())
    attribute.value = v->get<std::vector<std::string>>();
  if (auto v = json.find("versions"); v != json.end()) {
    std::vector<api::Version> versions;
    for (const Json& item : *v) versions.push_back({item.get<std::string>()});
    attribute.value = std::move(versions);
  }
  return attribute;
}

}  // namespace

Result<CelInput> ParseCelInput(std::string_view line) {
  CelInput input;
  try {
    Json json = Json::parse(line);
    if (!json.is_object()) return Status(Reason::kInvalid, "not a JSON object");
    if (auto id = json.find("id"); id != json.end()) input.id = id->dump();
    input.expression = json.at("expression").get<std::string>();
    if (auto features = json.find("features"); features != json.end())
      input.list_attributes = features->value("listTypeAttributes", false);
    const Json device = json.value("device", Json::object());
    input.driver = device.value("driver", "");
    const Json attributes = device.value("attributes", Json::object()),
               capacities = device.value("capacity", Json::object());
    for (const auto& [name, attribute] : attributes.items())
      input.device.attributes[name] = ToAttribute(attribute);
    for (const auto& [name, capacity] : capacities.items()) {
      std::string text = capacity.is_object() ? capacity.at("value").get<std::string>()
                                              : capacity.get<std::string>();
      DRAY_ASSIGN_OR_RETURN(input.device.capacity[name].value, api::Quantity::Parse(text));
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
