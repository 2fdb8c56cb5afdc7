#include "dray/runtime/elector.h"

#include <glog/logging.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "dray/runtime/metrics.h"
#include "dray/runtime/pki.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;

constexpr Duration kHealthSlack = 20s;  // controller-runtime's adaptor
// A follower's watch ends by itself after this; one that is still silent some time later is dead.
constexpr auto kWatch = 300s;
constexpr Duration kSilence = 30s;
// A follower reads the Lease so often, so that there is an open connection when it is to be taken:
// a new one takes longer than all the rest of a takeover, and clients close idle ones after half a
// minute.
constexpr Duration kKeepWarm = 20s;

}  // namespace

struct Elector::State {
  State(Client client, ElectionConfig config, Callbacks callbacks)
      : client(std::move(client)), config(std::move(config)), callbacks(std::move(callbacks)) {
    ShowLeading(false);
  }

  Status Acquire(const Context& ctx);
  Status Lead(const Context& ctx);
  void Follow(const Context& ctx);
  Status Renew(const Context& ctx);
  void Release(Clock& clock);
  Result<bool> Try(const Context& ctx);
  Status Write(const Context& ctx, const Move& move, const std::optional<api::Lease>& base);
  void Observe(std::optional<api::Lease> lease, SteadyTime seen_at);
  void SetLeading(bool on, SteadyTime now);

  void ShowLeading(bool on) {
    ProcessMetrics().Set(
        "leader_election_master_status",
        "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 "
        "indicates master. 'name' is the string used to identify the lease.",
        {{"name", config.lease.name}}, on ? 1 : 0);
  }
  // The coordinator wants somebody else, and the Lease is still ours to give.
  bool EndOfTerm() const {
    std::lock_guard lock(mutex);
    return config.coordinated && view.lease &&
           view.lease->spec.holder_identity == config.identity &&
           view.lease->spec.preferred_holder.value_or("") != "";
  }
  Duration RequestTimeout() const { return std::max<Duration>(1s, config.renew_deadline / 2); }

  Client client;
  const ElectionConfig config;
  const Callbacks callbacks;

  mutable std::mutex mutex;
  std::condition_variable_any changed;
  LeaseView view;         // as last read or written
  uint64_t version = 0;   // counts the changes of `view`
  bool known = false;     // the server has been heard at least once
  std::string announced;  // to on_new_leader
  bool leading = false;
  bool tried = false;  // a write was sent: without an answer it may be ours
  bool work_ended = false;
  SteadyTime renewed_at{};  // before the last successful write was sent
};

void Elector::State::Observe(std::optional<api::Lease> lease, SteadyTime seen_at) {
  std::string holder = lease ? lease->spec.holder_identity.value_or("") : "";
  bool announce = false;
  {
    std::lock_guard lock(mutex);
    known = true;
    ++version;
    // The record alone proves life: a label set by someone else does not extend a lease.
    const bool same =
        lease.has_value() == view.lease.has_value() && (!lease || lease->spec == view.lease->spec);
    if (!same) view.seen_at = seen_at;
    view.lease = std::move(lease);
    if (holder != announced) {
      announced = holder;
      announce = !holder.empty();
    }
  }
  changed.notify_all();
  if (announce && callbacks.on_new_leader) callbacks.on_new_leader(holder);
}

void Elector::State::SetLeading(bool on, SteadyTime now) {
  {
    std::lock_guard lock(mutex);
    leading = on;
    work_ended = false;
    renewed_at = now;
  }
  ShowLeading(on);
}

Status Elector::State::Write(const Context& ctx, const Move& move,
                             const std::optional<api::Lease>& base) {
  const SteadyTime sent_at = ctx.clock().Steady();
  {
    std::lock_guard lock(mutex);
    tried = true;
  }
  Result<api::Lease> written = [&]() -> Result<api::Lease> {
    if (move.kind == Move::Kind::kCreate) {
      api::Lease lease;
      lease.metadata.namespace_ = config.lease.namespace_;
      lease.metadata.name = config.lease.name;
      lease.metadata.labels["app.kubernetes.io/managed-by"] = "dray";
      lease.spec = move.record;
      return client.Create(ctx, lease);
    }
    api::Lease lease = *base;
    lease.spec = move.record;
    return client.Update(ctx, lease);
  }();
  if (!written.ok()) return written.status();
  Observe(*std::move(written), sent_at);
  std::lock_guard lock(mutex);
  renewed_at = sent_at;
  return {};
}

// One attempt to hold the Lease, as in client-go: with what we know, then with what the server
// says. False: somebody else holds it.
Result<bool> Elector::State::Try(const Context& ctx) {
  const Context limited = ctx.WithTimeout(RequestTimeout());
  Clock& clock = ctx.clock();
  LeaseView seen;
  bool lead = false;
  {
    std::lock_guard lock(mutex);
    seen = view;
    lead = leading;
  }
  // With what we know: our own last write, or what the watch has just told. The resource version
  // guards both, and a released lease is taken with one call.
  if (seen.lease) {
    const Move move = NextMove(seen, clock.Steady(), clock.Now(), config);
    if (move.kind == Move::Kind::kRenew || (move.kind == Move::Kind::kTake && !lead)) {
      Status status = Write(limited, move, seen.lease);
      if (status.ok()) return true;
      VLOG(1) << "lease " << config.lease.ToString() << ": " << status << "; asking the server";
      if (lead)
        ProcessMetrics().Add("leader_election_slowpath_total",
                             "Total number of slow path exercised in renewing leader leases. "
                             "'name' is the string used "
                             "to identify the lease.",
                             {{"name", config.lease.name}});
      if (ctx.expired() || ctx.stopped()) return status;
    }
  }
  const Context again = ctx.WithTimeout(RequestTimeout());
  Result<api::Lease> fetched = client.Get<api::Lease>(again, config.lease);
  if (!fetched.ok() && !fetched.Is(Reason::kNotFound)) return fetched.status();
  Observe(fetched.ok() ? std::optional<api::Lease>(*std::move(fetched)) : std::nullopt,
          clock.Steady());
  {
    std::lock_guard lock(mutex);
    seen = view;
  }
  const Move move = NextMove(seen, clock.Steady(), clock.Now(), config);
  if (move.kind == Move::Kind::kWait) return false;
  DRAY_RETURN_IF_ERROR(Write(again, move, seen.lease));
  return true;
}

// Keeps `view` as the server has it, until stopped.
void Elector::State::Follow(const Context& ctx) {
  const api::KindInfo& kind = api::KindOf<api::Lease>::value;
  ListOptions options;
  options.namespace_ = config.lease.namespace_;
  options.field_selector = "metadata.name=" + config.lease.name;
  options.timeout_seconds = kWatch.count();
  while (!ctx.stopped()) {
    const SteadyTime began = ctx.clock().Steady();
    Result<api::Lease> lease =
        client.Get<api::Lease>(ctx.WithTimeout(RequestTimeout()), config.lease);
    if (lease.ok() || lease.Is(Reason::kNotFound)) {
      Observe(lease.ok() ? std::optional<api::Lease>(*std::move(lease)) : std::nullopt,
              ctx.clock().Steady());
      // Without a resource version the watch begins with what is there: nothing is missed after the
      // read above, and an old Lease does not make it expire.
      Status ended = client.WatchRaw(
          ctx.WithTimeout(kWatch + kSilence), kind, options, false, [&](std::string_view line) {
            Result<api::WatchEvent<api::Lease>> event = api::DecodeWatchEvent<api::Lease>(line);
            if (!event.ok()) return false;
            switch (event->type) {
              case api::WatchEventType::kAdded:
              case api::WatchEventType::kModified:
                Observe(std::move(event->object), ctx.clock().Steady());
                return true;
              case api::WatchEventType::kDeleted:
                Observe(std::nullopt, ctx.clock().Steady());
                return true;
              case api::WatchEventType::kBookmark:
                return true;
              case api::WatchEventType::kError:
                return false;
            }
            return true;
          });
      if (ended.ok() && ctx.clock().Steady() - began >= config.retry_period) continue;
      VLOG(1) << "watch of lease " << config.lease.ToString() << ": " << ended;
    } else {
      LOG(WARNING) << "lease " << config.lease.ToString() << ": " << lease.status();
    }
    (void)ctx.Sleep(config.retry_period);  // a stop is seen by the loop
  }
}

Status Elector::State::Acquire(const Context& ctx) {
  std::stop_source stop_following;
  std::jthread follower([&, token = stop_following.get_token()] { Follow(ctx.WithStop(token)); });
  std::stop_callback link(ctx.stop(), [&] { stop_following.request_stop(); });
  struct StopAtEnd {
    std::stop_source& source;
    ~StopAtEnd() { source.request_stop(); }
  } stop_at_end{stop_following};

  Clock& clock = ctx.clock();
  SteadyTime cold_at = clock.Steady() + 1s;  // the watch has taken the first connection
  while (true) {
    bool cold = false;
    {
      std::unique_lock lock(mutex);
      while (true) {
        if (ctx.stopped()) return ctx.Check();
        const uint64_t seen_version = version;
        Move move;
        move.kind = Move::Kind::kWait;
        move.wake_at = SteadyTime::max();
        if (known) move = NextMove(view, clock.Steady(), clock.Now(), config);
        if (move.kind != Move::Kind::kWait) break;
        if (cold = clock.Steady() >= cold_at; cold) break;
        clock.WaitUntil(lock, changed, std::min(move.wake_at, cold_at), ctx.stop(),
                        [&] { return version != seen_version; });
      }
    }
    if (cold) {
      cold_at = clock.Steady() + kKeepWarm;
      // What it says may be older than what the watch has told meanwhile: not looked at.
      (void)client.Get<api::Lease>(ctx.WithTimeout(RequestTimeout()), config.lease);
      continue;
    }
    Result<bool> held = Try(ctx);
    if (held.ok() && *held) {
      SetLeading(true, renewed_at);
      return {};
    }
    if (ctx.stopped()) return ctx.Check();
    // Somebody was faster: the next read says who.
    if (held.Is(Reason::kConflict) || held.Is(Reason::kAlreadyExists)) continue;
    if (!held.ok()) {
      LOG(WARNING) << "lease " << config.lease.ToString() << ": " << held.status();
      DRAY_RETURN_IF_ERROR(ctx.Sleep(config.retry_period));
    }
  }
}

// Renews until the context is stopped, the work ends, or the deadline passes.
Status Elector::State::Renew(const Context& ctx) {
  Clock& clock = ctx.clock();
  while (true) {
    SteadyTime last;
    {
      std::unique_lock lock(mutex);
      last = renewed_at;
      clock.WaitUntil(lock, changed, last + config.retry_period, ctx.stop(),
                      [&] { return work_ended; });
      if (work_ended || ctx.stopped()) return {};
    }
    Context limited = ctx.WithTimeout(last + config.renew_deadline - clock.Steady());
    while (true) {
      Result<bool> held = Try(limited);
      if (held.ok() && *held) break;
      if (ctx.stopped()) return {};
      if (held.ok()) {
        const bool asked_to = EndOfTerm();
        std::lock_guard lock(mutex);
        if (asked_to)
          return Status(Reason::kUnavailable, "gives the lease " + config.lease.ToString() +
                                                  " up: the coordinator prefers " +
                                                  *view.lease->spec.preferred_holder);
        return Status(
            Reason::kUnavailable,
            "lost the lease " + config.lease.ToString() + " to " +
                (view.lease ? view.lease->spec.holder_identity.value_or("nobody") : "nobody"));
      }
      LOG(WARNING) << "lease " << config.lease.ToString() << " not renewed: " << held.status();
      if (limited.expired() || !limited.Sleep(config.retry_period).ok()) {
        if (ctx.stopped()) return {};
        return Status(Reason::kUnavailable,
                      "lost the lease " + config.lease.ToString() +
                          ": not renewed in time: " + held.status().message());
      }
    }
  }
}

Status Elector::State::Lead(const Context& ctx) {
  LOG(INFO) << config.identity << " became leader";
  std::stop_source stop_work;
  std::stop_callback link(ctx.stop(), [&] { stop_work.request_stop(); });
  std::jthread work([this, working = ctx.WithStop(stop_work.get_token())] {
    callbacks.on_started_leading(working);
    {
      std::lock_guard lock(mutex);
      work_ended = true;
    }
    changed.notify_all();
  });
  Status lost = Renew(ctx);
  stop_work.request_stop();
  work.join();  // nothing of ours writes any more when the next leader begins
  const bool stopped = ctx.stopped();
  // The coordinator's next leader can begin now that our work has stopped.
  const bool asked_to = !lost.ok() && EndOfTerm();
  SetLeading(false, SteadyTime{});  // before anybody else can be the leader
  if ((lost.ok() || asked_to) && config.release_on_stop) Release(ctx.clock());
  LOG(INFO) << config.identity << " stopped leading";
  if (!lost.ok()) return lost;
  if (!stopped) return Status(Reason::kInternal, "the leader's work has ended by itself");
  return {};
}

// The stop that ends us must not cut this off: a context of its own.
void Elector::State::Release(Clock& clock) {
  const Context ctx = Context(clock, std::stop_token())
                          .WithTimeout(std::min<Duration>(config.renew_deadline / 2, 5s));
  std::optional<api::Lease> known_as;  // as we wrote it last
  {
    std::lock_guard lock(mutex);
    known_as = view.lease;
  }
  auto ours = [&](const std::optional<api::Lease>& lease) {
    return lease && lease->spec.holder_identity.value_or("") == config.identity;
  };
  for (int tries = 0; tries < 3; ++tries) {
    // What we know may be late: news of the holder before us, a write of ours without an answer.
    // Only the server's word is enough to leave the Lease alone.
    Result<api::Lease> lease = tries == 0 && ours(known_as)
                                   ? Result<api::Lease>(*known_as)
                                   : client.Get<api::Lease>(ctx, config.lease);
    if (!lease.ok()) {
      LOG(WARNING) << "lease " << config.lease.ToString() << " not released: " << lease.status();
      return;
    }
    if (!ours(*lease)) return;
    lease->spec.holder_identity = "";
    lease->spec.lease_duration_seconds = 1;
    lease->spec.acquire_time = lease->spec.renew_time = api::ToMicroTime(clock.Now());
    Result<api::Lease> released = client.Update(ctx, *lease);
    if (released.ok()) return Observe(*std::move(released), clock.Steady());
    if (!released.Is(Reason::kConflict)) {
      LOG(WARNING) << "lease " << config.lease.ToString() << " not released: " << released.status();
      return;
    }
  }
}

Elector::Elector(Client client, ElectionConfig config, Callbacks callbacks)
    : state_(std::make_unique<State>(std::move(client), std::move(config), std::move(callbacks))) {}
Elector::~Elector() = default;

Status Elector::Run(const Context& ctx) {
  DRAY_RETURN_IF_ERROR(state_->config.Validate());
  Status acquired = state_->Acquire(ctx);
  if (!acquired.ok()) {
    if (!ctx.stopped()) return acquired;
    // A stop between the write and its answer may have left the Lease in our name.
    bool maybe = false;
    {
      std::lock_guard lock(state_->mutex);
      maybe = state_->tried ||
              (state_->view.lease &&
               state_->view.lease->spec.holder_identity.value_or("") == state_->config.identity);
    }
    if (maybe && state_->config.release_on_stop) state_->Release(ctx.clock());
    return {};
  }
  return state_->Lead(ctx);
}

SteadyTime Elector::LeadsUntil() const {
  std::lock_guard lock(state_->mutex);
  return state_->leading ? state_->renewed_at + state_->config.renew_deadline : SteadyTime::min();
}

int32_t Elector::term() const {
  std::lock_guard lock(state_->mutex);
  return state_->view.lease ? state_->view.lease->spec.lease_transitions.value_or(0) : 0;
}

Status Elector::Healthy(const Clock& clock) const {
  std::lock_guard lock(state_->mutex);
  if (!state_->leading) return {};
  const Duration silent = clock.Steady() - state_->renewed_at;
  if (silent <= state_->config.lease_duration + kHealthSlack) return {};
  return Status(
      Reason::kInternal,
      "the lease " + state_->config.lease.ToString() + " was last renewed " +
          std::to_string(std::chrono::duration_cast<std::chrono::seconds>(silent).count()) +
          " s ago");
}

std::string NewIdentity() {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return std::string(host) + "_" + NewUuid();
}

}  // namespace dray::runtime
