// Coordinated leader election: the API server's coordinator says who leads; we offer ourselves,
// answer, renew, and give up when we are asked to.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "dray/api/types/coordination.h"
#include "dray/runtime/elector.h"
#include "dray/runtime/lease_candidate.h"
#include "tests/runtime/elector/lease_server.h"
#include "tests/support/fake_clock.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::LeaseServer;

constexpr char kStrategyName[] = "OldestEmulationVersion";

ElectionConfig CoordinatedConfig(const std::string& identity) {
  ElectionConfig config;
  config.lease = {"ns", "lock"};
  config.identity = identity;
  config.coordinated = true;
  return config;
}

// As the coordinator writes it: a holder, for five seconds, since nobody knows when.
Json Named(const std::string& holder, int transitions = 3) {
  return {{"holderIdentity", holder},
          {"leaseDurationSeconds", 5},
          {"leaseTransitions", transitions},
          {"renewTime", "2026-01-01T00:00:00.000000Z"},
          {"strategy", kStrategyName}};
}

TEST(CoordinatedMove, OnlyWhoIsNamedRenews) {
  struct Case {
    const char* name;
    std::optional<std::string> holder;
    const char* preferred;
    Duration since_seen;
    Move::Kind expected;
  };
  const Case cases[] = {
      {"no lease: the coordinator makes it", std::nullopt, "", 0s, Move::Kind::kWait},
      {"free: the coordinator gives it", "", "", 0s, Move::Kind::kWait},
      {"another's, lapsed: not ours to take", "b", "", 60s, Move::Kind::kWait},
      {"ours", "a", "", 4s, Move::Kind::kRenew},
      {"ours, lapsed: it may be given away by now", "a", "", 6s, Move::Kind::kWait},
      {"ours, and another is preferred: end of term", "a", "b", 1s, Move::Kind::kWait},
      {"ours, and we are preferred", "a", "a", 1s, Move::Kind::kRenew},
  };
  const SteadyTime seen{1000s};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    LeaseView view;
    view.seen_at = seen;
    if (one.holder) {
      api::LeaseSpec& spec = view.lease.emplace().spec;
      spec.holder_identity = *one.holder;
      spec.lease_duration_seconds = 5;
      spec.lease_transitions = 3;
      spec.strategy = kStrategyName;
      if (*one.preferred != 0) spec.preferred_holder = one.preferred;
    }
    Move move = NextMove(view, seen + one.since_seen, WallTime{5000s}, CoordinatedConfig("a"));
    EXPECT_EQ(move.kind, one.expected);
    if (move.kind == Move::Kind::kWait) continue;
    EXPECT_EQ(move.record.strategy, kStrategyName);
    EXPECT_EQ(move.record.lease_duration_seconds, 15);
    EXPECT_EQ(move.record.lease_transitions, 4) << "a term begins";
    EXPECT_EQ(move.record.acquire_time, api::MicroTime(5000s));
    view.lease->spec = move.record;
    move = NextMove(view, seen, WallTime{5002s}, CoordinatedConfig("a"));
    EXPECT_EQ(move.record.lease_transitions, 4) << "and goes on";
    EXPECT_EQ(move.record.acquire_time, api::MicroTime(5000s));
    EXPECT_EQ(move.record.renew_time, api::MicroTime(5002s));
  }
}

// One elector on a thread of its own.
class Running {
 public:
  Running(const std::string& identity, LeaseServer& server, Clock& clock)
      : wire(std::make_shared<LeaseServer::Wire>(server)),
        elector(Client(wire), CoordinatedConfig(identity),
                {[this](const Context& ctx) {
                   std::unique_lock lock(mutex);
                   working = true;
                   changed.notify_all();
                   ctx.clock().WaitUntil(lock, changed, SteadyTime::max(), ctx.stop(),
                                         [] { return false; });
                   working = false;
                   changed.notify_all();
                 },
                 nullptr}),
        thread([this, &clock](std::stop_token stop) {
          ended = elector.Run(Context(clock, stop));
          done = true;
        }) {}
  void AwaitWorking() {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, 30s, [&] { return working; }));
  }
  bool Works() {
    std::lock_guard lock(mutex);
    return working;
  }

  std::shared_ptr<LeaseServer::Wire> wire;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool working = false;
  Status ended;
  std::atomic<bool> done = false;
  Elector elector;
  std::jthread thread;
};

TEST(CoordinatedElector, LeadsWhenNamedAndGivesUpWhenAskedTo) {
  LeaseServer server;
  FakeClock clock;
  Running a("a", server, clock), b("b", server, clock);
  server.Put(Named("a"));
  a.AwaitWorking();
  EXPECT_EQ(server.holder(), "a");
  EXPECT_EQ((*server.lease())["spec"]["strategy"], kStrategyName);
  EXPECT_EQ((*server.lease())["spec"]["leaseTransitions"], 4);

  Json spec = (*server.lease())["spec"];
  spec["preferredHolder"] = "b";
  server.Put(spec);
  clock.Advance(2s);  // it renews, and finds out
  a.thread.join();
  EXPECT_EQ(server.holder(), "") << "released, for the coordinator to give away";
  EXPECT_EQ(a.ended.message(), "gives the lease ns/lock up: the coordinator prefers b");
  EXPECT_FALSE(b.Works());

  server.Put(Named("b"));
  b.AwaitWorking();
  b.thread.request_stop();
  b.thread.join();
  EXPECT_TRUE(b.ended.ok()) << b.ended;
  EXPECT_EQ(server.holder(), "");
}

TEST(CoordinatedElector, TakesNothingByItself) {
  LeaseServer server;
  FakeClock clock;
  {
    Running a("a", server, clock);
    ASSERT_TRUE(clock.AwaitWaiters(1));
    server.Put(Named("z"));
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(clock.AwaitWaiters(1));
      clock.Advance(10s);  // z is long dead
    }
    EXPECT_FALSE(a.Works());
    a.thread.request_stop();
    a.thread.join();
    EXPECT_TRUE(a.ended.ok()) << a.ended;
  }
  EXPECT_EQ(server.writes(), 0);
  EXPECT_EQ(server.holder(), "z");
}

// A coordinator that names candidates at random whenever the Lease is free or has lapsed, asks
// leaders to end their term, and networks that fall apart: never two that believe
// they may write.
TEST(CoordinatedElector, NeverTwoMayWriteAtATime) {
  int led = 0;
  for (uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    LeaseServer server;
    FakeClock clock;
    std::vector<std::unique_ptr<Running>> running;
    for (const char* name : {"a", "b", "c"})
      running.push_back(std::make_unique<Running>(name, server, clock));
    // The coordinator writes over what it has read, as everybody does.
    LeaseServer::Wire own(server);
    auto write = [&](Json lease, const Json& spec) {
      lease["spec"] = spec;
      (void)own.Do(Context(clock, {}), {.method = "PUT", .path = "/lock", .body = lease.dump()});
    };
    server.Put(Named("a"));
    Json last;
    SteadyTime seen_at{};
    for (int step = 0; step < 150; ++step) {
      for (size_t i = 0; i < running.size(); ++i)  // who has lost the Lease is started again
        if (running[i]->done)
          running[i] =
              std::make_unique<Running>(std::string(1, static_cast<char>('a' + i)), server, clock);
      const Json lease = *server.lease(), spec = lease["spec"];
      if (spec != last) seen_at = clock.Steady();
      last = spec;
      const std::string chosen(1, static_cast<char>('a' + random() % 3));
      switch (random() % 8) {
        case 0: {  // the coordinator
          const bool free = spec.value("holderIdentity", "").empty();
          if (free || clock.Steady() - seen_at >
                          std::chrono::seconds(spec.value("leaseDurationSeconds", 0)))
            write(lease, Named(chosen, spec.value("leaseTransitions", 0)));
          break;
        }
        case 1:
          if (spec.value("holderIdentity", "") != chosen) {
            Json marked = spec;
            marked["preferredHolder"] = chosen;
            write(lease, marked);
          }
          break;
        case 2:
          running[random() % 3]->wire->Cut(random() % 2 == 0);
          break;
        default:
          if (!clock.AwaitWaiters(1)) return;
          clock.AdvanceToNextDeadline();
      }
      int may_write = 0;
      for (const auto& one : running) may_write += one->elector.LeadsUntil() > clock.Steady();
      EXPECT_LE(may_write, 1);
      led += may_write;
    }
    for (const auto& one : running) one->wire->Die();
    for (const auto& one : running) one->thread.request_stop();
    // A release on a network that is cut ends by its time.
    auto done = [](const auto& one) { return one->done.load(); };
    while (!std::all_of(running.begin(), running.end(), done)) {
      clock.AdvanceToNextDeadline();
      std::this_thread::yield();
    }
  }
  EXPECT_GT(led, 0) << "nobody ever led: nothing was tested";
}

// An API server that knows one LeaseCandidate.
class CandidateServer final : public Transport {
 public:
  explicit CandidateServer(std::string version) : version_(std::move(version)) {}

  Result<ApiResponse> Do(const Context&, const ApiRequest& request) override {
    std::lock_guard lock(mutex_);
    const std::string base = "/apis/coordination.k8s.io/" + version_;
    if (request.path == base)
      return ApiResponse{
          200, R"({"resources":[{"name":"leases"},{"name":"leasecandidates"}]})", {}};
    if (!request.path.starts_with(base + "/namespaces/ns/leasecandidates"))
      return ApiResponse{404, "{}", {}};
    if (request.method == "GET" && !candidate_)
      return ApiResponse{
          404,
          R"({"kind":"Status","status":"Failure","reason":"NotFound","code":404,"details":{"name":"a"}})",
          {}};
    if (request.method == "DELETE") {
      candidate_.reset();
      deleted_ = true;
    } else if (request.method != "GET") {
      candidate_ = Json::parse(request.body);
      Store();
    }
    changed_.notify_all();
    return ApiResponse{200, candidate_ ? candidate_->dump() : "{}", {}};
  }
  Status Watch(const Context& ctx, const ApiRequest&,
               const std::function<bool(std::string_view)>& on_line) override {
    std::unique_lock lock(mutex_);
    for (int sent = 0;;) {
      if (!ctx.clock().WaitUntil(lock, changed_, ctx.deadline(), ctx.stop(),
                                 [&] { return writes_ != sent; }))
        return ctx.Check();
      sent = writes_;
      const Json event = {{"type", candidate_ ? "MODIFIED" : "DELETED"},
                          {"object", candidate_ ? *candidate_ : Json::object()}};
      lock.unlock();
      const bool more = on_line(event.dump());
      lock.lock();
      if (!more) return {};
    }
  }
  // The server's own doings.
  void Ping(const std::string& time) {
    std::lock_guard lock(mutex_);
    (*candidate_)["spec"]["pingTime"] = time;
    Store();
  }
  void Forget() {
    std::lock_guard lock(mutex_);
    candidate_.reset();
    ++writes_;
    changed_.notify_all();
  }
  bool Await(const std::function<bool(const Json& spec)>& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return candidate_ && holds((*candidate_)["spec"]); });
  }
  Json candidate() {
    std::lock_guard lock(mutex_);
    return candidate_ ? *candidate_ : Json();
  }
  bool deleted() {
    std::lock_guard lock(mutex_);
    return deleted_;
  }

 private:
  void Store() {
    (*candidate_)["metadata"]["resourceVersion"] = std::to_string(++writes_);
    changed_.notify_all();
  }
  const std::string version_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Json> candidate_;
  int writes_ = 0;
  bool deleted_ = false;
};

TEST(LeaseCandidate, IsTakenWhereTheServerOffersIt) {
  FakeClock clock;
  const Context ctx(clock, {});
  for (const auto& [version, served] : std::vector<std::pair<std::string, bool>>{
           {"v1beta1", true}, {"v1alpha2", true}, {"v1", false}}) {
    LeaseCandidate candidate(
        {Client(std::make_shared<CandidateServer>(version)), {"ns", "lock"}, "a", "0.1.0"});
    Result<bool> answer = candidate.Served(ctx);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(*answer, served) << version;
  }
}

TEST(LeaseCandidate, AnswersPingsComesBackAndLeavesNothing) {
  auto server = std::make_shared<CandidateServer>("v1alpha2");
  FakeClock clock;
  LeaseCandidate candidate({Client(server), {"ns", "lock"}, "a_1", "0.1.0"});
  ASSERT_TRUE(candidate.Served(Context(clock, {})).ok());
  std::jthread thread(
      [&](std::stop_token stop) { EXPECT_TRUE(candidate.Run(Context(clock, stop)).ok()); });
  ASSERT_TRUE(server->Await([](const Json&) { return true; }));
  const Json first = server->candidate();
  EXPECT_EQ(first["apiVersion"], "coordination.k8s.io/v1alpha2");
  EXPECT_EQ(first["metadata"]["name"], "a_1");
  const Json wanted = {{"leaseName", "lock"},
                       {"binaryVersion", "0.1.0"},
                       {"emulationVersion", "0.1.0"},
                       {"strategy", kStrategyName},
                       {"renewTime", "2026-01-01T00:00:00.000000Z"}};
  EXPECT_EQ(first["spec"], wanted);

  // By a server whose clock is ahead of ours: it is answered all the same.
  server->Ping("2026-01-01T00:07:00.000001Z");
  EXPECT_TRUE(server->Await([](const Json& spec) {
    return spec["renewTime"] == "2026-01-01T00:07:00.000001Z";
  })) << server->candidate();
  server->Forget();
  EXPECT_TRUE(server->Await([](const Json& spec) { return !spec.contains("pingTime"); }));

  // Without pings it is renewed as well.
  ASSERT_TRUE(clock.AwaitWaiters(1));
  clock.Advance(400s);
  EXPECT_TRUE(server->Await([](const Json& spec) {
    return spec["renewTime"] == "2026-01-01T00:06:40.000000Z";
  })) << server->candidate();
  thread.request_stop();
  thread.join();
  EXPECT_TRUE(server->deleted());
}

}  // namespace
}  // namespace dray::runtime
