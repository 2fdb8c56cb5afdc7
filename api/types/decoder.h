#pragma once

#include <string_view>

#include "api/types/reflect.h"
#include "dray/api/codec.h"

// Reads JSON text into structs by their field tables, by simdjson on demand and without a DOM. None
// keeps anything of `json`.
namespace dray::api {

// One object. `group` decides whether apiVersion is looked at for v1beta1.
Status DecodeObject(std::string_view json, std::string_view group, const TypeInfo& type, void* out);

struct ListMeta {
  std::string resource_version, continue_token;
  std::optional<int64_t> remaining_items;
};
// The items of a list document, appended to `items`, whose type is `list`.
Status DecodeItems(std::string_view json, std::string_view group, const TypeInfo& list, void* items,
                   ListMeta& meta);

// One line of a watch; `out` is filled unless it is an ERROR, `status` if it is.
Status DecodeEvent(std::string_view line, std::string_view group, const TypeInfo& type,
                   WatchEventType& event, void* out, Status& status);

}  // namespace dray::api
