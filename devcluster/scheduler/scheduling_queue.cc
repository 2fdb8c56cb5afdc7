#include "devcluster/scheduler/scheduling_queue.h"

#include <algorithm>

namespace dray::devcluster {

void SchedulingQueue::Add(const api::ObjectKey& pod, int32_t priority) {
  std::lock_guard lock(mutex_);
  auto [found, added] = items_.try_emplace(pod);
  Item& item = found->second;
  if (added) item.age = next_age_++;
  item.priority = priority;
  item.removed = false;
  if (item.place == Place::kTaken) {
    item.again = true;
  } else {
    item.place = Place::kReady;
    changed_.notify_all();
  }
}

void SchedulingQueue::Remove(const api::ObjectKey& pod) {
  std::lock_guard lock(mutex_);
  auto found = items_.find(pod);
  if (found == items_.end()) return;
  if (found->second.place == Place::kTaken) {
    found->second.removed = true;
  } else {
    items_.erase(found);
  }
}

void SchedulingQueue::Wake(Cause cause) {
  std::lock_guard lock(mutex_);
  for (auto& [pod, item] : items_) {
    if (item.place == Place::kTaken) item.missed_causes |= cause;
    if (item.place == Place::kParked && (item.wait.causes & cause) != 0) WakeLocked(item);
  }
}

void SchedulingQueue::WakeFor(const api::ObjectKey& claim) {
  std::lock_guard lock(mutex_);
  for (auto& [pod, item] : items_) {
    if (item.place == Place::kTaken) item.missed_claims.insert(claim);
    if (item.place == Place::kParked && item.wait.claims.contains(claim)) WakeLocked(item);
  }
}

Duration SchedulingQueue::BackOff(const Item& item) const {
  Duration wait = options_.first_back_off;
  for (int i = 1; i < item.attempts && wait < options_.longest_back_off; ++i) wait *= 2;
  return item.attempts == 0 ? Duration(0) : std::min(wait, options_.longest_back_off);
}

void SchedulingQueue::WakeLocked(Item& item) {
  item.due = item.attempted + BackOff(item);
  item.place = item.due <= clock_.Steady() ? Place::kReady : Place::kBackingOff;
  changed_.notify_all();
}

SchedulingQueue::Items::iterator SchedulingQueue::NextLocked(SteadyTime now) {
  auto next = items_.end();
  for (auto item = items_.begin(); item != items_.end(); ++item) {
    Item& candidate = item->second;
    if (candidate.place == Place::kBackingOff && candidate.due <= now)
      candidate.place = Place::kReady;
    if (candidate.place == Place::kParked && candidate.wait.deadline &&
        *candidate.wait.deadline <= now) {
      candidate.place = Place::kReady;
    }
    if (candidate.place != Place::kReady) continue;
    if (next == items_.end() || candidate.priority > next->second.priority ||
        (candidate.priority == next->second.priority && candidate.age < next->second.age)) {
      next = item;
    }
  }
  return next;
}

SteadyTime SchedulingQueue::NextDueLocked() const {
  SteadyTime due = SteadyTime::max();
  for (const auto& [pod, item] : items_) {
    if (item.place == Place::kBackingOff) due = std::min(due, item.due);
    if (item.place == Place::kParked && item.wait.deadline)
      due = std::min(due, *item.wait.deadline);
  }
  return due;
}

std::optional<api::ObjectKey> SchedulingQueue::Take(const Context& ctx) {
  std::unique_lock lock(mutex_);
  while (!ctx.stopped()) {
    auto next = NextLocked(clock_.Steady());
    if (next != items_.end()) {
      Item& item = next->second;
      item.place = Place::kTaken;
      item.again = item.removed = false;
      item.missed_causes = 0;
      item.missed_claims.clear();
      return next->first;
    }
    // What is woken into a back-off is due sooner than what is waited for now.
    const SteadyTime due = NextDueLocked();
    clock_.WaitUntil(lock, changed_, due, ctx.stop(), [&] {
      return NextDueLocked() < due || std::any_of(items_.begin(), items_.end(), [](const auto& i) {
               return i.second.place == Place::kReady;
             });
    });
  }
  return std::nullopt;
}

void SchedulingQueue::Done(const api::ObjectKey& pod) {
  std::lock_guard lock(mutex_);
  auto found = items_.find(pod);
  if (found == items_.end()) return;
  Item& item = found->second;
  if (item.again && !item.removed) {
    item.place = Place::kReady;
    changed_.notify_all();
  } else {
    items_.erase(found);
  }
}

void SchedulingQueue::ParkLocked(const api::ObjectKey& pod, WaitFor wait, bool counts) {
  auto found = items_.find(pod);
  if (found == items_.end()) return;
  Item& item = found->second;
  if (item.removed) {
    items_.erase(found);
    return;
  }
  if (counts) {
    ++item.attempts;
    item.attempted = clock_.Steady();
  }
  bool missed = (wait.causes & item.missed_causes) != 0;
  for (const api::ObjectKey& claim : item.missed_claims)
    missed = missed || wait.claims.contains(claim);
  item.wait = std::move(wait);
  item.place = Place::kParked;
  if (item.again) {
    item.place = Place::kReady;
    changed_.notify_all();
  } else if (missed) {
    WakeLocked(item);
  } else if (item.wait.deadline) {
    changed_.notify_all();
  }
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
    WakeLocked(found->second);
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
