#include <nlohmann/json.hpp>

#include "api/patch/managed_fields.h"
#include "api/patch/typed_fields.h"
#include "dray/api/patch.h"

namespace dray::api {
namespace {

constexpr size_t kManagerMost = 128;
constexpr std::string_view kBeforeFirstApply = "before-first-apply";

FieldRule RootRule(const ApplyRequest& request) {
  return {.type = RootType(request.group, request.kind)};
}

Status CheckRequest(const ApplyRequest& request, const Json& applied) {
  auto refuse = [](std::string why) { return Status(Reason::kBadRequest, std::move(why)); };
  if (request.manager.empty()) return refuse("fieldManager is required for apply patch");
  if (request.manager.size() > kManagerMost)
    return refuse("fieldManager may have at most 128 characters");
  for (char c : request.manager)
    if (c >= 0 && (c < ' ' || c == 0x7f))
      return refuse("fieldManager may have printable characters only");
  if (!applied.is_object()) return refuse("apply patch: want an object");
  if (applied.value("kind", Json()) != request.kind ||
      applied.value("apiVersion", Json()) != request.api_version)
    return refuse("apply patch: kind and apiVersion must be " + request.kind + " and " +
                  request.api_version);
  const Json metadata = applied.value("metadata", Json::object());
  if (!metadata.is_object()) return refuse("apply patch: metadata: want an object");
  const Json managed = metadata.value("managedFields", Json());
  if (!managed.is_null() && !managed.empty())
    return refuse("metadata.managedFields must be absent in an apply patch");
  return Ok();
}

// What the manager may speak about: not what the server sets, and on one side of the status border
// only.
Json Intent(const ApplyRequest& request, const Json& applied) {
  Json intent = applied;
  if (auto metadata = intent.find("metadata"); metadata != intent.end())
    for (const char* name :
         {"creationTimestamp", "selfLink", "uid", "generation", "resourceVersion", "managedFields"})
      metadata->erase(name);
  if (request.subresource.empty())
    intent.erase("status");
  else if (request.subresource == "status")
    intent.erase("spec");
  return intent;
}

std::string Subject(const ManagedEntry& entry) {
  std::string text = "\"" + entry.manager + "\"";
  if (!entry.subresource.empty()) text += " with subresource \"" + entry.subresource + "\"";
  return text + " using " + entry.api_version;
}

// 409 with one cause per field, or ok when nobody else owns anything of `changed`.
Status Conflicts(const std::vector<ManagedEntry>& entries, const ManagedEntry& own,
                 const FieldSet& changed) {
  std::vector<Cause> causes;
  std::string many;
  for (const ManagedEntry& entry : entries) {
    if (&entry == &own) continue;
    size_t before = causes.size();
    std::string lines;
    entry.fields.Intersection(changed).ForEach([&](const std::string& path) {
      causes.push_back({"FieldManagerConflict", "conflict with " + Subject(entry), path});
      lines += "\n- " + path;
    });
    if (causes.size() > before)
      many += (many.empty() ? "" : "\n") + ("conflicts with " + Subject(entry)) + ":" + lines;
  }
  if (causes.empty()) return Ok();
  std::string message =
      causes.size() == 1
          ? "Apply failed with 1 conflict: " + causes[0].message + ": " + causes[0].field
          : "Apply failed with " + std::to_string(causes.size()) + " conflicts: " + many;
  Status status(Reason::kConflict, message);
  status.causes = std::move(causes);
  return status;
}

}  // namespace

Result<Json> ApplyServerSide(const ApplyRequest& request, const Json& live, const Json& applied) {
  DRAY_RETURN_IF_ERROR(CheckRequest(request, applied));
  const FieldRule rule = RootRule(request);
  const Json intent = Intent(request, applied);
  const bool create = live.is_null();
  const Json base =
      create ? Json{{"apiVersion", request.api_version}, {"kind", request.kind}} : live;

  // 1. Who owns what so far. An object that nobody applied yet belongs to those before.
  std::vector<ManagedEntry> entries = ReadManagedFields(base);
  if (!create && entries.empty()) {
    ManagedEntry& before = EntryOf(entries, kBeforeFirstApply, kUpdate, "");
    before.api_version = request.api_version;
    before.time = request.now;
    CollectFields(WithoutSystemFields(base), rule, before.fields);
  }
  ManagedEntry& own = EntryOf(entries, request.manager, kApply, request.subresource);
  FieldSet wanted;
  CollectFields(WithoutSystemFields(intent), rule, wanted);

  // 2. The live object with the intent; without what this manager applied before and does not any
  // more, unless others own it.
  Json merged = MergeFields(base, intent, rule);
  FieldSet dropped = own.fields, keep = wanted;
  dropped.Subtract(wanted);
  for (const ManagedEntry& entry : entries)
    if (&entry != &own) keep.Add(entry.fields);
  PruneFields(merged, dropped, &keep);

  // 3. Changes to what others own are conflicts; forced, they lose it.
  FieldSet changed, removed;
  CompareFields(WithoutSystemFields(base), WithoutSystemFields(merged), rule, changed, removed);
  if (!request.force) DRAY_RETURN_IF_ERROR(Conflicts(entries, own, changed));
  if (!create && changed.empty() && removed.empty() && own.fields == wanted &&
      own.api_version == request.api_version)
    return live;
  for (ManagedEntry& entry : entries) {
    if (&entry == &own) continue;
    entry.fields.Subtract(changed);
    entry.fields.Subtract(removed);
  }

  // 4. The books.
  own.fields = std::move(wanted);
  own.api_version = request.api_version;
  own.time = request.now;
  WriteManagedFields(std::move(entries), merged);
  return merged;
}

void TrackUpdate(const ApplyRequest& request, const Json& before, Json& after) {
  if (!after.is_object()) return;
  if (!after["metadata"].is_object()) after["metadata"] = Json::object();
  Json& metadata = after["metadata"];

  // [] and [{}] are how a client clears the books.
  const Json sent = metadata.value("managedFields", Json());
  if (!before.is_null() && sent.is_array() &&
      (sent.empty() || sent == Json::array({Json::object()}))) {
    metadata.erase("managedFields");
    return;
  }
  std::vector<ManagedEntry> entries = ReadManagedFields(after);
  if (entries.empty()) entries = ReadManagedFields(before);
  if (!before.is_null() && entries.empty()) {
    metadata.erase("managedFields");  // nobody began to keep books
    return;
  }

  FieldSet changed, removed;
  CompareFields(WithoutSystemFields(before), WithoutSystemFields(after), RootRule(request), changed,
                removed);
  if (changed.empty() && removed.empty()) {
    WriteManagedFields(std::move(entries), after);
    return;
  }
  ManagedEntry& own = EntryOf(entries, request.manager, kUpdate, request.subresource);
  for (ManagedEntry& entry : entries) {
    if (&entry != &own) entry.fields.Subtract(changed);
    entry.fields.Subtract(removed);
  }
  FieldSet owned = own.fields;
  owned.Add(changed);
  if (owned != own.fields || own.time.empty()) own.time = request.now;
  own.fields = std::move(owned);
  own.api_version = request.api_version;
  MergeAncientEntries(entries);
  WriteManagedFields(std::move(entries), after);
}

}  // namespace dray::api
