#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "dray/base/clock.h"

namespace dray::runtime {

// Of RealClock(): sockets don't wait by any other.
using HttpTime = SteadyTime;

// What a loop calls for one file descriptor. All on the loop's thread.
class HttpWatcher {
 public:
  virtual ~HttpWatcher() = default;
  virtual void OnReady(uint32_t epoll_events) = 0;
  virtual void OnDeadline() = 0;
  // The server stops: end soon, by leaving the loop.
  virtual void Stop() = 0;
  // Leave the loop now.
  virtual void Abort() = 0;

 private:
  friend class HttpLoop;
  HttpTime deadline_ = HttpTime::max();
};

// One thread's event loop over epoll. A connection stays with one loop for life, so what belongs to
// it needs no lock.
class HttpLoop {
 public:
  HttpLoop();
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;

  // Until BeginStop() was called and the last watcher has left. Once.
  void Run();

  // Any thread. Runs `work` on the loop's thread, at once when called there. False when the loop
  // has ended: then nothing would ever run it.
  bool Post(std::function<void()> work);
  // The same, but never at once.
  bool Later(std::function<void()> work);
  bool InLoop() const { return std::this_thread::get_id() == thread_; }

  // The rest on the loop's thread, or before Run().

  // For input. Held until it leaves.
  void Enter(int fd, std::shared_ptr<HttpWatcher> watcher, bool edge_triggered);
  // For output too, edge-triggered, once a socket was full: nearly none ever is, and each event
  // costs a round.
  void WatchOutput(int fd, HttpWatcher* watcher);
  // The watcher lives until the present round of events is over.
  void Leave(HttpWatcher* watcher);
  // Within 50 ms after `when`; max() for never.
  void SetDeadline(HttpWatcher* watcher, HttpTime when);
  // As of the present round of events.
  HttpTime now() const { return now_; }

  // Takes the descriptor of a watcher out for a while, and in again (level-triggered).
  void Unwatch(int fd);
  void Watch(int fd, HttpWatcher* watcher);

  // Tells every watcher, now and later ones when they enter. Who is still there after `grace` is
  // aborted.
  void BeginStop(std::chrono::steady_clock::duration grace);

 private:
  void RunPosted();
  void Sweep();
  std::vector<std::shared_ptr<HttpWatcher>> Watchers() const;

  const int epoll_, wake_;  // wake_: an eventfd
  std::atomic<std::thread::id> thread_{};
  HttpTime now_, next_sweep_ = HttpTime::max(), last_sweep_{};
  std::unordered_map<HttpWatcher*, std::shared_ptr<HttpWatcher>> watchers_;
  std::vector<std::shared_ptr<HttpWatcher>> leaving_;
  bool stopping_ = false;
  HttpTime abort_at_ = HttpTime::max();

  std::mutex mutex_;  // over what follows
  std::vector<std::function<void()>> posted_;
  bool ended_ = false;
};

}  // namespace dray::runtime
