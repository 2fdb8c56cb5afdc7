#include "runtime/informer_store.h"

#include <mutex>

namespace dray::runtime {

InformerStore::InformerStore(std::map<std::string, IndexFunction> indexes) : indexes_(std::move(indexes)) {
  by_index_["namespace"];
  for (const auto& [name, function] : indexes_) by_index_[name];
}

ObjectPtr InformerStore::Get(const api::ObjectKey& key) const {
  std::shared_lock lock(mutex_);
  auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second.item.object;
}

std::vector<ObjectPtr> InformerStore::List() const {
  std::shared_lock lock(mutex_);
  std::vector<ObjectPtr> all;
  all.reserve(objects_.size());
  for (const auto& [key, held] : objects_) all.push_back(held.item.object);
  return all;
}

std::vector<ObjectPtr> InformerStore::By(std::string_view index, std::string_view value) const {
  std::shared_lock lock(mutex_);
  std::vector<ObjectPtr> all;
  auto values = by_index_.find(index);
  if (values == by_index_.end()) return all;
  auto bucket = values->second.find(value);
  if (bucket == values->second.end()) return all;
  all.reserve(bucket->second.size());
  for (const auto& [key, object] : bucket->second) all.push_back(object);
  return all;
}

const InformerItem* InformerStore::Find(const api::ObjectKey& key) const {
  std::shared_lock lock(mutex_);
  auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second.item;
}

std::vector<api::ObjectKey> InformerStore::Keys() const {
  std::shared_lock lock(mutex_);
  std::vector<api::ObjectKey> keys;
  keys.reserve(objects_.size());
  for (const auto& [key, held] : objects_) keys.push_back(key);
  return keys;
}

ObjectPtr InformerStore::Put(InformerItem item) {
  Held fresh;
  fresh.places.emplace_back(&by_index_.find("namespace")->first, item.key.namespace_);
  // The caller's functions run without the lock. The keys of by_index_ never change after construction.
  for (const auto& [name, function] : indexes_)
    for (std::string& value : function(item.object.get()))
      fresh.places.emplace_back(&by_index_.find(name)->first, std::move(value));
  fresh.item = std::move(item);

  std::unique_lock lock(mutex_);
  Held& held = objects_[fresh.item.key];
  ObjectPtr before = held.item.object;
  if (before != nullptr) UnlistLocked(held);
  held = std::move(fresh);
  for (const auto& [index, value] : held.places)
    by_index_.find(*index)->second[value][held.item.key] = held.item.object;
  return before;
}

ObjectPtr InformerStore::Remove(const api::ObjectKey& key) {
  std::unique_lock lock(mutex_);
  auto found = objects_.find(key);
  if (found == objects_.end()) return nullptr;
  UnlistLocked(found->second);
  ObjectPtr before = std::move(found->second.item.object);
  objects_.erase(found);
  return before;
}

void InformerStore::UnlistLocked(const Held& held) {
  for (const auto& [index, value] : held.places) {
    auto& values = by_index_.find(*index)->second;
    auto bucket = values.find(value);
    if (bucket == values.end()) continue;  // the same value twice
    bucket->second.erase(held.item.key);
    if (bucket->second.empty()) values.erase(bucket);
  }
}

}  // namespace dray::runtime
