#include "orchestration/workflow/batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <random>

namespace weir {
namespace {

struct Given {
  std::vector<std::vector<int64_t>> run;  // by task and machine; negative: cannot
  std::vector<BatchProblem::Arc> arcs;    // a byte takes a microsecond between any two machines
};

// Machines of one core, each at a place of its own.
BatchProblem problem_of(const Given& given) {
  const size_t tasks = given.run.size(), machines = given.run[0].size();
  std::vector<BatchProblem::Machine> rows;
  for (uint32_t m = 0; m < machines; ++m) rows.push_back({m, {1000, 0, 0}, SiteId(), NodeId()});
  BatchProblem problem(std::vector<Resources>(tasks, Resources{1000, 0, 0}), rows, given.arcs, machines);
  for (size_t t = 0; t < tasks; ++t) {
    for (size_t m = 0; m < machines; ++m) {
      if (given.run[t][m] >= 0)
        problem.set_run(t, m, given.run[t][m], given.run[t][m] * static_cast<int64_t>(m + 1));
    }
  }
  for (size_t p = 0; p < machines; ++p) {
    for (size_t q = 0; q < machines; ++q) {
      if (p != q) problem.set_channels(p, q, {{0, 8'000'000, 0, {}}});
    }
  }
  problem.finish();
  return problem;
}

// Figure 2 of Topcuoglu, Hariri and Wu.
Given published() {
  return {{{14, 16, 9},
           {13, 19, 18},
           {11, 13, 19},
           {13, 8, 17},
           {12, 13, 10},
           {13, 16, 9},
           {7, 15, 11},
           {5, 11, 14},
           {18, 12, 20},
           {21, 7, 16}},
          {{0, 1, 18},
           {0, 2, 12},
           {0, 3, 9},
           {0, 4, 11},
           {0, 5, 14},
           {1, 7, 19},
           {1, 8, 16},
           {2, 6, 23},
           {3, 7, 27},
           {3, 8, 23},
           {4, 8, 13},
           {5, 7, 15},
           {6, 9, 17},
           {7, 9, 11},
           {8, 9, 13}}};
}

void expect_valid(const BatchProblem& problem, const BatchSchedule& schedule) {
  int64_t makespan_us = 0;
  for (size_t t = 0; t < problem.task_count(); ++t) {
    const BatchSlot& slot = schedule.slots[t];
    ASSERT_EQ(slot.finish_us - slot.start_us, problem.run_us(t, slot.machine));
    ASSERT_GE(slot.start_us, problem.ready_us(t, problem.machine(slot.machine).place));
    makespan_us = std::max(makespan_us, slot.finish_us);
    for (const uint32_t a : problem.arcs_in(t)) {
      const auto& arc = problem.arcs()[a];
      const BatchSlot& before = schedule.slots[arc.from];
      ASSERT_GE(slot.start_us,
                before.finish_us + problem.transfer_us(arc.bytes, problem.machine(before.machine).place,
                                                       problem.machine(slot.machine).place));
    }
    // What runs when this starts fits beside it.
    Resources left = problem.machine(slot.machine).capacity;
    for (size_t u = 0; u < problem.task_count(); ++u) {
      const BatchSlot& other = schedule.slots[u];
      if (other.machine != slot.machine || other.start_us > slot.start_us || other.finish_us <= slot.start_us)
        continue;
      left.cpu_milli -= problem.need(u).cpu_milli;
      left.memory_mib -= problem.need(u).memory_mib;
    }
    if (slot.finish_us > slot.start_us) {
      ASSERT_GE(left.cpu_milli, 0);
      ASSERT_GE(left.memory_mib, 0);
    }
  }
  ASSERT_EQ(makespan_us, schedule.makespan_us);
}

TEST(Heft, ReproducesThePublishedRanks) {
  const std::vector<int64_t> ranks = upward_ranks(problem_of(published()));
  constexpr std::array<int64_t, 10> kThousandths = {108'000, 77'000, 80'000, 80'000, 69'000,
                                                    63'333,  42'667, 35'667, 44'333, 14'667};
  for (size_t t = 0; t < ranks.size(); ++t)
    EXPECT_EQ((ranks[t] * 1000 + kRankScale / 2) / kRankScale, kThousandths[t]);
}

TEST(Heft, ReproducesThePublishedScheduleOf80) {
  const BatchProblem problem = problem_of(published());
  const BatchSchedule schedule = heft(problem);
  expect_valid(problem, schedule);
  EXPECT_EQ(schedule.makespan_us, 80);
  // The Gantt chart of figure 3 (a).
  const std::vector<BatchSlot> slots = {{2, 0, 9},   {0, 27, 40}, {2, 9, 28},  {1, 18, 26}, {2, 28, 38},
                                   {1, 26, 42}, {2, 38, 49}, {0, 57, 62}, {1, 56, 68}, {1, 73, 80}};
  EXPECT_EQ(schedule.slots, slots);
}

TEST(Batch, BeatsHeftOnItsOwnExample) {
  const BatchProblem problem = problem_of(published());
  const BatchOutcome outcome = schedule_batch(problem, {}, {});
  expect_valid(problem, outcome.schedule);
  EXPECT_LE(outcome.schedule.makespan_us, 73);
  EXPECT_GE(outcome.schedule.makespan_us, outcome.bound_us);
}

TEST(Batch, SaysTheSameTwice) {
  const BatchProblem problem = problem_of(published());
  const BatchOutcome first = schedule_batch(problem, {}, {.steps = 50'000});
  const BatchOutcome second = schedule_batch(problem, {}, {.steps = 50'000});
  EXPECT_EQ(first.schedule, second.schedule);
  EXPECT_EQ(first.steps, second.steps);
}

TEST(Timeline, FindsTheFirstGap) {
  Timeline timeline({1000, 100, 0});
  timeline.reserve(10, 10, {600, 10, 0});
  timeline.reserve(15, 10, {400, 10, 0});
  EXPECT_EQ(timeline.earliest_us(0, 10, {500, 10, 0}), 0);
  EXPECT_EQ(timeline.earliest_us(0, 11, {500, 10, 0}), 20);
  EXPECT_EQ(timeline.earliest_us(0, 11, {400, 10, 0}), 0);
  EXPECT_EQ(timeline.earliest_us(0, 16, {400, 10, 0}), 20);
  EXPECT_EQ(timeline.earliest_us(0, 1, {1000, 10, 0}), 0);
  EXPECT_EQ(timeline.earliest_us(12, 1, {1000, 10, 0}), 25);
  EXPECT_EQ(timeline.earliest_us(12, 0, {1000, 10, 0}), 12);
}

// Every order with every choice of machines, each task as early as it can: some such schedule is the best
// there is, by makespan, and by price within a deadline.
struct Best {
  int64_t makespan_us = kNeverUs;
  Nanocredits price_in_time = INT64_MAX;
};

Best exhaustive(const BatchProblem& problem, int64_t deadline_us) {
  Best best;
  std::vector<BatchSlot> slots(problem.task_count());
  std::vector<uint8_t> done(problem.task_count(), 0);
  const auto next = [&](auto& self, size_t placed, int64_t makespan_us, Nanocredits price) -> void {
    if (placed == problem.task_count()) {
      best.makespan_us = std::min(best.makespan_us, makespan_us);
      if (makespan_us <= deadline_us) best.price_in_time = std::min(best.price_in_time, price);
      return;
    }
    for (uint32_t t = 0; t < problem.task_count(); ++t) {
      const auto in = problem.arcs_in(t);
      if (done[t] ||
          std::any_of(in.begin(), in.end(), [&](uint32_t a) { return !done[problem.arcs()[a].from]; }))
        continue;
      for (uint32_t m = 0; m < problem.machine_count(); ++m) {
        if (problem.run_us(t, m) >= kNeverUs) continue;
        int64_t start_us = 0;
        Nanocredits more = problem.run_price(t, m);
        for (const uint32_t a : in) {
          const auto& arc = problem.arcs()[a];
          const uint32_t from = slots[arc.from].machine;
          start_us = std::max(start_us, slots[arc.from].finish_us + problem.transfer_us(arc.bytes, from, m));
          more += problem.transfer_price(arc.bytes, from, m);
        }
        // Behind whatever stands on the machine: gaps come from other orders. What takes no time needs no room, and is in
        // nobody's way, also in the midst of others.
        for (uint32_t u = 0; u < problem.task_count() && problem.run_us(t, m) > 0; ++u) {
          if (done[u] && slots[u].machine == m && problem.run_us(u, m) > 0) start_us = std::max(start_us, slots[u].finish_us);
        }
        slots[t] = {m, start_us, start_us + problem.run_us(t, m)};
        done[t] = 1;
        self(self, placed + 1, std::max(makespan_us, slots[t].finish_us), price + more);
        done[t] = 0;
      }
    }
  };
  next(next, 0, 0, 0);
  return best;
}

Given random_batch(uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto roll = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine() % static_cast<uint64_t>(high - low + 1));
  };
  Given given;
  const auto tasks = static_cast<uint32_t>(roll(1, 5));
  const auto machines = static_cast<size_t>(roll(1, 3));
  for (uint32_t t = 0; t < tasks; ++t) {
    std::vector<int64_t>& run = given.run.emplace_back();
    for (size_t m = 0; m < machines; ++m) run.push_back(roll(0, 5) == 0 && m > 0 ? -1 : roll(0, 20));
    for (uint32_t u = 0; u < t; ++u) {
      if (roll(0, 1) == 0) given.arcs.push_back({u, t, roll(0, 15)});
    }
  }
  return given;
}

RC_GTEST_PROP(Batch, IsBetweenItsBoundsAndHeft, (uint64_t seed)) {
  const Given given = random_batch(seed);
  const BatchProblem problem = problem_of(given);
  const int64_t loose_us = heft(problem).makespan_us * 3 / 2;
  const Best best = exhaustive(problem, loose_us);
  const BatchOutcome fast = schedule_batch(problem, {}, {.steps_per_task = 1'000});
  expect_valid(problem, fast.schedule);
  RC_ASSERT(fast.bound_us <= best.makespan_us);
  RC_ASSERT(best.makespan_us <= fast.schedule.makespan_us);
  RC_ASSERT(fast.schedule.makespan_us <= heft(problem).makespan_us);
  const BatchOutcome cheap = schedule_batch(problem, {loose_us}, {.steps_per_task = 1'000});
  expect_valid(problem, cheap.schedule);
  RC_ASSERT(cheap.schedule.makespan_us <= loose_us);
  RC_ASSERT(cheap.bound_price <= best.price_in_time);
  RC_ASSERT(best.price_in_time <= cheap.schedule.price);
}

TEST(Batch, MostlyFindsTheOptimumOfSmallBatches) {
  int slower = 0, dearer = 0;
  for (uint64_t seed = 0; seed < 1'000; ++seed) {
    const BatchProblem problem = problem_of(random_batch(seed));
    const int64_t loose_us = heft(problem).makespan_us * 3 / 2;
    const Best best = exhaustive(problem, loose_us);
    slower += schedule_batch(problem, {}, {.steps_per_task = 5'000}).schedule.makespan_us > best.makespan_us;
    dearer +=
        schedule_batch(problem, {loose_us}, {.steps_per_task = 5'000}).schedule.price > best.price_in_time;
  }
  EXPECT_LE(slower, 3);
  EXPECT_LE(dearer, 3);
}

}  // namespace
}  // namespace weir
