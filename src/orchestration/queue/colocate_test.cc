#include "orchestration/queue/colocate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace weir::queue {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

TEST(UsageHistogram, QuantilesAreEdgesOfBuckets) {
  UsageHistogram use(12'800, kHourUs);
  EXPECT_EQ(use.quantile(500'000), 12'800) << "nothing is known";
  for (int64_t i = 1; i <= 100; ++i) use.add(i * 100, i);
  EXPECT_EQ(use.quantile(500'000), 5'000);
  EXPECT_EQ(use.quantile(990'000), 9'900);
  EXPECT_EQ(use.quantile(1'000'000), 10'000);
  EXPECT_EQ(use.quantile(1), 100);
  use.add(-5, 200);
  EXPECT_EQ(use.quantile(1), 100);
  use.add(1'000'000, 200);
  EXPECT_EQ(use.quantile(1'000'000), 12'800);
  EXPECT_EQ(use.samples(), 102);
}

TEST(UsageHistogram, OldSamplesFade) {
  UsageHistogram use(100, kHourUs);
  for (int i = 0; i < 64; ++i) use.add(90, 0);
  for (int i = 0; i < 63; ++i) use.add(10, 3 * kHourUs);  // the old ones weigh 8 of 71
  EXPECT_LE(use.quantile(887'000), 11);
  EXPECT_GE(use.quantile(888'000), 90);
  use.add(10, 0);
  use.add(10, 100 * kHourUs);
  EXPECT_LE(use.quantile(1'000'000), 11);
}

RC_GTEST_PROP(UsageHistogram, NoMoreThanItsPartExceedsTheQuantile, ()) {
  const auto full = *rc::gen::inRange<int64_t>(1, 1'000'000);
  const auto samples = *rc::gen::container<std::vector<int64_t>>(rc::gen::inRange<int64_t>(0, full + 1));
  const auto ppm = *rc::gen::inRange<int64_t>(1, kPpm + 1);
  UsageHistogram use(full, kHourUs);
  for (const int64_t sample : samples) use.add(sample, 0);
  const int64_t edge = use.quantile(ppm);
  const auto beyond = std::count_if(samples.begin(), samples.end(), [edge](int64_t s) { return s > edge; });
  RC_ASSERT(beyond * kPpm <= static_cast<int64_t>(samples.size()) * (kPpm - ppm));
  // And it is no more than a bucket above the exact one.
  auto sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty()) return;
  const size_t rank = (sorted.size() * static_cast<size_t>(ppm) + kPpm - 1) / kPpm - 1;
  RC_ASSERT(edge <= sorted[rank] + full / UsageHistogram::kBuckets + 1);
}

TEST(BestEffortRoom, IsWhatIsNotExpectedToBeUsed) {
  const Amount capacity{12'800, 12'800, 4'000}, reserved{10'000, 10'000, 1'000};
  UsageHistogram cpu(12'800, kHourUs), memory(12'800, kHourUs);
  const ColocationPolicy policy{.margin_ppm = 100'000, .samples_min = 10};
  for (int i = 0; i < 9; ++i) {
    cpu.add(2'000, 0);
    memory.add(9'500, 0);
  }
  EXPECT_EQ(best_effort_room(capacity, reserved, cpu, memory, policy), (Amount{2'800, 2'800, 3'000}));
  cpu.add(2'000, 0);
  memory.add(9'500, 0);
  EXPECT_EQ(best_effort_room(capacity, reserved, cpu, memory, policy),
            (Amount{12'800 - 2'000 - 1'280, 2'800, 3'000}));
  EXPECT_EQ(best_effort_room({1'000, 1'000, 0}, reserved, cpu, memory, policy), Amount{})
      << "a machine that shrank";
}

TEST(Evict, TheLeastImportantThatFreesEnough) {
  const std::vector<BestEffortRun> runs{
      {.job = 1, .priority = 1, .reserved = {100, 100, 0}, .used = {100, 900, 0}, .cost = 1},
      {.job = 2, .priority = 0, .reserved = {100, 100, 0}, .used = {100, 100, 0}, .cost = 5},
      {.job = 3, .priority = 0, .reserved = {100, 100, 0}, .used = {100, 150, 0}, .cost = 50},
      {.job = 4, .priority = 0, .reserved = {400, 0, 0}, .used = {400, 0, 0}, .cost = 8},
  };
  EXPECT_EQ(eviction_order(runs, 1), (std::vector<uint64_t>{3, 2, 4, 1}));
  EXPECT_EQ(eviction_order(runs, 0), (std::vector<uint64_t>{4, 2, 3, 1}));
  EXPECT_EQ(evict(runs, {}), std::vector<uint64_t>{});
  EXPECT_EQ(evict(runs, {0, 120, 0}), std::vector<uint64_t>{3});
  EXPECT_EQ(evict(runs, {0, 200, 0}), (std::vector<uint64_t>{2, 3}));
  EXPECT_EQ(evict(runs, {350, 120, 0}), (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(evict(runs, {0, 1'151, 0}), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(pressure({1'000, 1'000, 0}, {960, 940, 0}, {}), (Amount{10, 0, 0}));
}

RC_GTEST_PROP(Evict, FreesWhatIsOverAndSparesWhoIsNotNeeded, ()) {
  std::vector<BestEffortRun> runs(*rc::gen::inRange<size_t>(0, 12));
  Amount all;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto amount = [] {
      return Amount{*rc::gen::inRange<int64_t>(0, 50), *rc::gen::inRange<int64_t>(0, 50), 0};
    };
    runs[i] = {i, *rc::gen::inRange(0, 3), amount(), amount(), *rc::gen::inRange<int64_t>(0, 100)};
    all += runs[i].used;
  }
  const Amount over{*rc::gen::inRange<int64_t>(0, 400), *rc::gen::inRange<int64_t>(0, 400), 0};
  const auto freed = [&](const std::vector<uint64_t>& jobs, uint64_t without) {
    Amount sum;
    for (const uint64_t job : jobs) {
      if (job != without) sum += runs[job].used;
    }
    return sum;
  };
  const std::vector<uint64_t> gone = evict(runs, over);
  if (!over.fits(all)) return;
  RC_ASSERT(over.fits(freed(gone, UINT64_MAX)));
  for (const uint64_t job : gone) RC_ASSERT(!over.fits(freed(gone, job)));
}

}  // namespace
}  // namespace weir::queue
