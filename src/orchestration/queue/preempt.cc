#include "orchestration/queue/preempt.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/price/price.h"

namespace weir::queue {
namespace {

constexpr Nanocredits kDear = std::numeric_limits<Nanocredits>::max() / 4;  // sums of two do not overflow

Amount held(const Running& running) {
  Amount sum;
  for (const Hold& hold : running.holds) sum += hold.amount;
  return sum;
}

bool in_excess(const std::vector<QueueTree::Excess>& path, const Amount& need) {
  for (const QueueTree::Excess& each : path) {
    bool borrows = false;
    for (int r = 0; r < kResources; ++r) borrows |= need[r] > 0 && each.over[r] > 0;
    if (!borrows) return false;
  }
  return true;
}

// A running job, as far as an option is concerned.
struct Candidate {
  const Running* running = nullptr;
  Nanocredits cost = 0;
  std::vector<int64_t> gives;  // by constraint
  Amount holds;
  std::vector<QueueTree::Excess> path;
};

// Minimum-cost cover: what the candidates give must reach `needs` in each constraint (a resource at a pool).
class Search {
 public:
  Search(std::vector<Candidate> candidates, std::vector<int64_t> needs, const Amount& need,
         int32_t victims_max, const std::map<QueueId, int32_t>* left)
      : candidates_(std::move(candidates)),
        needs_(std::move(needs)),
        need_(need),
        victims_max_(victims_max),
        left_(left) {
    state_.assign(candidates_.size(), State::kOpen);
    for (size_t c = 0; c < needs_.size(); ++c) {
      std::vector<size_t> order(candidates_.size());
      std::iota(order.begin(), order.end(), 0);
      std::erase_if(order, [&](size_t i) { return candidates_[i].gives[c] == 0; });
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return static_cast<__int128>(candidates_[a].cost) * candidates_[b].gives[c] <
               static_cast<__int128>(candidates_[b].cost) * candidates_[a].gives[c];
      });
      by_price_.push_back(std::move(order));
    }
  }

  // The best set found, costing less than `below`; none: found() is false.
  void run(Nanocredits below, int64_t steps_max) {
    best_cost_ = below;
    steps_max_ = steps_max;
    greedy();
    descend(0);
  }
  // No set costs less than this; kDear: there is none.
  Nanocredits root_bound() { return bound(); }
  bool found() const { return found_; }
  bool complete() const { return steps_ <= steps_max_; }
  int64_t steps() const { return std::min(steps_, steps_max_); }
  Nanocredits cost() const { return best_cost_; }
  std::vector<uint64_t> victims() const {
    std::vector<uint64_t> jobs;
    for (const size_t i : best_) jobs.push_back(candidates_[i].running->job);
    std::sort(jobs.begin(), jobs.end());
    return jobs;
  }

 private:
  enum class State : uint8_t { kOpen, kIn, kOut };

  // The dearest of the fractional covers of one constraint each, by the cheapest that are open.
  Nanocredits bound() const {
    Nanocredits most = 0;
    for (size_t c = 0; c < needs_.size(); ++c) {
      int64_t missing = needs_[c];
      Nanocredits price = 0;
      for (const size_t i : by_price_[c]) {
        if (missing <= 0) break;
        if (state_[i] != State::kOpen) continue;
        const int64_t gives = candidates_[i].gives[c];
        price = saturating_add(
            price, gives <= missing ? candidates_[i].cost : charge(missing, candidates_[i].cost, gives));
        missing -= std::min(gives, missing);
      }
      if (missing > 0) return kDear;
      most = std::max(most, price);
    }
    return std::min(most, kDear);
  }

  bool covered() const {
    return std::all_of(needs_.begin(), needs_.end(), [](int64_t need) { return need <= 0; });
  }

  // Whether the set with candidate `i` is allowed: see choose_victims().
  bool allowed(size_t i) const {
    if (static_cast<int32_t>(chosen_.size()) >= victims_max_) return false;
    const Candidate& one = candidates_[i];
    int32_t of_queue = 1;
    for (const size_t k : chosen_) of_queue += candidates_[k].running->queue == one.running->queue;
    if (of_queue > left_->at(one.running->queue)) return false;
    for (const QueueTree::Excess& each : one.path) {
      Amount taken = one.holds;
      std::vector<const Amount*> parts{&one.holds};
      for (const size_t k : chosen_) {
        for (const QueueTree::Excess& other : candidates_[k].path) {
          if (other.place != each.place) continue;
          taken += candidates_[k].holds;
          parts.push_back(&candidates_[k].holds);
        }
      }
      const bool fine = std::any_of(parts.begin(), parts.end(), [&](const Amount* last) {
        for (int r = 0; r < kResources; ++r) {
          if (need_[r] > 0 && each.over[r] > taken[r] - (*last)[r]) return true;
        }
        return false;
      });
      if (!fine) return false;
    }
    return true;
  }

  void include(size_t i, int sign) {
    state_[i] = sign > 0 ? State::kIn : State::kOpen;
    for (size_t c = 0; c < needs_.size(); ++c) needs_[c] -= sign * candidates_[i].gives[c];
    spent_ += sign * candidates_[i].cost;
    if (sign > 0) {
      chosen_.push_back(i);
    } else {
      std::erase(chosen_, i);
    }
  }

  // Requires covered(). The set without those that can be spared, the dearest first.
  void keep_if_best() {
    std::vector<size_t> kept = chosen_;
    std::stable_sort(kept.begin(), kept.end(),
                     [this](size_t x, size_t y) { return candidates_[x].cost > candidates_[y].cost; });
    Nanocredits cost = spent_;
    std::vector<int64_t> over(needs_.size());
    for (size_t c = 0; c < needs_.size(); ++c) over[c] = -needs_[c];
    std::erase_if(kept, [&](size_t i) {
      const auto& gives = candidates_[i].gives;
      for (size_t c = 0; c < over.size(); ++c) {
        if (gives[c] > over[c]) return false;
      }
      for (size_t c = 0; c < over.size(); ++c) over[c] -= gives[c];
      cost -= candidates_[i].cost;
      return true;
    });
    if (cost >= best_cost_) return;
    best_cost_ = cost;
    best_ = std::move(kept);
    found_ = true;
  }

  // How much of what is missing the candidate gives, parts per million summed over constraints.
  int64_t use(size_t i) const {
    int64_t sum = 0;
    for (size_t c = 0; c < needs_.size(); ++c) {
      if (needs_[c] > 0) {
        sum += static_cast<int64_t>(static_cast<__int128>(std::min(needs_[c], candidates_[i].gives[c])) *
                                    kPpm / needs_[c]);
      }
    }
    return sum;
  }

  void greedy() {
    while (!covered()) {
      size_t best = candidates_.size();
      int64_t best_use = 0;
      for (size_t i = 0; i < candidates_.size(); ++i) {
        if (state_[i] != State::kOpen) continue;
        const int64_t use_now = use(i);
        if (use_now == 0) continue;
        const bool better =
            best == candidates_.size() || static_cast<__int128>(use_now) * candidates_[best].cost >
                                              static_cast<__int128>(best_use) * candidates_[i].cost;
        if (better && allowed(i)) {
          best = i;
          best_use = use_now;
        }
      }
      if (best == candidates_.size()) break;
      include(best, 1);
    }
    if (covered()) keep_if_best();
    for (const size_t i : std::vector<size_t>(chosen_)) include(i, -1);
  }

  // Decides on the cheapest open candidate for the constraint that is missing most.
  void descend(int depth) {
    if (covered()) {
      keep_if_best();
      return;
    }
    if (++steps_ > steps_max_ || depth > kDepthMax) {
      steps_ = std::max(steps_, steps_max_ + 1);
      return;
    }
    const Nanocredits rest = bound();
    if (rest >= kDear || spent_ + rest >= best_cost_) return;
    size_t tightest = needs_.size();
    size_t fewest = 0;
    for (size_t c = 0; c < needs_.size(); ++c) {
      if (needs_[c] <= 0) continue;
      const auto open = static_cast<size_t>(std::count_if(
          by_price_[c].begin(), by_price_[c].end(), [this](size_t i) { return state_[i] == State::kOpen; }));
      if (tightest == needs_.size() || open < fewest) {
        tightest = c;
        fewest = open;
      }
    }
    for (const size_t i : by_price_[tightest]) {
      if (state_[i] != State::kOpen) continue;
      if (allowed(i)) {
        include(i, 1);
        descend(depth + 1);
        include(i, -1);
      }
      state_[i] = State::kOut;
      descend(depth + 1);
      state_[i] = State::kOpen;
      return;
    }
  }

  static constexpr int kDepthMax = 10'000;  // of the recursion
  std::vector<Candidate> candidates_;
  std::vector<int64_t> needs_;
  Amount need_;
  int32_t victims_max_;
  const std::map<QueueId, int32_t>* left_;
  std::vector<std::vector<size_t>> by_price_;
  std::vector<State> state_;
  std::vector<size_t> chosen_, best_;
  Nanocredits spent_ = 0, best_cost_ = 0;
  int64_t steps_ = 0, steps_max_ = 0;
  bool found_ = false;
};

}  // namespace

void PreemptBudget::set(QueueId queue, int32_t per_hour, int32_t burst) {
  Of& of = queues_[queue];
  of.per_hour = per_hour;
  if (per_hour > 0) of.bucket.set(per_hour, burst);
}

int32_t PreemptBudget::left(QueueId queue, TimeUs at) const {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return burst_;
  return found->second.per_hour > 0 ? static_cast<int32_t>(found->second.bucket.held(at)) : 0;
}

void PreemptBudget::spend(QueueId queue, int32_t count, TimeUs at) {
  if (queues_.find(queue) == queues_.end()) set(queue, per_hour_, burst_);
  for (int32_t i = 0; i < count; ++i) queues_[queue].bucket.take(at);
}

Nanocredits preemption_cost(const Running& running, const PreemptPrices& prices) {
  constexpr int64_t kHourUs = TokenBucket::kHourUs;
  constexpr int64_t kGib = int64_t{1} << 30;
  const Amount amount = held(running);
  const int64_t us = saturating_add(running.lost_us, running.restart_us);
  Nanocredits cost = charge(running.moved_bytes, prices.per_gib_moved, kGib);
  const auto add = [&](int64_t units, Nanocredits price, int64_t unit) {
    cost = saturating_add(cost, charge(charge(units, price, unit), us, kHourUs));
  };
  add(amount.cpu_milli, prices.per_core_hour, kCoreUnit);
  add(amount.memory_mib, prices.per_gib_hour, kGibUnit);
  add(amount.accelerator_milli, prices.per_accelerator_hour, 1000);
  return charge(cost, int64_t{running.preemptions} + 1, 1);
}

VictimCosts::VictimCosts(std::span<const Running> running, const PreemptPrices& prices,
                         const PreemptRules& rules)
    : prices_(prices) {
  std::map<int32_t, std::vector<const Running*>> classes;
  Amount total;
  for (const Running& each : running) {
    classes[each.priority].push_back(&each);
    total += held(each);
  }
  std::vector<Cheap> cheap;
  for (const auto& [priority, jobs] : classes) {
    below_[priority] = cheap;
    for (const Running* job : jobs) {
      if (job->preemptions >= std::min(job->preemptions_max, rules.preemptions_max)) continue;
      const Amount amount = held(*job);
      cheap.push_back({of(*job), amount, dominant_share(amount, total)});
    }
    std::stable_sort(cheap.begin(), cheap.end(), [](const Cheap& a, const Cheap& b) {
      return static_cast<__int128>(a.cost) * b.share < static_cast<__int128>(b.cost) * a.share;
    });
  }
}

Nanocredits VictimCosts::of(const Running& running) const {
  Nanocredits cost = preemption_cost(running, prices_);
  const auto below = below_.find(running.priority);
  if (below == below_.end()) return cost;
  Amount missing = held(running);
  for (const Cheap& each : below->second) {
    int64_t part_ppm = 0;  // of this one that is needed
    for (int r = 0; r < kResources; ++r) {
      if (missing[r] > 0 && each.amount[r] > 0) {
        part_ppm = std::max(part_ppm, std::min(kPpm, charge(missing[r], kPpm, each.amount[r])));
      }
    }
    cost = saturating_add(cost, charge(each.cost, part_ppm, kPpm));
    missing = Amount::most({}, missing - each.amount);
    if (missing.none()) break;
  }
  return cost;
}

Right right_to_preempt(const QueueTree& tree, const Need& need, const Running& victim,
                       const PreemptRules& rules) {
  if (victim.priority <= rules.reclaim_priority_max &&
      tree.may_reclaim(need.queue, need.whole, victim.queue)) {
    return Right::kReclaim;
  }
  if (victim.priority >= need.priority) return Right::kNone;
  return in_excess(tree.excess(victim.queue, need.queue), need.whole) ? Right::kPriority : Right::kNone;
}

Preemption choose_victims(const QueueTree& tree, const Need& need, std::span<const Running> running,
                          const PreemptPrices& prices, const PreemptRules& rules, const PreemptBudget& budget,
                          TimeUs at) {
  Preemption result;
  std::map<QueueId, int32_t> left;
  struct Option {
    size_t index;
    Nanocredits bound;
    Search search;
  };
  std::vector<Option> options;
  const auto lacks = [&need](const Running& each) {
    return std::any_of(need.options.begin(), need.options.end(), [&each](const auto& option) {
      return std::any_of(option.begin(), option.end(), [&each](const Shortfall& s) {
        return std::any_of(each.holds.begin(), each.holds.end(),
                           [&s](const Hold& h) { return h.pool == s.pool; });
      });
    });
  };
  const VictimCosts costs(running, prices, rules);
  std::vector<const Running*> eligible;
  for (const Running& each : running) {
    if (!lacks(each)) continue;
    if (right_to_preempt(tree, need, each, rules) == Right::kNone) {
      ++(each.priority >= need.priority ? result.spared.by_priority : result.spared.by_guarantee);
    } else if (each.preemptions >= std::min(each.preemptions_max, rules.preemptions_max)) {
      ++result.spared.by_limit;
    } else if (left.try_emplace(each.queue, budget.left(each.queue, at)).first->second <= 0) {
      ++result.spared.by_budget;
    } else {
      eligible.push_back(&each);
    }
  }
  for (size_t o = 0; o < need.options.size(); ++o) {
    std::vector<int64_t> needs;
    std::vector<std::pair<uint32_t, int>> constraints;
    for (const Shortfall& shortfall : need.options[o]) {
      for (int r = 0; r < kResources; ++r) {
        if (shortfall.amount[r] <= 0) continue;
        constraints.emplace_back(shortfall.pool, r);
        needs.push_back(shortfall.amount[r]);
      }
    }
    std::vector<Candidate> candidates;
    for (const Running* each : eligible) {
      Candidate candidate{each,
                          std::min(costs.of(*each), kDear / std::max(rules.victims_max, 1)),
                          {},
                          held(*each),
                          tree.excess(each->queue, need.queue)};
      bool useful = false;
      for (const auto& [pool, resource] : constraints) {
        int64_t gives = 0;
        for (const Hold& hold : each->holds) {
          if (hold.pool == pool) gives = hold.amount[resource];
        }
        candidate.gives.push_back(gives);
        useful |= gives > 0;
      }
      if (useful) candidates.push_back(std::move(candidate));
    }
    Option option{o, 0,
                  Search(std::move(candidates), std::move(needs), need.whole, rules.victims_max, &left)};
    option.bound = option.search.root_bound();
    if (option.bound < kDear) options.push_back(std::move(option));
  }
  std::stable_sort(options.begin(), options.end(),
                   [](const Option& a, const Option& b) { return a.bound < b.bound; });
  Nanocredits best = kDear, bound = kDear;
  for (Option& option : options) {
    if (option.bound >= best) break;
    option.search.run(best, rules.steps_max - result.steps);
    result.steps += option.search.steps();
    if (!option.search.complete()) {
      result.quality = Quality::kBounded;
      bound = std::min(bound, option.bound);
    }
    if (!option.search.found()) continue;
    best = option.search.cost();
    result.found = true;
    result.option = option.index;
    result.victims = option.search.victims();
    result.cost = best;
  }
  result.bound = result.found ? std::min(bound, result.cost) : 0;
  return result;
}

}  // namespace weir::queue
