#include "orchestration/queue/decay.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

namespace weir::queue {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

TEST(Decay, HalvesByTheHalfLife) {
  EXPECT_EQ(decayed(1 << 20, 0, kHourUs), 1 << 20);
  EXPECT_EQ(decayed(1 << 20, -5, kHourUs), 1 << 20);
  EXPECT_EQ(decayed(1 << 20, kHourUs, kHourUs), 1 << 19);
  EXPECT_EQ(decayed(1 << 20, 3 * kHourUs, kHourUs), 1 << 17);
  EXPECT_EQ(decayed(1'000'000, kHourUs / 2, kHourUs), 707'106);
  EXPECT_EQ(decayed(INT64_MAX, INT64_MAX, 1), 0);
  EXPECT_EQ(decayed(INT64_MAX, 1, INT64_MAX), INT64_MAX);
}

TEST(Decay, PowersOfTwoAreExactAtWholeExponents) {
  EXPECT_EQ(power_of_two_ppm(0), 1'000'000);
  EXPECT_EQ(power_of_two_ppm(1'000'000), 2'000'000);
  EXPECT_EQ(power_of_two_ppm(6'000'000), 64'000'000);
  EXPECT_EQ(power_of_two_ppm(500'000), 1'414'213);
}

RC_GTEST_PROP(Decay, AgreesWithTheRealFunction, ()) {
  const auto value = *rc::gen::inRange<int64_t>(0, int64_t{1} << 50);
  const auto half = *rc::gen::inRange<int64_t>(1, 1000 * kHourUs);
  const auto elapsed = *rc::gen::inRange<int64_t>(0, 10 * half);
  const double expected =
      static_cast<double>(value) * std::exp2(-static_cast<double>(elapsed) / static_cast<double>(half));
  RC_ASSERT(std::fabs(static_cast<double>(decayed(value, elapsed, half)) - expected) <=
            1 + 1e-6 * static_cast<double>(value));
  const auto exponent = *rc::gen::inRange<int64_t>(0, 20'000'000);
  const double power = 1e6 * std::exp2(static_cast<double>(exponent) / 1e6);
  RC_ASSERT(std::fabs(static_cast<double>(power_of_two_ppm(exponent)) - power) <= 1 + 1e-6 * power);
}

}  // namespace
}  // namespace weir::queue
