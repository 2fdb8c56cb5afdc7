#include "dray/runtime/events.h"

#include <deque>
#include <nlohmann/json.hpp>
#include <thread>
#include <tuple>

#include "dray/base/log.h"

namespace dray::runtime {
namespace {

using std::chrono::seconds;

constexpr double kBurst = 25;
constexpr Duration kRefill = std::chrono::minutes(5);
constexpr size_t kMostQueued = 1000, kMostRemembered = 4096;
constexpr int kTries = 3;
constexpr Duration kBetweenTries = seconds(1), kPerTry = seconds(10), kFarewell = seconds(2);

struct Wanted {
  api::ObjectReference about;
  std::string type, reason, message;
  WallTime at;
};

// Equal events are one object whose count grows.
using Sameness =
    std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;
Sameness SamenessOf(const Wanted& wanted) {
  const api::ObjectReference& about = wanted.about;
  return {about.kind,
          about.namespace_ + "/" + about.name,
          about.uid + " " + about.field_path,
          wanted.type,
          wanted.reason,
          wanted.message};
}

}  // namespace

struct EventRecorder::State {
  struct Series {
    api::ObjectKey key;
    int32_t count = 0;
    WallTime last;
  };
  struct Allowance {
    double left = kBurst;
    SteadyTime as_of;
  };

  Client client;
  Clock& clock;
  const std::string component;

  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<Wanted> queue;                     // under mutex
  std::map<std::string, Allowance> allowances;  // under mutex; by object
  bool closing = false, drained = false;        // under mutex
  std::stop_source abort;

  std::map<Sameness, Series> sent;  // of the thread
  int64_t last_stamp = 0;           // of the thread
  std::jthread thread;

  State(Client c, Clock& k, std::string name)
      : client(std::move(c)), clock(k), component(std::move(name)) {}

  bool AllowedLocked(const api::ObjectReference& about) {
    SteadyTime now = clock.Steady();
    if (allowances.size() > kMostRemembered) allowances.clear();
    auto [found, fresh] = allowances.try_emplace(about.kind + "/" + about.namespace_ + "/" +
                                                 about.name + "/" + about.uid);
    Allowance& allowance = found->second;
    if (!fresh) {
      double refilled = std::chrono::duration<double>(now - allowance.as_of) /
                        std::chrono::duration<double>(kRefill);
      allowance.left = std::min(kBurst, allowance.left + refilled);
    }
    allowance.as_of = now;
    if (allowance.left < 1) return false;
    allowance.left -= 1;
    return true;
  }

  void Run() {
    while (true) {
      Wanted next;
      {
        std::unique_lock lock(mutex);
        clock.WaitUntil(lock, changed, SteadyTime::max(), abort.get_token(),
                        [this] { return closing || !queue.empty(); });
        if (queue.empty() || abort.stop_requested()) break;
        next = std::move(queue.front());
        queue.pop_front();
      }
      SendWithPatience(next);
    }
    std::lock_guard lock(mutex);
    drained = true;
    changed.notify_all();
  }

  void SendWithPatience(const Wanted& wanted) {
    const api::Event fresh =
        NewEvent(wanted);  // one name for all tries: a lost answer does not make a second event
    Status outcome;
    for (int tries = 1;; ++tries) {
      outcome = Send(Context(clock, abort.get_token()).WithTimeout(kPerTry), wanted, fresh);
      if (outcome.ok()) return;
      if (!Retryable(outcome) || tries == kTries) break;
      std::unique_lock lock(mutex);
      clock.WaitUntil(lock, changed, clock.Steady() + kBetweenTries, abort.get_token(),
                      [this] { return closing; });
      if (abort.stop_requested()) break;
    }
    LOG(WARNING) << "event " << wanted.reason << " about " << wanted.about.kind << " "
                 << wanted.about.name << " is lost: " << outcome;
  }

  Status Send(const Context& ctx, const Wanted& wanted, const api::Event& fresh) {
    Sameness same = SamenessOf(wanted);
    auto known = sent.find(same);
    if (known != sent.end()) {
      Series& series = known->second;
      Json patch = {{"count", series.count + 1},
                    {"lastTimestamp", api::FormatTime(api::ToTime(wanted.at))}};
      PatchOptions options;
      options.field_manager = component;
      Status patched = client
                           .PatchRaw(ctx, api::KindOf<api::Event>::value, series.key,
                                     PatchType::kMerge, patch.dump(), options)
                           .status();
      if (patched.ok()) {
        ++series.count;
        series.last = wanted.at;
      }
      if (!patched.Is(Reason::kNotFound)) return patched;
      sent.erase(known);  // it has expired: begin anew
    }
    Status created = client
                         .CreateRaw(ctx, api::KindOf<api::Event>::value, fresh.metadata.namespace_,
                                    api::Encode(fresh), false)
                         .status();
    // A POST that was repeated finds its first copy.
    if (!created.ok() && !created.Is(Reason::kAlreadyExists)) return created;
    if (sent.size() >= kMostRemembered) {
      auto oldest = std::min_element(sent.begin(), sent.end(), [](const auto& a, const auto& b) {
        return a.second.last < b.second.last;
      });
      sent.erase(oldest);
    }
    sent[same] = {api::KeyOf(fresh), 1, wanted.at};
    return Ok();
  }

  api::Event NewEvent(const Wanted& wanted) {
    // "<object>.<time in hex>", as client-go names them; never the same twice from one recorder.
    int64_t stamp =
        std::chrono::duration_cast<std::chrono::nanoseconds>(wanted.at.time_since_epoch()).count();
    last_stamp = std::max(stamp, last_stamp + 1);
    std::ostringstream name;
    name << wanted.about.name.substr(0, 230) << "." << std::hex << last_stamp;

    api::Event event;
    event.metadata.name = name.str();
    event.metadata.namespace_ =
        wanted.about.namespace_.empty() ? "default" : wanted.about.namespace_;
    event.involved_object = wanted.about;
    event.type = wanted.type;
    event.reason = wanted.reason;
    event.message = wanted.message.substr(0, 1024);
    event.source.component = component;
    event.reporting_component = component;
    event.first_timestamp = event.last_timestamp = api::ToTime(wanted.at);
    event.count = 1;
    return event;
  }
};

EventRecorder::EventRecorder(Client client, Clock& clock, std::string component)
    : state_(std::make_unique<State>(std::move(client), clock, std::move(component))) {
  state_->thread = std::jthread([state = state_.get()] { state->Run(); });
}

EventRecorder::~EventRecorder() {
  {
    std::unique_lock lock(state_->mutex);
    state_->closing = true;
    state_->changed.notify_all();
    state_->clock.WaitUntil(lock, state_->changed, state_->clock.Steady() + kFarewell, {},
                            [this] { return state_->drained; });
  }
  state_->abort.request_stop();
  state_->thread.join();
}

bool EventRecorder::Record(const api::ObjectReference& about, std::string_view type,
                           std::string_view reason, std::string_view message) {
  std::lock_guard lock(state_->mutex);
  if (state_->queue.size() >= kMostQueued || !state_->AllowedLocked(about)) {
    VLOG(1) << "event " << reason << " about " << about.kind << " " << about.name
            << " is left out: too many";
    return false;
  }
  state_->queue.push_back(
      {about, std::string(type), std::string(reason), std::string(message), state_->clock.Now()});
  state_->changed.notify_all();
  return true;
}

}  // namespace dray::runtime
