#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "devcluster/apiserver/watcher.h"
#include "devcluster/store/store.h"
#include "dray/base/clock.h"

namespace dray::devcluster {

// Feeds every open watch from the store's history, on one thread of its own: a slow client never
// holds up a writer, and lines leave in the order of versions. Also sends bookmarks and ends
// watches whose time is over.
class WatchHub {
 public:
  // Both outlive the hub.
  WatchHub(Clock& clock, const Store& store);
  ~WatchHub();  // closes all watches

  // From now on the hub's. Any thread.
  void Add(std::unique_ptr<Watcher> watcher);
  // Something changed in the store. Any thread, cheap.
  void Wake();
  size_t open() const;

 private:
  // Outlives the hub where a stream does: a late OnClose finds it.
  struct Signal {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool raised = false;
    std::vector<std::unique_ptr<Watcher>> incoming;
    size_t open = 0;
    void Raise();
  };
  void Run(std::stop_token stop);
  // False when the watch has ended.
  bool Pump(Watcher& watcher, SteadyTime now);

  Clock& clock_;
  const Store& store_;
  std::shared_ptr<Signal> signal_ = std::make_shared<Signal>();
  std::vector<std::unique_ptr<Watcher>> watchers_;  // the thread's
  std::jthread thread_;                             // last: stopped first
};

}  // namespace dray::devcluster
