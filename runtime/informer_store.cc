#include "runtime/informer_store.h"

#include <cstring>
#include <mutex>

namespace dray::runtime {

namespace {

// In front of a packed text: where its first four parts end. What does not fit is no name that a
// server accepts.
struct PartEnds {
  uint32_t end[5];
};

}  // namespace

InformerItem InformerItem::Packed(const api::ObjectMeta& meta, std::string_view rest) {
  const std::string_view parts[] = {meta.namespace_, meta.name, meta.uid, meta.resource_version,
                                    rest};
  size_t size = sizeof(PartEnds);
  for (std::string_view part : parts) size += part.size();
  std::shared_ptr<char[]> text = std::make_shared<char[]>(size);
  PartEnds ends;
  size_t at = sizeof ends;
  for (size_t i = 0; i < std::size(parts); ++i) {
    parts[i].copy(text.get() + at, parts[i].size());
    at += parts[i].size();
    ends.end[i] = static_cast<uint32_t>(at);
  }
  std::memcpy(text.get(), &ends, sizeof ends);
  const char* start = text.get();
  return {ObjectPtr(std::move(text), start), nullptr};
}

std::string_view InformerItem::Part(int which) const {
  const char* text = static_cast<const char*>(object_.get());
  PartEnds ends;
  std::memcpy(&ends, text, sizeof ends);
  const uint32_t start = which == 0 ? sizeof ends : ends.end[which - 1];
  return {text + start, ends.end[which] - start};
}

InformerStore::InformerStore(std::map<std::string, IndexFunction> indexes, OpenFunction open)
    : open_(std::move(open)) {
  for (auto& [name, function] : indexes) indexes_[name].values_of = std::move(function);
}

ObjectPtr InformerStore::Get(const api::ObjectKey& key) const {
  return Open(Find(key));
}

InformerItem InformerStore::Find(const api::ObjectKey& key) const {
  std::shared_lock lock(mutex_);
  auto found = objects_.find(key);
  return found == objects_.end() ? InformerItem() : *found;
}

std::vector<ObjectPtr> InformerStore::List() const {
  std::vector<ObjectPtr> all;
  const std::vector<InformerItem> items = Items();
  all.reserve(items.size());
  for (const InformerItem& item : items) all.push_back(Open(item));
  return all;
}

std::vector<InformerItem> InformerStore::Items() const {
  std::shared_lock lock(mutex_);
  return {objects_.begin(), objects_.end()};
}

std::vector<InformerItem> InformerStore::ItemsBy(std::string_view index, std::string_view value,
                                                 size_t most) const {
  std::vector<InformerItem> items;
  std::shared_lock lock(mutex_);
  if (index == "namespace") {  // a range: keys begin with it
    for (auto at = objects_.lower_bound(api::ObjectKey{std::string(value), ""});
         at != objects_.end() && at->namespace_() == value && items.size() < most; ++at)
      items.push_back(*at);
  } else if (auto values = indexes_.find(index); values != indexes_.end()) {
    if (auto bucket = values->second.buckets.find(value); bucket != values->second.buckets.end())
      for (const InformerItem& item : bucket->second) {
        if (items.size() == most) break;
        items.push_back(item);
      }
  }
  return items;
}

std::vector<ObjectPtr> InformerStore::By(std::string_view index, std::string_view value) const {
  std::vector<ObjectPtr> some;
  for (const InformerItem& item : ItemsBy(index, value)) some.push_back(Open(item));
  return some;
}

InformerStore::Places InformerStore::PlacesOf(const InformerItem& item) const {
  Places places;
  if (indexes_.empty() || item.empty()) return places;
  places.reserve(indexes_.size());
  const ObjectPtr object = Open(item);
  for (const auto& [name, index] : indexes_) places.push_back(index.values_of(object.get()));
  return places;
}

InformerItem InformerStore::Put(InformerItem item) {
  // The caller's functions run without the lock; there is one writer, so what is found stays.
  const Places places = PlacesOf(item);
  InformerItem before = Find(item.Key());
  const Places left = PlacesOf(before);

  std::unique_lock lock(mutex_);
  ++version_;
  if (!before.empty()) {
    UnlistLocked(before, left);
    // The same place in the order, another object: no new node.
    auto node = objects_.extract(objects_.find(before));
    node.value() = item;
    objects_.insert(std::move(node));
  } else {
    objects_.insert(item);
  }
  size_t i = 0;
  for (auto& [name, index] : indexes_)
    for (const std::string& value : places[i++]) index.buckets[value].insert(item);
  return before;
}

InformerItem InformerStore::Remove(const api::ObjectKey& key) {
  InformerItem before = Find(key);
  if (before.empty()) return before;
  const Places left = PlacesOf(before);
  std::unique_lock lock(mutex_);
  ++version_;
  UnlistLocked(before, left);
  objects_.erase(before);
  return before;
}

void InformerStore::UnlistLocked(const InformerItem& item, const Places& places) {
  size_t i = 0;
  for (auto& [name, index] : indexes_) {
    for (const std::string& value : places[i++]) {
      auto bucket = index.buckets.find(value);
      if (bucket == index.buckets.end()) continue;  // the same value twice
      bucket->second.erase(item);
      if (bucket->second.empty()) index.buckets.erase(bucket);
    }
  }
}

}  // namespace dray::runtime
