#pragma once

#include "dray/api/codec.h"
#include "dray/api/packed.h"
#include "dray/runtime/informer.h"
#include "runtime/informer_core.h"

// The typed skin of InformerCore. Included only by the files that instantiate Informer<T>.
namespace dray::runtime {

inline constexpr char kInitialEventsEnd[] = "k8s.io/initial-events-end";

template <api::ApiObject T>
InformerItem MakeItem(T object, const InformerOptions<T>& options) {
  if (options.transform) options.transform(object);
  if (options.packed) {
    T rest = std::move(object);
    api::ObjectMeta known;
    known.namespace_ = std::exchange(rest.metadata.namespace_, {});
    known.name = std::exchange(rest.metadata.name, {});
    known.uid = std::exchange(rest.metadata.uid, {});
    known.resource_version = std::exchange(rest.metadata.resource_version, {});
    return InformerItem::Packed(known, api::Pack(rest));
  }
  // A copy: what is kept for long lies together, and what was read goes as a whole. Moved out of
  // it, objects would lie between the holes of all that was dropped.
  auto kept = std::make_shared<const T>(std::as_const(object));
  const api::ObjectMeta* meta = &kept->metadata;
  return {std::move(kept), meta};
}

template <api::ApiObject T>
ObjectPtr OpenItem(const InformerItem& item) {
  auto object = std::make_shared<T>(api::Unpack<T>(item.rest()));
  object->metadata.namespace_ = item.namespace_();
  object->metadata.name = item.name();
  object->metadata.uid = item.uid();
  object->metadata.resource_version = item.resource_version();
  return object;
}

template <api::ApiObject T>
InformerKind KindFor(const InformerOptions<T>& options) {
  InformerKind kind;
  kind.info = api::KindOf<T>::value;
  kind.open = OpenItem<T>;
  kind.page = [options](std::string_view body) -> Result<InformerKind::Page> {
    DRAY_ASSIGN_OR_RETURN(api::ListOf<T> list, api::DecodeList<T>(body));
    InformerKind::Page page{{}, std::move(list.resource_version), std::move(list.continue_token)};
    if (!options.keep) page.items.reserve(list.items.size());
    for (T& object : list.items)
      if (!options.keep || options.keep(object))
        page.items.push_back(MakeItem(std::move(object), options));
    return page;
  };
  kind.change = [options](std::string_view line) -> Result<InformerKind::Change> {
    DRAY_ASSIGN_OR_RETURN(api::WatchEvent<T> event, api::DecodeWatchEvent<T>(line));
    InformerKind::Change change;
    change.type = event.type;
    change.status = std::move(event.status);
    if (event.type == api::WatchEventType::kBookmark) {
      auto end = event.object.metadata.annotations.find(kInitialEventsEnd);
      change.initial_events_end =
          end != event.object.metadata.annotations.end() && end->second == "true";
      change.resource_version = std::move(event.object.metadata.resource_version);
    } else if (event.type != api::WatchEventType::kError && options.keep &&
               !options.keep(event.object)) {
      change.type = api::WatchEventType::kDeleted;
      change.unwanted = true;
      change.item = InformerItem::Packed(event.object.metadata, {});
      change.resource_version = change.item.resource_version();
    } else if (event.type != api::WatchEventType::kError) {
      change.item = MakeItem(std::move(event.object), options);
      change.resource_version = change.item.resource_version();
    }
    return change;
  };
  return kind;
}

template <api::ApiObject T>
struct Informer<T>::State {
  static std::map<std::string, IndexFunction> Indexes(const InformerOptions<T>& options) {
    std::map<std::string, IndexFunction> indexes;
    for (const auto& [name, function] : options.indexes)
      indexes[name] = [function](const void* object) {
        return function(*static_cast<const T*>(object));
      };
    return indexes;
  }
  State(Client client, InformerOptions<T> options)
      : core(std::move(client), options.list, KindFor(options), Indexes(options)) {}
  InformerCore core;
};

template <api::ApiObject T>
Informer<T>::Informer(Client client, InformerOptions<T> options)
    : state_(std::make_unique<State>(std::move(client), std::move(options))) {}

template <api::ApiObject T>
Informer<T>::~Informer() = default;

template <api::ApiObject T>
void Informer<T>::AddHandler(InformerHandlers<T> handlers) {
  if (!handlers.on_change) return;
  state_->core.AddHandler(
      {std::move(handlers.wanted), [on_change = std::move(handlers.on_change)](
                                       const ObjectPtr& before, const ObjectPtr& after) {
         on_change(std::static_pointer_cast<const T>(before),
                   std::static_pointer_cast<const T>(after));
       }});
}

template <api::ApiObject T>
Status Informer<T>::Run(const Context& ctx) {
  return state_->core.Run(ctx);
}

template <api::ApiObject T>
bool Informer<T>::HasSynced() const {
  return state_->core.HasSynced();
}

template <api::ApiObject T>
SteadyTime Informer<T>::LastHeard() const {
  return state_->core.last_heard();
}

template <api::ApiObject T>
Status Informer<T>::WaitForSync(const Context& ctx) const {
  return state_->core.WaitForSync(ctx);
}

template <api::ApiObject T>
std::shared_ptr<const T> Informer<T>::Get(const api::ObjectKey& key) const {
  return std::static_pointer_cast<const T>(state_->core.store().Get(key));
}

template <api::ApiObject T>
std::vector<std::shared_ptr<const T>> Typed(std::vector<ObjectPtr> objects) {
  std::vector<std::shared_ptr<const T>> typed;
  typed.reserve(objects.size());
  for (ObjectPtr& object : objects)
    typed.push_back(std::static_pointer_cast<const T>(std::move(object)));
  return typed;
}

template <api::ApiObject T>
std::vector<std::shared_ptr<const T>> Informer<T>::List() const {
  return Typed<T>(state_->core.store().List());
}

template <api::ApiObject T>
std::vector<std::shared_ptr<const T>> Informer<T>::By(std::string_view index,
                                                      std::string_view value) const {
  return Typed<T>(state_->core.store().By(index, value));
}

template <api::ApiObject T>
void Informer<T>::ForEach(const std::function<void(const T&)>& visit) const {
  ForEachIf([](const ObjectVersion&) { return true; }, visit);
}

template <api::ApiObject T>
void Informer<T>::ForEachIf(const std::function<bool(const ObjectVersion&)>& wanted,
                            const std::function<void(const T&)>& visit) const {
  const InformerStore& store = state_->core.store();
  for (const InformerItem& item : store.Items())
    if (wanted({item.namespace_(), item.name(), item.uid(), item.resource_version()}))
      visit(*static_cast<const T*>(store.Open(item).get()));
}

template <api::ApiObject T>
std::vector<api::ObjectKey> Informer<T>::KeysBy(std::string_view index,
                                                std::string_view value) const {
  std::vector<api::ObjectKey> keys;
  for (const InformerItem& item : state_->core.store().ItemsBy(index, value))
    keys.push_back(item.Key());
  return keys;
}

template <api::ApiObject T>
bool Informer<T>::Has(std::string_view index, std::string_view value) const {
  return !state_->core.store().ItemsBy(index, value, 1).empty();
}

template <api::ApiObject T>
uint64_t Informer<T>::Version() const {
  return state_->core.store().version();
}

}  // namespace dray::runtime
