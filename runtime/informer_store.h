#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dray/api/types/meta.h"

namespace dray::runtime {

using ObjectPtr = std::shared_ptr<const void>;

// An object of any kind with what an informer must know about it.
struct InformerItem {
  api::ObjectKey key;
  std::string uid, resource_version;
  ObjectPtr object;
};

// Values of one object under one index.
using IndexFunction = std::function<std::vector<std::string>(const void* object)>;

// Immutable objects by key and by index. Read by any thread; written by one.
class InformerStore {
 public:
  // The index "namespace" is always there.
  explicit InformerStore(std::map<std::string, IndexFunction> indexes);

  ObjectPtr Get(const api::ObjectKey& key) const;
  std::vector<ObjectPtr> List() const;  // in key order
  // In key order. Empty for a value nobody has and for an index that does not exist.
  std::vector<ObjectPtr> By(std::string_view index, std::string_view value) const;

  // For the writer.
  const InformerItem* Find(const api::ObjectKey& key) const;  // valid until the next Put or Remove of that key
  std::vector<api::ObjectKey> Keys() const;
  ObjectPtr Put(InformerItem item);               // what stood there before
  ObjectPtr Remove(const api::ObjectKey& key);

 private:
  struct Held {
    InformerItem item;
    std::vector<std::pair<const std::string*, std::string>> places;  // index name (key of by_index_) and value
  };
  using Bucket = std::map<api::ObjectKey, ObjectPtr>;
  void UnlistLocked(const Held& held);

  const std::map<std::string, IndexFunction> indexes_;
  mutable std::shared_mutex mutex_;
  std::map<api::ObjectKey, Held> objects_;
  std::map<std::string, std::map<std::string, Bucket, std::less<>>, std::less<>> by_index_;
};

}  // namespace dray::runtime
