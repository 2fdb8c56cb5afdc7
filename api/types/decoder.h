#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/types/list_splitter.h"
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

// The same from a document that arrives in pieces; never holds more than one item of its text. For
// each item, make() gives the object to fill, and made() takes it. When the list says its version
// only after the items, they are held until then.
class ItemStream {
 public:
  ItemStream(std::string_view group, const TypeInfo& item, std::function<void*()> make,
             std::function<Status()> made);
  Status Feed(std::string_view piece) { return splitter_.Feed(piece); }
  Status Finish(ListMeta& meta);
  size_t held() const { return splitter_.held(); }

 private:
  Status Item(std::string_view text, size_t index);
  Status Other(std::string_view member, std::string_view text);
  Status Read(std::string_view text, size_t index);

  const TypeInfo& type_;
  std::function<void*()> make_;
  std::function<Status()> made_;
  ListSplitter splitter_;
  ListMeta meta_;
  bool versioned_ = false;  // of resource.k8s.io, whose items are read by their version
  bool said_ = false;       // the list has said its version
  bool beta1_ = false, ask_each_ = true;
  std::vector<std::string> waiting_;  // items before the list's version
};

// One line of a watch; `out` is filled unless it is an ERROR, `status` if it is.
Status DecodeEvent(std::string_view line, std::string_view group, const TypeInfo& type,
                   WatchEventType& event, void* out, Status& status);

}  // namespace dray::api
