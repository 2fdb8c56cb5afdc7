#include "runtime/http_loop.h"

#include <glog/logging.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "dray/runtime/real_clock.h"

#include "dray/runtime/real_clock.h"

namespace dray::runtime {
namespace {

// Sweeps look at every connection: many deadlines in a row must not make that the loop's only work.
constexpr auto kSweepGap = std::chrono::milliseconds(50);

}  // namespace

HttpLoop::HttpLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(RealClock().Steady()) {
  PCHECK(epoll_ >= 0 && wake_ >= 0) << "no file descriptors for an event loop";
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  PCHECK(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);
}

HttpLoop::~HttpLoop() {
  close(wake_);
  close(epoll_);
}

void HttpLoop::Run() {
  thread_ = std::this_thread::get_id();
  std::array<epoll_event, 64> events;
  while (!stopping_ || !watchers_.empty()) {
    int timeout = -1;
    if (next_sweep_ != HttpTime::max()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(next_sweep_ - RealClock().Steady());
      timeout = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
    }
    const int ready = epoll_wait(epoll_, events.data(), events.size(), timeout);
    now_ = RealClock().Steady();
    bool woken = false;
    for (int i = 0; i < ready; ++i) {
      auto* watcher = static_cast<HttpWatcher*>(events[static_cast<size_t>(i)].data.ptr);
      woken = woken || watcher == nullptr;
      // One that left in this round is no longer to be called.
      if (watcher != nullptr && watchers_.contains(watcher))
        watcher->OnReady(events[static_cast<size_t>(i)].events);
    }
    if (woken) RunPosted();
    if (now_ >= next_sweep_) Sweep();
    leaving_.clear();
  }
  std::vector<std::function<void()>> dropped;
  std::lock_guard lock(mutex_);
  ended_ = true;
  thread_ = std::thread::id();
  dropped.swap(posted_);
}

bool HttpLoop::Post(std::function<void()> work) {
  if (InLoop()) {
    work();
    return true;
  }
  return Later(std::move(work));
}

bool HttpLoop::Later(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  if (ended_) return false;
  posted_.push_back(std::move(work));
  if (posted_.size() == 1) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);  // only full when set
  }
  return true;
}

void HttpLoop::RunPosted() {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> posted;
  {
    std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& work : posted) work();
}

void HttpLoop::Enter(int fd, std::shared_ptr<HttpWatcher> watcher, bool edge_triggered) {
  epoll_event event{};
  event.events = edge_triggered ? uint32_t{EPOLLIN | EPOLLRDHUP} | EPOLLET : EPOLLIN;
  event.data.ptr = watcher.get();
  HttpWatcher* entered = watcher.get();
  watchers_.emplace(entered, std::move(watcher));
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    PLOG(ERROR) << "cannot watch a connection";
    return entered->Abort();
  }
  if (stopping_) entered->Stop();
}

void HttpLoop::WatchOutput(int fd, HttpWatcher* watcher) {
  epoll_event event{};
  event.events = uint32_t{EPOLLIN | EPOLLOUT | EPOLLRDHUP} | EPOLLET;
  event.data.ptr = watcher;
  // Says at once whether there is room again.
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return;
  PLOG(ERROR) << "cannot watch a connection";
  watcher->Abort();
}

void HttpLoop::Leave(HttpWatcher* watcher) {
  auto found = watchers_.find(watcher);
  if (found == watchers_.end()) return;
  leaving_.push_back(std::move(found->second));
  watchers_.erase(found);
}

void HttpLoop::SetDeadline(HttpWatcher* watcher, HttpTime when) {
  watcher->deadline_ = when;
  if (when < next_sweep_) next_sweep_ = std::max(when, last_sweep_ + kSweepGap);
}

void HttpLoop::Sweep() {
  last_sweep_ = now_;
  if (now_ >= abort_at_)
    for (const auto& watcher : Watchers()) watcher->Abort();
  HttpTime next = abort_at_;
  std::vector<HttpWatcher*> due;
  for (const auto& [watcher, held] : watchers_) {
    if (watcher->deadline_ <= now_)
      due.push_back(watcher);
    else
      next = std::min(next, watcher->deadline_);
  }
  next_sweep_ = next == HttpTime::max() ? next : std::max(next, now_ + kSweepGap);
  for (HttpWatcher* watcher : due) {
    if (!watchers_.contains(watcher)) continue;
    watcher->deadline_ = HttpTime::max();
    watcher->OnDeadline();
  }
}

std::vector<std::shared_ptr<HttpWatcher>> HttpLoop::Watchers() const {
  std::vector<std::shared_ptr<HttpWatcher>> all;
  for (const auto& [watcher, held] : watchers_) all.push_back(held);
  return all;
}

void HttpLoop::Unwatch(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void HttpLoop::Watch(int fd, HttpWatcher* watcher) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = watcher;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) PLOG(ERROR) << "cannot watch a socket";
}

void HttpLoop::BeginStop(std::chrono::steady_clock::duration grace) {
  stopping_ = true;
  abort_at_ = now_ + grace;
  next_sweep_ = std::min(next_sweep_, abort_at_);
  for (const auto& watcher : Watchers()) watcher->Stop();
}

}  // namespace dray::runtime
