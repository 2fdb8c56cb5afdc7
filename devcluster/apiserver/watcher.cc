#include "devcluster/apiserver/watcher.h"

#include <nlohmann/json.hpp>

#include "devcluster/apiserver/json_access.h"
#include "dray/api/codec.h"

namespace dray::devcluster {

bool Selection::Matches(const StoredObject& object) const {
  if (!labels.Matches(object.labels)) return false;
  if (fields.empty()) return true;
  std::string_view key = object.key;
  size_t slash = key.find('/');
  return fields.Matches([&](size_t index) -> std::string_view {
    if (index == 0) return slash == std::string_view::npos ? key : key.substr(slash + 1);
    if (index == 1) return slash == std::string_view::npos ? "" : key.substr(0, slash);
    return object.fields[index - 2];
  });
}

std::string Selection::KeyPrefix() const {
  return namespace_.empty() ? std::string() : namespace_ + "/";
}

Watcher::Watcher(WatchOptions options, std::shared_ptr<runtime::HttpStream> stream)
    : options_(std::move(options)), stream_(std::move(stream)), position_(options_.after) {}

bool Watcher::Send(const char* type, const StoredObject& object, uint64_t version, WallTime now) {
  const Resource& resource = *options_.resource;
  std::string line = std::string("{\"type\":\"") + type + "\",\"object\":";
  bool as_stored =
      options_.form == Form::kPlain && !resource.from_stored && version == object.resource_version;
  if (as_stored) {
    line += object.text;
  } else {
    Json document = Json::parse(object.text);
    document["metadata"]["resourceVersion"] = std::to_string(version);
    if (options_.form == Form::kTable) {
      Json table =
          TableFor(resource, {{"resourceVersion", std::to_string(version)}}, !columns_sent_);
      columns_sent_ = true;
      table["rows"].push_back(RowFor(resource, document, options_.include, now));
      line += Dump(table);
    } else {
      if (resource.from_stored) document = resource.from_stored(document);
      line +=
          Dump(options_.form == Form::kPartialMetadata ? PartialMetadataOf(document) : document);
    }
  }
  line += "}\n";
  return stream_->Write(std::move(line));
}

std::string Watcher::Bookmark(uint64_t version, bool initial_end) const {
  Json metadata = {{"resourceVersion", std::to_string(version)}, {"creationTimestamp", nullptr}};
  if (initial_end) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  const Resource& resource = *options_.resource;
  Json object = {{"kind", resource.kind},
                 {"apiVersion", resource.ApiVersion(resource.versions[0])}};
  if (options_.form == Form::kPartialMetadata)
    object = {{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/v1"}};
  object["metadata"] = std::move(metadata);
  if (options_.form == Form::kTable) {
    Json row = {{"cells", Json::array()}, {"object", std::move(object)}};
    object = TableFor(resource, {{"resourceVersion", std::to_string(version)}}, false);
    object["rows"].push_back(std::move(row));
  }
  return "{\"type\":\"BOOKMARK\",\"object\":" + Dump(object) + "}\n";
}

void Watcher::SendPresent(const ListResult& present, bool mark_end, WallTime now) {
  for (const ObjectPtr& object : present.items)
    if (!Send("ADDED", *object, object->resource_version, now)) return;
  position_ = present.version;
  if (mark_end && options_.bookmarks) stream_->Write(Bookmark(position_, true));
}

bool Watcher::SendChanges(const std::vector<Change>& changes, WallTime now) {
  std::string prefix = options_.selection.KeyPrefix();
  for (const Change& change : changes) {
    uint64_t version = change.object->resource_version;
    position_ = version;
    if (!change.object->key.starts_with(prefix)) continue;
    bool was = change.previous && options_.selection.Matches(*change.previous);
    bool is = change.type != ChangeType::kDeleted && options_.selection.Matches(*change.object);
    bool sent = true;
    if (is) {
      sent = Send(was ? "MODIFIED" : "ADDED", *change.object, version, now);
    } else if (was) {
      // The last state that matched; for a real deletion that is the final one.
      const StoredObject& last =
          change.type == ChangeType::kDeleted ? *change.object : *change.previous;
      sent = Send("DELETED", last, version, now);
    }
    if (!sent) return false;
  }
  return true;
}

void Watcher::SendBookmark(uint64_t version) {
  if (!options_.bookmarks || version < position_) return;
  position_ = version;
  stream_->Write(Bookmark(version, false));
}

void Watcher::Fail(const Status& status) {
  Json error = api::EncodeStatus(status, "", "", "");
  stream_->Write("{\"type\":\"ERROR\",\"object\":" + Dump(error) + "}\n");
  stream_->Close();
}

}  // namespace dray::devcluster
