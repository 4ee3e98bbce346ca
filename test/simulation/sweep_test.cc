#include "simulation/sweep.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::simulation {
namespace {

TEST(Sweep, RunsEverySeedOnceWhateverTheThreads) {
  for (const unsigned jobs : {1u, 3u}) {
    std::multiset<uint64_t> seen;
    const SweepResult result =
        sweep({.first = 5, .last = 9, .jobs = jobs, .twice_every = 0}, [&](const Outcome& outcome) { seen.insert(outcome.seed); });
    EXPECT_EQ(seen, (std::multiset<uint64_t>{5, 6, 7, 8, 9}));
    EXPECT_EQ(result.seeds, 5u);
    EXPECT_EQ(result.failed, 0u);
  }
}

// The command that is printed names the seed and nothing else, so the seed alone must bring the failure back.
TEST(Sweep, AFailureComesBackFromItsSeedAlone) {
  const Sweep broken{.first = 0, .last = 15, .jobs = 2, .options = {.mutation = Mutation::kForgetsEvent}};
  const SweepResult result = sweep(broken, {});
  ASSERT_GT(result.failed, 0u);
  ASSERT_EQ(result.failures.size(), result.failed);
  for (size_t i = 0; i < result.failures.size() && i < 3; ++i) {
    const Outcome& failure = result.failures[i];
    const std::string seed = std::to_string(failure.seed);
    EXPECT_EQ(reproduce(failure.seed), "weir sim run --seeds " + seed + ".." + seed + " --verbose");
    const Outcome again = simulate(failure.seed, broken.options);
    EXPECT_FALSE(again.ok);
    EXPECT_EQ(again.why, failure.why);
    EXPECT_EQ(again.head, failure.head);
  }
}

}  // namespace
}  // namespace weir::simulation
