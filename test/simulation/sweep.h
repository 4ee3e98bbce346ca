#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "simulation/simulation.h"

namespace weir::simulation {

struct Sweep {
  uint64_t first = 0, last = 0;         // seeds, both included
  unsigned jobs = 1;
  uint64_t twice_every = 16;            // every so many seeds one is run twice and the heads compared; 0: none
  Options options;
};

struct SweepResult {
  uint64_t seeds = 0, failed = 0, twice = 0, events = 0, turns = 0, crashes = 0, commits = 0, refusals = 0;
  uint64_t resizes = 0;                    // of malleable jobs
  uint64_t preemptions = 0, reclaims = 0;  // of these, for what a queue is guaranteed
  uint64_t made_way = 0;                   // best-effort jobs, for ordinary work
  uint64_t exchanged = 0;                  // flows between instances of one job
  uint64_t conflicts = 0, defects = 0;  // decisions that came too late, and wrong ones
  uint64_t moves = 0;                   // that passes over the domain advised, and that were made
  TimeUs virtual_us = 0;
  TimeUs converged_us_max = 0;
  std::vector<Outcome> failures;        // at most 20, by seed
};

// Runs the seeds on `jobs` threads. `each` is called for every seed that has ended, one at a time, in no order.
SweepResult sweep(const Sweep& sweep, const std::function<void(const Outcome&)>& each);

// The command that runs this seed alone.
std::string reproduce(uint64_t seed);

}  // namespace weir::simulation
