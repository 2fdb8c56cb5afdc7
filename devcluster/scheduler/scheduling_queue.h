#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "dray/api/types/meta.h"
#include "dray/base/context.h"

namespace dray::devcluster {

// Changes of the cluster that may help Pods that could not be scheduled.
enum Cause : uint32_t {
  kNodesChanged = 1,    // a node came or offers something else
  kPodsGone = 2,        // resources were freed
  kDevicesChanged = 4,  // slices, classes, or an allocation that ended
};

// What a parked Pod waits for.
struct WaitFor {
  uint32_t causes = 0;
  std::set<api::ObjectKey> claims;     // a change of one of these
  std::optional<SteadyTime> deadline;  // and this time at the latest
};

struct SchedulingQueueOptions {
  Duration first_back_off = std::chrono::milliseconds(100);
  Duration longest_back_off = std::chrono::seconds(10);
};

// The Pods that wait to be scheduled, by priority and then age (kube-scheduler's queue: ready,
// backing off, parked). A Pod that could not be scheduled is parked until something happens that
// may help, and then tried again no sooner than its back-off since the last attempt; what happens
// during an attempt counts as well. Any thread.
class SchedulingQueue {
 public:
  SchedulingQueue(Clock& clock, SchedulingQueueOptions options = {})
      : clock_(clock), options_(options) {}

  // A Pod is new, or changed in a way that may let it be scheduled: tried at once.
  void Add(const api::ObjectKey& pod, int32_t priority);
  // Scheduled, or gone.
  void Remove(const api::ObjectKey& pod);

  void Wake(Cause cause);
  void WakeFor(const api::ObjectKey& claim);

  // Blocks for the next Pod; nothing when ctx is stopped. One of Done, Park, Hold and Retry
  // follows.
  std::optional<api::ObjectKey> Take(const Context& ctx);

  void Done(const api::ObjectKey& pod);                // scheduled, or nothing to schedule
  void Park(const api::ObjectKey& pod, WaitFor wait);  // an attempt failed
  void Hold(const api::ObjectKey& pod,
            WaitFor wait);                // could not be attempted: does not count as an attempt
  void Retry(const api::ObjectKey& pod);  // after its back-off, whatever happens

  size_t size() const;    // all that wait
  size_t parked() const;  // of them: for something to happen

 private:
  enum class Place { kReady, kBackingOff, kParked, kTaken };
  struct Item {
    int32_t priority = 0;
    uint64_t age = 0;
    Place place = Place::kReady;
    int attempts = 0;
    SteadyTime attempted{};
    SteadyTime due{};  // of kBackingOff
    WaitFor wait;      // of kParked
    // While taken:
    bool again = false, removed = false;
    uint32_t missed_causes = 0;
    std::set<api::ObjectKey> missed_claims;
  };
  using Items = std::map<api::ObjectKey, Item>;

  // Changes an item as `change(Item&)` says and lets the indexes follow.
  template <class F>
  void ChangeLocked(Items::iterator item, F change);
  void EnterLocked(Items::iterator item);
  void LeaveLocked(Items::iterator item);
  void EraseLocked(Items::iterator item);
  void WakeLocked(Items::iterator item);
  void ParkLocked(const api::ObjectKey& pod, WaitFor wait, bool counts);
  Duration BackOff(const Item& item) const;
  // When the next item stops waiting by itself.
  SteadyTime NextDueLocked() const;

  Clock& clock_;
  const SchedulingQueueOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Items items_;
  uint64_t next_age_ = 0;  // no two items have the same
  // Where the items are, so that nothing has to look through all of them but a cause that may
  // concern all.
  std::map<std::pair<int64_t, uint64_t>, Items::iterator> ready_;   // by -priority and age
  std::map<std::pair<SteadyTime, uint64_t>, Items::iterator> due_;  // backing off, or by a deadline
  std::map<api::ObjectKey, std::map<uint64_t, Items::iterator>> waiting_for_;  // parked, by claim
  std::map<uint64_t, Items::iterator> taken_;                                  // by age
};

}  // namespace dray::devcluster
