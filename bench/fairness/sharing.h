#pragma once

#include <cstdint>

namespace weir::bench {

// Whose job is tried first.
//  kArrival  the one that waits longest, whoever's it is; jobs that fit pass those that do not
//  kTurns    QueueTree::next()
//  kMemory   the same with a half-life of six hours
//  kReclaim  kTurns, and queues below their guarantee take back what others borrow
enum class SharePolicy : uint8_t { kArrival, kTurns, kMemory, kReclaim };

// How near use keeps to what queues are due, over time.
struct Sharing {
  double error = 0;        // half the sum of |used - due| over the sum of what is due
  double jain = 0;         // index of used over due, of the queues that are due something: 1 is best
  double worst = 0;        // the least used over due, at most 1
  double jain_long = 0;    // index of all use over all that was due, by queue
  double utilisation = 0;  // of the cores
  int64_t preemptions = 0;
  double wasted = 0;  // part of all use that was lost with preempted jobs
};

// Some days of 16 queues of four tenants with weights of 1 to 4; bursts of jobs, of 1 to 8 cores and 10 to
// 240 minutes, of about one and a half times what there is in the mean. Dues are those of
// QueueTree::entitle() without memory, by the minute.
Sharing run_sharing(uint64_t seed, SharePolicy policy, int days = 3);

}  // namespace weir::bench
