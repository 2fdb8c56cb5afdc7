#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "dray/api/cel.h"

// The line format of tests/golden/oracle/cel*.jsonl. A reader of its own: what `dray cel` reads is
// tested against it.
namespace dray::cel {

struct RecordedCase {
  nlohmann::json json;
  api::Device device;
  Options options;

  std::string Text(const char* key) const { return json.at(key).get<std::string>(); }
  std::string Driver() const { return json["device"]["driver"]; }
  const nlohmann::json& Expect() const { return json.at("expect"); }
};

inline api::DeviceAttribute RecordedAttribute(const nlohmann::json& json) {
  api::DeviceAttribute attribute;
  for (const auto& [kind, v] : json.items()) {
    if (kind == "int") attribute.value = v.get<int64_t>();
    if (kind == "bool") attribute.value = v.get<bool>();
    if (kind == "string") attribute.value = v.get<std::string>();
    if (kind == "version") attribute.value = api::Version{v.get<std::string>()};
    if (kind == "ints") attribute.value = v.get<std::vector<int64_t>>();
    if (kind == "bools") attribute.value = v.get<std::vector<bool>>();
    if (kind == "strings") attribute.value = v.get<std::vector<std::string>>();
    if (kind == "versions") {
      std::vector<api::Version> versions;
      for (const auto& item : v) versions.push_back({item.get<std::string>()});
      attribute.value = std::move(versions);
    }
  }
  return attribute;
}

inline RecordedCase ReadRecordedCase(const std::string& line) {
  RecordedCase recorded;
  recorded.json = nlohmann::json::parse(line);
  const nlohmann::json& device = recorded.json.at("device");
  const nlohmann::json attributes = device.value("attributes", nlohmann::json::object());
  const nlohmann::json capacities = device.value("capacity", nlohmann::json::object());
  for (const auto& [name, attribute] : attributes.items())
    recorded.device.attributes[name] = RecordedAttribute(attribute);
  for (const auto& [name, capacity] : capacities.items())
    recorded.device.capacity[name].value =
        api::Quantity::Parse(capacity.get<std::string>()).value();
  if (device.contains("allowMultipleAllocations"))
    recorded.device.allow_multiple_allocations = device["allowMultipleAllocations"].get<bool>();
  if (recorded.json.contains("features")) {
    recorded.options.consumable_capacity = recorded.json["features"]["consumableCapacity"];
    recorded.options.list_attributes = recorded.json["features"]["listTypeAttributes"];
  }
  return recorded;
}

}  // namespace dray::cel
