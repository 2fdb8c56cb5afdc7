#pragma once

#include <atomic>
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

// An object of any kind with what an informer must know about it. A plain one has its metadata
// inside it. A packed one is a text: where name, UID and version end, those, and the packed rest.
class InformerItem {
 public:
  InformerItem() = default;
  InformerItem(ObjectPtr object, const api::ObjectMeta* meta)
      : object_(std::move(object)), meta_(meta) {}
  // `rest`: what is left of the object without these four.
  static InformerItem Packed(const api::ObjectMeta& meta, std::string_view rest);

  bool empty() const { return object_ == nullptr; }
  bool packed() const { return meta_ == nullptr; }
  std::string_view namespace_() const {
    return meta_ == nullptr ? Part(0) : std::string_view(meta_->namespace_);
  }
  std::string_view name() const {
    return meta_ == nullptr ? Part(1) : std::string_view(meta_->name);
  }
  std::string_view uid() const { return meta_ == nullptr ? Part(2) : std::string_view(meta_->uid); }
  std::string_view resource_version() const {
    return meta_ == nullptr ? Part(3) : std::string_view(meta_->resource_version);
  }
  std::string_view rest() const { return Part(4); }    // of a packed one
  const ObjectPtr& object() const { return object_; }  // of a plain one
  api::ObjectKey Key() const { return {std::string(namespace_()), std::string(name())}; }

 private:
  std::string_view Part(int which) const;  // of a packed one

  ObjectPtr object_;
  const api::ObjectMeta* meta_ = nullptr;
};

// By namespace, then name.
struct ByKey {
  using is_transparent = void;
  bool operator()(const InformerItem& a, const InformerItem& b) const {
    return Less(a.namespace_(), a.name(), b.namespace_(), b.name());
  }
  bool operator()(const InformerItem& a, const api::ObjectKey& b) const {
    return Less(a.namespace_(), a.name(), b.namespace_, b.name);
  }
  bool operator()(const api::ObjectKey& a, const InformerItem& b) const {
    return Less(a.namespace_, a.name, b.namespace_(), b.name());
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
// The object of an item, made anew for a packed one.
using OpenFunction = std::function<ObjectPtr(const InformerItem&)>;

// Immutable objects by key and by index. Read by any thread; written by one. Keeps an object once
// and no copy of its key: with a hundred thousand of them that is what counts. Packed objects are
// opened without its lock.
class InformerStore {
 public:
  // The index "namespace" is always there.
  InformerStore(std::map<std::string, IndexFunction> indexes, OpenFunction open);

  ObjectPtr Open(const InformerItem& item) const {
    return item.empty() || !item.packed() ? item.object() : open_(item);
  }

  ObjectPtr Get(const api::ObjectKey& key) const;
  std::vector<ObjectPtr> List() const;  // in key order
  // In key order. Empty for a value nobody has and for an index that does not exist.
  std::vector<ObjectPtr> By(std::string_view index, std::string_view value) const;
  // As By(), the first `most` of them, not opened.
  std::vector<InformerItem> ItemsBy(std::string_view index, std::string_view value,
                                    size_t most = SIZE_MAX) const;

  // For the writer.
  InformerItem Find(const api::ObjectKey& key) const;  // empty when absent
  std::vector<InformerItem> Items() const;             // in key order
  InformerItem Put(InformerItem item);                 // what stood there before
  InformerItem Remove(const api::ObjectKey& key);
  uint64_t version() const { return version_; }  // another after every change

 private:
  struct Index {
    IndexFunction values_of;
    std::map<std::string, ItemSet, std::less<>> buckets;
  };
  // Values of one object under all indexes, in their order.
  using Places = std::vector<std::vector<std::string>>;
  Places PlacesOf(const InformerItem& item) const;
  void UnlistLocked(const InformerItem& item, const Places& places);

  const OpenFunction open_;
  std::atomic<uint64_t> version_ = 1;
  mutable std::shared_mutex mutex_;
  ItemSet objects_;
  std::map<std::string, Index, std::less<>> indexes_;  // its keys and functions never change
};

}  // namespace dray::runtime
