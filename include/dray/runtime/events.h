#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "dray/api/types/core.h"
#include "dray/runtime/client.h"

namespace dray::runtime {

// Writes core/v1 Events as client-go's legacy recorder does: one object per (object, reason,
// message), count and lastTimestamp patched on repetition; at most a burst of 25 per object, then
// one per 5 minutes. Never blocks the caller: events are sent from a thread of the recorder, in
// order; failures are logged and dropped after 3 tries.
class EventRecorder {
 public:
  EventRecorder(Client client, Clock& clock, std::string component);
  ~EventRecorder();  // sends what is queued, for at most 2 s

  // False: too many, this one is left out.
  bool Record(const api::ObjectReference& about, std::string_view type, std::string_view reason,
              std::string_view message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

template <api::ApiObject T>
api::ObjectReference ReferenceTo(const T& object) {
  const api::KindInfo& kind = api::KindOf<T>::value;
  return {kind.ApiVersion(),
          std::string(kind.kind),
          object.metadata.namespace_,
          object.metadata.name,
          object.metadata.uid,
          object.metadata.resource_version,
          ""};
}

}  // namespace dray::runtime
