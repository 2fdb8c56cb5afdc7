// Electors under random schedules: clocks that are wrong and run at wrong speeds, processes that
// stand still and go on, networks that fall apart, kills and restarts. Whatever happens, no write
// of an earlier leader lands after one of a later leader; and when the weather has cleared up,
// somebody leads within a lease duration.
#include <gtest/gtest.h>

#include <random>
#include <shared_mutex>
#include <thread>

#include "dray/runtime/elector.h"
#include "tests/runtime/elector/lease_server.h"
#include "tests/support/fake_clock.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::LeaseServer;

// One machine's clock: off by `offset`, and faster or slower than the world's by `per_mille`.
class SkewedClock final : public Clock {
 public:
  SkewedClock(FakeClock& world, Duration offset, int per_mille)
      : world_(world), offset_(offset), per_mille_(per_mille), start_(world.Steady()) {}

  WallTime Now() const override {
    return world_.Now() + std::chrono::duration_cast<WallTime::duration>(offset_);
  }
  SteadyTime Steady() const override {
    const Duration passed = world_.Steady() - start_;
    return start_ + offset_ + passed + passed / 1000 * per_mille_;
  }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable_any& changed,
                 SteadyTime deadline, std::stop_token stop,
                 const std::function<bool()>& woken) override {
    if (deadline == SteadyTime::max())
      return world_.WaitUntil(lock, changed, deadline, stop, woken);
    // A little late rather than early: who waits asks again until its own clock says so.
    const Duration passed = deadline - start_ - offset_;
    const Duration real = Duration(passed.count() / (1000 + per_mille_) * 1000) + 1ms;
    return world_.WaitUntil(lock, changed, start_ + real, stop, woken);
  }

 private:
  FakeClock& world_;
  const Duration offset_;
  const int per_mille_;
  const SteadyTime start_;
};

// A process may stand still: before it does something, and before it learns how that went.
class Gate {
 public:
  void Close(bool on) {
    std::lock_guard lock(mutex_);
    closed_ = on;
    changed_.notify_all();
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !closed_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
};

class Pausable final : public Transport {
 public:
  Pausable(Gate& gate, std::shared_ptr<Transport> inner) : gate_(gate), inner_(std::move(inner)) {}
  Result<ApiResponse> Do(const Context& ctx, const ApiRequest& request) override {
    gate_.Pass();
    Result<ApiResponse> answer = inner_->Do(ctx, request);
    gate_.Pass();
    return answer;
  }
  Status Watch(const Context& ctx, const ApiRequest& request,
               const std::function<bool(std::string_view)>& on_line) override {
    gate_.Pass();
    return inner_->Watch(ctx, request, [&](std::string_view line) {
      gate_.Pass();
      return on_line(line);
    });
  }

 private:
  Gate& gate_;
  const std::shared_ptr<Transport> inner_;
};

// The instant between a leader's last look at its clock and the wire is the one thing that only the
// server could guard: here time does not move while a thread is in it.
class World {
 public:
  void Advance(Duration by) {
    std::unique_lock lock(moves_);
    clock.Advance(by);
  }
  template <class F>
  auto StandingStill(F&& act) {
    std::shared_lock lock(moves_);
    return act();
  }
  FakeClock clock;
  LeaseServer server;

 private:
  std::shared_mutex moves_;
};

class Process {
 public:
  Process(World& world, const std::string& identity, Duration offset, int per_mille)
      : world_(world),
        clock_(world.clock, offset, per_mille),
        wire_(std::make_shared<LeaseServer::Wire>(world.server)),
        fenced_(FenceWrites(wire_, [this] { return elector_.LeadsUntil(); })),
        elector_(Client(std::make_shared<Pausable>(gate_, wire_)), ConfigOf(identity),
                 {[this](const Context& ctx) { Work(ctx); }, nullptr}),
        thread_([this](std::stop_token stop) {
          (void)elector_.Run(Context(clock_, stop));
          ended_ = true;
        }) {}
  ~Process() { Mend(); }

  // As kill -9: it does nothing any more, it does not even let go.
  void Kill() { wire_->Die(); }
  void Mend() {
    gate_.Close(false);
    wire_->Cut(false);
  }
  void Cut() { wire_->Cut(true); }
  void Pause() { gate_.Close(true); }
  bool ended() const { return ended_; }

 private:
  static ElectionConfig ConfigOf(const std::string& identity) {
    ElectionConfig config;
    config.lease = {"ns", "lock"};
    config.identity = identity;
    return config;
  }
  void Work(const Context& ctx) {
    ApiRequest write;
    write.method = "POST";
    write.path = "/work?term=" + std::to_string(elector_.term());
    do {
      gate_.Pass();
      (void)world_.StandingStill([&] { return fenced_->Do(ctx, write); });
    } while (ctx.Sleep(700ms).ok());
  }

  World& world_;
  SkewedClock clock_;
  Gate gate_;
  std::shared_ptr<LeaseServer::Wire> wire_;
  std::shared_ptr<Transport> fenced_;
  std::atomic<bool> ended_ = false;
  Elector elector_;
  std::jthread thread_;
};

class ElectionModel : public ::testing::TestWithParam<int> {};

TEST_P(ElectionModel, NoWriteOfAnEarlierLeaderLandsLate) {
  constexpr int kProcesses = 4;
  std::mt19937_64 random(GetParam());
  World world;
  LeaseServer& server = world.server;
  FakeClock& clock = world.clock;
  int born = 0;
  auto make = [&] {
    const Duration offset = std::chrono::seconds(static_cast<int>(random() % 7200) - 3600);
    const int per_mille =
        static_cast<int>(random() % 101) - 50;  // five per cent too slow to too fast
    return std::make_unique<Process>(world, "p" + std::to_string(born++), offset, per_mille);
  };
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < kProcesses; ++i) processes.push_back(make());

  for (int step = 0; step < 250; ++step) {
    std::unique_ptr<Process>& one = processes[random() % kProcesses];
    switch (random() % 14) {
      case 0:
        one->Cut();
        break;
      case 1:
        one->Pause();
        break;
      case 2:
        one->Kill();
        one = make();
        break;
      case 3:
        one = make();
        break;  // stopped in order: it lets go
      case 4:
      case 5:
        one->Mend();
        break;
      default:
        world.Advance(std::chrono::milliseconds(random() % 3000));
    }
    for (std::unique_ptr<Process>& each : processes)
      if (each->ended()) each = make();  // restarted, as a kubelet does
    std::this_thread::yield();
  }
  EXPECT_EQ(server.wrong(), "");

  // Fresh processes, nothing wrong any more, and a holder that will never come back.
  for (std::unique_ptr<Process>& each : processes) each->Kill();
  processes.clear();
  server.Put({{"holderIdentity", "nobody-any-more"},
              {"leaseDurationSeconds", 15},
              {"leaseTransitions", 100'000}});
  const SteadyTime healed = clock.Steady();
  for (int i = 0; i < kProcesses; ++i) processes.push_back(make());
  while (server.holder() == "nobody-any-more") {
    ASSERT_TRUE(
        clock.AwaitWaiters(2 * kProcesses));  // each watches, and waits for the lease to lapse
    if (server.holder() != "nobody-any-more") break;
    ASSERT_LE(clock.Steady() - healed, 16s)
        << "nobody has taken a lease of 15 s, clocks five per cent slow";
    ASSERT_TRUE(clock.AdvanceToNextDeadline());
  }
  EXPECT_GE(clock.Steady() - healed, 14s);
  EXPECT_EQ(server.wrong(), "");
}

INSTANTIATE_TEST_SUITE_P(Seeds, ElectionModel, ::testing::Range(1, 21));

}  // namespace
}  // namespace dray::runtime
