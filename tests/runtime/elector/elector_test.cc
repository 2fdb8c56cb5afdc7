#include "dray/runtime/elector.h"

#include <thread>

#include "tests/runtime/elector/lease_server.h"
#include "tests/support/fake_clock.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::LeaseServer;

ElectionConfig ConfigOf(const std::string& identity) {
  ElectionConfig config;
  config.lease = {"ns", "lock"};
  config.identity = identity;
  return config;
}

// --- The pure step. ---

struct MoveCase {
  const char* name;
  std::optional<api::LeaseSpec> held;
  Duration since_seen;
  Move::Kind expected;
  int transitions;
};

api::LeaseSpec Held(const std::string& holder, int seconds, int transitions) {
  api::LeaseSpec spec;
  spec.holder_identity = holder;
  spec.lease_duration_seconds = seconds;
  spec.lease_transitions = transitions;
  spec.acquire_time = api::MicroTime(1s);
  spec.strategy = "OldestEmulationVersion";
  return spec;
}

TEST(NextMove, FollowsTheRulesOfClientGo) {
  const MoveCase cases[] = {
      {"no lease: create", std::nullopt, 0s, Move::Kind::kCreate, 0},
      {"held by another, fresh: wait", Held("b", 15, 3), 14s, Move::Kind::kWait, 3},
      {"held by another, at its end: take", Held("b", 15, 3), 15s, Move::Kind::kTake, 4},
      {"the record's own duration counts, not ours", Held("b", 60, 3), 30s, Move::Kind::kWait, 3},
      {"released: take at once", Held("", 1, 3), 0s, Move::Kind::kTake, 4},
      {"ours: renew", Held("a", 15, 3), 100s, Move::Kind::kRenew, 3},
      {"no duration: lapsed",
       [] {
         auto s = Held("b", 1, 7);
         s.lease_duration_seconds.reset();
         return s;
       }(),
       0s, Move::Kind::kTake, 8},
  };
  const SteadyTime seen{1000s};
  const WallTime wall{5000s};
  for (const MoveCase& one : cases) {
    SCOPED_TRACE(one.name);
    LeaseView view;
    view.seen_at = seen;
    if (one.held) view.lease.emplace().spec = *one.held;
    const Move move = NextMove(view, seen + one.since_seen, wall, ConfigOf("a"));
    EXPECT_EQ(move.kind, one.expected);
    if (move.kind == Move::Kind::kWait) {
      EXPECT_EQ(move.wake_at, seen + std::chrono::seconds(*one.held->lease_duration_seconds));
      continue;
    }
    EXPECT_EQ(move.record.holder_identity, "a");
    EXPECT_EQ(move.record.lease_duration_seconds, 15);
    EXPECT_EQ(move.record.lease_transitions, one.transitions);
    EXPECT_EQ(move.record.renew_time, api::ToMicroTime(wall));
    EXPECT_EQ(move.record.acquire_time,
              move.kind == Move::Kind::kRenew ? api::MicroTime(1s) : api::ToMicroTime(wall));
    EXPECT_EQ(move.record.strategy, one.held ? one.held->strategy : std::nullopt);
  }
}

TEST(ElectionConfig, WhatCannotWorkIsRefusedInOneSentence) {
  auto with = [](auto change) {
    ElectionConfig config = ConfigOf("a");
    change(config);
    return config.Validate();
  };
  EXPECT_TRUE(with([](auto&) {}).ok());
  EXPECT_EQ(with([](auto& c) { c.identity = ""; }).message(),
            "leader election: the identity is empty; want a unique name of this replica");
  EXPECT_EQ(with([](auto& c) { c.lease_duration = 10s; }).message(),
            "leader election: lease duration 10000ms: want more than the renew deadline 10000ms");
  EXPECT_EQ(
      with([](auto& c) { c.retry_period = 9s; }).message(),
      "leader election: renew deadline 10000ms: want more than 1.2 times the retry period 9000ms");
  EXPECT_TRUE(with([](auto& c) { c.retry_period = 0s; }).Is(Reason::kInvalid));
  EXPECT_TRUE(with([](auto& c) {
                c.lease_duration = 900ms;
                c.renew_deadline = 500ms;
                c.retry_period = 100ms;
              }).Is(Reason::kInvalid));
}

// The record says whole seconds: that is how long the others wait.
TEST(ElectionConfig, ALeaseIsComparedAsItsRecordSaysIt) {
  ElectionConfig config = ConfigOf("a");
  config.retry_period = 500ms;
  config.renew_deadline = 1800ms;
  config.lease_duration = 1900ms;
  EXPECT_EQ(config.Validate().message(),
            "leader election: lease duration 1900ms: a Lease counts in whole seconds, others would "
            "wait 1000ms; want that to be more than the renew deadline 1800ms");
  config.lease_duration = 2900ms;
  EXPECT_TRUE(config.Validate().ok());
}

TEST(Identity, IsUniqueAndNamesTheHost) {
  const std::string one = NewIdentity(), other = NewIdentity();
  EXPECT_NE(one, other);
  const size_t mark = one.rfind('_');
  ASSERT_NE(mark, std::string::npos);
  EXPECT_EQ(one.size() - mark - 1, 36u);
}

// --- The loop. ---

// A process that competes.
class Replica {
 public:
  Replica(LeaseServer& server, FakeClock& clock, const std::string& identity, ElectionConfig config)
      : wire(std::make_shared<LeaseServer::Wire>(server)),
        clock_(clock),
        elector_(Client(wire), config,
                 {[this](const Context& ctx) { Work(ctx); },
                  [this](std::string_view leader) {
                    std::lock_guard lock(mutex_);
                    seen_.emplace_back(leader);
                  }}),
        thread_([this](std::stop_token stop) { outcome_ = elector_.Run(Context(clock_, stop)); }) {
    (void)identity;
  }
  Replica(LeaseServer& server, FakeClock& clock, const std::string& identity)
      : Replica(server, clock, identity, ConfigOf(identity)) {}

  Status Stop() {
    thread_.request_stop();
    thread_.join();
    return outcome_;
  }
  // The loop has ended by itself.
  Status Ended() {
    thread_.join();
    return outcome_;
  }
  bool AwaitWorking(bool working = true) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return working_ == working; });
  }
  bool working() {
    std::lock_guard lock(mutex_);
    return working_;
  }
  std::vector<std::string> seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  Elector& elector() { return elector_; }
  std::shared_ptr<LeaseServer::Wire> wire;

 private:
  void Work(const Context& ctx) {
    Set(true);
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, ctx.stop(), [] { return false; });
    Set(false);
  }
  void Set(bool working) {
    std::lock_guard lock(mutex_);
    working_ = working;
    changed_.notify_all();
  }
  FakeClock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool working_ = false;
  std::vector<std::string> seen_;
  Status outcome_;
  Elector elector_;
  std::jthread thread_;
};

// The leader waits for its next renewal; a follower's watch and its main loop both wait.
constexpr int kLeader = 1, kFollower = 2;

TEST(Elector, TheFirstLeadsAndRenews) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  EXPECT_EQ(server.holder(), "a");
  EXPECT_EQ((*server.lease())["spec"]["leaseTransitions"], 0);
  for (int i = 0; i < 5; ++i) {
    const int before = server.writes();
    ASSERT_TRUE(clock.AwaitWaiters(kLeader));
    clock.Advance(2s);
    ASSERT_TRUE(clock.AwaitWaiters(kLeader));
    EXPECT_EQ(server.writes(), before + 1);
  }
  EXPECT_EQ(a.elector().LeadsUntil(), clock.Steady() + 10s);
  EXPECT_EQ(a.seen(), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(a.Stop().ok());
  EXPECT_EQ(server.holder(), "");
  EXPECT_EQ((*server.lease())["spec"]["leaseDurationSeconds"], 1);
  EXPECT_EQ(a.elector().LeadsUntil(), SteadyTime::min());
}

TEST(Elector, AReleasedLeaseIsTakenWithoutWaiting) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  Replica b(server, clock, "b");
  ASSERT_TRUE(clock.AwaitWaiters(kLeader + kFollower));
  EXPECT_FALSE(b.working());
  EXPECT_EQ(b.seen(), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(a.Stop().ok());
  ASSERT_TRUE(b.AwaitWorking());  // the clock has not moved
  EXPECT_EQ(server.holder(), "b");
  EXPECT_EQ((*server.lease())["spec"]["leaseTransitions"], 1);
  EXPECT_EQ(b.seen(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(b.Stop().ok());
}

TEST(Elector, ALeaderThatIsCutOffStopsBeforeTheOthersBegin) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  Replica b(server, clock, "b");
  ASSERT_TRUE(clock.AwaitWaiters(kLeader + kFollower));
  a.wire->Cut(true);
  Duration passed{};
  while (a.working() && passed < 20s) {
    ASSERT_FALSE(b.working());
    clock.Advance(500ms);
    passed += 500ms;
    ASSERT_TRUE(clock.AwaitWaiters(kFollower));
    if (passed >= 10s) {
      ASSERT_TRUE(a.AwaitWorking(false));
    }
  }
  EXPECT_EQ(passed, 10s);  // the renew deadline, after the last renewal
  EXPECT_TRUE(a.Ended().Is(Reason::kUnavailable));
  EXPECT_FALSE(b.working());
  for (; !b.working() && passed < 16s; passed += 500ms) {
    clock.Advance(500ms);
    if (passed + 500ms >= 15s) {
      ASSERT_TRUE(b.AwaitWorking());
    }
  }
  EXPECT_EQ(passed, 15s);  // the lease duration, as b saw it
  EXPECT_EQ(server.holder(), "b");
  EXPECT_TRUE(b.Stop().ok());
}

TEST(Elector, ATakenLeaseEndsTheLeader) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  server.Put({{"holderIdentity", "z"}, {"leaseDurationSeconds", 15}, {"leaseTransitions", 9}});
  clock.Advance(2s);
  Status ended = a.Ended();
  EXPECT_TRUE(ended.Is(Reason::kUnavailable));
  EXPECT_EQ(ended.message(), "lost the lease ns/lock to z");
  EXPECT_FALSE(a.working());
  EXPECT_EQ(server.holder(), "z");  // not ours to release
}

TEST(Elector, ADeletedLeaseIsMadeAgain) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  server.Remove();
  clock.Advance(2s);
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  EXPECT_EQ(server.holder(), "a");
  EXPECT_TRUE(a.working());
  EXPECT_TRUE(a.Stop().ok());
}

// A label that somebody sets changes the resource version: the next renewal conflicts, reads and
// succeeds.
TEST(Elector, AForeignChangeOfMetadataCostsNothing) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  server.Put((*server.lease())["spec"]);
  clock.Advance(2s);
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  EXPECT_TRUE(a.working());
  EXPECT_EQ((*server.lease())["spec"]["leaseTransitions"], 0);
  EXPECT_TRUE(a.Stop().ok());
}

TEST(Elector, AnErrorIsRetriedNotHammered) {
  LeaseServer server;
  server.Refuse(403);
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(clock.AwaitWaiters(kFollower));
  EXPECT_FALSE(a.working());
  server.Refuse(0);
  clock.Advance(2s);
  ASSERT_TRUE(a.AwaitWorking());
  EXPECT_TRUE(a.Stop().ok());
}

TEST(Elector, HealthShowsAStuckRenewal) {
  LeaseServer server;
  FakeClock clock;
  ElectionConfig config = ConfigOf("a");
  Replica a(server, clock, "a", config);
  ASSERT_TRUE(a.AwaitWorking());
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  EXPECT_TRUE(a.elector().Healthy(clock).ok());
  FakeClock later;
  later.Advance(36s);
  EXPECT_FALSE(a.elector().Healthy(later).ok());
  EXPECT_TRUE(a.Stop().ok());
  EXPECT_TRUE(a.elector().Healthy(later).ok());
}

TEST(Elector, AStopWhileWaitingEndsAtOnceAndTouchesNothing) {
  LeaseServer server;
  server.Put({{"holderIdentity", "z"}, {"leaseDurationSeconds", 15}});
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(clock.AwaitWaiters(kFollower));
  EXPECT_TRUE(a.Stop().ok());
  EXPECT_EQ(server.writes(), 0);
  EXPECT_EQ(server.holder(), "z");
}

// A way to the server whose watch says nothing but `late`, and that when it is stopped.
class BadWire final : public Transport {
 public:
  explicit BadWire(LeaseServer& server) : wire_(server) {}
  Result<ApiResponse> Do(const Context& ctx, const ApiRequest& request) override {
    Result<ApiResponse> answer = wire_.Do(ctx, request);
    if (request.method == "GET" || !on_lost_answer) return answer;
    std::exchange(on_lost_answer, nullptr)();
    return Status(Reason::kUnavailable, "connection reset");
  }
  Status Watch(const Context& ctx, const ApiRequest&,
               const std::function<bool(std::string_view)>& on_line) override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    ctx.clock().WaitUntil(lock, never, ctx.deadline(), ctx.stop(), [] { return false; });
    if (!late.empty()) on_line(late);
    return ctx.Check();
  }
  std::function<void()> on_lost_answer;  // once, for the first write
  std::string late;

 private:
  LeaseServer::Wire wire_;
};

// The server has taken the write, and its answer was lost: a stop must not leave the Lease to
// lapse.
TEST(Elector, AStopAfterALostAnswerReleases) {
  for (const bool there : {false, true}) {
    LeaseServer server;
    if (there) server.Put({{"holderIdentity", ""}, {"leaseDurationSeconds", 1}});
    FakeClock clock;
    auto wire = std::make_shared<BadWire>(server);
    std::stop_source stop;
    wire->on_lost_answer = [&] { stop.request_stop(); };
    Elector elector(Client(wire), ConfigOf("a"), {[](const Context&) {}, nullptr});
    EXPECT_TRUE(elector.Run(Context(clock, stop.get_token())).ok());
    EXPECT_EQ(server.writes(), 2) << "taken and released";
    EXPECT_EQ(server.holder(), "");
  }
}

// What the follower still hears of the holder before us hides nothing.
TEST(Elector, NewsThatComeLateDoNotKeepTheLeaseFromBeingReleased) {
  LeaseServer server;
  server.Put({{"holderIdentity", "z"}, {"leaseDurationSeconds", 15}});
  auto wire = std::make_shared<BadWire>(server);
  wire->late = Json({{"type", "MODIFIED"}, {"object", *server.lease()}}).dump();
  server.Put({{"holderIdentity", ""}, {"leaseDurationSeconds", 1}});
  FakeClock clock;
  std::stop_source stop;
  Elector elector(Client(wire), ConfigOf("a"),
                  {[&](const Context&) { stop.request_stop(); }, nullptr});
  EXPECT_TRUE(elector.Run(Context(clock, stop.get_token())).ok());
  EXPECT_EQ((*server.lease())["spec"]["leaseTransitions"], 1);
  EXPECT_EQ(server.holder(), "");
}

// --- The fence. ---

// Answers everything, and remembers until when it might have taken.
class Answering final : public Transport {
 public:
  Result<ApiResponse> Do(const Context& ctx, const ApiRequest& request) override {
    calls.push_back(request.method);
    deadline = ctx.deadline();
    return ApiResponse{200, "{}", {}};
  }
  Status Watch(const Context&, const ApiRequest&,
               const std::function<bool(std::string_view)>&) override {
    calls.push_back("WATCH");
    return {};
  }
  std::vector<std::string> calls;
  SteadyTime deadline;
};

TEST(FenceWrites, LetsReadsThroughAndWritesInTime) {
  FakeClock clock;
  auto server = std::make_shared<Answering>();
  SteadyTime until = clock.Steady() + 10s;
  const std::shared_ptr<Transport> fenced = FenceWrites(server, [&] { return until; });
  const Context ctx(clock, {});
  ApiRequest write;
  write.method = "PATCH";
  EXPECT_TRUE(fenced->Do(ctx, write).ok());
  EXPECT_EQ(server->deadline, until) << "an answer after it would come too late";
  EXPECT_TRUE(fenced->Do(ctx.WithTimeout(1s), write).ok());
  EXPECT_EQ(server->deadline, clock.Steady() + 1s);
  clock.Advance(10s);
  EXPECT_TRUE(fenced->Do(ctx, write).Is(Reason::kCancelled));
  EXPECT_TRUE(fenced->Do(ctx, {}).ok());
  EXPECT_TRUE(fenced->Watch(ctx, {}, nullptr).ok());
  until += 10s;  // renewed
  EXPECT_TRUE(fenced->Do(ctx, write).ok());
  EXPECT_EQ(server->calls, (std::vector<std::string>{"PATCH", "PATCH", "GET", "WATCH", "PATCH"}));
}

// A follower's reads keep its connection open and change nothing.
TEST(Elector, AFollowerThatWaitsForLongIsStillAFollower) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  Replica b(server, clock, "b");
  for (int i = 0; i < 40; ++i) {  // 80 s
    ASSERT_TRUE(clock.AwaitWaiters(kLeader + kFollower));
    clock.Advance(2s);
  }
  ASSERT_TRUE(clock.AwaitWaiters(kLeader + kFollower));
  EXPECT_TRUE(a.working());
  EXPECT_FALSE(b.working());
  EXPECT_TRUE(a.Stop().ok());
  ASSERT_TRUE(b.AwaitWorking());
  EXPECT_EQ((*server.lease())["spec"]["leaseTransitions"], 1);
  EXPECT_TRUE(b.Stop().ok());
}

TEST(Elector, SaysUntilWhenItLeads) {
  LeaseServer server;
  FakeClock clock;
  Replica a(server, clock, "a");
  ASSERT_TRUE(a.AwaitWorking());
  EXPECT_EQ(a.elector().LeadsUntil(), clock.Steady() + 10s);
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  clock.Advance(2s);
  ASSERT_TRUE(clock.AwaitWaiters(kLeader));
  EXPECT_EQ(a.elector().LeadsUntil(), clock.Steady() + 10s);
  EXPECT_EQ(a.elector().term(), 0);
  EXPECT_TRUE(a.Stop().ok());
  EXPECT_EQ(a.elector().LeadsUntil(), SteadyTime::min());
}

}  // namespace
}  // namespace dray::runtime
