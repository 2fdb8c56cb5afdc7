#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "dray/api/types/meta.h"
#include "dray/base/context.h"
#include "dray/base/status.h"

namespace dray::runtime {

struct WorkQueueOptions {
  std::string name;  // label of the workqueue_* metrics, as controller-runtime names them
  Duration base_delay = std::chrono::milliseconds(5);
  Duration max_delay = std::chrono::seconds(1000);
  // Of all rate-limited adds together, beyond each key's own back-off: so many a second, after a
  // burst.
  double qps = 10;
  int burst = 100;
};

// A queue of keys (client-go's rules): at most one worker per key at a time; a key added while it
// is worked on is handed out again after; none is lost; duplicates merge. Any thread.
class WorkQueue {
 public:
  using Key = api::ObjectKey;

  WorkQueue(Clock& clock, WorkQueueOptions options);
  ~WorkQueue();

  void Add(const Key& key);
  void AddAfter(const Key& key, Duration delay);  // an earlier due time wins
  void AddRateLimited(const Key& key);  // exponential back-off per key, and the queue's own limit
  void Forget(const Key& key);          // resets the back-off

  // A key being worked on. Its destructor is Done(key).
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();
    const Key& key() const { return key_; }

   private:
    friend class WorkQueue;
    Ticket(WorkQueue* queue, Key key) : queue_(queue), key_(std::move(key)) {}
    WorkQueue* queue_;
    Key key_;
  };
  // Blocks for the next key; nothing when ctx is stopped.
  std::optional<Ticket> Take(const Context& ctx);

  size_t depth() const;  // waiting now, without delayed ones
  const std::string& name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What a reconcile asks for beyond "done".
struct Requeue {
  std::optional<Duration> after;
};

// Brings one object to where it should be. Level based: looks at the present state only. An error
// requeues with back-off.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  virtual Result<Requeue> Reconcile(const Context& ctx, const api::ObjectKey& key) = 0;
};

// Runs `workers` loops of Take + Reconcile until ctx is stopped; returns when all have ended.
// Conflicts are normal (V(1)); other errors are logged once per try and requeued rate-limited.
void RunWorkers(const Context& ctx, WorkQueue& queue, Reconciler& reconciler, int workers);

}  // namespace dray::runtime
