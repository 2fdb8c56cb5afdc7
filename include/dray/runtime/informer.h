#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dray/runtime/client.h"

namespace dray::runtime {

// Which object, and which version of it: what is known of a packed one without making it. A view:
// good only while it is handed over.
struct ObjectVersion {
  std::string_view namespace_, name, uid, resource_version;
};

// The read side of an informer: immutable objects, indexed. Any thread. An object handed out never
// changes; an update replaces it.
template <api::ApiObject T>
class Lister {
 public:
  virtual ~Lister() = default;
  // Null when absent.
  virtual std::shared_ptr<const T> Get(const api::ObjectKey& key) const = 0;
  virtual std::vector<std::shared_ptr<const T>> List() const = 0;
  // Every object, one after the other, of one moment. Of a packed kind only one is there at a time.
  virtual void ForEach(const std::function<void(const T&)>& visit) const {
    for (const auto& object : List()) visit(*object);
  }
  // As ForEach, of those objects only that `wanted` asks for: the others are not made.
  virtual void ForEachIf(const std::function<bool(const ObjectVersion&)>& wanted,
                         const std::function<void(const T&)>& visit) const {
    for (const auto& object : List()) {
      const api::ObjectMeta& meta = object->metadata;
      if (wanted({meta.namespace_, meta.name, meta.uid, meta.resource_version})) visit(*object);
    }
  }
  // Another number after every change, never 0; 0 from a lister that cannot tell.
  virtual uint64_t Version() const { return 0; }
  // Objects for which the index function named `index` gave `value` (InformerOptions::indexes).
  virtual std::vector<std::shared_ptr<const T>> By(std::string_view index,
                                                   std::string_view value) const = 0;
  // The namespace index is always there: By("namespace", ns).
  // The keys of By(), and whether there are any: no object is made for them.
  virtual std::vector<api::ObjectKey> KeysBy(std::string_view index, std::string_view value) const {
    std::vector<api::ObjectKey> keys;
    for (const auto& object : By(index, value)) keys.push_back(api::KeyOf(*object));
    return keys;
  }
  virtual bool Has(std::string_view index, std::string_view value) const {
    return !By(index, value).empty();
  }

  // Whether what is missing here is missing in the cluster: the first list is complete.
  virtual bool HasSynced() const { return true; }
};

template <api::ApiObject T>
struct InformerHandlers {
  // Called on the informer's thread, in order; must only enqueue. `before` is null for an add,
  // `after` for a delete.
  std::function<void(const std::shared_ptr<const T>& before, const std::shared_ptr<const T>& after)>
      on_change;
  // Asked before each call; false: this change is not to be told. Absent: all are.
  std::function<bool()> wanted;
};

template <api::ApiObject T>
struct InformerOptions {
  ListOptions list;
  // Index name -> values of an object ("node" -> {spec.nodeName}).
  std::map<std::string, std::function<std::vector<std::string>(const T&)>> indexes;
  // Drops what nobody reads before an object is kept.
  std::function<void(T&)> transform;
  // Keeps objects as short byte strings (dray/api/packed.h) and makes each anew for who reads it:
  // a fifth of the memory for a microsecond or two per read. For kinds with very many objects of
  // which few are read at a time.
  bool packed = false;
  // An object for which this says no is as one that is not there. Absent: all are kept.
  std::function<bool(const T&)> keep = nullptr;
};

// List and watch of one kind: WatchList first where the server offers it, else paged list + watch
// with bookmarks; relist on Gone; back-off on failures; nothing lost or reported twice over a
// relist (a difference is computed).
template <api::ApiObject T>
class Informer : public Lister<T> {
 public:
  Informer(Client client, InformerOptions<T> options = {});
  ~Informer() override;

  // Before Run().
  void AddHandler(InformerHandlers<T> handlers);
  // Lists and watches until ctx is stopped. Call once, on a thread of the caller's (Manager does).
  Status Run(const Context& ctx);
  bool HasSynced() const override;
  // When the server last said something, on the clock of Run's context: with bookmarks that is once
  // a minute at least. min(): never yet.
  SteadyTime LastHeard() const;
  // Waits for HasSynced(); kCancelled or kTimeout otherwise.
  Status WaitForSync(const Context& ctx) const;

  std::shared_ptr<const T> Get(const api::ObjectKey& key) const override;
  std::vector<std::shared_ptr<const T>> List() const override;
  std::vector<std::shared_ptr<const T>> By(std::string_view index,
                                           std::string_view value) const override;
  void ForEach(const std::function<void(const T&)>& visit) const override;
  void ForEachIf(const std::function<bool(const ObjectVersion&)>& wanted,
                 const std::function<void(const T&)>& visit) const override;
  std::vector<api::ObjectKey> KeysBy(std::string_view index, std::string_view value) const override;
  bool Has(std::string_view index, std::string_view value) const override;
  uint64_t Version() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Instantiated for: Pod, Node, Namespace, ConfigMap, Event, Service, EndpointSlice, Deployment,
// ReplicaSet, Job, Lease, ResourceSlice, ResourceClaim, ResourceClaimTemplate, DeviceClass
// (runtime/informer_*.cc).

}  // namespace dray::runtime
