#pragma once

#include <cstddef>
#include <vector>

#include "core/graph/graph.h"

namespace weir::bench {

// What a ledger holds of a region at work, as stored bytes, and the graph from which it begins, as a
// checkpoint has it.
struct History {
  Graph begin;
  std::vector<std::byte> bytes;
  std::vector<size_t> ends;  // of each record in `bytes`
  Graph end;                 // of the events applied as they were made
};

// Lives of this many intents, 500 at a time, in a region of 100 sites and 500 links. Each is submitted,
// planned by the real planner, started and stopped; its site reports usage 13 times, its ingress the promise
// 7 times, and 7 readings of links come in with that: 34 events. The same seed gives the same history.
History make_history(uint64_t seed, uint32_t intents);

}  // namespace weir::bench
