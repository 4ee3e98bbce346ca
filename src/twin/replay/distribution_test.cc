#include "twin/replay/distribution.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "twin/replay/timeline.h"

namespace weir::twin {
namespace {

TEST(StudentT, AgreesWithThePublishedTable) {
  EXPECT_NEAR(student_t_975(1), 12.706, 0.001);
  EXPECT_NEAR(student_t_975(2), 4.303, 0.001);
  EXPECT_NEAR(student_t_975(9), 2.262, 0.001);
  EXPECT_NEAR(student_t_975(30), 2.042, 0.001);
  EXPECT_NEAR(student_t_975(1000), 1.962, 0.001);
}

TEST(StudentT, AnIntervalNeedsTwoValues) {
  const std::array<double, 1> one = {3};
  EXPECT_EQ(confidence_95(one).mean, 3);
  EXPECT_TRUE(std::isnan(confidence_95(one).half_width));
  const std::array<double, 3> three = {1, 2, 3};
  EXPECT_NEAR(confidence_95(three).half_width, 4.303 / std::sqrt(3.0), 0.001);
}

TEST(Distribution, QuantilesAreRightToOnePercent) {
  Distribution d;
  for (int i = 1; i <= 10'000; ++i) d.add(i);
  d.add(0);
  EXPECT_NEAR(d.quantile(0.5), 5'000, 50);
  EXPECT_NEAR(d.quantile(0.99), 9'900, 99);
  EXPECT_EQ(d.quantile(1), 10'000);
  EXPECT_EQ(d.quantile(0.00001), 0);
  EXPECT_EQ(d.count(), 10'001u);
  EXPECT_EQ(Distribution().quantile(0.5), 0);
}

TEST(Timeline, KeepsMeansWhateverTheWidthBecomes) {
  Timeline line(2);
  for (int i = 0; i < 100'000; ++i) {
    const TimeUs at = TimeUs{i} * 1'000'000;
    line.hold(0, at, at + 1'000'000, i % 2);
    line.add(1, at, 1);
  }
  EXPECT_LE(line.bins(), Timeline::kBinsMax);
  EXPECT_GT(line.bins(), Timeline::kBinsMax / 4);
  double jobs = 0;
  for (size_t bin = 0; bin < line.bins(); ++bin) {
    EXPECT_NEAR(line.mean(0, bin), 0.5, 0.05) << bin;
    jobs += line.sum(1, bin);
  }
  EXPECT_EQ(jobs, 100'000);
}

TEST(Timeline, ALongSilenceIsTakenInOneStep) {
  Timeline line(1);
  line.hold(0, 0, 1, 1);
  line.hold(0, 1, TimeUs{1} << 50, 3);
  EXPECT_LE(line.bins(), Timeline::kBinsMax);
  EXPECT_NEAR(line.mean(0, line.bins() - 1), 3, 1e-9);
}

}  // namespace
}  // namespace weir::twin
