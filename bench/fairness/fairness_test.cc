#include <gtest/gtest.h>

#include "bench/fairness/sharing.h"
#include "bench/fairness/timing.h"
#include "bench/fairness/wasted.h"

namespace weir::bench {
namespace {

TEST(Wasted, ALoadIsTheSameAgainAndOursDestroysLess) {
  const WastedLoad load{.days = 1};
  const Wasted ours = run_wasted(1, VictimPolicy::kLeastWaste, load);
  const Wasted again = run_wasted(1, VictimPolicy::kLeastWaste, load);
  EXPECT_EQ(ours.wasted_core_us, again.wasted_core_us);
  EXPECT_EQ(ours.ended, again.ended);
  EXPECT_GT(ours.preemptions, 0);
  EXPECT_EQ(ours.exact, ours.searches);
  for (const VictimPolicy policy : {VictimPolicy::kNewestFirst, VictimPolicy::kLowestPriority}) {
    const Wasted naive = run_wasted(1, policy, load);
    EXPECT_GT(naive.wasted_core_us, ours.wasted_core_us);
    EXPECT_GT(naive.preemptions, 0);
  }
}

TEST(Sharing, TurnsKeepNearerToWhatIsDueThanArrival) {
  const Sharing arrival = run_sharing(1, SharePolicy::kArrival, 1),
                turns = run_sharing(1, SharePolicy::kTurns, 1),
                reclaim = run_sharing(1, SharePolicy::kReclaim, 1);
  EXPECT_LT(turns.error, arrival.error);
  EXPECT_GT(turns.jain, arrival.jain);
  EXPECT_LT(reclaim.error, turns.error);
  EXPECT_EQ(turns.preemptions, 0);
  EXPECT_GT(reclaim.preemptions, 0);
}

TEST(Timing, NamesEachOperationOnce) {
  const auto timings = run_timing(200, 1'000);
  EXPECT_GE(timings.size(), 10u);
  for (const Timing& timing : timings) EXPECT_GT(timing.microseconds, 0) << timing.what;
}

}  // namespace
}  // namespace weir::bench
