#include <nlohmann/json.hpp>

#include "dray/api/patch.h"

namespace dray::api {

Json ApplyMergePatch(Json document, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!document.is_object()) document = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null())
      document.erase(key);
    else if (value.is_object())
      document[key] = ApplyMergePatch(std::move(document[key]), value);
    else
      document[key] = value;
  }
  return document;
}

Json MergePatchFor(const Json& before, const Json& after) {
  if (!before.is_object() || !after.is_object()) return after;
  Json patch = Json::object();
  for (const auto& [key, value] : before.items())
    if (!after.contains(key)) patch[key] = nullptr;
  for (const auto& [key, value] : after.items()) {
    auto old = before.find(key);
    if (old == before.end()) {
      if (!value.is_null()) patch[key] = value;  // a merge patch cannot say null
    } else if (*old != value) {
      patch[key] = MergePatchFor(*old, value);
    }
  }
  return patch;
}

}  // namespace dray::api
