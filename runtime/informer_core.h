#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>

#include "dray/runtime/client.h"
#include "runtime/informer_store.h"

namespace dray::runtime {

// What an informer needs to know of a kind; made by informer_typed.h.
struct InformerKind {
  struct Page {
    std::vector<InformerItem> items;
    std::string resource_version, continue_token;
  };
  struct Change {
    api::WatchEventType type = api::WatchEventType::kBookmark;
    InformerItem item;             // not of a bookmark, not of an error
    std::string resource_version;  // not of an error
    Status status;                 // of an error
    bool initial_events_end = false;
    bool unwanted = false;  // there, and not to be kept: told as a deletion
  };
  api::KindInfo info;
  OpenFunction open;  // where items are packed
  std::function<Result<Page>(std::string_view body)> page;
  std::function<Result<Change>(std::string_view line)> change;
};

// List and watch without types: the state machine behind Informer<T>. One thread runs it; the store
// is for all.
//
// What it withstands beyond a server in good order: lines that come twice or late (each object's
// own version decides; where that cannot, everything is listed again), and a server that comes back
// with older data (asked for its version after every broken connection).
class InformerCore {
 public:
  struct Handler {
    std::function<bool()> wanted;  // absent: always
    std::function<void(const ObjectPtr& before, const ObjectPtr& after)> on_change;
  };

  InformerCore(Client client, ListOptions list, InformerKind kind,
               std::map<std::string, IndexFunction> indexes);

  void AddHandler(Handler handler) { handlers_.push_back(std::move(handler)); }
  Status Run(const Context& ctx);
  bool HasSynced() const;
  Status WaitForSync(const Context& ctx) const;
  const InformerStore& store() const { return store_; }
  SteadyTime last_heard() const { return last_heard_; }

 private:
  // What one watch has told before its initial list was complete.
  struct Staging {
    bool open = false;
    ItemSet items;
    std::map<api::ObjectKey, std::string> gone;  // deleted meanwhile, at which version
  };

  Status Step(const Context& ctx);
  Status ListAll(const Context& ctx);
  Status Watch(const Context& ctx, bool with_list);
  Status OnLine(std::string_view line, Staging* staging);
  Status OnChange(InformerKind::Change change);
  Status OnStaged(InformerKind::Change change, Staging& staging);
  Status CheckForRollBack(const Context& ctx);
  void Replace(ItemSet items, std::string resource_version);
  void Upsert(InformerItem item);
  void Notify(const InformerItem& before, const InformerItem& after);
  Duration BackOff(const Status& failure);

  const Client client_;
  const ListOptions list_;
  const InformerKind kind_;
  std::vector<Handler> handlers_;
  InformerStore store_;

  // Of the running thread.
  std::string resource_version_;  // up to where we know everything; empty: list first
  bool ever_listed_ = false;
  bool watch_lists_ = true;   // until the server refuses a WatchList
  bool doubtful_ = false;     // the last watch broke: the server may not be what it was
  bool rolled_back_ = false;  // versions that we know may stand for other states now
  bool progress_ = false;     // the present watch has brought news
  int failures_ = 0;          // in a row
  std::minstd_rand random_{std::random_device{}()};

  std::atomic<SteadyTime> last_heard_ = SteadyTime::min();

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  bool synced_ = false;
};

}  // namespace dray::runtime
