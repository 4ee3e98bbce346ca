#include "infrastructure/telemetry/significant_change.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::telemetry {
namespace {

constexpr SignificantChangeOptions kOptions{.threshold_permille = 200,
                                            .threshold_min = 100,
                                            .confirmations = 3,
                                            .spacing_us_min = 1'000,
                                            .heartbeat_us = 1'000'000};

TEST(SignificantChange, ReportsTheFirstReading) {
  SignificantChange filter(kOptions);
  EXPECT_TRUE(filter.offer(10'000, 0));
  EXPECT_FALSE(filter.offer(10'000, 10'000));
}

TEST(SignificantChange, TakesMoreThanTheThresholdAndItsConfirmations) {
  SignificantChange filter(kOptions);
  ASSERT_TRUE(filter.offer(10'000, 0));
  for (uint64_t t = 1; t < 10; ++t) EXPECT_FALSE(filter.offer(12'000, t * 2'000)) << "exactly the threshold";
  EXPECT_FALSE(filter.offer(12'001, 20'000));
  EXPECT_FALSE(filter.offer(12'001, 22'000));
  EXPECT_TRUE(filter.offer(12'001, 24'000));
  EXPECT_EQ(filter.reported(), 12'001u);
}

TEST(SignificantChange, SmallAbsoluteChangesNeverCount) {
  SignificantChange filter(kOptions);
  ASSERT_TRUE(filter.offer(10, 0));
  for (uint64_t t = 1; t < 100; ++t) EXPECT_FALSE(filter.offer(110, t * 2'000));
}

TEST(SignificantChange, SpikesOnBothSidesDoNotAddUp) {
  SignificantChange filter(kOptions);
  ASSERT_TRUE(filter.offer(10'000, 0));
  for (uint64_t t = 1; t < 100; ++t) EXPECT_FALSE(filter.offer(t % 2 == 0 ? 5'000 : 20'000, t * 2'000));
}

TEST(SignificantChange, HeartbeatReportsTheUnchanged) {
  SignificantChange filter(kOptions);
  ASSERT_TRUE(filter.offer(10'000, 0));
  EXPECT_FALSE(filter.offer(10'000, 999'999));
  EXPECT_TRUE(filter.offer(10'000, 1'000'000));
}

TEST(SignificantChange, ConfirmedChangeWaitsForTheSpacing) {
  SignificantChange filter(kOptions);
  ASSERT_TRUE(filter.offer(10'000, 0));
  for (uint64_t t = 1; t < 1'000; t += 10) EXPECT_FALSE(filter.offer(50'000, t));
  EXPECT_TRUE(filter.offer(50'000, 1'000));
}

RC_GTEST_PROP(SignificantChange, NeverReportsMoreOftenThanTheSpacing, (std::vector<uint16_t> values)) {
  SignificantChange filter(kOptions);
  uint64_t reports = 0;
  for (size_t i = 0; i < values.size(); ++i) reports += filter.offer(values[i], i * 100) ? 1 : 0;
  RC_ASSERT(reports <= 1 + values.size() * 100 / kOptions.spacing_us_min);
}

}  // namespace
}  // namespace weir::telemetry
