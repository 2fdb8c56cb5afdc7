#include "devcluster/scheduler/scheduling_queue.h"

#include <algorithm>

namespace dray::devcluster {

void SchedulingQueue::EnterLocked(Items::iterator item) {
  const Item& one = item->second;
  switch (one.place) {
    case Place::kReady:
      ready_.emplace(std::pair(-int64_t{one.priority}, one.age), item);
      break;
    case Place::kBackingOff:
      due_.emplace(std::pair(one.due, one.age), item);
      break;
    case Place::kParked:
      if (one.wait.deadline) due_.emplace(std::pair(*one.wait.deadline, one.age), item);
      for (const api::ObjectKey& claim : one.wait.claims)
        waiting_for_[claim].emplace(one.age, item);
      break;
    case Place::kTaken:
      taken_.emplace(one.age, item);
      break;
  }
}

void SchedulingQueue::LeaveLocked(Items::iterator item) {
  const Item& one = item->second;
  switch (one.place) {
    case Place::kReady:
      ready_.erase({-int64_t{one.priority}, one.age});
      break;
    case Place::kBackingOff:
      due_.erase({one.due, one.age});
      break;
    case Place::kParked:
      if (one.wait.deadline) due_.erase({*one.wait.deadline, one.age});
      for (const api::ObjectKey& claim : one.wait.claims) {
        auto waiting = waiting_for_.find(claim);
        waiting->second.erase(one.age);
        if (waiting->second.empty()) waiting_for_.erase(waiting);
      }
      break;
    case Place::kTaken:
      taken_.erase(one.age);
      break;
  }
}

template <class F>
void SchedulingQueue::ChangeLocked(Items::iterator item, F change) {
  LeaveLocked(item);
  change(item->second);
  EnterLocked(item);
  changed_.notify_all();
}

void SchedulingQueue::EraseLocked(Items::iterator item) {
  LeaveLocked(item);
  items_.erase(item);
}

void SchedulingQueue::Add(const api::ObjectKey& pod, int32_t priority) {
  std::lock_guard lock(mutex_);
  auto [found, added] = items_.try_emplace(pod);
  if (added) {
    found->second.age = next_age_++;
    EnterLocked(found);
  }
  ChangeLocked(found, [&](Item& item) {
    item.priority = priority;
    item.removed = false;
    if (item.place == Place::kTaken)
      item.again = true;
    else
      item.place = Place::kReady;
  });
}

void SchedulingQueue::Remove(const api::ObjectKey& pod) {
  std::lock_guard lock(mutex_);
  auto found = items_.find(pod);
  if (found == items_.end()) return;
  if (found->second.place == Place::kTaken) {
    found->second.removed = true;
  } else {
    EraseLocked(found);
  }
}

void SchedulingQueue::Wake(Cause cause) {
  std::lock_guard lock(mutex_);
  for (auto& [age, item] : taken_) item->second.missed_causes |= cause;
  for (auto item = items_.begin(); item != items_.end(); ++item) {
    if (item->second.place == Place::kParked && (item->second.wait.causes & cause) != 0)
      WakeLocked(item);
  }
}

void SchedulingQueue::WakeFor(const api::ObjectKey& claim) {
  std::lock_guard lock(mutex_);
  for (auto& [age, item] : taken_) item->second.missed_claims.insert(claim);
  auto found = waiting_for_.find(claim);
  if (found == waiting_for_.end()) return;
  // Waking takes them out of the index.
  const std::map<uint64_t, Items::iterator> waiting = found->second;
  for (const auto& [age, item] : waiting) WakeLocked(item);
}

Duration SchedulingQueue::BackOff(const Item& item) const {
  Duration wait = options_.first_back_off;
  for (int i = 1; i < item.attempts && wait < options_.longest_back_off; ++i) wait *= 2;
  return item.attempts == 0 ? Duration(0) : std::min(wait, options_.longest_back_off);
}

void SchedulingQueue::WakeLocked(Items::iterator item) {
  ChangeLocked(item, [&](Item& woken) {
    woken.due = woken.attempted + BackOff(woken);
    woken.place = woken.due <= clock_.Steady() ? Place::kReady : Place::kBackingOff;
  });
}

SteadyTime SchedulingQueue::NextDueLocked() const {
  return due_.empty() ? SteadyTime::max() : due_.begin()->first.first;
}

std::optional<api::ObjectKey> SchedulingQueue::Take(const Context& ctx) {
  std::unique_lock lock(mutex_);
  while (!ctx.stopped()) {
    while (NextDueLocked() <= clock_.Steady())
      ChangeLocked(due_.begin()->second, [](Item& item) { item.place = Place::kReady; });
    if (!ready_.empty()) {
      auto next = ready_.begin()->second;
      ChangeLocked(next, [](Item& item) {
        item.place = Place::kTaken;
        item.again = item.removed = false;
        item.missed_causes = 0;
        item.missed_claims.clear();
      });
      return next->first;
    }
    // What is woken into a back-off is due sooner than what is waited for now.
    const SteadyTime due = NextDueLocked();
    clock_.WaitUntil(lock, changed_, due, ctx.stop(),
                     [&] { return NextDueLocked() < due || !ready_.empty(); });
  }
  return std::nullopt;
}

void SchedulingQueue::Done(const api::ObjectKey& pod) {
  std::lock_guard lock(mutex_);
  auto found = items_.find(pod);
  if (found == items_.end()) return;
  if (found->second.again && !found->second.removed) {
    ChangeLocked(found, [](Item& item) { item.place = Place::kReady; });
  } else {
    EraseLocked(found);
  }
}

void SchedulingQueue::ParkLocked(const api::ObjectKey& pod, WaitFor wait, bool counts) {
  auto found = items_.find(pod);
  if (found == items_.end()) return;
  if (found->second.removed) return EraseLocked(found);
  bool missed = false;
  ChangeLocked(found, [&](Item& item) {
    if (counts) {
      ++item.attempts;
      item.attempted = clock_.Steady();
    }
    missed = (wait.causes & item.missed_causes) != 0;
    for (const api::ObjectKey& claim : item.missed_claims)
      missed = missed || wait.claims.contains(claim);
    item.wait = std::move(wait);
    item.place = item.again ? Place::kReady : Place::kParked;
  });
  if (missed && found->second.place == Place::kParked) WakeLocked(found);
}

void SchedulingQueue::Park(const api::ObjectKey& pod, WaitFor wait) {
  std::lock_guard lock(mutex_);
  ParkLocked(pod, std::move(wait), true);
}

void SchedulingQueue::Hold(const api::ObjectKey& pod, WaitFor wait) {
  std::lock_guard lock(mutex_);
  ParkLocked(pod, std::move(wait), false);
}

void SchedulingQueue::Retry(const api::ObjectKey& pod) {
  std::lock_guard lock(mutex_);
  ParkLocked(pod, {}, true);
  if (auto found = items_.find(pod);
      found != items_.end() && found->second.place == Place::kParked) {
    WakeLocked(found);
  }
}

size_t SchedulingQueue::size() const {
  std::lock_guard lock(mutex_);
  return items_.size();
}

size_t SchedulingQueue::parked() const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(items_.begin(), items_.end(), [](const auto& i) {
    return i.second.place == Place::kParked;
  }));
}

}  // namespace dray::devcluster
