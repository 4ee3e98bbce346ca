#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

namespace weir::queue {

// Waiting jobs that are looked at.
inline constexpr size_t kAheadMax = 256;

struct Ahead {
  Amount whole;
  TimeUs submitted = 0;
  TimeUs run_us = 1;
};

struct Release {
  TimeUs at = 0;
  Amount amount;
};

// Which of the waiting jobs, given in the order of a policy, should be next where nobody may pass it: each of
// the first `candidates` is tried before the rest in that order, and the one is taken with which the jobs'
// bounded slowdowns sum to the least (a rollout: Bertsekas, Tsitsiklis, Wu: Rollout algorithms for
// combinatorial optimization, J. Heuristics 1997). It knows only what waits and runs, and counts on no
// arrivals. Ties go to the first. `jobs` is not empty. O(candidates * jobs * log(jobs + releases)).
size_t choose_next(const Amount& free, TimeUs now, std::vector<Release> releases, std::span<const Ahead> jobs,
                   size_t candidates);

}  // namespace weir::queue
