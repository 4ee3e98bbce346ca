#include "orchestration/queue/profile.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <vector>

namespace weir::queue {
namespace {

Amount cores(int64_t n) { return {.cpu_milli = n * 1000}; }

TEST(Profile, FindsTheFirstGapThatIsLongEnough) {
  Profile profile(cores(10));
  profile.take(cores(6), 0, 100);
  profile.take(cores(6), 120, 200);
  EXPECT_EQ(profile.earliest(cores(4), 0, 1000), 0);
  EXPECT_EQ(profile.earliest(cores(5), 0, 20), 100);
  EXPECT_EQ(profile.earliest(cores(5), 0, 21), 200);
  EXPECT_EQ(profile.earliest(cores(11), 0, 1), kNever);
  profile.give(cores(6), 150, 200);  // ended early
  EXPECT_EQ(profile.earliest(cores(5), 0, 21), 150);
}

TEST(Profile, ForgetsThePastAndMergesEqualSteps) {
  Profile profile(cores(10));
  profile.take(cores(1), 10, 20);
  profile.take(cores(1), 20, 30);
  EXPECT_EQ(profile.size(), 3U);
  profile.advance(30);
  EXPECT_EQ(profile.size(), 1U);
  EXPECT_EQ(profile.free_at(0), cores(10));
}

// Against a plain list of steps, with enough of them for many blocks.
TEST(Profile, AgreesWithItselfWhenItHasManyBlocks) {
  constexpr int64_t kEnd = 5'000;
  Profile profile(Amount{1'000, 1'000, 1'000});
  std::vector<Amount> instants(kEnd, Amount{1'000, 1'000, 1'000});
  uint64_t state = 1;
  const auto draw = [&state](int64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(below));
  };
  struct Entry {
    Amount amount;
    int64_t from, to;
  };
  std::vector<Entry> entries;
  int64_t now = 0;
  for (int round = 0; round < 4'000; ++round) {
    if (entries.size() > 900 || (!entries.empty() && draw(5) == 0)) {
      const size_t which = static_cast<size_t>(draw(static_cast<int64_t>(entries.size())));
      const Entry gone = entries[which];
      entries.erase(entries.begin() + static_cast<ptrdiff_t>(which));
      profile.give(gone.amount, gone.from, gone.to);
      for (int64_t t = gone.from; t < gone.to; ++t) instants[static_cast<size_t>(t)] += gone.amount;
    } else {
      const int64_t from = now + draw(kEnd - now), to = from + draw(kEnd - from) / (1 + draw(20));
      entries.push_back({{draw(3), draw(4), draw(2)}, from, to});
      profile.take(entries.back().amount, from, to);
      for (int64_t t = from; t < to; ++t) instants[static_cast<size_t>(t)] -= entries.back().amount;
    }
    if (draw(400) == 0) profile.advance(now += draw(100));
    const Amount need{990 + draw(12) - draw(700), draw(900), draw(1'100)};
    const int64_t after = now + draw(kEnd - now), duration = 1 + draw(1'000);
    int64_t start = after;
    Amount least = instants[static_cast<size_t>(after)];
    for (int64_t t = after; t < kEnd && (t < start + duration || t < after + duration); ++t) {
      if (t < start + duration && !need.fits(instants[static_cast<size_t>(t)])) start = t + 1;
      if (t < after + duration) least = Amount::least(least, instants[static_cast<size_t>(t)]);
    }
    // After kEnd all is free again.
    if (after + duration <= kEnd) {
      EXPECT_EQ(profile.free_least(after, after + duration), least);
    }
    if (start < kEnd) {
      EXPECT_EQ(profile.earliest(need, after, duration), start) << round;
    }
    EXPECT_EQ(profile.free_at(after), instants[static_cast<size_t>(after)]);
  }
  EXPECT_GT(profile.size(), 600U);
}

// Against an array of free amounts, one for each instant.
RC_GTEST_PROP(Profile, AgreesWithEveryInstantCountedOut, ()) {
  constexpr int64_t kEnd = 60;
  Profile profile(Amount{20, 30, 5});
  std::array<Amount, kEnd + 1> instants;
  instants.fill({20, 30, 5});
  int64_t now = 0;
  for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4))) {
    const int64_t from = *rc::gen::inRange<int64_t>(now, kEnd),
                  to = *rc::gen::inRange<int64_t>(from, kEnd + 1);
    const Amount amount{*rc::gen::inRange<int64_t>(0, 9), *rc::gen::inRange<int64_t>(0, 9),
                        *rc::gen::inRange<int64_t>(0, 3)};
    if (step == 3) {
      profile.advance(from);
      now = from;
    } else if (step == 2) {
      profile.give(amount, from, to);
      for (int64_t t = from; t < to; ++t) instants[static_cast<size_t>(t)] += amount;
    } else {
      profile.take(amount, from, to);
      for (int64_t t = from; t < to; ++t) instants[static_cast<size_t>(t)] -= amount;
    }
    for (int64_t t = now; t <= kEnd; ++t) RC_ASSERT(profile.free_at(t) == instants[static_cast<size_t>(t)]);
    const Amount need{*rc::gen::inRange<int64_t>(0, 25), *rc::gen::inRange<int64_t>(0, 35), 1};
    const int64_t duration = *rc::gen::inRange<int64_t>(1, 20), after = *rc::gen::inRange<int64_t>(now, kEnd);
    int64_t start = after;
    for (int64_t t = after; t <= kEnd && t < start + duration; ++t) {
      if (!need.fits(instants[static_cast<size_t>(t)])) start = t + 1;
    }
    RC_ASSERT(profile.earliest(need, after, duration) == (start > kEnd ? kNever : start));
    Amount least = instants[static_cast<size_t>(after)];
    for (int64_t t = after; t < std::min(after + duration, kEnd + 1); ++t) {
      least = Amount::least(least, instants[static_cast<size_t>(t)]);
    }
    RC_ASSERT(profile.free_least(after, after + duration) == least);
  }
}

}  // namespace
}  // namespace weir::queue
