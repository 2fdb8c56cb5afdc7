#include "devcluster/apiserver/watch_hub.h"

#include <algorithm>

namespace dray::devcluster {
namespace {

constexpr Duration kBookmarkInterval = std::chrono::seconds(60);
// A last bookmark this long before the end, so that the client can go on where the watch stopped.
constexpr Duration kFarewell = std::chrono::seconds(2);
constexpr size_t kBatch = 1000;

}  // namespace

void WatchHub::Signal::Raise() {
  {
    std::lock_guard lock(mutex);
    raised = true;
  }
  changed.notify_all();
}

WatchHub::WatchHub(Clock& clock, const Store& store)
    : clock_(clock), store_(store), thread_([this](std::stop_token stop) { Run(stop); }) {}

WatchHub::~WatchHub() {
  thread_.request_stop();
  thread_.join();
  for (auto& watcher : watchers_) watcher->stream().Close();
  std::vector<std::unique_ptr<Watcher>> late;
  {
    std::lock_guard lock(signal_->mutex);
    late.swap(signal_->incoming);
  }
  for (auto& watcher : late) watcher->stream().Close();
}

void WatchHub::Add(std::unique_ptr<Watcher> watcher) {
  SteadyTime now = clock_.Steady();
  if (watcher->options().bookmarks)
    watcher->next_bookmark = std::min(now + kBookmarkInterval, watcher->options().ends - kFarewell);
  // First the callback: a stream that is closed already calls it at once.
  std::weak_ptr<Signal> signal = signal_;
  watcher->stream().OnClose([signal] {
    if (auto alive = signal.lock()) alive->Raise();
  });
  {
    std::lock_guard lock(signal_->mutex);
    signal_->incoming.push_back(std::move(watcher));
    ++signal_->open;
    signal_->raised = true;
  }
  signal_->changed.notify_all();
}

void WatchHub::Wake() {
  signal_->Raise();
}

size_t WatchHub::open() const {
  std::lock_guard lock(signal_->mutex);
  return signal_->open;
}

bool WatchHub::Pump(Watcher& watcher, SteadyTime now) {
  if (watcher.closed()) return false;
  size_t kind = watcher.options().resource->storage;
  // Read before the changes: every change up to here is in what Since() gives.
  uint64_t version = store_.version();
  while (store_.LatestChange(kind) > watcher.position()) {
    Result<std::vector<Change>> changes = store_.Since(kind, watcher.position(), kBatch);
    if (!changes.ok()) {
      watcher.Fail(changes.status());
      return false;
    }
    if (changes->empty()) break;
    if (!watcher.SendChanges(*changes, clock_.Now())) return false;
  }
  if (now >= watcher.next_bookmark) {
    watcher.SendBookmark(version);
    SteadyTime farewell = watcher.options().ends - kFarewell;
    watcher.next_bookmark =
        now >= farewell ? SteadyTime::max() : std::min(now + kBookmarkInterval, farewell);
  }
  if (now < watcher.options().ends) return true;
  watcher.stream().Close();
  return false;
}

void WatchHub::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    SteadyTime next = SteadyTime::max();
    for (const auto& watcher : watchers_)
      next = std::min({next, watcher->next_bookmark, watcher->options().ends});
    {
      std::unique_lock lock(signal_->mutex);
      clock_.WaitUntil(lock, signal_->changed, next, stop, [&] { return signal_->raised; });
      signal_->raised = false;
      for (auto& watcher : signal_->incoming) watchers_.push_back(std::move(watcher));
      signal_->incoming.clear();
    }
    SteadyTime now = clock_.Steady();
    std::erase_if(watchers_, [&](const auto& watcher) { return !Pump(*watcher, now); });
    std::lock_guard lock(signal_->mutex);
    signal_->open = watchers_.size() + signal_->incoming.size();
  }
}

}  // namespace dray::devcluster
