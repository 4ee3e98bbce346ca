#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/workflow/batch_problem.h"

namespace weir {

struct BatchSlot {
  uint32_t machine = 0;
  int64_t start_us = 0, finish_us = 0;
  friend bool operator==(const BatchSlot&, const BatchSlot&) = default;
};

struct BatchSchedule {
  std::vector<BatchSlot> slots;  // by task
  int64_t makespan_us = 0;  // kNeverUs: some task cannot be run
  Nanocredits price = 0;    // of runs and transfers
  friend bool operator==(const BatchSchedule&, const BatchSchedule&) = default;
};

// Upward ranks times kRankScale: the mean run time of the task over the machines that can run it, plus the
// largest of mean transfer time plus rank over its successors. Transfers are averaged over all pairs of
// different machines. Exact where the means are multiples of 1/kRankScale microseconds, else rounded down.
inline constexpr int64_t kRankScale = 840;  // divisible by 1 to 8
std::vector<int64_t> upward_ranks(const BatchProblem& problem);

// HEFT: tasks by falling upward rank, each to the machine where it finishes first, in the first gap that is
// long enough (Topcuoglu, Hariri, Wu: IEEE TPDS 13(3), 2002). Ties by task and by machine.
BatchSchedule heft(const BatchProblem& problem);

struct BatchObjective {
  int64_t deadline_us = 0;  // 0: the least makespan, then price; else the least price within it
};

struct BatchLimits {
  // Tasks tried on machines: the lesser of the two.
  uint64_t steps = 3'000'000;
  uint64_t steps_per_task = 20'000;
};

struct BatchOutcome {
  BatchSchedule schedule;
  int64_t bound_us = 0;         // no schedule is shorter
  Nanocredits bound_price = 0;  // nor cheaper
  uint64_t steps = 0;
};

// Never worse than HEFT by the objective: starts from the best of HEFT and of lists by other ranks, and
// improves by late-acceptance search (Burke, Bykov: EJOR 258, 2017) over orders and machines, each decoded by
// insertion. Equal problems give equal schedules: its draws come from a fixed sequence.
BatchOutcome schedule_batch(const BatchProblem& problem, const BatchObjective& objective,
                            const BatchLimits& limits);

// The longest chain of tasks, each where it and what comes before it would be soonest, or all work on all
// machines.
int64_t makespan_bound_us(const BatchProblem& problem);
Nanocredits price_bound(const BatchProblem& problem);

// What is committed of a batch: where and when each stage runs, and which way its data takes.
struct StageRun {
  SiteId site;
  NodeId node;  // none: the stage takes nothing there
  int64_t start_us = 0, finish_us = 0;
  friend bool operator==(const StageRun&, const StageRun&) = default;
};
struct Transfer {
  uint32_t item = 0;  // row of Workflow::edges, or of inputs where `stored`
  bool stored = false;
  uint32_t stage = 0;  // that needs it
  int64_t start_us = 0, arrive_us = 0;
  int64_t bps = 0;  // reserved meanwhile
  std::vector<LinkId> path;
  friend bool operator==(const Transfer&, const Transfer&) = default;
};
struct BatchPlan {
  std::vector<StageRun> runs;       // by stage
  std::vector<Transfer> transfers;  // only of what has to move; by edge, then input
  int64_t makespan_us = 0, bound_us = 0;
  Nanocredits price = 0, bound_price = 0;
  bool in_time = true;                  // the deadline is met
  Quality quality = Quality::kBounded;  // kExact: the objective equals its bound
  uint64_t steps = 0;
  friend bool operator==(const BatchPlan&, const BatchPlan&) = default;
};
// Requires check(workflow). kInfeasible names what stands in the way.
Result<BatchPlan> plan_batch(const Graph& graph, const Workflow& workflow, const BatchLimits& limits = {},
                             const BatchProblemLimits& machines = {});

}  // namespace weir
