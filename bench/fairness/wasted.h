#pragma once

#include <cstdint>

namespace weir::bench {

// Who is preempted. All go by the same rights; the first is Weir's.
//  kNewestFirst     on the node where the fewest must go, those that started last
//  kLowestPriority  as kube-scheduler's default preemption: on each node those of the lowest priority, the
//  newest of them
//                   first; of the nodes the one whose victims' highest priority is lowest, then their sum,
//                   then their number, then the latest start
// On a node that these two have chosen, who turns out not to be needed is spared.
enum class VictimPolicy : uint8_t { kLeastWaste, kNewestFirst, kLowestPriority };

struct Wasted {
  int64_t delivered_core_us = 0;  // work of jobs that ended
  int64_t wasted_core_us = 0;     // done again after a preemption, and restarts
  int64_t moved_gib = 0;
  int64_t preemptions = 0;
  int64_t ended = 0;
  int64_t urgent_wait_us = 0;  // until the first start, summed over the jobs above the lowest priority
  int64_t urgent = 0;
  int64_t searches = 0, exact = 0;  // choices of victims; of these known to be the best
};

struct WastedLoad {
  int load_percent = 120;  // of the cores that are asked for
  int urgent_percent =
      15;  // of the jobs that have a higher priority than most, a quarter of them the highest
  int days = 3;
};

// A domain of 64 nodes with 32 cores each, four queues that are guaranteed a fifth each and are loaded
// unevenly, three priority classes, jobs of 1 to 32 cores for minutes to days that checkpoint often, rarely
// or never. Each job that finds no room when it comes, or when it was preempted, tries to make some, once.
Wasted run_wasted(uint64_t seed, VictimPolicy policy, const WastedLoad& load);

}  // namespace weir::bench
