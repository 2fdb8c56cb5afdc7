#include "dray/runtime/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace dray::runtime {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, TextOfEachKind) {
  Metrics metrics;
  metrics.Add("dray_things_total", "Things", {{"kind", "a"}}, 0);
  metrics.Add("dray_things_total", "Things", {{"kind", "b"}});
  metrics.Add("dray_things_total", "Things", {{"kind", "b"}}, 2.5);
  metrics.Set("dray_level", "Level", {}, 7);
  metrics.Set("dray_level", "Level", {}, -1);
  metrics.Observe("dray_time_seconds", "Time", {{"op", "x\"y"}}, 0.3);
  metrics.Observe("dray_own_seconds", "Own", {}, 3, {1, 5});
  std::string text = metrics.Text();
  EXPECT_THAT(text,
              HasSubstr("# HELP dray_things_total Things\n# TYPE dray_things_total counter\n"));
  EXPECT_THAT(text, HasSubstr("dray_things_total{kind=\"a\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("dray_things_total{kind=\"b\"} 3.5\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE dray_level gauge\ndray_level -1\n"));
  EXPECT_THAT(text, HasSubstr("dray_time_seconds_bucket{op=\"x\\\"y\",le=\"0.25\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("dray_time_seconds_bucket{op=\"x\\\"y\",le=\"60\"} 1\n"));
  EXPECT_THAT(
      text,
      HasSubstr("dray_own_seconds_bucket{le=\"1\"} 0\ndray_own_seconds_bucket{le=\"5\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("dray_own_seconds_sum 3\n"));
}

TEST(Metrics, ARemovedGaugeIsGoneAndMayComeBack) {
  Metrics metrics;
  metrics.Set("dray_node", "Node", {{"node", "a"}}, 1);
  metrics.Set("dray_node", "Node", {{"node", "b"}}, 1);
  metrics.Remove("dray_node", {{"node", "a"}});
  metrics.Remove("dray_node", {{"node", "a"}});
  metrics.Remove("dray_absent", {});
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("node=\"a\"")));
  EXPECT_THAT(metrics.Text(), HasSubstr("node=\"b\""));
  metrics.Set("dray_node", "Node", {{"node", "a"}}, 5);
  EXPECT_THAT(metrics.Text(), HasSubstr("dray_node{node=\"a\"} 5\n"));
}

TEST(Metrics, ManyThreads) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        for (int j = 0; j < 500; ++j) {
          metrics.Add("dray_total", "Total", {});
          metrics.Set("dray_gauge", "Gauge", {{"i", std::to_string(i)}}, j);
          metrics.Remove("dray_gauge", {{"i", std::to_string(j % 4)}});
          metrics.Observe("dray_seconds", "Seconds", {}, j);
          if (j % 100 == 0) (void)metrics.Text();
        }
      });
  }
  EXPECT_THAT(metrics.Text(), HasSubstr("dray_total 2000\n"));
  EXPECT_THAT(metrics.Text(), HasSubstr("dray_seconds_count 2000\n"));
}

}  // namespace
}  // namespace dray::runtime
