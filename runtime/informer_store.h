#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/meta.h"

namespace dray::runtime {

using ObjectPtr = std::shared_ptr<const void>;

// An object of any kind with what an informer must know about it: its metadata, which lies inside
// it.
struct InformerItem {
  ObjectPtr object;
  const api::ObjectMeta* meta = nullptr;
};

// By namespace, then name.
struct ByKey {
  using is_transparent = void;
  bool operator()(const InformerItem& a, const InformerItem& b) const {
    return Less(a.meta->namespace_, a.meta->name, b.meta->namespace_, b.meta->name);
  }
  bool operator()(const InformerItem& a, const api::ObjectKey& b) const {
    return Less(a.meta->namespace_, a.meta->name, b.namespace_, b.name);
  }
  bool operator()(const api::ObjectKey& a, const InformerItem& b) const {
    return Less(a.namespace_, a.name, b.meta->namespace_, b.meta->name);
  }
  static bool Less(std::string_view a_space, std::string_view a_name, std::string_view b_space,
                   std::string_view b_name) {
    const int spaces = a_space.compare(b_space);
    return spaces != 0 ? spaces < 0 : a_name < b_name;
  }
};
using ItemSet = std::set<InformerItem, ByKey>;

// Values of one object under one index. Pure: asked again when the object goes.
using IndexFunction = std::function<std::vector<std::string>(const void* object)>;

// Immutable objects by key and by index. Read by any thread; written by one. Keeps an object once
// and no copy of its key: with a hundred thousand of them that is what counts.
class InformerStore {
 public:
  // The index "namespace" is always there.
  explicit InformerStore(std::map<std::string, IndexFunction> indexes);

  ObjectPtr Get(const api::ObjectKey& key) const;
  std::vector<ObjectPtr> List() const;  // in key order
  // In key order. Empty for a value nobody has and for an index that does not exist.
  std::vector<ObjectPtr> By(std::string_view index, std::string_view value) const;

  // For the writer.
  InformerItem Find(const api::ObjectKey& key) const;  // of nulls when absent
  std::vector<InformerItem> Items() const;             // in key order
  ObjectPtr Put(InformerItem item);                    // what stood there before
  ObjectPtr Remove(const api::ObjectKey& key);

 private:
  struct Index {
    IndexFunction values_of;
    std::map<std::string, ItemSet, std::less<>> buckets;
  };
  // Values of one object under all indexes, in their order.
  using Places = std::vector<std::vector<std::string>>;
  Places PlacesOf(const void* object) const;
  void UnlistLocked(const InformerItem& item, const Places& places);

  mutable std::shared_mutex mutex_;
  ItemSet objects_;
  std::map<std::string, Index, std::less<>> indexes_;  // its keys and functions never change
};

}  // namespace dray::runtime
