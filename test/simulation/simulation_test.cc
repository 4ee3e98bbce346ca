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

// WEIR_SIMULATION_SEEDS and WEIR_SIMULATION_FIRST choose a smaller or another sample, for sanitizers.
TEST(Simulation, EverySeedKeepsThePromisesAndConverges) {
  Sweep wanted;
  wanted.first = number("WEIR_SIMULATION_FIRST", 0);
  wanted.last = wanted.first + number("WEIR_SIMULATION_SEEDS", 1'000) - 1;
  wanted.jobs = std::max(1u, std::thread::hardware_concurrency());
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

}  // namespace
}  // namespace weir::simulation
