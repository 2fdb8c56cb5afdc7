#include "dray/runtime/manager.h"

#include <thread>

#include "dray/base/guarded.h"
#include "tests/support/fake_clock.h"

namespace dray::runtime {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;

class Managers : public ::testing::Test {
 protected:
  void Say(const std::string& what) {
    std::lock_guard lock(mutex_);
    said_.push_back(what);
    changed_.notify_all();
  }
  bool AwaitSaid(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s,
                             [&] { return std::count(said_.begin(), said_.end(), what) > 0; });
  }
  std::vector<std::string> said() {
    std::lock_guard lock(mutex_);
    return said_;
  }
  static void AwaitStop(const Context& ctx) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, ctx.stop(), [] { return false; });
  }
  Manager::Runnable Quiet(const std::string& name) {
    return {name,
            [this, name](const Context& ctx) {
              Say("+" + name);
              AwaitStop(ctx);
              Say("-" + name);
              return Ok();
            },
            [this, name](const Context&) {
              return AwaitSaid("+" + name) ? Ok() : Status(Reason::kTimeout, name);
            }};
  }

  FakeClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> said_;
};

TEST_F(Managers, StagesStartInOrderAndStopInTheReverse) {
  Manager manager;
  manager.Add(Stage::kLeader, Quiet("leader"));
  manager.Add(Stage::kServers, Quiet("server"));
  manager.Add(Stage::kEveryone, Quiet("everyone"));
  manager.Add(Stage::kCaches, Quiet("cache"));
  EXPECT_FALSE(manager.Ready());
  EXPECT_EQ(manager.Waiting(), "server, cache, everyone");
  std::jthread run(
      [&](std::stop_token stop) { EXPECT_TRUE(manager.Run(Context(clock_, stop)).ok()); });
  ASSERT_TRUE(AwaitSaid("+leader"));
  EXPECT_TRUE(manager.Ready());
  run.request_stop();
  run.join();
  EXPECT_EQ(said(), (std::vector<std::string>{"+server", "+cache", "+everyone", "+leader",
                                              "-leader", "-everyone", "-cache", "-server"}));
}

TEST_F(Managers, TheFirstFailureStopsAllAndIsReturned) {
  Manager manager;
  manager.Add(Stage::kServers, Quiet("server"));
  manager.Add(
      Stage::kEveryone,
      {"worker", [](const Context&) { return Status(Reason::kInternal, "broken"); }, nullptr});
  Status ended = manager.Run(Context(clock_, {}));
  EXPECT_TRUE(ended.Is(Reason::kInternal));
  EXPECT_EQ(ended.message(), "worker: broken");
  EXPECT_EQ(said().back(), "-server");
}

TEST_F(Managers, AStageThatDoesNotBecomeReadyStopsTheStart) {
  Manager manager;
  manager.Add(Stage::kCaches,
              {"cache",
               [](const Context& ctx) {
                 AwaitStop(ctx);
                 return Ok();
               },
               [](const Context&) { return Status(Reason::kForbidden, "may not list"); }});
  manager.Add(Stage::kLeader, Quiet("leader"));
  Status ended = manager.Run(Context(clock_, {}));
  EXPECT_TRUE(ended.Is(Reason::kForbidden));
  EXPECT_EQ(ended.message(), "cache: may not list");
  EXPECT_TRUE(said().empty());
}

TEST_F(Managers, AFailureDuringTheStartEndsTheWait) {
  Manager manager;
  manager.Add(Stage::kServers,
              {"server", [](const Context&) { return Status(Reason::kUnavailable, "port taken"); },
               [](const Context& ctx) {
                 AwaitStop(ctx);
                 return ctx.Check();
               }});
  Status ended = manager.Run(Context(clock_, {}));
  EXPECT_EQ(ended.message(), "server: port taken");
}

TEST_F(Managers, AStopDuringTheStartIsNoFailure) {
  Manager manager;
  manager.Add(Stage::kCaches, {"cache",
                               [](const Context& ctx) {
                                 AwaitStop(ctx);
                                 return ctx.Check();
                               },
                               [this](const Context& ctx) {
                                 Say("waiting");
                                 AwaitStop(ctx);
                                 return ctx.Check();
                               }});
  std::jthread run(
      [&](std::stop_token stop) { EXPECT_TRUE(manager.Run(Context(clock_, stop)).ok()); });
  ASSERT_TRUE(AwaitSaid("waiting"));
  run.request_stop();
}

}  // namespace
}  // namespace dray::runtime
