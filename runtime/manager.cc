#include "dray/runtime/manager.h"

#include <glog/logging.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace dray::runtime {
namespace {

constexpr std::array kStages = {Stage::kServers, Stage::kCaches, Stage::kEveryone, Stage::kLeader};

}  // namespace

struct Manager::State {
  struct Running {
    Runnable runnable;
    bool ended = false;
    bool ready = false;
    std::jthread thread;  // last: joined before the rest goes
  };
  struct Group {
    std::stop_source stop;
    std::deque<Running> running;
  };

  Status Start(const Context& ctx, Stage stage, const std::stop_token& failing);
  void Stop(Clock& clock, Stage stage, Duration grace);
  Group& Of(Stage stage) { return groups[static_cast<size_t>(stage)]; }

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  std::array<Group, kStages.size()> groups;
  Status failure;           // of the first that failed
  std::stop_source failed;  // ends what start-up waits for
  bool started = false;
};

// Runs the stage's runnables and waits until each is ready.
Status Manager::State::Start(const Context& ctx, Stage stage, const std::stop_token& failing) {
  Group& group = Of(stage);
  for (Running& one : group.running) {
    one.thread = std::jthread([this, &one, own = ctx.WithStop(group.stop.get_token())] {
      Status status = one.runnable.run(own);
      {
        std::lock_guard lock(mutex);
        one.ended = true;
        if (!status.ok() && !own.stopped() && failure.ok()) {
          failure = status.Wrapped(one.runnable.name);
          failed.request_stop();
        }
      }
      changed.notify_all();
    });
  }
  for (Running& one : group.running) {
    if (one.runnable.ready) {
      Status status = one.runnable.ready(ctx.WithStop(failing));
      if (!status.ok()) {
        std::lock_guard lock(mutex);
        if (failure.ok() && !failing.stop_requested()) failure = status.Wrapped(one.runnable.name);
        return status;
      }
    }
    std::lock_guard lock(mutex);
    one.ready = true;
  }
  return {};
}

void Manager::State::Stop(Clock& clock, Stage stage, Duration grace) {
  Group& group = Of(stage);
  group.stop.request_stop();
  {
    std::unique_lock lock(mutex);
    auto all_ended = [&] {
      for (const Running& one : group.running)
        if (one.thread.joinable() && !one.ended) return false;
      return true;
    };
    if (!clock.WaitUntil(lock, changed, clock.Steady() + grace, std::stop_token(), all_ended))
      for (const Running& one : group.running)
        if (one.thread.joinable() && !one.ended)
          LOG(ERROR) << one.runnable.name << " has not stopped after "
                     << std::chrono::duration_cast<std::chrono::milliseconds>(grace).count()
                     << " ms; still waiting for it";
  }
  for (Running& one : group.running)
    if (one.thread.joinable()) one.thread.join();
}

Manager::Manager() : state_(std::make_unique<State>()) {}
Manager::~Manager() = default;

void Manager::Add(Stage stage, Runnable runnable) {
  std::lock_guard lock(state_->mutex);
  CHECK(!state_->started) << "Add(" << runnable.name << ") after Run";
  state_->Of(stage).running.emplace_back().runnable = std::move(runnable);
}

Status Manager::Run(const Context& ctx, Duration grace) {
  State& s = *state_;
  {
    std::lock_guard lock(s.mutex);
    CHECK(!s.started) << "Run called twice";
    s.started = true;
  }
  std::stop_callback link(ctx.stop(), [&] { s.failed.request_stop(); });
  const std::stop_token failing = s.failed.get_token();

  size_t begun = 0;
  bool up = true;
  for (; begun < kStages.size() && up && !failing.stop_requested(); ++begun)
    up = s.Start(ctx, kStages[begun], failing).ok();
  if (up) {
    std::unique_lock lock(s.mutex);
    ctx.clock().WaitUntil(lock, s.changed, ctx.deadline(), failing,
                          [&] { return !s.failure.ok(); });
  }
  while (begun > 0) s.Stop(ctx.clock(), kStages[--begun], grace);
  std::lock_guard lock(s.mutex);
  return s.failure;
}

bool Manager::Ready() const {
  return Waiting().empty();
}

std::string Manager::Waiting() const {
  std::lock_guard lock(state_->mutex);
  std::string names;
  for (Stage stage : {Stage::kServers, Stage::kCaches, Stage::kEveryone})
    for (const State::Running& one : state_->Of(stage).running)
      if (!one.ready) names += (names.empty() ? "" : ", ") + one.runnable.name;
  return names;
}

}  // namespace dray::runtime
