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
  // Another number after every change, never 0; 0 from a lister that cannot tell.
  virtual uint64_t Version() const { return 0; }
  // Objects for which the index function named `index` gave `value` (InformerOptions::indexes).
  virtual std::vector<std::shared_ptr<const T>> By(std::string_view index,
                                                   std::string_view value) const = 0;
  // The namespace index is always there: By("namespace", ns).

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
  uint64_t Version() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Instantiated for: Pod, Node, Namespace, ConfigMap, Event, Service, EndpointSlice, Deployment,
// ReplicaSet, Job, Lease, ResourceSlice, ResourceClaim, ResourceClaimTemplate, DeviceClass
// (runtime/informer_*.cc).

}  // namespace dray::runtime
