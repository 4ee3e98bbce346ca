#pragma once

#include <cstdint>

namespace weir::bench {

// What it takes to have so many jobs that are alike done, so many at a time, each of one core at one site.
struct Alike {
  double submit_seconds = 0;       // of the processor: the turn that takes them
  uint64_t submit_events = 0, submit_bytes = 0;  // of the ledger, in that turn
  double submit_memory_bytes = 0;
  double seconds = 0;              // all of it
  uint64_t turns = 0, events = 0, bytes = 0;
  double memory_bytes = 0;         // kept when all are done
  bool done = false;
};

// Through the production loop, as one array or as jobs submitted together; runs end as soon as they were begun.
Alike run_alike(uint32_t jobs, uint32_t running, bool array);

}  // namespace weir::bench
