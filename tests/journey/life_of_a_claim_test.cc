#include <filesystem>

#include "tests/journey/journey.h"

namespace dray::journey {
namespace {

class LifeOfAClaim : public ::testing::TestWithParam<const char*> {
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

TEST_F(LifeOfAClaim, FromAPodInHamisWordsToNothingLeft) {
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

INSTANTIATE_TEST_SUITE_P(EachPart, LifeOfAClaim, ::testing::Values("webhook", "stamper", "scheduler", "kubelet", "driver", "cleanup"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace dray::journey
