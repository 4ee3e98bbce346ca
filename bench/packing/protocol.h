#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "bench/packing/openb_trace.h"
#include "orchestration/placement/packer.h"

namespace weir::bench {

// The protocol of the FGD paper, draw for draw as its authors' simulator runs it: per seed the tasks in
// random order, then tasks drawn again until accelerators of 130% of the capacity are asked for; they come
// one after another, none leaves, what fits nowhere is dropped.
struct PackingSequence {
  std::vector<uint32_t> tasks;  // of the trace
  std::vector<uint32_t> nodes;  // of the trace; of equal nodes the earlier is taken
};
PackingSequence packing_sequence(const PackingTrace& trace, int64_t seed);

struct PackingOutcome {
  double allocated_percent = 0;  // at the end
  // As published: the mean over the arrivals at 129.5% of demand and later, each rounded to 0.01.
  double published_percent = 0;
  int64_t placed = 0, failed = 0, refused = 0;
  int64_t refused_milli = 0;
  double us_per_task = 0, us_worst = 0;  // of processor time
  size_t classes = 0;                    // of nodes in equal states, at the end
};
PackingOutcome run_packing(const PackingTrace& trace, const PackingSequence& sequence, PackingPolicy& policy,
                           PackingTie tie, uint64_t seed);

}  // namespace weir::bench
