#include <filesystem>

#include "tests/journey/journey.h"

namespace dray::journey {
namespace {

class LifeOfAClaimFolder : public ::testing::Test {
 protected:
  // A short path: unix sockets lie below it.
  std::string NewDirectory() {
    std::string pattern = "/tmp/dray-j-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    directories_.push_back(pattern);
    return pattern;
  }
  void TearDown() override {
    for (const std::string& directory : directories_) {
      std::error_code error;
      std::filesystem::remove_all(directory, error);
    }
  }
  std::vector<std::string> directories_;
};

class LifeOfAClaim : public LifeOfAClaimFolder,
                     public ::testing::WithParamInterface<const char*> {};

TEST_F(LifeOfAClaimFolder, FromAPodInHamisWordsToNothingLeft) {
  Journey journey(NewDirectory());
  EXPECT_EQ(journey.Travel(), "");
}

// Killed after its first write, its second... until it has none left: the same end each time.
TEST_P(LifeOfAClaim, SurvivesADeathAfterEachWrite) {
  constexpr int kMost = 40;
  int writes = 0;
  for (; writes < kMost; ++writes) {
    SCOPED_TRACE(std::string(GetParam()) + " dies after write " + std::to_string(writes));
    Journey journey(NewDirectory());
    journey.Kill(GetParam(), writes);
    ASSERT_EQ(journey.Travel(), "");
    if (!journey.killed()) break;
  }
  EXPECT_GT(writes, 0) << "it never wrote: nothing was tested";
  EXPECT_LT(writes, kMost);
}

INSTANTIATE_TEST_SUITE_P(EachPart, LifeOfAClaim,
                         ::testing::Values("webhook", "stamper", "scheduler", "kubelet", "driver",
                                           "cleanup"),
                         [](const auto& info) { return std::string(info.param); });

struct WeatherCase {
  const char* name;
  testing::Faults faults;
};

class LifeOfAClaimInBadWeather : public LifeOfAClaimFolder,
                                 public ::testing::WithParamInterface<WeatherCase> {};

// Nothing lost and nothing done twice: one template, one claim, two devices, and nothing left.
TEST_P(LifeOfAClaimInBadWeather, EndsTheSame) {
  const uint64_t seeds = std::string_view(GetParam().name) == "Everything" ? 3 : 1;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(std::string(GetParam().name) + ", seed " + std::to_string(seed));
    Journey journey(NewDirectory(), Weather{GetParam().faults, seed});
    ASSERT_EQ(journey.Travel(), "");
    EXPECT_GT(journey.faults(), 0) << "the sun shone: nothing was tested";
  }
}

// An API server that restarts with the data that it had a few writes ago, at any moment of the
// claim's life. Versions are raised, as the restore of etcd does it: a version that stood for
// another state before can't be told apart by anybody who has seen only one of them (what an
// informer does about a server that reuses versions is in tests/runtime/informer).
TEST_F(LifeOfAClaimFolder, ServerRestartsWithOlderData) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Journey journey(NewDirectory(), Weather{{}, seed, 2});
    ASSERT_EQ(journey.Travel(), "");
    EXPECT_GT(journey.restarts(), 0);
  }
}

testing::Faults Often(double testing::Faults::*fault, double often) {
  testing::Faults faults;
  faults.*fault = often;
  return faults;
}
testing::Faults AllOfThem() {
  testing::Faults faults;
  faults.drop = faults.lose_answer = faults.delay = faults.conflict = faults.too_many_requests =
      faults.internal_error = 0.04;
  faults.gone = faults.cut_watch = faults.duplicate_event = faults.late_event = 0.02;
  return faults;
}

using testing::Faults;
INSTANTIATE_TEST_SUITE_P(
    Under, LifeOfAClaimInBadWeather,
    ::testing::Values(WeatherCase{"Drops", Often(&Faults::drop, 0.15)},
                      WeatherCase{"LostAnswers", Often(&Faults::lose_answer, 0.15)},
                      WeatherCase{"Delays", Often(&Faults::delay, 0.3)},
                      WeatherCase{"Conflicts", Often(&Faults::conflict, 0.25)},
                      WeatherCase{"Busy", Often(&Faults::too_many_requests, 0.2)},
                      WeatherCase{"Errors", Often(&Faults::internal_error, 0.15)},
                      WeatherCase{"Gone", Often(&Faults::gone, 0.1)},
                      WeatherCase{"Cuts", Often(&Faults::cut_watch, 0.1)},
                      WeatherCase{"Duplicates", Often(&Faults::duplicate_event, 0.5)},
                      WeatherCase{"LateLines", Often(&Faults::late_event, 0.3)},
                      WeatherCase{"Everything", AllOfThem()}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace dray::journey
