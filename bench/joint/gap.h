#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/joint/instance.h"
#include "bench/joint/policies.h"
#include "core/ports/linear_program.h"
#include "core/result/result.h"

namespace weir::bench {

// What a way of deciding achieved on one instance: intents that the region can keep.
struct Achieved {
  int64_t accepted = 0;
  int64_t served_cpu_milli = 0;
  Nanocredits billed_per_hour = 0;
};

// A proven statement about one instance: whoever serves so much pays at least bound - worth * what is
// refused.
struct Frontier {
  struct Cut {
    Nanocredits worth_per_core_hour = 0;
    Nanocredits bound = 0;  // least price with refusals at that worth
  };
  std::vector<Cut> cuts;
  int64_t offered_cpu_milli = 0;

  // The least that serving so much costs, per hour; at least 0.
  double cost(int64_t served_cpu_milli) const;
  // The most that can be served at no more than this cost.
  double served_cpu_milli(double billed_per_hour_max) const;
};

// The ways that are compared; `kPass` is Weir after its periodic pass.
enum class Way { kPlaceFirst, kPathFirst, kOnline, kPass };
inline constexpr int kWays = 4;
const char* name(Way way);

struct GapOutcome {
  Achieved achieved[kWays];
  Frontier frontier;
  int64_t intents = 0;
  int64_t moved = 0, admitted = 0, dropped = 0;
  double pass_seconds = 0;    // processor time of the pass: relaxation, rounding, order of steps
  double online_seconds = 0;  // of deciding the intents one by one
};

// Every plan of the pass is committed, intent by intent, to a region without load, and checked by verify().
// Errors: of the solver, and kInternal where a plan is not granted.
Result<GapOutcome> measure_gap(const Instance& instance, LinearSolver& solver);

// weir bench joint --gap.
int run_gap_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
