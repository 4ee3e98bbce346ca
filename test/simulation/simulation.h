#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/ledger/merkle.h"
#include "simulation/auditor.h"
#include "simulation/brain.h"

namespace weir::simulation {

struct Options {
  Mutation mutation = Mutation::kNone;
  TimeUs safety_us = 25'000'000;        // with faults
  TimeUs convergence_us = 60'000'000;   // without, until everything must be as it should
  bool trace = false;                   // prints events as they become durable
  // Called at the end of a run without violations.
  std::function<void(const LogReader&, const Auditor&)> at_end;
};

struct Outcome {
  uint64_t seed = 0;
  bool ok = true;
  std::string why;                      // of the first violation
  std::vector<std::string> last;        // what happened before it
  std::string faults;
  TreeHead head;
  BrainProcess::Totals totals;
  TimeUs ended_us = 0;                  // virtual
  TimeUs converged_us = 0;              // after the faults ended
  uint64_t steps = 0;
  uint64_t preemptions = 0, reclaims = 0, resizes = 0, made_way = 0, exchanged = 0;
};

// Runs one world: everything in it follows from the seed.
Outcome simulate(uint64_t seed, const Options& options = {});

}  // namespace weir::simulation
