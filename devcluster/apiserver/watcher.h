#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devcluster/apiserver/registry.h"
#include "devcluster/apiserver/request.h"
#include "devcluster/apiserver/selectors.h"
#include "devcluster/apiserver/tables.h"
#include "devcluster/store/store.h"
#include "dray/base/clock.h"
#include "dray/runtime/http_server.h"

namespace dray::devcluster {

// What a list or watch wants of a kind.
struct Selection {
  std::string namespace_;  // "" : all
  LabelFilter labels;
  FieldFilter fields;  // over Resource::FieldLabels()

  bool Matches(const StoredObject& object) const;
  bool everything() const { return labels.empty() && fields.empty(); }
  // Of the keys in the store: as narrow as the selection allows.
  std::string KeyPrefix() const;
};

struct WatchOptions {
  const Resource* resource = nullptr;
  Selection selection;
  Form form = Form::kPlain;
  IncludeObject include = IncludeObject::kMetadata;
  bool bookmarks = false;
  uint64_t after = 0;  // changes after this version
  SteadyTime ends = SteadyTime::max();
};

// One open watch: turns changes into lines. Used by one thread at a time.
class Watcher {
 public:
  Watcher(WatchOptions options, std::shared_ptr<runtime::HttpStream> stream);

  const WatchOptions& options() const { return options_; }
  uint64_t position() const { return position_; }
  bool closed() const { return stream_->closed(); }
  runtime::HttpStream& stream() { return *stream_; }

  // ADDED for each item; with `mark_end` the bookmark that ends a WatchList.
  void SendPresent(const ListResult& present, bool mark_end, WallTime now);
  // In the order of the store. False when the client is gone.
  bool SendChanges(const std::vector<Change>& changes, WallTime now);
  // Only when the client asked for bookmarks. Everything up to `version` must have been sent.
  void SendBookmark(uint64_t version);
  // One ERROR event, then the end.
  void Fail(const Status& status);

  SteadyTime next_bookmark = SteadyTime::max();  // kept by the hub

 private:
  bool Send(const char* type, const StoredObject& object, uint64_t version, WallTime now);
  std::string Bookmark(uint64_t version, bool initial_end) const;

  WatchOptions options_;
  std::shared_ptr<runtime::HttpStream> stream_;
  uint64_t position_;
  bool columns_sent_ = false;
};

}  // namespace dray::devcluster
