// The informer against a server that changes at random behind a transport that breaks at random:
// what it holds in the end is what the server has, and what it told on the way adds up to it.
#include <gtest/gtest.h>

#include <thread>

#include "dray/api/types/core.h"
#include "dray/runtime/informer.h"
#include "tests/runtime/informer/versioned_server.h"
#include "tests/support/fake_clock.h"
#include "tests/support/faulty_transport.h"

namespace dray::runtime {
namespace {

using PodPtr = std::shared_ptr<const api::Pod>;

std::string Shown(const api::Pod& pod) {
  return pod.metadata.uid + " " + pod.metadata.resource_version + " " + pod.spec.node_name;
}

// What somebody knows who only hears what handlers are told.
class Listener {
 public:
  void Hear(const PodPtr& before, const PodPtr& after) {
    std::lock_guard lock(mutex_);
    const std::string& name = (before == nullptr ? after : before)->metadata.name;
    auto known = known_.find(name);
    if (before == nullptr && known != known_.end()) Wrong("added twice: " + name);
    if (before != nullptr && known == known_.end()) Wrong("changed, but never added: " + name);
    if (before != nullptr && known != known_.end() && known->second != Shown(*before))
      Wrong("changed from a state never told: " + name);
    if (before != nullptr && after != nullptr && before->metadata.uid != after->metadata.uid)
      Wrong("one object became another: " + name);
    if (after == nullptr)
      known_.erase(name);
    else
      known_[name] = Shown(*after);
  }
  std::map<std::string, std::string> known() const {
    std::lock_guard lock(mutex_);
    return known_;
  }
  std::string wrong() const {
    std::lock_guard lock(mutex_);
    return wrong_;
  }

 private:
  void Wrong(std::string sentence) {
    if (wrong_.empty()) wrong_ = std::move(sentence);
  }
  mutable std::mutex mutex_;
  std::map<std::string, std::string> known_;
  std::string wrong_;
};

struct FaultCase {
  const char* name;
  testing::Faults faults;
  bool restores = false;
};

class InformerModel : public ::testing::TestWithParam<FaultCase> {};

TEST_P(InformerModel, EndsWhereTheServerIs) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    testing::FakeClock clock;
    auto server =
        std::make_shared<testing::VersionedServer>(seed, GetParam().faults.cut_watch == 0);
    auto faulty = std::make_shared<testing::FaultyTransport>(server, GetParam().faults, seed);
    Listener listener;
    InformerOptions<api::Pod> options;
    options.list.limit = 3;
    options.packed = seed % 2 == 0;
    Informer<api::Pod> informer(Client(faulty), options);
    informer.AddHandler(
        {[&](const PodPtr& before, const PodPtr& after) { listener.Hear(before, after); }});
    std::jthread thread(
        [&](std::stop_token stop) { EXPECT_TRUE(informer.Run(Context(clock, stop)).ok()); });

    std::mt19937_64 random(seed);
    server->Backup();
    for (int step = 0; step < 120; ++step) {
      const std::string name = "pod-" + std::to_string(random() % 8);
      switch (random() % 16) {
        case 0:
        case 1:
        case 2:
        case 3:
          server->Remove(name);
          break;
        case 4:
          server->Forget();
          break;
        case 5:
          server->Backup();
          break;
        case 6:
          if (GetParam().restores) server->Restore();
          while (!server->watched()) {
            if (!clock.AwaitWaiters(1)) return;
            clock.AdvanceToNextDeadline();
          }
          break;
        case 7:
        case 8:
        case 9:  // the informer comes to rest, or its back-off ends
          if (!clock.AwaitWaiters(1)) return;
          clock.AdvanceToNextDeadline();
          break;
        default:
          server->Put(name);
      }
    }
    // The weather clears up. Whatever is left to notice is noticed by the end of one watch at the
    // latest.
    faulty->Set({});
    auto held = [&] {
      std::map<std::string, std::string> state;
      for (const PodPtr& pod : informer.List()) state[pod->metadata.name] = Shown(*pod);
      return state;
    };
    for (int patience = 0; patience < 200 && held() != server->State(); ++patience) {
      if (!clock.AwaitWaiters(1)) return;
      clock.AdvanceToNextDeadline();
    }
    ASSERT_TRUE(clock.AwaitWaiters(1));
    EXPECT_EQ(held(), server->State());
    EXPECT_EQ(listener.known(), server->State());
    EXPECT_EQ(listener.wrong(), "");
  }
}

testing::Faults With(double testing::Faults::*fault, double often) {
  testing::Faults faults;
  faults.*fault = often;
  return faults;
}
testing::Faults Everything() {
  testing::Faults faults;
  faults.drop = faults.delay = faults.too_many_requests = faults.internal_error =
      faults.lose_answer = 0.1;
  faults.gone = faults.cut_watch = faults.duplicate_event = faults.late_event = 0.05;
  return faults;
}

using testing::Faults;
INSTANTIATE_TEST_SUITE_P(
    Under, InformerModel,
    ::testing::Values(FaultCase{"Nothing", {}}, FaultCase{"Drops", With(&Faults::drop, 0.4)},
                      FaultCase{"Delays", With(&Faults::delay, 0.5)},
                      FaultCase{"Gone", With(&Faults::gone, 0.2)},
                      FaultCase{"Busy", With(&Faults::too_many_requests, 0.4)},
                      FaultCase{"Errors", With(&Faults::internal_error, 0.4)},
                      FaultCase{"Cuts", With(&Faults::cut_watch, 0.2)},
                      FaultCase{"Duplicates", With(&Faults::duplicate_event, 0.5)},
                      FaultCase{"LateLines", With(&Faults::late_event, 0.3)},
                      FaultCase{"Restores", {}, true}, FaultCase{"Everything", Everything(), true}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace dray::runtime
