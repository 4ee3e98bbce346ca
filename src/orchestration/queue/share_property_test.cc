#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "orchestration/queue/preempt.h"
#include "orchestration/queue/share.h"

// What a fair share promises, on random domains: Ghodsi et al., NSDI 2011, section 3.
namespace weir::queue {
namespace {

constexpr int64_t kSlack = 1000;  // parts per 10^9: rounding
constexpr Amount kUnit{1, 1, 1};  // what rounding may cost
constexpr Amount kCapacity{1'000'000, 4'000'000, 100'000};

QueueId id(size_t value) { return QueueId(value); }

Amount some_task() {
  Amount task{*rc::gen::inRange<int64_t>(0, 20'000), *rc::gen::inRange<int64_t>(0, 80'000),
              *rc::gen::inRange<int64_t>(0, 2'000)};
  if (*rc::gen::inRange(0, 3) == 0) task.accelerator_milli = 0;
  if (task.none()) task.cpu_milli = 1000;
  return task;
}

// Queues right under the domain, each with tasks of one kind.
struct Flat {
  QueueTree tree;
  std::vector<Amount> task;
  std::vector<int64_t> count;  // waiting, then running
  std::vector<int64_t> demand;
};
Flat flat(const std::vector<Amount>& task, const std::vector<int64_t>& demand,
          const std::vector<QueueSpec>& specs) {
  Flat all{.tree = {}, .task = task, .count = std::vector<int64_t>(task.size()), .demand = demand};
  all.tree.set_capacity(kCapacity);
  for (size_t q = 0; q < task.size(); ++q) {
    EXPECT_TRUE(all.tree.define(id(q), specs[q]));
    for (int64_t i = 0; i < demand[q]; ++i) all.tree.wait(id(q), task[q]);
  }
  return all;
}
Flat some_flat(bool ample) {
  const auto n = *rc::gen::inRange<size_t>(1, 6);
  std::vector<Amount> tasks;
  std::vector<int64_t> demand;
  for (size_t q = 0; q < n; ++q) {
    tasks.push_back(some_task());
    // Ample: more than the whole domain could hold.
    int64_t whole = 0;
    for (int r = 0; r < kResources; ++r) {
      if (tasks[q][r] > 0)
        whole = std::max(whole, std::min<int64_t>(3'000, 2 * kCapacity[r] / tasks[q][r] + 1));
    }
    demand.push_back(ample ? whole : *rc::gen::inRange<int64_t>(0, 200));
  }
  return flat(tasks, demand, std::vector<QueueSpec>(n));
}

// Progressive filling with whole tasks, until the task whose turn it is does not fit (Ghodsi et al.,
// algorithm 1).
void serve(Flat& all) {
  Amount free = kCapacity;
  while (const auto turn = all.tree.next()) {
    const size_t q = turn->index();
    if (!all.task[q].fits(free)) break;
    free -= all.task[q];
    all.tree.stop_waiting(id(q), all.task[q]);
    all.tree.take(id(q), all.task[q], 1);
    ++all.count[q];
  }
}

int64_t largest_task(const Flat& all) {
  int64_t largest = 0;
  for (const Amount& task : all.task) largest = std::max(largest, dominant_share(task, kCapacity));
  return largest;
}

RC_GTEST_PROP(Fairness, SharingIsNoWorseThanAnEqualPart, ()) {
  Flat all = some_flat(true);
  all.tree.entitle();
  serve(all);
  const auto n = static_cast<int64_t>(all.task.size());
  const int64_t largest = largest_task(all);
  for (size_t q = 0; q < all.task.size(); ++q) {
    if (all.count[q] == all.demand[q]) continue;
    RC_ASSERT(all.tree.standing(id(q)).entitlement == all.task[q] * all.demand[q] ||
              all.tree.standing(id(q)).entitlement_share >= kWholeShare / n - 10 * kSlack);
    // Every share is within a task of the poorest when the first task does not fit.
    RC_ASSERT(all.tree.standing(id(q)).share >= (kWholeShare - largest) / n - largest - kSlack);
  }
}

RC_GTEST_PROP(Fairness, NobodyEnviesAnotherByMoreThanATask, ()) {
  Flat all = some_flat(*rc::gen::arbitrary<bool>());
  serve(all);
  for (size_t i = 0; i < all.task.size(); ++i) {
    if (all.count[i] == all.demand[i]) continue;
    for (size_t j = 0; j < all.task.size(); ++j) {
      if (all.count[j] == 0) continue;
      const Amount less = all.task[j] * (all.count[j] - 1);
      RC_ASSERT(all.task[i].times_in(less, INT32_MAX) <= all.count[i]);
    }
  }
}

// The share of what it wants that a queue could use of an amount, parts per 10^9.
int64_t utility(const Amount& wants, const Amount& gets) {
  int64_t part = kWholeShare;
  for (int r = 0; r < kResources; ++r) {
    if (wants[r] <= 0) continue;
    part = std::min(part, static_cast<int64_t>(static_cast<__int128>(gets[r]) * kWholeShare / wants[r]));
  }
  return part;
}

RC_GTEST_PROP(Fairness, DuesAreFreeOfEnvyAndWasteNothing, ()) {
  Flat all = some_flat(*rc::gen::arbitrary<bool>());
  all.tree.entitle();
  Amount left = kCapacity;
  for (size_t q = 0; q < all.task.size(); ++q) left -= all.tree.standing(id(q)).entitlement;
  RC_ASSERT(left.cpu_milli >= 0 && left.memory_mib >= 0 && left.accelerator_milli >= 0);
  for (size_t i = 0; i < all.task.size(); ++i) {
    const Amount wants = all.task[i] * all.demand[i];
    const Amount gets = all.tree.standing(id(i)).entitlement;
    if (gets == wants) continue;
    bool used_up = false;
    const auto n = static_cast<int64_t>(all.task.size());
    for (int r = 0; r < kResources; ++r) {
      used_up |= wants[r] > gets[r] && left[r] <= n + kCapacity[r] / 100'000;
    }
    RC_ASSERT(used_up);
    for (size_t j = 0; j < all.task.size(); ++j) {
      const Amount theirs = all.tree.standing(id(j)).entitlement;
      RC_ASSERT(utility(wants, theirs) <= utility(wants, gets + kUnit) + 10 * kSlack);
    }
  }
}

RC_GTEST_PROP(Fairness, LyingAboutWhatTasksNeedDoesNotPay, ()) {
  Flat honest = some_flat(true);
  honest.tree.entitle();
  const auto liar = *rc::gen::inRange<size_t>(0, honest.task.size());
  std::vector<Amount> told = honest.task;
  told[liar] = some_task();
  std::vector<int64_t> demand = honest.demand;
  demand[liar] = 1 + demand[liar] * *rc::gen::inRange<int64_t>(1, 4) / *rc::gen::inRange<int64_t>(1, 4);
  Flat lying = flat(told, demand, std::vector<QueueSpec>(told.size()));
  lying.tree.entitle();
  const Amount wants = honest.task[liar] * honest.demand[liar];
  RC_ASSERT(utility(wants, lying.tree.standing(id(liar)).entitlement) <=
            utility(wants, honest.tree.standing(id(liar)).entitlement + kUnit) + 10 * kSlack);
}

RC_GTEST_PROP(Fairness, DuesFollowWeights, ()) {
  const auto n = *rc::gen::inRange<size_t>(2, 6);
  const Amount task{1000, 1000, 0};
  std::vector<QueueSpec> specs;
  int64_t weights = 0;
  for (size_t q = 0; q < n; ++q) {
    specs.push_back({.weight_milli = *rc::gen::inRange(1, 5000)});
    weights += specs[q].weight_milli;
  }
  Flat all = flat(std::vector<Amount>(n, task), std::vector<int64_t>(n, 1000), specs);
  all.tree.entitle();
  for (size_t q = 0; q < n; ++q) {
    const int64_t due = kWholeShare * specs[q].weight_milli / weights;
    const int64_t got = all.tree.standing(id(q)).entitlement_share;
    RC_ASSERT(got <= due + 2 * kSlack && got >= due - 2 * kSlack);
  }
}

// A random hierarchy with use and waiting jobs, in which use keeps to the quotas.
struct Domain {
  QueueTree tree;
  std::vector<QueueId> ids;
  std::map<QueueId, std::vector<Amount>> runs, waits;
};
void check(const Domain& domain) {
  for (const QueueId q : domain.ids) {
    const QueueSpec& spec = domain.tree.spec(q);
    const Standing standing = domain.tree.standing(q);
    RC_ASSERT(standing.used.fits(spec.maximum));
    RC_ASSERT(standing.used.fits(spec.guaranteed + spec.borrowable));
    Amount sum;
    size_t jobs = 0;
    for (const QueueId other : domain.ids) {
      QueueId up = other;
      while (up.valid() && up != q) up = domain.tree.spec(up).parent;
      if (!up.valid()) continue;
      for (const Amount& amount : domain.runs.count(other) ? domain.runs.at(other) : std::vector<Amount>{})
        sum += amount;
      jobs += domain.waits.count(other) ? domain.waits.at(other).size() : 0;
    }
    RC_ASSERT(sum == standing.used);
    RC_ASSERT(static_cast<int64_t>(jobs) == standing.waiting_jobs);
  }
}
Amount part_of(const Amount& most) {
  Amount out;
  for (int r = 0; r < kResources; ++r) out[r] = most[r] * *rc::gen::inRange<int64_t>(0, 101) / 100;
  return out;
}
void define_some(Domain& domain, QueueId q, QueueId parent) {
  const Amount above = parent.valid() ? domain.tree.spec(parent).guaranteed : part_of(kCapacity);
  QueueSpec spec{.parent = parent, .weight_milli = *rc::gen::inRange(1, 3000), .guaranteed = part_of(above)};
  spec.half_life_us = *rc::gen::element<int64_t>(0, 3'600'000'000);
  const Amount ceiling = parent.valid() ? domain.tree.spec(parent).maximum : kUnlimited;
  if (*rc::gen::arbitrary<bool>())
    spec.maximum = Amount::least(ceiling, spec.guaranteed + part_of(kCapacity));
  if (*rc::gen::arbitrary<bool>()) spec.borrowable = part_of(kCapacity);
  if (spec.maximum != kUnlimited) spec.maximum = Amount::most(spec.maximum, spec.guaranteed);
  if (domain.tree.define(q, spec) && std::find(domain.ids.begin(), domain.ids.end(), q) == domain.ids.end()) {
    domain.ids.push_back(q);
  }
}
Domain some_domain(size_t queues, int steps) {
  Domain domain;
  domain.tree.set_capacity(kCapacity);
  for (size_t q = 0; q < queues; ++q) {
    const auto pick = *rc::gen::inRange<size_t>(0, domain.ids.size() + 1);
    define_some(domain, id(q), pick == domain.ids.size() ? QueueId{} : domain.ids[pick]);
  }
  if (domain.ids.empty()) return domain;
  for (TimeUs at = 1; at <= steps; ++at) {
    const QueueId q = *rc::gen::elementOf(domain.ids);
    const Amount task = some_task();
    auto &runs = domain.runs[q], &waits = domain.waits[q];
    switch (*rc::gen::inRange(0, 5)) {
      case 0:
      case 1:
        domain.tree.wait(q, task);
        waits.push_back(task);
        break;
      case 2:
        if (domain.tree.admits(q, task)) break;
        domain.tree.take(q, task, at * 1'000'000'000);
        runs.push_back(task);
        break;
      case 3:
        if (runs.empty()) break;
        domain.tree.give(q, runs.back(), at * 1'000'000'000);
        runs.pop_back();
        break;
      case 4:
        if (waits.empty()) break;
        domain.tree.stop_waiting(q, waits.back());
        waits.pop_back();
        break;
    }
  }
  return domain;
}

RC_GTEST_PROP(Tree, QuotasHoldAndSumsAreRight, ()) {
  check(some_domain(*rc::gen::inRange<size_t>(1, 12), *rc::gen::inRange(0, 200)));
}

// The order kept up step by step is the one found anew.
RC_GTEST_PROP(Tree, StepsAndRebuildsAgree, ()) {
  Domain domain = some_domain(*rc::gen::inRange<size_t>(1, 12), *rc::gen::inRange(0, 100));
  if (domain.ids.empty()) return;
  QueueTree anew = domain.tree;
  anew.set_capacity({1, 1, 1});
  anew.set_capacity(kCapacity);
  const std::vector<QueueId> order = domain.tree.order();
  RC_ASSERT(order == anew.order());
  RC_ASSERT(order == domain.tree.order());
  RC_ASSERT(std::set<QueueId>(order.begin(), order.end()).size() == order.size());
  for (const QueueId q : domain.ids) {
    const bool listed = std::find(order.begin(), order.end(), q) != order.end();
    RC_ASSERT(listed == (domain.waits.count(q) != 0 && !domain.waits.at(q).empty()));
  }
  // A queue led elsewhere and back leaves no trace.
  const QueueId moved = domain.ids.back();
  const QueueSpec spec = domain.tree.spec(moved);
  QueueSpec away = spec;
  away.parent = {};
  if (domain.tree.define(moved, away)) {
    RC_ASSERT(domain.tree.define(moved, spec).has_value());
    for (const QueueId q : domain.ids) RC_ASSERT(domain.tree.standing(q).used == anew.standing(q).used);
    RC_ASSERT(domain.tree.order() == order);
  }
}

RC_GTEST_PROP(Tree, DuesKeepToQuotasAndGuaranteesToDemand, ()) {
  Domain domain = some_domain(*rc::gen::inRange<size_t>(1, 12), *rc::gen::inRange(0, 200));
  domain.tree.entitle();
  Amount top, guaranteed;
  for (const QueueId q : domain.ids) {
    const QueueSpec& spec = domain.tree.spec(q);
    if (spec.parent.valid()) continue;
    top += domain.tree.standing(q).entitlement;
    guaranteed += spec.guaranteed;
  }
  RC_ASSERT(top.fits(kCapacity));
  for (const QueueId q : domain.ids) {
    const Standing standing = domain.tree.standing(q);
    const QueueSpec& spec = domain.tree.spec(q);
    RC_ASSERT(standing.entitlement.fits(Amount::least(spec.maximum, spec.guaranteed + spec.borrowable)));
    RC_ASSERT(standing.entitlement.fits(standing.used + standing.waiting));
    RC_ASSERT(domain.tree.price_multiplier_ppm(q) >= kPpm);
    RC_ASSERT(domain.tree.price_multiplier_ppm(q) <= QueueTree::kMultiplierMaxPpm);
    const bool has_children = std::any_of(domain.ids.begin(), domain.ids.end(),
                                          [&](QueueId c) { return domain.tree.spec(c).parent == q; });
    if (has_children || !guaranteed.fits(kCapacity)) continue;
    RC_ASSERT(Amount::least(standing.used + standing.waiting, spec.guaranteed).fits(standing.entitlement));
  }
}

// A queue that wants its guarantee gets it, however full of borrowers the domain is, and nobody else loses
// his.
RC_GTEST_PROP(Reclaim, AGuaranteeIsReachable, ()) {
  QueueTree tree;
  const auto n = *rc::gen::inRange<size_t>(2, 6);
  tree.set_capacity({.cpu_milli = 100'000});
  int64_t promised = 0;
  for (size_t q = 0; q < n; ++q) {
    const int64_t cores = *rc::gen::inRange<int64_t>(0, 100 / static_cast<int64_t>(n) + 1);
    promised += cores;
    RC_ASSERT(tree.define(id(q), {.guaranteed = {.cpu_milli = cores * 1000}}).has_value());
  }
  std::vector<Running> running;
  for (uint64_t job = 0; job < 100; ++job) {
    running.push_back({.job = job,
                       .queue = id(*rc::gen::inRange<size_t>(1, n)),
                       .priority = *rc::gen::inRange(0, 10),
                       .holds = {{0, {.cpu_milli = 1000}}},
                       .lost_us = *rc::gen::inRange<int64_t>(0, TokenBucket::kHourUs)});
    tree.take(running.back().queue, {.cpu_milli = 1000}, 0);
  }
  std::map<QueueId, int64_t> before;
  for (const QueueId q : tree.queues()) before[q] = tree.standing(q).used.cpu_milli;
  const PreemptBudget budget(1000, 1000);
  const int64_t due = tree.spec(id(0)).guaranteed.cpu_milli;
  while (tree.standing(id(0)).used.cpu_milli < due) {
    const Need need{id(0), -5, {.cpu_milli = 1000}, {{{0, {.cpu_milli = 1000}}}}};
    const auto found = choose_victims(tree, need, running, {.per_core_hour = kCredit}, {}, budget, 0);
    RC_ASSERT(found.found);
    RC_ASSERT(found.victims.size() == 1u);
    std::erase_if(running, [&](const Running& each) {
      if (each.job != found.victims[0]) return false;
      tree.give(each.queue, {.cpu_milli = 1000}, 0);
      return true;
    });
    tree.take(id(0), {.cpu_milli = 1000}, 0);
  }
  for (const auto& [q, used] : before) {
    RC_ASSERT(tree.standing(q).used.cpu_milli >= std::min(used, tree.spec(q).guaranteed.cpu_milli));
  }
  const Need more{id(0), -5, {.cpu_milli = 1000}, {{{0, {.cpu_milli = 1000}}}}};
  RC_ASSERT(!choose_victims(tree, more, running, {.per_core_hour = kCredit}, {}, budget, 0).found);
}

// Whatever order queues ask in and whatever they lose asks again: it ends, and no job suffers more than its
// part.
RC_GTEST_PROP(Reclaim, PreemptionDoesNotCascadeWithoutBound, ()) {
  constexpr size_t kQueues = 4;
  constexpr int64_t kCores = 40;
  QueueTree tree;
  tree.set_capacity({.cpu_milli = kCores * 1000});
  for (size_t q = 0; q < kQueues; ++q) {
    RC_ASSERT(tree.define(id(q), {.guaranteed = {.cpu_milli = 1000 * *rc::gen::inRange<int64_t>(
                                                                         0, kCores / kQueues + 1)}})
                  .has_value());
  }
  std::vector<Running> waiting, running;
  for (uint64_t job = 0; job < 60; ++job) {
    waiting.push_back({.job = job,
                       .queue = id(*rc::gen::inRange<size_t>(0, kQueues)),
                       .priority = *rc::gen::inRange(0, 3),
                       .holds = {{0, {.cpu_milli = 1000 * *rc::gen::inRange<int64_t>(1, 5)}}},
                       .lost_us = 1'000'000});
  }
  const PreemptRules rules;
  PreemptBudget budget(1, 100);
  int preemptions = 0;
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t w = 0; w < waiting.size(); ++w) {
      Running job = waiting[w];
      const Amount amount = job.holds[0].amount;
      Amount free = tree.capacity();
      for (const Running& each : running) free -= each.holds[0].amount;
      if (!amount.fits(free)) {
        const Need need{job.queue, job.priority, amount, {{{0, amount - free}}}};
        const auto found = choose_victims(tree, need, running, {.per_core_hour = kCredit}, rules, budget, 0);
        if (!found.found) continue;
        for (const uint64_t victim : found.victims) {
          const auto at =
              std::find_if(running.begin(), running.end(), [&](const Running& r) { return r.job == victim; });
          tree.give(at->queue, at->holds[0].amount, 0);
          budget.spend(at->queue, 1, 0);
          ++at->preemptions;
          RC_ASSERT(at->preemptions <= rules.preemptions_max);
          waiting.push_back(*at);
          running.erase(at);
          ++preemptions;
        }
      }
      tree.take(job.queue, amount, 0);
      running.push_back(job);
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(w));
      progress = true;
      break;
    }
  }
  RC_ASSERT(preemptions <= 60 * rules.preemptions_max);
  // No inversion: what waits while a lower priority of its own queue runs would not fit in its place.
  for (const Running& job : waiting) {
    for (const Running& other : running) {
      const bool inverted = other.queue == job.queue && other.priority < job.priority &&
                            other.preemptions < rules.preemptions_max && budget.left(other.queue, 0) > 0 &&
                            job.holds[0].amount.fits(other.holds[0].amount);
      RC_ASSERT(!inverted);
    }
  }
}

}  // namespace
}  // namespace weir::queue
