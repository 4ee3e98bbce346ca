#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/queue/engine.h"
#include "twin/trace/swf.h"

namespace weir::bench {

struct Rules {
  queue::Policy policy;
  queue::EngineOptions engine;
  // Whether each arrival and each end is decided on apart, arrivals first, even if they are at one time.
  bool one_by_one = false;
  // Whether estimates are the means of the last two run times of a job's user, or queue where no user is
  // known.
  bool predicted = false;
};

struct TraceJob {
  twin::SwfJob swf;
  int64_t estimated_s = 1;  // what the queue believes
  int64_t limit_s = 1;      // what reservations go by
};

struct Outcome {
  double slowdown_mean = 0;  // bounded, threshold 10 s
  double wait_mean_s = 0;
  int64_t wait_most_s = 0;
  double utilisation = 0;  // of the processors, from the first arrival to the last end
  int64_t passes = 0;
};

// Runs the jobs through the queue engine in virtual time, on an empty machine of that many processors.
// Requires that they are in the order of submission and that each fits the machine.
Outcome replay(const std::vector<TraceJob>& jobs, int64_t processors, const Rules& rules);

}  // namespace weir::bench
