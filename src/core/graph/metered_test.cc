#include "core/graph/metered.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace weir {
namespace {

using Windows = std::vector<Window>;

TEST(Metered, TakesEachMicrosecondOnce) {
  Metered metered;
  EXPECT_EQ(metered.missing({10, 20}), (Windows{{10, 20}}));
  EXPECT_TRUE(metered.missing({20, 20}).empty());
  metered.take({10, 20});
  EXPECT_TRUE(metered.missing({10, 20}).empty());
  EXPECT_EQ(metered.missing({5, 30}), (Windows{{5, 10}, {20, 30}}));
  metered.take({40, 50});
  EXPECT_EQ(metered.missing({0, 60}), (Windows{{0, 10}, {20, 40}, {50, 60}}));
  metered.take({25, 30});
  EXPECT_EQ(metered.missing({15, 45}), (Windows{{20, 25}, {30, 40}}));
  metered.take({0, 100});
  EXPECT_TRUE(metered.missing({0, 100}).empty());
  EXPECT_EQ(metered.until(), 100);
}

TEST(Metered, IsCompleteWhenAllUpToTheLastWindowIsTaken) {
  Metered metered;
  EXPECT_FALSE(metered.complete());
  metered.take({20, 30});
  metered.finish(10, 30);
  EXPECT_FALSE(metered.complete()) << "the first window is still on its way";
  metered.take({10, 20});
  EXPECT_TRUE(metered.complete());
}

TEST(Metered, IsNotCompleteWhileSomethingBeforeTheLastBeginningIsMissing) {
  Metered metered;
  metered.take({10, 20});
  metered.take({50, 60});
  metered.finish(50, 60);
  EXPECT_FALSE(metered.complete()) << "its machine started anew, and [20, 25) is still on its way";
  metered.take({20, 25});
  EXPECT_FALSE(metered.complete()) << "nobody knows that this was all";
}

TEST(Metered, GivesUpTheOldestGapBeyondTheBound) {
  Metered metered;
  const auto gaps = static_cast<TimeUs>(Metered::kGapsMax);
  for (TimeUs i = 0; i <= gaps; ++i) metered.take({20 * i, 20 * i + 10});
  EXPECT_EQ(metered.missing({0, 20 * gaps}).size(), Metered::kGapsMax);
  metered.take({20 * (gaps + 1), 20 * (gaps + 1) + 10});
  EXPECT_EQ(metered.missing({0, 20 * gaps}).size(), Metered::kGapsMax - 1);
  EXPECT_TRUE(metered.missing({10, 20}).empty()) << "counts as taken";
  EXPECT_EQ(metered.missing({30, 40}), (Windows{{30, 40}}));
}

RC_GTEST_PROP(Metered, IsASetOfMicroseconds, ()) {
  Metered metered;
  std::set<TimeUs> taken;
  for (int i = 0; i < 12; ++i) {  // fewer windows than gaps kept
    const TimeUs from = *rc::gen::inRange<TimeUs>(1, 60), to = from + *rc::gen::inRange<TimeUs>(0, 12);
    std::set<TimeUs> missing;
    TimeUs last = -1;
    for (const Window& part : metered.missing({from, to})) {
      RC_ASSERT(part.from > last);
      RC_ASSERT(part.from < part.to);
      last = part.to;
      for (TimeUs t = part.from; t < part.to; ++t) missing.insert(t);
    }
    for (TimeUs t = from; t < to; ++t) RC_ASSERT(missing.count(t) != taken.count(t));
    metered.take({from, to});
    for (TimeUs t = from; t < to; ++t) taken.insert(t);
  }
}

}  // namespace
}  // namespace weir
