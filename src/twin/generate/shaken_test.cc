#include "twin/generate/shaken.h"

#include <gtest/gtest.h>

namespace weir::twin {
namespace {

TEST(Shaken, ChangesGapsAndRunTimesALittleAndKeepsOrderAndEstimates) {
  LublinSource plain({.jobs = 300}), again({.jobs = 300});
  ShakenSource shaken(again, 5);
  TimeUs last_us = 0;
  size_t differ = 0;
  for (auto job = plain.next(); *job; job = plain.next()) {
    const auto other = shaken.next();
    ASSERT_TRUE(*other);
    EXPECT_NEAR(static_cast<double>((*other)->run_us), static_cast<double>((*job)->run_us),
                0.0501 * static_cast<double>((*job)->run_us));
    EXPECT_LE((*other)->run_us, (*other)->estimate_us);
    EXPECT_GE((*other)->submit_us, last_us);
    last_us = (*other)->submit_us;
    differ += (*other)->run_us != (*job)->run_us;
  }
  EXPECT_FALSE(*shaken.next());
  EXPECT_GT(differ, 250u);
}

TEST(Window, BeginsAtItsFirstJob) {
  LublinSource all({.jobs = 100}), again({.jobs = 100});
  WindowSource window(again, 40, 10);
  for (int i = 0; i < 40; ++i) (void)all.next();
  TimeUs begin_us = -1;
  for (int i = 0; i < 10; ++i) {
    const auto job = all.next(), part = window.next();
    ASSERT_TRUE(*part);
    if (begin_us < 0) begin_us = (*job)->submit_us;
    EXPECT_EQ((*part)->id, (*job)->id);
    EXPECT_EQ((*part)->submit_us, (*job)->submit_us - begin_us);
  }
  EXPECT_FALSE(*window.next());
}

}  // namespace
}  // namespace weir::twin
