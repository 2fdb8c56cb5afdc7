#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "dray/base/clock.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::devcluster {

// One stored version of one object. Immutable: shared by readers, watchers and the history. The
// text is the truth; it is parsed again only where somebody changes the object or prints a table.
struct StoredObject {
  std::string key;  // "<namespace>/<name>", or "<name>" without a namespace
  std::string uid;
  uint64_t resource_version = 0;
  std::map<std::string, std::string, std::less<>> labels;
  std::vector<std::string> fields;  // as the kind's FieldsOf said
  WallTime written;
  std::string text;  // JSON, with metadata.resourceVersion
};
using ObjectPtr = std::shared_ptr<const StoredObject>;

enum class ChangeType { kAdded, kModified, kDeleted };
struct Change {
  ChangeType type = ChangeType::kAdded;
  ObjectPtr object;    // kDeleted: the final state, with a resource version of its own
  ObjectPtr previous;  // null for kAdded
};

struct ListRequest {
  std::string prefix;       // "" everything, "ns/" one namespace
  std::string start;        // first key wanted; "" from the beginning
  size_t limit = 0;         // 0: no limit
  uint64_t at_version = 0;  // 0: the present; else the state as it was at this version
  bool count_remaining = false;
  std::function<bool(const StoredObject&)>
      wanted;  // absent: all. Called with the store locked: keep it small
};
struct ListResult {
  std::vector<ObjectPtr> items;  // ordered by key
  uint64_t version = 0;          // of the state that was listed
  std::string next;              // where the next page starts; "" at the end
  size_t remaining = 0;  // objects from `next` on, wanted or not, when they were to be counted
};

// Objects of a fixed set of kinds in memory, with one increasing version over all of them and a
// bounded history per kind. Any thread. A returned pointer stays valid for ever.
class Store {
 public:
  // Values of the field selectors of a kind, in the kind's order. Pure.
  using FieldsOf = std::function<std::vector<std::string>(const Json&)>;

  // `kinds`: one entry per kind; a kind is its index from then on. `history`: changes remembered
  // per kind.
  Store(std::vector<FieldsOf> kinds, uint64_t first_version, size_t history);

  // Called after each change, without any lock held, on the thread that made it. Set before the
  // first change.
  void OnChange(std::function<void()> callback) { on_change_ = std::move(callback); }

  uint64_t version() const;
  // Version of the kind's latest change; 0 when it never changed.
  uint64_t LatestChange(size_t kind) const;

  ObjectPtr Get(size_t kind, std::string_view key) const;
  // kGone when `at_version` is older than the history, kTimeout when it is in the future.
  Result<ListResult> List(size_t kind, const ListRequest& request) const;

  // Gives `object` the next version and stores it. kAlreadyExists. metadata.name must be set.
  Result<ObjectPtr> Create(size_t kind, Json object, WallTime now);
  // Replaces `expected`, the very version that the caller has read. kConflict when it is no longer
  // the stored one.
  Result<ObjectPtr> Replace(size_t kind, const ObjectPtr& expected, Json object, WallTime now);
  // Removes `expected`; `final_state` is what watchers see last. kConflict as above.
  Result<ObjectPtr> Remove(size_t kind, const ObjectPtr& expected, Json final_state, WallTime now);

  // Changes of a kind after `version`, at most `limit`, in order. kGone when the history no longer
  // reaches back so far.
  Result<std::vector<Change>> Since(size_t kind, uint64_t version, size_t limit) const;

  // All objects as they are now.
  struct Backup {
    std::vector<std::map<std::string, ObjectPtr, std::less<>>> objects;  // per kind
  };
  Backup Save() const;
  // Back to them, as etcd's restore with raised revisions: versions go on from where they were and
  // all history is forgotten, so that every watcher lists again.
  void Restore(const Backup& backup);

 private:
  struct Kind {
    FieldsOf fields_of;
    std::map<std::string, ObjectPtr, std::less<>> objects;
    std::deque<Change> history;
    uint64_t forgotten = 0;  // version of the newest change that history has lost
    uint64_t latest = 0;
  };
  std::shared_ptr<StoredObject> Prepare(const Kind& kind, const Json& object, WallTime now) const;
  void CommitLocked(Kind& kind, Change change);
  // First change after `version`; history is ordered by version.
  static std::deque<Change>::const_iterator After(const Kind& kind, uint64_t version);

  const size_t history_;
  std::function<void()> on_change_;
  mutable std::mutex mutex_;
  uint64_t version_;
  std::vector<Kind> kinds_;
};

}  // namespace dray::devcluster
