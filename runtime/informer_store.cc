#include "runtime/informer_store.h"

#include <mutex>

namespace dray::runtime {

InformerStore::InformerStore(std::map<std::string, IndexFunction> indexes) {
  for (auto& [name, function] : indexes) indexes_[name].values_of = std::move(function);
}

ObjectPtr InformerStore::Get(const api::ObjectKey& key) const {
  return Find(key).object;
}

InformerItem InformerStore::Find(const api::ObjectKey& key) const {
  std::shared_lock lock(mutex_);
  auto found = objects_.find(key);
  return found == objects_.end() ? InformerItem() : *found;
}

std::vector<ObjectPtr> InformerStore::List() const {
  std::shared_lock lock(mutex_);
  std::vector<ObjectPtr> all;
  all.reserve(objects_.size());
  for (const InformerItem& item : objects_) all.push_back(item.object);
  return all;
}

std::vector<InformerItem> InformerStore::Items() const {
  std::shared_lock lock(mutex_);
  return {objects_.begin(), objects_.end()};
}

std::vector<ObjectPtr> InformerStore::By(std::string_view index, std::string_view value) const {
  std::shared_lock lock(mutex_);
  std::vector<ObjectPtr> some;
  if (index == "namespace") {  // a range: keys begin with it
    for (auto at = objects_.lower_bound(api::ObjectKey{std::string(value), ""});
         at != objects_.end() && at->meta->namespace_ == value; ++at)
      some.push_back(at->object);
    return some;
  }
  auto values = indexes_.find(index);
  if (values == indexes_.end()) return some;
  auto bucket = values->second.buckets.find(value);
  if (bucket == values->second.buckets.end()) return some;
  some.reserve(bucket->second.size());
  for (const InformerItem& item : bucket->second) some.push_back(item.object);
  return some;
}

InformerStore::Places InformerStore::PlacesOf(const void* object) const {
  Places places;
  places.reserve(indexes_.size());
  for (const auto& [name, index] : indexes_) places.push_back(index.values_of(object));
  return places;
}

ObjectPtr InformerStore::Put(InformerItem item) {
  // The caller's functions run without the lock; there is one writer, so what is found stays.
  const Places places = PlacesOf(item.object.get());
  const InformerItem before = Find({item.meta->namespace_, item.meta->name});
  const Places left = before.object == nullptr ? Places() : PlacesOf(before.object.get());

  std::unique_lock lock(mutex_);
  if (before.object != nullptr) {
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
  return before.object;
}

ObjectPtr InformerStore::Remove(const api::ObjectKey& key) {
  const InformerItem before = Find(key);
  if (before.object == nullptr) return nullptr;
  const Places left = PlacesOf(before.object.get());
  std::unique_lock lock(mutex_);
  UnlistLocked(before, left);
  objects_.erase(before);
  return before.object;
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
