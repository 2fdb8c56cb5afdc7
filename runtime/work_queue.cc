#include "dray/runtime/work_queue.h"

#include <glog/logging.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <set>
#include <thread>

#include "dray/runtime/memory.h"
#include "dray/runtime/metrics.h"

namespace dray::runtime {
namespace {

// 10 ns to 1000 s, as controller-runtime.
const std::vector<double> kDurations = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3,
                                        1e-2, 1e-1, 1,    10,   100,  1000};

constexpr size_t kFlood = 10'000;

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

struct WorkQueue::State {
  State(Clock& clock, WorkQueueOptions options)
      : clock(clock), options(std::move(options)), labels{{"name", this->options.name}} {
    AddTo("workqueue_adds_total", "Total number of adds handled by workqueue", 0);
    AddTo("workqueue_retries_total", "Total number of retries handled by workqueue", 0);
    ShowDepth();
  }

  // Everything below with `mutex` held.

  void Add(const Key& key) {
    if (!dirty.emplace(key, clock.Steady()).second) return;
    AddTo("workqueue_adds_total", "Total number of adds handled by workqueue", 1);
    if (!processing.contains(key)) Push(key);
  }

  void Push(const Key& key) {
    queue.push_back(key);
    deepest = std::max(deepest, queue.size());
    ShowDepth();
    changed.notify_one();
  }

  void AddAt(const Key& key, SteadyTime due) {
    auto [place, fresh] = due_of.emplace(key, due);
    if (!fresh) {
      if (place->second <= due) return;
      by_due.erase({place->second, &place->first});
      place->second = due;
    }
    auto added = by_due.insert({due, &place->first}).first;  // before begin(), which it may change
    if (added == by_due.begin()) changed.notify_all();  // those who wait have the wrong deadline
  }

  void AddWhatIsDue() {
    SteadyTime now = clock.Steady();
    while (!by_due.empty() && by_due.begin()->first <= now) {
      const Key key = *by_due.begin()->second;
      by_due.erase(by_due.begin());
      due_of.erase(key);
      Add(key);
    }
  }

  SteadyTime NextDue() const { return by_due.empty() ? SteadyTime::max() : by_due.begin()->first; }

  void AddTo(const char* counter, const char* help, double by) {
    ProcessMetrics().Add(counter, help, labels, by);
  }
  void ShowDepth() {
    ProcessMetrics().Set("workqueue_depth", "Current depth of workqueue", labels,
                         static_cast<double>(queue.size()));
  }

  Clock& clock;
  const WorkQueueOptions options;
  const MetricLabels labels;

  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<Key> queue;                 // dirty and not processing, in the order of adding
  std::map<Key, SteadyTime> dirty;       // to be worked on, since when
  std::map<Key, SteadyTime> processing;  // being worked on, since when
  // Delayed. A leader may have one for every claim: the key is there once.
  using Due = std::pair<SteadyTime, const Key*>;
  struct Sooner {
    bool operator()(const Due& a, const Due& b) const {
      return a.first != b.first ? a.first < b.first : *a.second < *b.second;
    }
  };
  std::map<Key, SteadyTime> due_of;
  std::set<Due, Sooner> by_due;
  std::map<Key, int> failures;
  SteadyTime full_at;
  size_t deepest = 0;  // since it was last empty
};

WorkQueue::WorkQueue(Clock& clock, WorkQueueOptions options)
    : state_(std::make_unique<State>(clock, std::move(options))) {}
WorkQueue::~WorkQueue() = default;

void WorkQueue::Add(const Key& key) {
  std::lock_guard lock(state_->mutex);
  state_->Add(key);
}

void WorkQueue::AddAfter(const Key& key, Duration delay) {
  std::lock_guard lock(state_->mutex);
  state_->AddTo("workqueue_retries_total", "Total number of retries handled by workqueue", 1);
  if (delay <= Duration::zero()) return state_->Add(key);
  state_->AddAt(key, state_->clock.Steady() + delay);
}

void WorkQueue::AddRateLimited(const Key& key) {
  Duration delay;
  {
    std::lock_guard lock(state_->mutex);
    int& failures = state_->failures[key];
    double wanted = std::ldexp(static_cast<double>(state_->options.base_delay.count()), failures);
    double limit = static_cast<double>(state_->options.max_delay.count());
    delay = Duration(static_cast<Duration::rep>(std::min(wanted, limit)));
    if (wanted < limit) ++failures;
    // A token bucket of the whole queue: when the last token taken will have been refilled.
    const auto one = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(1 / state_->options.qps));
    const SteadyTime now = state_->clock.Steady();
    state_->full_at = std::max(state_->full_at, now) + one;
    delay = std::max<Duration>(delay, state_->full_at - now - one * state_->options.burst);
  }
  AddAfter(key, delay);
}

void WorkQueue::Forget(const Key& key) {
  std::lock_guard lock(state_->mutex);
  state_->failures.erase(key);
}

std::optional<WorkQueue::Ticket> WorkQueue::Take(const Context& ctx) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  while (true) {
    if (ctx.stopped()) {
      if (!s.queue.empty())
        s.changed.notify_one();  // the notification may have been for this thread
      return std::nullopt;
    }
    s.AddWhatIsDue();
    if (!s.queue.empty()) break;
    if (ctx.expired()) return std::nullopt;
    SteadyTime next = s.NextDue();
    s.clock.WaitUntil(lock, s.changed, std::min(next, ctx.deadline()), ctx.stop(),
                      [&] { return !s.queue.empty() || s.NextDue() < next; });
  }
  Key key = std::move(s.queue.front());
  s.queue.pop_front();
  SteadyTime now = s.clock.Steady();
  auto since = s.dirty.find(key);
  ProcessMetrics().Observe("workqueue_queue_duration_seconds",
                           "How long in seconds an item stays in workqueue before being requested",
                           s.labels, Seconds(now - since->second), kDurations);
  s.dirty.erase(since);
  s.processing.emplace(key, now);
  s.ShowDepth();
  const bool drained =
      s.queue.empty() && std::exchange(s.deepest, s.queue.empty() ? 0 : s.deepest) >= kFlood;
  if (drained) s.queue.shrink_to_fit();
  lock.unlock();
  if (drained)
    ReleaseMemory();  // a new leader's first look at everything: its memory is not needed again
  return Ticket(this, std::move(key));
}

size_t WorkQueue::depth() const {
  std::lock_guard lock(state_->mutex);
  return state_->queue.size();
}

const std::string& WorkQueue::name() const {
  return state_->options.name;
}

WorkQueue::Ticket::Ticket(Ticket&& other) noexcept
    : queue_(std::exchange(other.queue_, nullptr)), key_(std::move(other.key_)) {}

WorkQueue::Ticket::~Ticket() {
  if (queue_ == nullptr) return;
  State& s = *queue_->state_;
  std::lock_guard lock(s.mutex);
  auto since = s.processing.find(key_);
  ProcessMetrics().Observe("workqueue_work_duration_seconds",
                           "How long in seconds processing an item from workqueue takes", s.labels,
                           Seconds(s.clock.Steady() - since->second), kDurations);
  s.processing.erase(since);
  if (s.dirty.contains(key_)) s.Push(key_);
}

namespace {

constexpr char kReconciles[] = "controller_runtime_reconcile_total";
constexpr char kReconcilesHelp[] = "Total number of reconciliations per controller";

void Count(const std::string& controller, const Result<Requeue>& result, Duration took) {
  ProcessMetrics().Add(kReconciles, kReconcilesHelp,
                       {{"controller", controller},
                        {"result", !result.ok()    ? "error"
                                   : result->after ? "requeue_after"
                                                   : "success"}});
  if (!result.ok())
    ProcessMetrics().Add("controller_runtime_reconcile_errors_total",
                         "Total number of reconciliation errors per controller",
                         {{"controller", controller}});
  ProcessMetrics().Observe("controller_runtime_reconcile_time_seconds",
                           "Length of time per reconciliation per controller",
                           {{"controller", controller}}, Seconds(took));
}

void Work(const Context& ctx, WorkQueue& queue, Reconciler& reconciler) {
  while (std::optional<WorkQueue::Ticket> ticket = queue.Take(ctx)) {
    const api::ObjectKey& key = ticket->key();
    const SteadyTime began = ctx.clock().Steady();
    // Only a log that tells every retried request asks for a trace.
    Result<Requeue> result =
        reconciler.Reconcile(VLOG_IS_ON(1) ? ctx.WithTrace(key.ToString()) : ctx, key);
    Count(queue.name(), result, ctx.clock().Steady() - began);
    if (result.ok()) {
      queue.Forget(key);
      if (result->after) queue.AddAfter(key, *result->after);
      continue;
    }
    if (ctx.stopped()) return;
    if (result.Is(Reason::kConflict)) {
      VLOG(1) << key.ToString() << ": " << result.status();
    } else {
      LOG(WARNING) << key.ToString() << ": " << result.status();
    }
    queue.AddRateLimited(key);
  }
}

}  // namespace

void RunWorkers(const Context& ctx, WorkQueue& queue, Reconciler& reconciler, int workers) {
  for (const char* result : {"success", "requeue_after", "error"})
    ProcessMetrics().Add(kReconciles, kReconcilesHelp,
                         {{"controller", queue.name()}, {"result", result}}, 0);
  std::vector<std::jthread> others;
  for (int i = 1; i < workers; ++i) others.emplace_back([&] { Work(ctx, queue, reconciler); });
  Work(ctx, queue, reconciler);
}

}  // namespace dray::runtime
