#include "devcluster/kubelet/health_cache.h"

#include <gtest/gtest.h>

namespace dray::devcluster {
namespace {

constexpr char kDriver[] = "gpu.example.com";

class HealthCacheTest : public ::testing::Test {
 protected:
  // One message after so many seconds, about these devices.
  bool Say(int at, const std::vector<HealthReport>& reports) {
    return cache_.Update(kDriver, reports, Second(at));
  }
  std::string Health(int at, const std::string& device) const {
    return cache_.Find(kDriver, "pool", device, Second(at)).health;
  }
  static SteadyTime Second(int at) { return SteadyTime() + std::chrono::seconds(at); }
  static HealthReport Report(const std::string& device, const std::string& health,
                             int timeout_seconds = 0) {
    return {"pool", device, {health, ""}, std::chrono::seconds(timeout_seconds)};
  }
  HealthCache cache_;
};

TEST_F(HealthCacheTest, SaysWhenSomethingChanged) {
  EXPECT_TRUE(Say(0, {Report("a", "Healthy"), Report("b", "Healthy")}));
  EXPECT_FALSE(Say(10, {Report("a", "Healthy"), Report("b", "Healthy")}));
  EXPECT_TRUE(Say(20, {Report("a", "Healthy"), Report("b", "Unhealthy")}));
  EXPECT_EQ(Health(20, "a"), "Healthy");
  EXPECT_EQ(Health(20, "b"), "Unhealthy");
  EXPECT_EQ(cache_.Find("other.example.com", "pool", "a", Second(20)), DeviceHealth());
  EXPECT_EQ(cache_.Find(kDriver, "other", "a", Second(20)), DeviceHealth());
}

TEST_F(HealthCacheTest, AReportStandsForItsTimeout) {
  EXPECT_TRUE(Say(0, {Report("default", "Healthy"), Report("negative", "Healthy", -1),
                      Report("long", "Healthy", 100)}));
  EXPECT_EQ(Health(29, "default"), "Healthy");
  EXPECT_EQ(Health(30, "default"), "Unknown");
  EXPECT_EQ(Health(30, "negative"), "Unknown");
  EXPECT_EQ(Health(99, "long"), "Healthy");
  // Left out of a later message: it has become unknown, and that is news once.
  EXPECT_TRUE(Say(40, {Report("long", "Healthy", 100)}));
  EXPECT_FALSE(Say(41, {Report("long", "Healthy", 100)}));
  EXPECT_TRUE(Say(42, {Report("default", "Healthy")}));
}

TEST_F(HealthCacheTest, ADriverThatSaysNothingAnyMore) {
  EXPECT_FALSE(cache_.Clear(kDriver));
  EXPECT_TRUE(Say(0, {Report("a", "Healthy")}));
  EXPECT_TRUE(cache_.Clear(kDriver));
  EXPECT_EQ(Health(0, "a"), "Unknown");
  EXPECT_FALSE(cache_.Clear(kDriver));
}

// status.containerStatuses[].allocatedResourcesStatus[].resources[].message holds 1024 bytes.
TEST_F(HealthCacheTest, LongMessagesAreCutBetweenCharacters) {
  HealthReport report = Report("a", "Unhealthy");
  report.health.message = std::string(1023, 'x') + "\u00e9 and more";
  EXPECT_TRUE(cache_.Update(kDriver, {report}, Second(0)));
  EXPECT_EQ(cache_.Find(kDriver, "pool", "a", Second(0)).message, std::string(1023, 'x'));
}

}  // namespace
}  // namespace dray::devcluster
