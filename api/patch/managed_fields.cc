#include "api/patch/managed_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

namespace dray::api {
namespace {

constexpr size_t kUpdatesMost = 10;
constexpr std::string_view kAncient = "ancient-changes";

std::string Text(const Json& entry, const char* name) {
  auto found = entry.find(name);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::vector<ManagedEntry> ReadManagedFields(const Json& object) {
  std::vector<ManagedEntry> entries;
  if (!object.is_object() || !object.contains("metadata") || !object["metadata"].is_object())
    return entries;
  const Json managed = object["metadata"].value("managedFields", Json::array());
  if (!managed.is_array()) return entries;
  for (const Json& json : managed) {
    if (!json.is_object() || Text(json, "fieldsType") != "FieldsV1") continue;
    entries.push_back({.manager = Text(json, "manager"),
                       .operation = Text(json, "operation"),
                       .api_version = Text(json, "apiVersion"),
                       .subresource = Text(json, "subresource"),
                       .time = Text(json, "time"),
                       .fields = FieldSet::FromFieldsV1(json.value("fieldsV1", Json::object()))});
  }
  return entries;
}

void WriteManagedFields(std::vector<ManagedEntry> entries, Json& object) {
  std::erase_if(entries, [](const ManagedEntry& entry) { return entry.fields.empty(); });
  std::ranges::stable_sort(entries, {}, [](const ManagedEntry& entry) {
    return std::tie(entry.operation, entry.time, entry.manager, entry.api_version,
                    entry.subresource);
  });
  Json managed = Json::array();
  for (const ManagedEntry& entry : entries) {
    Json json = {{"manager", entry.manager},
                 {"operation", entry.operation},
                 {"apiVersion", entry.api_version},
                 {"fieldsType", "FieldsV1"},
                 {"fieldsV1", entry.fields.ToFieldsV1()}};
    if (!entry.time.empty()) json["time"] = entry.time;
    if (!entry.subresource.empty()) json["subresource"] = entry.subresource;
    managed.push_back(std::move(json));
  }
  if (!object["metadata"].is_object()) object["metadata"] = Json::object();
  if (managed.empty())
    object["metadata"].erase("managedFields");
  else
    object["metadata"]["managedFields"] = std::move(managed);
}

ManagedEntry& EntryOf(std::vector<ManagedEntry>& entries, std::string_view manager,
                      std::string_view operation, std::string_view subresource) {
  auto found = std::ranges::find_if(entries, [&](const ManagedEntry& entry) {
    return entry.manager == manager && entry.operation == operation &&
           entry.subresource == subresource;
  });
  if (found != entries.end()) return *found;
  return entries.emplace_back(ManagedEntry{.manager = std::string(manager),
                                           .operation = std::string(operation),
                                           .api_version = "",
                                           .subresource = std::string(subresource),
                                           .time = "",
                                           .fields = {}});
}

void MergeAncientEntries(std::vector<ManagedEntry>& entries) {
  auto is_update = [](const ManagedEntry& entry) { return entry.operation == kUpdate; };
  std::vector<ManagedEntry> updates;
  for (const ManagedEntry& entry : entries)
    if (is_update(entry) && !entry.fields.empty()) updates.push_back(entry);
  if (updates.size() <= kUpdatesMost) return;
  std::ranges::stable_sort(updates, {}, &ManagedEntry::time);
  std::erase_if(entries, is_update);
  // One place of the ten is for what is merged, which may differ in version or subresource and then
  // takes more.
  size_t merged = updates.size() - kUpdatesMost + 1;
  for (size_t i = 0; i < merged; ++i) {
    const ManagedEntry& old = updates[i];
    auto found = std::ranges::find_if(entries, [&](const ManagedEntry& entry) {
      return entry.manager == kAncient && entry.api_version == old.api_version &&
             entry.subresource == old.subresource;
    });
    if (found == entries.end()) {
      entries.push_back(old);
      entries.back().manager = kAncient;
    } else {
      found->fields.Add(old.fields);
      found->time = std::max(found->time, old.time);
    }
  }
  entries.insert(entries.end(), updates.begin() + static_cast<std::ptrdiff_t>(merged),
                 updates.end());
}

Json WithoutSystemFields(const Json& object) {
  Json rest = object.is_object() ? object : Json::object();
  rest.erase("apiVersion");
  rest.erase("kind");
  auto metadata = rest.find("metadata");
  if (metadata == rest.end()) return rest;
  if (metadata->is_object())
    for (const char* name : {"name", "namespace", "creationTimestamp", "selfLink", "uid",
                             "clusterName", "generation", "resourceVersion", "managedFields"})
      metadata->erase(name);
  if (metadata->empty()) rest.erase(metadata);
  return rest;
}

}  // namespace dray::api
