#include "core/price/price.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace weir {

TEST(Scarcity, TableIsTheRoundedExponential) {
  for (int b = 0; b < kUtilisationBuckets; ++b) {
    const double exact = (std::pow(64.0, b / 63.0) - 1) / 63.0 * 1e6;
    EXPECT_EQ(kScarcityPpm[static_cast<size_t>(b)], std::lround(exact)) << "bucket " << b;
  }
}

TEST(Scarcity, BucketsAtTheirBounds) {
  EXPECT_EQ(utilisation_bucket(63, 63), 0);
  EXPECT_EQ(utilisation_bucket(6300, 6201), 0);
  EXPECT_EQ(utilisation_bucket(6300, 6200), 1);
  EXPECT_EQ(utilisation_bucket(6300, 6199), 1);
  EXPECT_EQ(utilisation_bucket(6300, 1), 62);
  EXPECT_EQ(utilisation_bucket(6300, 0), 63);
  EXPECT_EQ(utilisation_bucket(6300, -5), 63);
  EXPECT_EQ(utilisation_bucket(0, 0), 63);
  EXPECT_EQ(utilisation_bucket(std::numeric_limits<int64_t>::max(), 1), 62);
}

TEST(LineAmount, RoundsHalfUpOnceAndSaturates) {
  EXPECT_EQ(line_amount(0, 5, 10), 0);
  EXPECT_EQ(line_amount(4, 1, 10), 0);
  EXPECT_EQ(line_amount(5, 1, 10), 1);
  EXPECT_EQ(line_amount(14, 1, 10), 1);
  EXPECT_EQ(line_amount(15, 1, 10), 2);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(line_amount(static_cast<unsigned __int128>(kMax) * 1000, kMax, 1), kMax);
  EXPECT_EQ(line_amount(static_cast<unsigned __int128>(kMax), 1, 1), kMax);
  EXPECT_EQ(saturating_add(kMax, 1), kMax);
  EXPECT_EQ(saturating_add(kMax - 1, 1), kMax);
}

TEST(Charge, RoundsUpAndSaturates) {
  EXPECT_EQ(charge(0, 5, 1000), 0);
  EXPECT_EQ(charge(1, 1, 1000), 1);
  EXPECT_EQ(charge(1000, 7, 1000), 7);
  EXPECT_EQ(charge(1001, 7, 1000), 8);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(charge(kMax, 1, 1), kMax);
  EXPECT_EQ(charge(kMax, 2, 1), kMax);
}

TEST(Charge, TheShortWayAgreesWithTheWide) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const int64_t amount : {int64_t{0}, int64_t{1}, int64_t{999}, int64_t{3'000'000'000}, kMax / 1000, kMax}) {
    for (const int64_t price : {int64_t{0}, int64_t{1}, int64_t{3'074'457'345}, int64_t{3'074'457'346}, kMax / 1000}) {
      for (const int64_t unit : {int64_t{1}, int64_t{1000}, kGbpsUnit, kMax}) {
        EXPECT_EQ(charge(amount, price, unit), charge_wide(amount, price, unit)) << amount << ' ' << price << ' ' << unit;
      }
    }
  }
}

TEST(Scarcity, WideAndShortProductsAgree) {
  constexpr int64_t kEdge = std::numeric_limits<int64_t>::max() / kPpm;
  for (const int64_t at_full : {int64_t{0}, int64_t{1}, kEdge, kEdge + 1, std::numeric_limits<int64_t>::max()}) {
    const auto exact = static_cast<int64_t>(static_cast<__int128>(at_full) * kScarcityPpm[40] / kPpm);
    EXPECT_EQ(scarcity(kScarcityPpm, at_full, 40), exact);
  }
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(utilisation_bucket(kMax, kMax - kMax / kUtilisationBuckets), 0);
  EXPECT_EQ(utilisation_bucket(kMax, kMax - kMax / kUtilisationBuckets - 1), 0);
  EXPECT_EQ(utilisation_bucket(kMax, kMax / 2), 31);
}

TEST(Carbon, OfAReservation) {
  // One core at 10 W peak, PUE 1.5, 568,300 mg/kWh: 15 W for an hour is 0.015 kWh.
  const Power power{4000, 10'000, 1500, 568'300};
  EXPECT_EQ(power_mw(power, 1000), 15'000);
  EXPECT_EQ(carbon_mg_per_hour(power, 1000), 8525);  // 0.015 * 568,300 = 8524.5
}

}  // namespace weir
