#include "bench/batch/run_times.h"

#include <gtest/gtest.h>

namespace weir::bench {
namespace {

TEST(RunTimes, AreTheMeanOfTheLastTwo) {
  RunTimes times;
  EXPECT_EQ(times.estimate(1, 500), 500);
  times.ended(1, 100);
  EXPECT_EQ(times.estimate(1, 500), 100);
  times.ended(1, 300);
  EXPECT_EQ(times.estimate(1, 500), 200);
  times.ended(1, 1'000);
  EXPECT_EQ(times.estimate(1, 5'000), 650);
  EXPECT_EQ(times.estimate(1, 500), 500);
  EXPECT_EQ(times.estimate(2, 500), 500);
  times.ended(2, 0);
  EXPECT_EQ(times.estimate(2, 500), 1);
}

TEST(RunTimes, ForgetWhoseLastJobEndedFirst) {
  RunTimes times(2);
  times.ended(1, 10);
  times.ended(2, 20);
  times.ended(1, 10);
  times.ended(3, 30);
  EXPECT_EQ(times.remembered(), 2U);
  EXPECT_EQ(times.estimate(2, 500), 500);
  EXPECT_EQ(times.estimate(1, 500), 10);
  EXPECT_EQ(times.estimate(3, 500), 30);
}

}  // namespace
}  // namespace weir::bench
