#include "infrastructure/site_local/energy.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::site_local {
namespace {

constexpr uint64_t kSecond = 1'000'000;
// 2 cores, 40 W idle, 100 W at full load.
constexpr PowerCurve kCurve{.idle_milliwatt = 40'000, .peak_milliwatt = 100'000, .capacity_milli = 2'000};

TEST(Energy, IdleShareAndWork) {
  // Half a core reserved for 10 s: a quarter of 40 W.
  EXPECT_EQ(energy_microjoule(kCurve, 500, 10 * kSecond, 0), 100'000'000u);
  // And 4 core-seconds at 30 W a core.
  EXPECT_EQ(energy_microjoule(kCurve, 500, 10 * kSecond, 4 * kSecond), 220'000'000u);
}

TEST(Energy, WholeNodeAtFullLoadDrawsItsPeak) {
  EXPECT_EQ(energy_microjoule(kCurve, 2'000, kSecond, 2 * kSecond), 100'000'000u);
}

TEST(Energy, RoundsHalfUpOnce) {
  // 1 mW for 1 µs is a thousandth of a microjoule.
  const PowerCurve curve{.idle_milliwatt = 1, .peak_milliwatt = 1, .capacity_milli = 1'000};
  EXPECT_EQ(energy_microjoule(curve, 1'000, 499, 0), 0u);
  EXPECT_EQ(energy_microjoule(curve, 1'000, 500, 0), 1u);
}

TEST(Energy, NonsenseStaysBounded) {
  constexpr uint64_t kMax = ~uint64_t{0};
  EXPECT_EQ(energy_microjoule({kMax, kMax, 0}, ~uint32_t{0}, kMax, kMax), kMax);
  EXPECT_EQ(
      energy_microjoule({.idle_milliwatt = 10, .peak_milliwatt = 5, .capacity_milli = 1'000}, 0, 0, kSecond),
      0u);
}

RC_GTEST_PROP(Energy, NeverDecreases, ()) {
  const uint64_t wall = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 50);
  const uint64_t cpu = *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 50);
  RC_ASSERT(energy_microjoule(kCurve, 300, wall, cpu) <= energy_microjoule(kCurve, 300, wall + 1'000, cpu));
  RC_ASSERT(energy_microjoule(kCurve, 300, wall, cpu) <= energy_microjoule(kCurve, 300, wall, cpu + 1'000));
}

}  // namespace
}  // namespace weir::site_local
