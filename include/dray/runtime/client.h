#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dray/api/codec.h"
#include "dray/api/types/meta.h"
#include "dray/runtime/transport.h"

namespace dray::runtime {

struct ListOptions {
  std::string namespace_;  // "" : all namespaces
  std::string label_selector, field_selector;
  std::string resource_version;  // "" most recent, "0" from cache
  int64_t limit = 500;           // page size; List() follows continue tokens
  int64_t timeout_seconds =
      0;  // watches: the server ends them in order after this; 0: when it likes
};
enum class PatchType { kJson, kMerge, kStrategic, kApply };
struct PatchOptions {
  std::string subresource;  // "status"
  std::string field_manager = "dray-controller-manager";
  bool force = false;  // kApply only
  bool dry_run = false;
};
struct DeleteOptions {
  std::optional<std::string> uid, resource_version;  // preconditions
  std::optional<int64_t> grace_period_seconds;
  std::string propagation_policy;  // "" | Background | Foreground | Orphan
  bool dry_run = false;
};

// Typed verbs over a Transport: a value, cheap to copy, any thread. HTTP errors come back as their
// metav1.Status (NotFound, Conflict, AlreadyExists, Invalid with causes...). 429 and 5xx with a
// Retry-After header are retried within ctx's deadline, at most 10 times (client-go's rule), each
// after half a minute at the latest.
//
// resource.k8s.io objects travel in the version the server prefers (v1, v1beta2, v1beta1), found by
// discovery at the first use; the caller only ever sees v1.
class Client {
 public:
  explicit Client(std::shared_ptr<Transport> transport);

  template <api::ApiObject T>
  Result<T> Get(const Context& ctx, const api::ObjectKey& key) const {
    DRAY_ASSIGN_OR_RETURN(std::string body, GetRaw(ctx, api::KindOf<T>::value, key));
    return api::Decode<T>(body);
  }
  // Every page, in order. The resource version is the first page's.
  template <api::ApiObject T>
  Result<api::ListOf<T>> List(const Context& ctx, ListOptions options = {}) const {
    api::ListOf<T> all;
    std::string token;
    do {
      DRAY_ASSIGN_OR_RETURN(std::string body, ListRaw(ctx, api::KindOf<T>::value, options, token));
      DRAY_ASSIGN_OR_RETURN(api::ListOf<T> page, api::DecodeList<T>(body));
      if (all.resource_version.empty()) all.resource_version = page.resource_version;
      all.items.insert(all.items.end(), std::make_move_iterator(page.items.begin()),
                       std::make_move_iterator(page.items.end()));
      token = std::move(page.continue_token);
    } while (!token.empty());
    return all;
  }
  // The namespace is the object's. Returns what the server stored.
  template <api::ApiObject T>
  Result<T> Create(const Context& ctx, const T& object, bool dry_run = false) const {
    DRAY_ASSIGN_OR_RETURN(std::string body,
                          CreateRaw(ctx, api::KindOf<T>::value, object.metadata.namespace_,
                                    api::Encode(object), dry_run));
    return api::Decode<T>(body);
  }
  // Only for kinds that we know completely and own (Lease, ResourceSlice): a PUT drops what our
  // structs do not hold.
  template <api::ApiObject T>
  Result<T> Update(const Context& ctx, const T& object, std::string_view subresource = "") const {
    DRAY_ASSIGN_OR_RETURN(std::string body,
                          UpdateRaw(ctx, api::KindOf<T>::value, api::KeyOf(object), subresource,
                                    api::Encode(object)));
    return api::Decode<T>(body);
  }
  template <api::ApiObject T>
  Result<T> Patch(const Context& ctx, const api::ObjectKey& key, PatchType type,
                  std::string_view patch, const PatchOptions& options = {}) const {
    DRAY_ASSIGN_OR_RETURN(std::string body,
                          PatchRaw(ctx, api::KindOf<T>::value, key, type, patch, options));
    return api::Decode<T>(body);
  }
  template <api::ApiObject T>
  Status Delete(const Context& ctx, const api::ObjectKey& key,
                const DeleteOptions& options = {}) const {
    return DeleteRaw(ctx, api::KindOf<T>::value, key, options);
  }

  // The same verbs without types: request and answer bodies as JSON text.
  Result<std::string> GetRaw(const Context&, const api::KindInfo&, const api::ObjectKey&) const;
  Result<std::string> ListRaw(const Context&, const api::KindInfo&, const ListOptions&,
                              std::string_view token) const;
  Result<std::string> CreateRaw(const Context&, const api::KindInfo&, std::string_view namespace_,
                                std::string body, bool dry_run) const;
  // POST to a subresource of an existing object ("binding", "eviction").
  Result<std::string> CreateSubresource(const Context&, const api::KindInfo&, const api::ObjectKey&,
                                        std::string_view subresource, std::string body) const;
  Result<std::string> UpdateRaw(const Context&, const api::KindInfo&, const api::ObjectKey&,
                                std::string_view subresource, std::string body) const;
  Result<std::string> PatchRaw(const Context&, const api::KindInfo&, const api::ObjectKey&,
                               PatchType, std::string_view patch, const PatchOptions&) const;
  Status DeleteRaw(const Context&, const api::KindInfo&, const api::ObjectKey&,
                   const DeleteOptions&) const;
  // DELETE on a collection; selectors as in a list.
  Status DeleteCollection(const Context&, const api::KindInfo&, const ListOptions&) const;

  // A watch from `resource_version`, with bookmarks; `send_initial_events` asks for a WatchList.
  // Lines as in api::DecodeWatchEvent.
  Status WatchRaw(const Context&, const api::KindInfo&, const ListOptions&,
                  bool send_initial_events,
                  const std::function<bool(std::string_view line)>& on_line) const;

  Transport& transport() const { return *transport_; }

  // Path of a kind, collection or object:
  // "/apis/resource.k8s.io/v1/namespaces/ns/resourceclaims/name".
  static std::string PathOf(const api::KindInfo& kind, std::string_view namespace_,
                            std::string_view name = "", std::string_view subresource = "");

 private:
  struct Versions;  // what discovery said, shared by copies
  std::shared_ptr<Transport> transport_;
  std::shared_ptr<Versions> versions_;
};

}  // namespace dray::runtime
