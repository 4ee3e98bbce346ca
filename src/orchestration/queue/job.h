#pragma once

#include <cstdint>
#include <vector>

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

namespace weir::queue {

// Work with an end that waits for room. Its instances start together: all `count` of them, or of a malleable job as many as
// there is room for.
struct Job {
  uint64_t id = 0;     // unique; ties break by it, lowest first
  uint32_t queue = 0;  // whose policy and share it goes by
  TimeUs submitted = 0;
  TimeUs estimated_us = 1;  // how long it is believed to run: orders jobs, promises nothing; 1 to limit_us
  TimeUs limit_us = 1;      // how long it may run: what reservations go by; at least 1
  int32_t priority = 0;     // class: higher first, whatever shares and policies say
  TimeUs deadline = 0;      // 0: none; must end by then
  TimeUs not_before = 0;
  Amount each;                       // of one instance
  int32_t count = 1;                 // instances, at least 1
  int32_t count_min = 0;             // with so many it may begin where there is no room for more; 0: with all
  uint64_t reservation = 0;          // the advance reservation it runs in; 0: none
  std::vector<uint32_t> pools = {};  // where it may run; empty: anywhere

  int32_t count_least() const { return count_min > 0 ? count_min : count; }
  Amount whole() const { return each * count; }
  // With which it may begin: reserved and promised starts are for so much.
  Amount least() const { return each * count_least(); }
};

// Of a job with a deadline, by its estimate: when it has to begin to end in time; and from when on it goes before others
// of its queue, which is as long before as it runs.
constexpr TimeUs latest_start(const Job& job) { return job.deadline - job.estimated_us; }
constexpr TimeUs urgent_from(const Job& job) { return latest_start(job) - job.estimated_us; }

// Instances at one pool.
struct Part {
  uint32_t pool = 0;
  int32_t count = 0;
  friend bool operator==(const Part&, const Part&) = default;
};

}  // namespace weir::queue
