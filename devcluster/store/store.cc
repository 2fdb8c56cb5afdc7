#include "devcluster/store/store.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dray::devcluster {
namespace {

const Json& MetadataOf(const Json& object) {
  static const Json none = Json::object();
  auto found = object.find("metadata");
  return found != object.end() && found->is_object() ? *found : none;
}

std::string StringIn(const Json& object, const char* field) {
  auto found = object.find(field);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Only bad UTF-8 could make this throw, and no parser lets it in.
std::string TextOf(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Store::Store(std::vector<FieldsOf> kinds, uint64_t first_version, size_t history)
    : history_(std::max<size_t>(history, 1)), version_(first_version), kinds_(kinds.size()) {
  for (size_t i = 0; i < kinds.size(); ++i) {
    kinds_[i].fields_of = std::move(kinds[i]);
    // What happened before this process is unknown: nobody can watch from an earlier version.
    kinds_[i].forgotten = first_version;
  }
}

uint64_t Store::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

uint64_t Store::LatestChange(size_t kind) const {
  std::lock_guard lock(mutex_);
  return kinds_[kind].latest;
}

ObjectPtr Store::Get(size_t kind, std::string_view key) const {
  std::lock_guard lock(mutex_);
  const auto& objects = kinds_[kind].objects;
  auto found = objects.find(key);
  return found == objects.end() ? nullptr : found->second;
}

std::deque<Change>::const_iterator Store::After(const Kind& kind, uint64_t version) {
  return std::partition_point(kind.history.begin(), kind.history.end(), [&](const Change& change) {
    return change.object->resource_version <= version;
  });
}

Result<ListResult> Store::List(size_t index, const ListRequest& request) const {
  std::lock_guard lock(mutex_);
  const Kind& kind = kinds_[index];
  if (request.at_version > version_)
    return Status(Reason::kTimeout,
                  "Too large resource version: " + std::to_string(request.at_version) +
                      ", current: " + std::to_string(version_));
  // The state at an earlier version is the present one with the first `previous` of each key
  // changed since put back.
  std::map<std::string_view, const ObjectPtr*> undone;
  if (request.at_version != 0 && request.at_version < version_) {
    if (request.at_version < kind.forgotten)
      return Status(Reason::kGone,
                    "The provided continue parameter is too old to display a "
                    "consistent list result: version " +
                        std::to_string(request.at_version));
    for (auto change = After(kind, request.at_version); change != kind.history.end(); ++change)
      undone.emplace(change->object->key, &change->previous);
  }

  ListResult result;
  result.version = request.at_version != 0 ? request.at_version : version_;
  const std::string& from = std::max(request.prefix, request.start);
  auto present = kind.objects.lower_bound(from);
  auto earlier = undone.lower_bound(from);
  auto within = [&](std::string_view key) { return key.starts_with(request.prefix); };
  while (true) {
    bool has_present = present != kind.objects.end() && within(present->first);
    bool has_earlier = earlier != undone.end() && within(earlier->first);
    if (!has_present && !has_earlier) break;
    const ObjectPtr* object;
    if (has_earlier && (!has_present || earlier->first <= present->first)) {
      object = earlier->second;
      if (has_present && earlier->first == present->first) ++present;
      ++earlier;
    } else {
      object = &present->second;
      ++present;
    }
    if (!*object) continue;  // did not exist yet
    bool full = request.limit != 0 && result.items.size() == request.limit;
    if (full) {
      if (result.next.empty()) result.next = (*object)->key;
      if (!request.count_remaining) break;
      if (request.prefix.empty() && undone.empty() && request.start.empty() && !request.wanted) {
        result.remaining = kind.objects.size() - result.items.size();
        break;
      }
      ++result.remaining;
    } else if (!request.wanted || request.wanted(**object)) {
      result.items.push_back(*object);
    }
  }
  return result;
}

std::shared_ptr<StoredObject> Store::Prepare(const Kind& kind, const Json& object,
                                             WallTime now) const {
  auto stored = std::make_shared<StoredObject>();
  const Json& metadata = MetadataOf(object);
  std::string namespace_ = StringIn(metadata, "namespace");
  stored->key = namespace_.empty() ? StringIn(metadata, "name")
                                   : namespace_ + "/" + StringIn(metadata, "name");
  stored->uid = StringIn(metadata, "uid");
  stored->written = now;
  if (auto labels = metadata.find("labels"); labels != metadata.end() && labels->is_object())
    for (const auto& [name, value] : labels->items())
      if (value.is_string()) stored->labels.emplace(name, value.get<std::string>());
  if (kind.fields_of) stored->fields = kind.fields_of(object);
  return stored;
}

void Store::CommitLocked(Kind& kind, Change change) {
  kind.latest = change.object->resource_version;
  if (change.type == ChangeType::kDeleted)
    kind.objects.erase(change.object->key);
  else
    kind.objects[change.object->key] = change.object;
  kind.history.push_back(std::move(change));
  while (kind.history.size() > history_) {
    kind.forgotten = kind.history.front().object->resource_version;
    kind.history.pop_front();
  }
}

Result<ObjectPtr> Store::Create(size_t index, Json object, WallTime now) {
  std::shared_ptr<StoredObject> created = Prepare(kinds_[index], object, now);
  {
    std::lock_guard lock(mutex_);
    Kind& kind = kinds_[index];
    if (kind.objects.contains(created->key))
      return Status(Reason::kAlreadyExists, "\"" + created->key + "\" already exists");
    created->resource_version = ++version_;
    object["metadata"]["resourceVersion"] = std::to_string(version_);
    created->text = TextOf(object);
    CommitLocked(kind, {ChangeType::kAdded, created, nullptr});
  }
  if (on_change_) on_change_();
  return ObjectPtr(created);
}

Result<ObjectPtr> Store::Replace(size_t index, const ObjectPtr& expected, Json object,
                                 WallTime now) {
  std::shared_ptr<StoredObject> replaced = Prepare(kinds_[index], object, now);
  {
    std::lock_guard lock(mutex_);
    Kind& kind = kinds_[index];
    auto found = kind.objects.find(expected->key);
    if (found == kind.objects.end() || found->second != expected || replaced->key != expected->key)
      return Status(Reason::kConflict, "\"" + expected->key + "\" has been modified");
    replaced->resource_version = ++version_;
    object["metadata"]["resourceVersion"] = std::to_string(version_);
    replaced->text = TextOf(object);
    CommitLocked(kind, {ChangeType::kModified, replaced, expected});
  }
  if (on_change_) on_change_();
  return ObjectPtr(replaced);
}

Result<ObjectPtr> Store::Remove(size_t index, const ObjectPtr& expected, Json final_state,
                                WallTime now) {
  std::shared_ptr<StoredObject> removed = Prepare(kinds_[index], final_state, now);
  {
    std::lock_guard lock(mutex_);
    Kind& kind = kinds_[index];
    auto found = kind.objects.find(expected->key);
    if (found == kind.objects.end() || found->second != expected || removed->key != expected->key)
      return Status(Reason::kConflict, "\"" + expected->key + "\" has been modified");
    removed->resource_version = ++version_;
    final_state["metadata"]["resourceVersion"] = std::to_string(version_);
    removed->text = TextOf(final_state);
    CommitLocked(kind, {ChangeType::kDeleted, removed, expected});
  }
  if (on_change_) on_change_();
  return ObjectPtr(removed);
}

Result<std::vector<Change>> Store::Since(size_t index, uint64_t version, size_t limit) const {
  std::lock_guard lock(mutex_);
  const Kind& kind = kinds_[index];
  if (version < kind.forgotten)
    return Status(Reason::kGone, "too old resource version: " + std::to_string(version) + " (" +
                                     std::to_string(kind.forgotten) + ")");
  auto first = After(kind, version);
  size_t count = std::min<size_t>(limit, static_cast<size_t>(kind.history.end() - first));
  return std::vector<Change>(first, first + static_cast<ptrdiff_t>(count));
}

Store::Backup Store::Save() const {
  std::lock_guard lock(mutex_);
  Backup backup;
  for (const Kind& kind : kinds_) backup.objects.push_back(kind.objects);
  return backup;
}

void Store::Restore(const Backup& backup) {
  {
    std::lock_guard lock(mutex_);
    ++version_;
    for (size_t i = 0; i < kinds_.size(); ++i) {
      kinds_[i].objects = backup.objects[i];
      kinds_[i].history.clear();
      kinds_[i].forgotten = kinds_[i].latest = version_;
    }
  }
  if (on_change_) on_change_();
}

}  // namespace dray::devcluster
