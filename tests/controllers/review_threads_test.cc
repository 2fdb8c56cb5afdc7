#include "controllers/webhook/review_threads.h"

#include <latch>

#include <gtest/gtest.h>

namespace dray::controllers {
namespace {

TEST(ReviewThreads, RunsWorkAtTheSameTimeAndEndsWithItsOwner) {
  std::latch both(2), done(4);
  std::atomic<int> ran = 0;
  {
    ReviewThreads threads(2);
    for (int i = 0; i < 2; ++i)
      threads.Run([&] {
        both.arrive_and_wait();  // two at a time, or never
        ++ran;
        done.count_down();
      });
    for (int i = 0; i < 2; ++i) threads.Run([&] { ++ran, done.count_down(); });
    done.wait();
  }
  EXPECT_EQ(ran, 4);
}

}  // namespace
}  // namespace dray::controllers
