#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "simulation/sweep.h"

namespace weir::simulation {
namespace {

uint64_t number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// WEIR_SIMULATION_SEEDS and WEIR_SIMULATION_FIRST choose a smaller or another sample, for sanitizers;
// WEIR_SIMULATION_TRACE=1 prints what happens.
TEST(Simulation, EverySeedKeepsThePromisesAndConverges) {
  Sweep wanted;
  wanted.first = number("WEIR_SIMULATION_FIRST", 0);
  wanted.last = wanted.first + number("WEIR_SIMULATION_SEEDS", 1'000) - 1;
  wanted.jobs = std::max(1u, std::thread::hardware_concurrency());
  wanted.options.trace = number("WEIR_SIMULATION_TRACE", 0) != 0;
  const SweepResult result = sweep(wanted, {});
  for (const Outcome& failure : result.failures) {
    std::string last;
    for (const std::string& line : failure.last) last += "\n    " + line;
    ADD_FAILURE() << "seed " << failure.seed << ": " << failure.why << "\n  reproduce: " << reproduce(failure.seed)
                  << "\n  faults: " << failure.faults << last;
  }
  EXPECT_EQ(result.seeds, wanted.last - wanted.first + 1);
  EXPECT_EQ(result.failed, 0u);
  RecordProperty("events", static_cast<int>(result.events));
}

// A check that cannot fail proves nothing: each way of breaking the system must be seen, and by the check that is
// there for it.
struct Broken {
  const char* name;
  Mutation mutation;
  const char* seen_as;
};
class BrokenSystem : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenSystem, IsCaught) {
  const Broken& broken = GetParam();
  const uint64_t seeds = number("WEIR_SIMULATION_BROKEN_SEEDS", 200);
  std::string other;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    const Outcome outcome = simulate(seed, {.mutation = broken.mutation});
    if (outcome.ok) continue;
    if (outcome.why.find(broken.seen_as) != std::string::npos) return;
    other = outcome.why;
  }
  FAIL() << "not seen as '" << broken.seen_as << "' in " << seeds << " seeds; otherwise seen as: " << other;
}

INSTANTIATE_TEST_SUITE_P(
    Simulation, BrokenSystem,
    ::testing::Values(Broken{"AnEventIsForgotten", Mutation::kForgetsEvent, "acknowledged"},
                      Broken{"ReplayMissesAnEvent", Mutation::kForgetsEvent, "replayed ledger differs"},
                      Broken{"APlanIsNotVerified", Mutation::kGrantsUnverified, "ends elsewhere"},
                      Broken{"ACrashTakesDurableRecords", Mutation::kLosesDurable, "durable records were lost"},
                      Broken{"UsageIsInflated", Mutation::kInflatesUsage, "is billed for"},
                      Broken{"AJobOutlivesItsLease", Mutation::kIgnoresLease, "a job runs twice"},
                      Broken{"NobodyHearsThatPathsDie", Mutation::kDeafToPaths, "the graph does not show it"},
                      Broken{"NobodyHearsThatSitesAreDone", Mutation::kNeverSettled, "is not retired"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace weir::simulation
