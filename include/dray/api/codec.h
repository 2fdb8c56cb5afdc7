#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/types/meta.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

// JSON <-> typed objects. Instantiated for every kind with a DRAY_KIND, in
// api/types/<group>_codec.cc; pure, any thread. Unknown fields are ignored; a field of the wrong
// type is kInvalid with its path ("spec.devices[3].name: want a string").
namespace dray::api {

// One object, by simdjson, without a DOM between. Does not look at kind and apiVersion, except that
// a resource.k8s.io object in v1beta1 or v1beta2 is converted to v1.
template <ApiObject T>
Result<T> Decode(std::string_view json);

// A <Kind>List document (one page), decoded item by item as a stream.
template <ApiObject T>
Result<ListOf<T>> DecodeList(std::string_view json);

// The same for a document that arrives in pieces, or is too long to be held: each item is given
// away as soon as its text is complete, and no more of the text is kept than one item. Where the
// list says its version only after its items, they wait for it.
template <ApiObject T>
class ListStream {
 public:
  // Takes one item; an error ends the list.
  using Take = std::function<Status(T)>;
  explicit ListStream(Take take);
  ~ListStream();

  // Errors as DecodeList's. Nothing is to be fed after one.
  Status Feed(std::string_view piece);
  // After the last piece: what the list says of itself, without items.
  Result<ListOf<T>> Finish();
  // Bytes of text that are kept at the moment.
  size_t held() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

template <ApiObject T>
Result<T> FromJson(const Json& json);

// With kind and apiVersion; zero values left out, except where Kubernetes always writes them.
template <ApiObject T>
Json ToJson(const T& object);

template <ApiObject T>
std::string Encode(const T& object);

// Parts of objects, for patches: instantiated for PodSpec, PodStatus, Container, ResourceClaimSpec,
// AllocationResult, Condition and the others listed at the end of each api/types/<group>_codec.cc,
// and for maps of Quantity.
template <class T>
Json ToJsonValue(const T& value);
template <class T>
Result<T> FromJsonValue(const Json& json);

// A resource.k8s.io/v1 object, or a list of them, as `version` (v1, v1beta2, v1beta1) has it.
// Objects of other groups come back unchanged.
Json ToVersion(const Json& v1_object, std::string_view version);

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark, kError };

// One line of a watch. kError carries `status`; kBookmark only metadata of `object`.
template <ApiObject T>
struct WatchEvent {
  WatchEventType type = WatchEventType::kBookmark;
  T object;
  Status status;
};
template <ApiObject T>
Result<WatchEvent<T>> DecodeWatchEvent(std::string_view line);

// metav1.Status bodies, both ways. A body that is no Status becomes one by its code.
Status DecodeStatus(int http_code, std::string_view body);
Json EncodeStatus(const Status& status, std::string_view group, std::string_view resource,
                  std::string_view name);

}  // namespace dray::api
