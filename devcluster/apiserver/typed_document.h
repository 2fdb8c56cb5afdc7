#pragma once

#include "dray/api/codec.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// A document as a typed object; kBadRequest in kube-apiserver's words when a member has the wrong
// type.
template <api::ApiObject T>
Result<T> Typed(const Json& document) {
  Result<T> typed = api::FromJson<T>(document);
  if (typed.ok()) return typed;
  std::string kind(api::KindOf<T>::value.kind);
  return Status(Reason::kBadRequest,
                kind + " in version \"" + std::string(api::KindOf<T>::value.version) +
                    "\" cannot be handled as a " + kind + ": " + typed.status().message());
}

}  // namespace dray::devcluster
