#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "orchestration/queue/share.h"

// Whom to preempt so that a job that waits can start: the set that destroys the least.
namespace weir::queue {

// What a running job has at a node or site.
struct Hold {
  uint32_t pool = 0;
  Amount amount;
};

struct Running {
  uint64_t job = 0;
  QueueId queue;
  int32_t priority = 0;
  std::vector<Hold> holds;  // by pool, each once
  int64_t lost_us = 0;      // of work since its last checkpoint, or its start
  int64_t restart_us = 0;   // from being started again to being where it was
  int64_t moved_bytes = 0;  // checkpoint and data that have to be at the next place
  int32_t preemptions = 0;  // that it has suffered
  int32_t preemptions_max = INT32_MAX;  // that it may suffer, by its queue's rule; PreemptRules has another
};

// What must become free beyond what is, at one node or site.
struct Shortfall {
  uint32_t pool = 0;
  Amount amount;
};

struct Need {
  QueueId queue;
  int32_t priority = 0;
  Amount whole;  // all that the job takes: says whether its queue stays within its guarantee
  // Places where it could start: each names what all its pools lack. One of them will do.
  std::vector<std::vector<Shortfall>> options;
};

// What destroyed work is worth, by the hour of what the victim holds.
struct PreemptPrices {
  Nanocredits per_core_hour = 0;
  Nanocredits per_gib_hour = 0;
  Nanocredits per_accelerator_hour = 0;
  Nanocredits per_gib_moved = 0;
};

struct PreemptRules {
  int32_t preemptions_max = 3;               // of one job
  int32_t victims_max = 64;                  // at once
  int32_t reclaim_priority_max = INT32_MAX;  // borrowers above it are not reclaimed from
  int64_t steps_max = 20'000;                // of the search, for all options together
};

// How many preemptions the jobs of a queue may suffer by the hour, so that none does nothing but restart.
class PreemptBudget {
 public:
  // 1 <= per_hour, burst <= 1,000,000.
  PreemptBudget(int32_t per_hour, int32_t burst) : per_hour_(per_hour), burst_(burst) {}
  // For one queue; 0: none of its jobs is preempted.
  void set(QueueId queue, int32_t per_hour, int32_t burst);
  int32_t left(QueueId queue, TimeUs at) const;
  // Requires count <= left().
  void spend(QueueId queue, int32_t count, TimeUs at);

 private:
  struct Of {
    int32_t per_hour = 0;
    TokenBucket bucket;
  };
  int32_t per_hour_, burst_;
  std::map<QueueId, Of> queues_;
};

// Why running jobs that hold what is short were not considered.
struct Spared {
  int32_t by_priority = 0;   // equal or higher
  int32_t by_guarantee = 0;  // their queue has no more than it is guaranteed
  int32_t by_limit = 0;      // preempted as often as one job may be
  int32_t by_budget = 0;     // their queue has been preempted enough for now
  friend bool operator==(const Spared&, const Spared&) = default;
};

struct Preemption {
  bool found = false;
  size_t option = 0;
  std::vector<uint64_t> victims;  // ascending
  Nanocredits cost = 0;
  Nanocredits bound = 0;  // no allowed set costs less
  Quality quality = Quality::kExact;
  int64_t steps = 0;
  Spared spared;
};

// What preempting the job destroys: its lost work and restart at the price of what it holds, and the data
// moved; as many times as it will then have been preempted, so that the same job is not chosen again and
// again. Saturates.
Nanocredits preemption_cost(const Running& running, const PreemptPrices& prices);

// What each running job costs as a victim: preemption_cost(), and what it is going to destroy itself when it
// takes its place back from jobs of lower priority: at least the cheapest of those that hold as much. Without
// the second part whoever has just written a checkpoint looks cheap, and preemptions cascade down the
// classes. O(running · log running).
class VictimCosts {
 public:
  VictimCosts(std::span<const Running> running, const PreemptPrices& prices, const PreemptRules& rules);
  // O(jobs that it displaces).
  Nanocredits of(const Running& running) const;

 private:
  struct Cheap {
    Nanocredits cost = 0;
    Amount amount;
    int64_t share = 0;
  };
  PreemptPrices prices_;
  std::map<int32_t, std::vector<Cheap>>
      below_;  // by priority: jobs of lower ones, the cheapest for what they hold first
};

// The cheapest set of victims over all options. Exact while the steps last, and then with a lower bound; with
// none left it is a greedy cover without a member that could be spared. Ties: fewer steps of the search, then
// options and jobs as given. O(steps · candidates · pools). `running` are all jobs of the domain: those that
// hold nothing in the options count in VictimCosts.
//
// A job may be a victim if its priority is lower and its queue is the needing job's or has more than its
// guarantee in something that is needed; or, whatever its priority (up to reclaim_priority_max), if the
// needing job's queue stays within its guarantee and the victim's has more than its own: what is borrowed is
// given back. Guarantees are those of all queues between the job and where the two queues meet. A set takes
// from a queue until it is at its guarantee: without one of its members it would still have more.
Preemption choose_victims(const QueueTree& tree, const Need& need, std::span<const Running> running,
                          const PreemptPrices& prices, const PreemptRules& rules, const PreemptBudget& budget,
                          TimeUs at);

// Whether one running job may be a victim of the need by the rules on priorities and guarantees, alone.
enum class Right : uint8_t { kNone, kPriority, kReclaim };
Right right_to_preempt(const QueueTree& tree, const Need& need, const Running& victim,
                       const PreemptRules& rules);

}  // namespace weir::queue
