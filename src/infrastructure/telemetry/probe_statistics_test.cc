#include "infrastructure/telemetry/probe_statistics.h"

#include <gtest/gtest.h>

namespace weir::telemetry {
namespace {

TEST(ProbeStatistics, EmptyWindowIsZero) { EXPECT_EQ(ProbeStatistics(4).window(), ProbeWindow{}); }

TEST(ProbeStatistics, PercentilesAreNearestRank) {
  ProbeStatistics statistics(200);
  for (uint64_t rtt = 100; rtt >= 1; --rtt) statistics.add_reply(rtt);
  const ProbeWindow window = statistics.window();
  EXPECT_EQ(window.rtt_us_min, 1u);
  EXPECT_EQ(window.rtt_us_p50, 50u);
  EXPECT_EQ(window.rtt_us_p99, 99u);
  EXPECT_EQ(window.variation_us_mean, 1u);
}

TEST(ProbeStatistics, ForgetsWhatLeavesTheWindow) {
  ProbeStatistics statistics(4);
  statistics.add_loss();
  for (int i = 0; i < 3; ++i) statistics.add_reply(10);
  EXPECT_EQ(statistics.window().loss_permille(), 250u);
  statistics.add_reply(30);
  const ProbeWindow window = statistics.window();
  EXPECT_EQ(window.samples, 4u);
  EXPECT_EQ(window.losses, 0u);
  EXPECT_EQ(window.variation_us_mean, 6u) << "differences in order of time: 0, 0, 20";
}

TEST(ProbeStatistics, AllLost) {
  ProbeStatistics statistics(2);
  statistics.add_loss();
  statistics.add_loss();
  EXPECT_EQ(statistics.window().loss_permille(), 1000u);
  EXPECT_EQ(statistics.window().rtt_us_p99, 0u);
}

}  // namespace
}  // namespace weir::telemetry
