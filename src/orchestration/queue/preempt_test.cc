#include "orchestration/queue/preempt.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <optional>

namespace weir::queue {
namespace {

constexpr TimeUs kHour = TokenBucket::kHourUs;
constexpr PreemptPrices kPrices{
    .per_core_hour = kCredit, .per_accelerator_hour = 10 * kCredit, .per_gib_moved = kCredit};
constexpr Amount cores(int64_t n) { return {.cpu_milli = n * 1000}; }
QueueId id(uint32_t value) { return QueueId(value); }

// Two queues that are guaranteed half of 20 cores each; jobs run at pool 1.
class PreemptTest : public ::testing::Test {
 protected:
  PreemptTest() {
    tree.set_capacity(cores(20));
    for (uint32_t q = 0; q < 2; ++q) EXPECT_TRUE(tree.define(id(q), {.guaranteed = cores(10)}));
  }
  void run(uint64_t job, uint32_t queue, int64_t n, int64_t lost_hours, int32_t priority = 0,
           uint32_t pool = 1) {
    tree.take(id(queue), cores(n), 0);
    running.push_back({.job = job,
                       .queue = id(queue),
                       .priority = priority,
                       .holds = {{pool, cores(n)}},
                       .lost_us = lost_hours * kHour});
  }
  Preemption choose(uint32_t queue, int64_t n, int32_t priority = 0) {
    const Need need{id(queue), priority, cores(n), {{{1, cores(n)}}}};
    return choose_victims(tree, need, running, kPrices, rules, budget, 0);
  }
  QueueTree tree;
  std::vector<Running> running;
  PreemptRules rules;
  PreemptBudget budget{100, 100};
};

TEST_F(PreemptTest, CostIsLostWorkRestartAndMovedData) {
  Running one{.holds = {{1, cores(4)}, {2, {.accelerator_milli = 500}}},
              .lost_us = kHour,
              .restart_us = kHour / 2,
              .moved_bytes = 3 << 20};
  EXPECT_EQ(preemption_cost(one, kPrices), 6 * kCredit + 15 * kCredit / 2 + 3 * kCredit / 1024 + 1);
  one.moved_bytes = 0;
  one.preemptions = 2;
  EXPECT_EQ(preemption_cost(one, kPrices), 3 * (6 * kCredit + 15 * kCredit / 2));
  one.lost_us = INT64_MAX;
  EXPECT_EQ(preemption_cost(one, kPrices), INT64_MAX);
}

TEST_F(PreemptTest, TakesTheSetThatDestroysLeast) {
  run(1, 0, 8, 1);  // 8 credits
  run(2, 0, 4, 1);  // 4
  run(3, 0, 5, 1);  // 5
  const Preemption a = choose(0, 8, 1);
  ASSERT_TRUE(a.found);
  EXPECT_EQ(a.victims, std::vector<uint64_t>{1}) << "8 credits; 2 and 3 cost 9";
  EXPECT_EQ(a.cost, 8 * kCredit);
  EXPECT_EQ(a.bound, a.cost);
  EXPECT_EQ(a.quality, Quality::kExact);
  running[0].lost_us = 2 * kHour;
  EXPECT_EQ(choose(0, 8, 1).victims, (std::vector<uint64_t>{2, 3}));
  running[1].preemptions = rules.preemptions_max;
  EXPECT_EQ(choose(0, 8, 1).victims, std::vector<uint64_t>{1});
  EXPECT_EQ(choose(0, 8, 1).spared, (Spared{.by_limit = 1}));
}

TEST_F(PreemptTest, AVictimThatDisplacesOthersCostsWhatTheyDo) {
  run(1, 0, 4, 0, 1);  // has just written a checkpoint
  run(2, 0, 6, 3, 0);
  run(3, 0, 2, 1, 0);
  const VictimCosts costs(running, kPrices, rules);
  EXPECT_EQ(costs.of(running[1]), 18 * kCredit);
  EXPECT_EQ(costs.of(running[0]), 2 * kCredit + 6 * kCredit + 12'000)
      << "all of job 3 and a third of job 2";
  running[0].priority = 0;
  EXPECT_EQ(VictimCosts(running, kPrices, rules).of(running[0]), 0);
}

TEST_F(PreemptTest, NeverTakesFromEqualOrHigherPriority) {
  run(1, 0, 10, 1, 5);
  run(2, 0, 10, 1, 4);
  EXPECT_FALSE(choose(0, 1, 4).found);
  EXPECT_EQ(choose(0, 1, 4).spared, (Spared{.by_priority = 2}));
  EXPECT_EQ(choose(0, 1, 5).victims, std::vector<uint64_t>{2});
  EXPECT_FALSE(choose(0, 11, 5).found);
  EXPECT_TRUE(choose(0, 11, 6).found);
}

TEST_F(PreemptTest, AGuaranteeIsTakenBackAndNeverTaken) {
  run(1, 0, 6, 1, 9);
  run(2, 0, 6, 3, 9);
  run(3, 0, 6, 2, 9);
  EXPECT_EQ(choose(1, 6).victims, std::vector<uint64_t>{1})
      << "queue 0 borrows 8 cores, whatever their priority";
  EXPECT_EQ(choose(1, 10).victims, (std::vector<uint64_t>{1, 3})) << "without one of them it still has more";
  EXPECT_FALSE(choose(1, 11).found) << "more than the guarantee";
  EXPECT_EQ(choose(1, 11).spared, (Spared{.by_priority = 3}));
  EXPECT_EQ(choose(1, 11, 10).victims, (std::vector<uint64_t>{1, 3}));
  running.pop_back();
  tree.give(id(0), cores(8), 0);  // has 10
  EXPECT_FALSE(choose(1, 6).found);
  EXPECT_FALSE(choose(1, 6, 10).found) << "a queue within its guarantee";
  EXPECT_EQ(choose(1, 6, 10).spared, (Spared{.by_guarantee = 2}));
  rules.reclaim_priority_max = 8;
  tree.take(id(0), cores(8), 0);
  EXPECT_FALSE(choose(1, 6).found);
}

TEST_F(PreemptTest, AQueueIsNotTakenBelowItsGuaranteeByMoreThanOneJob) {
  for (uint64_t job = 1; job <= 18; ++job) run(job, 0, 1, 1);
  EXPECT_EQ(choose(1, 8).victims.size(), 8u);
  EXPECT_FALSE(choose(1, 9).found) << "2 cores are free and 8 borrowed; the caller is short of 9";
}

TEST_F(PreemptTest, IsBoundedByTheHour) {
  for (uint64_t job = 1; job <= 18; ++job) run(job, 0, 1, 1);
  budget = PreemptBudget(4, 5);
  EXPECT_TRUE(choose(1, 5).found);
  EXPECT_FALSE(choose(1, 6).found);
  budget.spend(id(0), 5, kHour);
  EXPECT_EQ(budget.left(id(0), kHour), 0);
  EXPECT_EQ(budget.left(id(1), kHour), 5);
  EXPECT_EQ(budget.left(id(0), 2 * kHour - 1), 3);
  EXPECT_EQ(budget.left(id(0), 2 * kHour), 4);
  const Need need{id(1), 0, cores(2), {{{1, cores(2)}}}};
  EXPECT_EQ(choose_victims(tree, need, running, kPrices, rules, budget, kHour).spared,
            (Spared{.by_budget = 18}));
}

TEST_F(PreemptTest, TakesTheCheapestPlace) {
  run(1, 0, 4, 5, 0, 1);
  run(2, 0, 4, 4, 0, 2);
  run(3, 0, 4, 1, 0, 3);
  run(4, 0, 4, 2, 0, 4);
  const Need need{id(0),
                  1,
                  cores(8),
                  {{{1, cores(4)}}, {{2, cores(3)}}, {{3, cores(2)}, {4, cores(1)}}, {{9, cores(1)}}}};
  const Preemption found = choose_victims(tree, need, running, kPrices, rules, budget, 0);
  EXPECT_EQ(found.option, 2u) << "a gang needs room at both";
  EXPECT_EQ(found.victims, (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(found.cost, 12 * kCredit);
}

// The rules again, as a set is checked afterwards.
bool permitted(const QueueTree& tree, const Need& need, const std::vector<const Running*>& set,
               const PreemptRules& rules, const PreemptBudget& budget) {
  std::map<QueueId, int32_t> count;
  std::map<uint32_t, Amount> over, taken;
  std::map<uint32_t, std::vector<Amount>> parts;
  for (const Running* each : set) {
    const bool lower = each->priority < need.priority;
    if (!lower && !tree.may_reclaim(need.queue, need.whole, each->queue)) return false;
    if (each->preemptions >= rules.preemptions_max) return false;
    if (++count[each->queue] > budget.left(each->queue, 0)) return false;
    Amount holds;
    for (const Hold& hold : each->holds) holds += hold.amount;
    for (const auto& [place, amount] : tree.excess(each->queue, need.queue)) {
      over[place] = amount;
      taken[place] += holds;
      parts[place].push_back(holds);
    }
  }
  for (const auto& [place, amounts] : parts) {
    bool fine = false;
    for (const Amount& last : amounts) {
      const Amount rest = over[place] - (taken[place] - last);
      for (int r = 0; r < kResources; ++r) fine |= need.whole[r] > 0 && rest[r] > 0;
    }
    if (!fine) return false;
  }
  return static_cast<int32_t>(set.size()) <= rules.victims_max;
}

bool makes_room(const std::vector<Shortfall>& option, const std::vector<const Running*>& set) {
  for (const Shortfall& shortfall : option) {
    Amount freed;
    for (const Running* each : set) {
      for (const Hold& hold : each->holds) {
        if (hold.pool == shortfall.pool) freed += hold.amount;
      }
    }
    if (!shortfall.amount.fits(freed)) return false;
  }
  return true;
}

struct Scene {
  QueueTree tree;
  std::vector<Running> running;
  Need need;
};

Amount some(int64_t most) {
  return {*rc::gen::inRange<int64_t>(0, most + 1) * 1000, *rc::gen::inRange<int64_t>(0, most + 1) * 1024, 0};
}

Scene some_scene(size_t jobs) {
  Scene scene;
  scene.tree.set_capacity({40'000, 40'960, 0});
  for (uint32_t q = 0; q < 4; ++q) {
    QueueSpec spec{.guaranteed = some(10)};
    if (q > 1)
      spec = {.parent = id(q - 2),
              .guaranteed = Amount::least(scene.tree.spec(id(q - 2)).guaranteed, some(6))};
    EXPECT_TRUE(scene.tree.define(id(q), spec));
  }
  for (uint64_t job = 0; job < jobs; ++job) {
    Running one{.job = job,
                .queue = id(*rc::gen::inRange<uint32_t>(0, 4)),
                .priority = *rc::gen::inRange(0, 3),
                .lost_us = *rc::gen::inRange<int64_t>(0, 10) * kHour,
                .moved_bytes = *rc::gen::inRange<int64_t>(0, int64_t{3} << 30),
                .preemptions = *rc::gen::inRange(0, 4)};
    for (uint32_t pool = 0; pool < 3; ++pool) {
      if (*rc::gen::inRange(0, 2) == 0) one.holds.push_back({pool, some(6)});
    }
    for (const Hold& hold : one.holds) scene.tree.take(one.queue, hold.amount, 0);
    scene.running.push_back(one);
  }
  scene.need = {id(*rc::gen::inRange<uint32_t>(0, 4)), *rc::gen::inRange(0, 4), some(10), {}};
  for (size_t o = 0; o < *rc::gen::inRange<size_t>(1, 4); ++o) {
    auto& option = scene.need.options.emplace_back();
    for (uint32_t pool = 0; pool < 3; ++pool) {
      if (*rc::gen::inRange(0, 2) == 0) option.push_back({pool, Amount::least(some(9), scene.need.whole)});
    }
    if (option.empty()) option.push_back({0, cores(1)});
  }
  return scene;
}

RC_GTEST_PROP(ChooseVictims, IsTheBestOfAllSets, ()) {
  const Scene scene = some_scene(*rc::gen::inRange<size_t>(0, 9));
  const PreemptBudget budget(10, *rc::gen::inRange(1, 5));
  PreemptRules rules{.victims_max = *rc::gen::inRange(1, 8)};
  const VictimCosts costs(scene.running, kPrices, rules);
  std::optional<Nanocredits> best;
  for (uint32_t bits = 0; bits < 1u << scene.running.size(); ++bits) {
    std::vector<const Running*> set;
    Nanocredits cost = 0;
    for (size_t i = 0; i < scene.running.size(); ++i) {
      if ((bits >> i & 1) == 0) continue;
      set.push_back(&scene.running[i]);
      cost += costs.of(scene.running[i]);
    }
    if (!permitted(scene.tree, scene.need, set, rules, budget)) continue;
    for (const auto& option : scene.need.options) {
      if (makes_room(option, set) && (!best || cost < *best)) best = cost;
    }
  }
  const auto found = choose_victims(scene.tree, scene.need, scene.running, kPrices, rules, budget, 0);
  RC_ASSERT(found.found == best.has_value());
  RC_ASSERT(found.quality == Quality::kExact);
  if (best) RC_ASSERT(found.cost == *best && found.bound == *best);
}

// Whatever the steps: allowed, enough, none to spare, and the bound holds.
RC_GTEST_PROP(ChooseVictims, IsSoundWithFewSteps, ()) {
  const Scene scene = some_scene(*rc::gen::inRange<size_t>(0, 40));
  const PreemptBudget budget(10, 20);
  const PreemptRules rules{.steps_max = *rc::gen::inRange(0, 30)};
  const auto exact = choose_victims(scene.tree, scene.need, scene.running, kPrices, {}, budget, 0);
  const auto found = choose_victims(scene.tree, scene.need, scene.running, kPrices, rules, budget, 0);
  RC_ASSERT(found.steps <= rules.steps_max);
  if (!found.found) return;
  const VictimCosts costs(scene.running, kPrices, rules);
  std::vector<const Running*> set;
  Nanocredits cost = 0;
  for (const uint64_t job : found.victims) {
    set.push_back(&scene.running[job]);
    cost += costs.of(scene.running[job]);
    RC_ASSERT(right_to_preempt(scene.tree, scene.need, scene.running[job], rules) != Right::kNone);
  }
  RC_ASSERT(cost == found.cost);
  RC_ASSERT(permitted(scene.tree, scene.need, set, rules, budget));
  RC_ASSERT(makes_room(scene.need.options[found.option], set));
  for (size_t i = 0; i < set.size(); ++i) {
    auto fewer = set;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    RC_ASSERT(!makes_room(scene.need.options[found.option], fewer));
  }
  if (exact.quality == Quality::kExact) {
    RC_ASSERT(found.bound <= exact.cost);
    RC_ASSERT(found.cost >= exact.cost);
  }
}

}  // namespace
}  // namespace weir::queue
