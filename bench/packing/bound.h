#pragma once

#include <cstdint>
#include <vector>

#include "bench/packing/protocol.h"

namespace weir::bench {

// An upper bound of what any schedule can allocate of a sequence, one that knows all of it and turns away
// what it likes among them. Weak duality: let every node rent out its CPU, memory and accelerators at prices
// of its own. Whatever is placed brings its accelerators less its rent, so no schedule brings more than the
// rent of all nodes, plus for each task what it brings above its rent where that is cheapest, or nothing. A
// share of an accelerator pays a rent by its size; an accelerator's price is the most that shares on one
// accelerator can pay together (a knapsack, solved exactly). Any prices give a bound; the arithmetic is in
// whole numbers.
struct BoundPrices {
  // In millionths of a milli-accelerator. By kind of node (see BoundInstance::pools): per milli-core and MiB.
  std::vector<int64_t> cpu_milli, memory_mib;
  std::vector<int64_t> share;  // by size of share: BoundInstance::shares
};

struct BoundInstance {
  struct Pool {
    AcceleratorNode node;  // empty
    int64_t count = 0;
  };
  struct Kind {
    AcceleratorTask task;
    int64_t count = 0;
    size_t share = 0;  // row of `shares`, where the task takes one
  };
  std::vector<Pool> pools;
  std::vector<Kind> kinds;      // that take accelerators
  std::vector<int16_t> shares;  // sizes, ascending; the last is a whole one
  int64_t capacity_milli = 0;
};
BoundInstance bound_instance(const PackingTrace& trace, const PackingSequence& sequence);

// In millionths of a milli-accelerator. Requires prices of at least 0.
int64_t bound_of(const BoundInstance& instance, const BoundPrices& prices);

// The least bound found by `steps` steps of subgradient descent over the prices, in percent of the capacity,
// rounded up to 0.001.
double packing_bound_percent(const BoundInstance& instance, int steps = 1500);

}  // namespace weir::bench
