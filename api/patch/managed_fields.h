#pragma once

#include <string>
#include <vector>

#include "api/patch/field_set.h"

namespace dray::api {

constexpr std::string_view kApply = "Apply";
constexpr std::string_view kUpdate = "Update";

// One entry of metadata.managedFields.
struct ManagedEntry {
  std::string manager, operation, api_version, subresource, time;
  FieldSet fields;
};

// The entries of an object; none when it has none. Entries of another fieldsType are dropped.
std::vector<ManagedEntry> ReadManagedFields(const Json& object);
// Puts the entries that own something into the object, in Kubernetes' order.
void WriteManagedFields(std::vector<ManagedEntry> entries, Json& object);

// The entry of this manager, operation and subresource; made at the end when there is none.
ManagedEntry& EntryOf(std::vector<ManagedEntry>& entries, std::string_view manager,
                      std::string_view operation, std::string_view subresource);

// At most ten Update entries stay; the oldest beyond are merged into one of the manager
// "ancient-changes".
void MergeAncientEntries(std::vector<ManagedEntry>& entries);

// The object without what nobody owns: apiVersion, kind and the metadata that the server sets.
Json WithoutSystemFields(const Json& object);

}  // namespace dray::api
