#include "orchestration/traffic/link_potential.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

constexpr int64_t kOne = int64_t{1} << kPowerPlaces;

TEST(LinkPotential, PowersOfTwo) {
  EXPECT_EQ(power_of_two(0), kOne);
  EXPECT_EQ(power_of_two(int64_t{5} << 32), kOne << 5);
  EXPECT_EQ(power_of_two(-(int64_t{40} << 32)), 1);
  EXPECT_EQ(power_of_two(-(int64_t{42} << 32)), 0);
  EXPECT_EQ(power_of_two(INT64_MIN), 0);
  EXPECT_EQ(power_of_two(kPowerMax), kOne << 12);
  EXPECT_EQ(power_of_two(INT64_MAX), kOne << 12);
}

RC_GTEST_PROP(LinkPotential, PowersAreMonotoneAndNearTheirValue, (uint64_t seed)) {
  TestDice dice(seed);
  const int64_t x = dice.roll(-(int64_t{20} << 32), kPowerMax - 1);
  const double exact = std::exp2(static_cast<double>(x) / 0x1p32) * 0x1p40;
  RC_ASSERT(std::abs(static_cast<double>(power_of_two(x)) - exact) <= exact * 1e-6 + 1);
  RC_ASSERT(power_of_two(x) <= power_of_two(x + 1));
  RC_ASSERT(power_of_two(x) <= power_of_two(x + dice.roll(1, int64_t{1} << 30)));
}

TEST(LinkPotential, IsOneAtTheMaximumAndHalvesByTheSteepness) {
  const Network network{3, {{0, 1, 1'000'000, 1}, {1, 2, 4'000'000, 1}}};
  LinkPotential potential(network);
  potential.calibrate({800'000, 0}, 10);
  EXPECT_NEAR(static_cast<double>(potential.of(0, 800'000)), static_cast<double>(kOne), 1e6);
  EXPECT_NEAR(static_cast<double>(potential.of(1, 3'200'000)), static_cast<double>(kOne), 1e6);
  EXPECT_NEAR(static_cast<double>(potential.of(0, 720'000)), static_cast<double>(kOne) / 2, 1e6);
  EXPECT_EQ(potential.of(0, int64_t{1} << 60), kOne << 12);
  std::vector<int64_t> prices;
  potential.prices({kOne, kOne}, 1, 1'000, prices);
  EXPECT_EQ(prices, (std::vector<int64_t>{1'000, 250})) << "a bit weighs less on a wider link";
  potential.prices({kOne, 0}, 7, 1'000, prices);
  EXPECT_EQ(prices, (std::vector<int64_t>{1'000, 7}));
  potential.calibrate({0, 0}, 1);
  EXPECT_NEAR(static_cast<double>(potential.of(0, 1'000'000)), static_cast<double>(kOne), 1e6) << "100%";
}

TEST(LinkPotential, HoldsAtTheBoundsOfItsInput) {
  const Network network{2, {{0, 1, 1, 1}, {1, 0, kCapacityBpsMax, 1}}};
  LinkPotential potential(network);
  potential.calibrate({kDemandSumBpsMax, kDemandSumBpsMax}, LinkPotential::kSteepnessMax);
  EXPECT_NEAR(static_cast<double>(potential.of(0, kDemandSumBpsMax)), static_cast<double>(kOne), 1e8);
  EXPECT_EQ(potential.of(1, 0), 0);
  EXPECT_EQ(potential.price(0, kOne), kOne);
  EXPECT_EQ(potential.price(1, kOne), int64_t{1} << 36) << "2^60 is as far as loads go";
}

}  // namespace
}  // namespace weir::traffic
