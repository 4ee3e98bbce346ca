#include "orchestration/workflow/batch.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "core/price/price.h"

namespace weir {
namespace {

constexpr uint32_t kSoonest = UINT32_MAX;  // instead of a machine: where the task finishes first

// Places tasks one after another, each in the first gap.
class Decoder {
 public:
  explicit Decoder(const BatchProblem& problem) : problem_(problem) {
    timelines_.reserve(problem.machine_count());
    for (size_t m = 0; m < problem.machine_count(); ++m) timelines_.emplace_back(problem.machine(m).capacity);
    touched_.assign(problem.machine_count(), 0);
  }

  uint64_t steps() const { return steps_; }

  // Requires an order in which every arc leads forward. `machines` by task.
  void decode(const std::vector<uint32_t>& order, const std::vector<uint32_t>& machines, BatchSchedule& out) {
    for (size_t m = 0; m < timelines_.size(); ++m) {
      if (touched_[m]) timelines_[m].clear(problem_.machine(m).capacity);
      touched_[m] = 0;
    }
    out.slots.resize(order.size());
    out.makespan_us = 0;
    out.price = 0;
    for (const uint32_t task : order) {
      BatchSlot best{.finish_us = kNeverUs};
      if (machines[task] != kSoonest) {
        best = place(task, machines[task], out.slots);
      } else {
        for (uint32_t m = 0; m < problem_.machine_count(); ++m) {
          if (problem_.run_us(task, m) >= kNeverUs) continue;
          const BatchSlot slot = place(task, m, out.slots);
          if (slot.finish_us < best.finish_us) best = slot;
        }
      }
      if (best.finish_us >= kNeverUs) {
        out.makespan_us = kNeverUs;
        return;
      }
      timelines_[best.machine].reserve(best.start_us, best.finish_us - best.start_us, problem_.need(task));
      touched_[best.machine] = 1;
      out.slots[task] = best;
      out.makespan_us = std::max(out.makespan_us, best.finish_us);
    }
    for (const uint32_t task : order) {
      const uint32_t m = out.slots[task].machine;
      const uint32_t place = problem_.machine(m).place;
      out.price = saturating_add(
          out.price, saturating_add(problem_.run_price(task, m), problem_.ready_price(task, place)));
      for (const uint32_t a : problem_.arcs_in(task)) {
        const auto& arc = problem_.arcs()[a];
        out.price = saturating_add(
            out.price,
            problem_.transfer_price(arc.bytes, problem_.machine(out.slots[arc.from].machine).place, place));
      }
    }
  }

 private:
  BatchSlot place(uint32_t task, uint32_t m, const std::vector<BatchSlot>& slots) {
    ++steps_;
    const uint32_t place = problem_.machine(m).place;
    int64_t ready_us = problem_.ready_us(task, place);
    for (const uint32_t a : problem_.arcs_in(task)) {
      const BatchSlot& before = slots[problem_.arcs()[a].from];
      ready_us = std::max(
          ready_us, before.finish_us + problem_.arc_us(a, problem_.machine(before.machine).place, place));
    }
    const int64_t run_us = problem_.run_us(task, m);
    if (ready_us >= kNeverUs || run_us >= kNeverUs) return {m, kNeverUs, kNeverUs};
    const int64_t start_us = timelines_[m].earliest_us(ready_us, run_us, problem_.need(task));
    return {m, start_us, start_us + run_us};
  }

  const BatchProblem& problem_;
  std::vector<Timeline> timelines_;
  std::vector<uint8_t> touched_;
  uint64_t steps_ = 0;
};

// Tasks by falling rank; equal ranks, which only tasks without work or data can have along an arc, in
// topological order, then by task.
std::vector<uint32_t> by_rank(const BatchProblem& problem, const std::vector<int64_t>& ranks) {
  std::vector<uint32_t> position(problem.task_count());
  std::vector<uint32_t> depth(problem.task_count(), 0);
  for (const uint32_t task : problem.order()) {
    for (const uint32_t a : problem.arcs_in(task))
      depth[task] = std::max(depth[task], depth[problem.arcs()[a].from] + 1);
  }
  std::iota(position.begin(), position.end(), 0);
  std::sort(position.begin(), position.end(), [&](uint32_t a, uint32_t b) {
    return std::tuple(-ranks[a], depth[a], a) < std::tuple(-ranks[b], depth[b], b);
  });
  return position;
}

// run(task) and transfer(arc) in 1/kRankScale us.
template <class Run, class Transfer>
std::vector<int64_t> ranks_by(const BatchProblem& problem, Run&& run, Transfer&& transfer) {
  std::vector<int64_t> ranks(problem.task_count(), 0);
  for (auto task = problem.order().rbegin(); task != problem.order().rend(); ++task) {
    int64_t longest = 0;
    for (const uint32_t a : problem.arcs_out(*task))
      longest = std::max(longest, saturating_add(transfer(a), ranks[problem.arcs()[a].to]));
    ranks[*task] = saturating_add(longest, run(*task));
  }
  return ranks;
}

int64_t mean_scaled(__int128 sum, int64_t count) {
  return count == 0 ? 0 : static_cast<int64_t>(std::min<__int128>(sum * kRankScale / count, INT64_MAX / 4));
}

int64_t mean_run(const BatchProblem& problem, uint32_t task) {
  __int128 sum = 0;
  int64_t count = 0;
  for (size_t m = 0; m < problem.machine_count(); ++m) {
    if (problem.run_us(task, m) >= kNeverUs) continue;
    sum += problem.run_us(task, m);
    ++count;
  }
  return mean_scaled(sum, count);
}

int64_t least_run(const BatchProblem& problem, uint32_t task) {
  if (!problem.least_run_us.empty()) return problem.least_run_us[task];
  int64_t least = kNeverUs;
  for (size_t m = 0; m < problem.machine_count(); ++m) least = std::min(least, problem.run_us(task, m));
  return least;
}

// Over ordered pairs of different machines that are connected.
std::vector<int64_t> mean_transfers(const BatchProblem& problem) {
  std::vector<int64_t> machines_at(problem.place_count(), 0);
  for (size_t m = 0; m < problem.machine_count(); ++m) ++machines_at[problem.machine(m).place];
  std::vector<int64_t> means;
  for (uint32_t a = 0; a < problem.arcs().size(); ++a) {
    __int128 sum = 0;
    int64_t pairs = 0;
    for (size_t p = 0; p < machines_at.size(); ++p) {
      for (size_t q = 0; q < machines_at.size(); ++q) {
        const int64_t us = problem.arc_us(a, p, q);
        const int64_t weight = machines_at[p] * (machines_at[q] - (p == q ? 1 : 0));
        if (us >= kNeverUs) continue;
        sum += static_cast<__int128>(us) * weight;
        pairs += weight;
      }
    }
    means.push_back(mean_scaled(sum, pairs));
  }
  return means;
}

// A fixed sequence (splitmix64).
class Draws {
 public:
  explicit Draws(uint64_t seed) : state_(seed) {}
  uint32_t below(size_t count) { return static_cast<uint32_t>(next() % count); }

 private:
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

using Cost = std::tuple<int64_t, int64_t, int64_t>;

// Late-acceptance search: a neighbour is taken if it is no worse than what was held kMemory rounds ago.
class Search {
 public:
  Search(const BatchProblem& problem, const BatchObjective& objective)
      : problem_(problem), objective_(objective), decoder_(problem), draws_(0x77656972) {
    for (uint32_t task = 0; task < problem.task_count(); ++task) {
      std::vector<uint32_t>& able = able_.emplace_back();
      for (uint32_t m = 0; m < problem.machine_count(); ++m) {
        if (problem.run_us(task, m) < kNeverUs) able.push_back(m);
      }
      if (able.size() > 1) movable_.push_back(task);
    }
  }

  Cost cost(const BatchSchedule& schedule) const {
    if (objective_.deadline_us == 0) return {schedule.makespan_us, schedule.price, 0};
    return {std::max<int64_t>(0, schedule.makespan_us - objective_.deadline_us), schedule.price,
            schedule.makespan_us};
  }

  void start_from(const std::vector<uint32_t>& order, const std::vector<uint32_t>& machines) {
    BatchSchedule schedule;
    decoder_.decode(order, machines, schedule);
    if (schedule.makespan_us >= kNeverUs) return;
    if (best_.slots.empty() || cost(schedule) < cost(best_)) {
      best_ = schedule;
      order_ = order;
    }
  }

  void run(uint64_t steps, const Cost& bound) {
    const size_t tasks = problem_.task_count();
    if (best_.slots.empty()) return;
    constexpr size_t kMemory = 64;
    // After so many rounds without a new best the search begins again from the best.
    const uint64_t patience = 200 + 60 * tasks;
    position_.resize(tasks);
    BatchSchedule held = best_, tried;
    adopt(held);
    std::vector<Cost> memory(kMemory, cost(held));
    uint64_t stale = 0;
    for (uint64_t round = 0; decoder_.steps() < steps && bound < cost(best_); ++round) {
      if (!change(held)) break;
      decoder_.decode(order_tried_, machines_tried_, tried);
      Cost& before = memory[round % kMemory];
      const Cost now = cost(tried);
      if (now <= before || now <= cost(held)) {
        std::swap(held, tried);
        order_ = order_tried_;
        adopt(held);
      }
      if (cost(held) < before) before = cost(held);
      if (cost(held) < cost(best_)) {
        best_ = held;
        stale = 0;
      } else if (++stale > patience) {
        held = best_;
        order_ = problem_.order();
        adopt(held);
        memory.assign(kMemory, loosened(cost(held)));
        stale = 0;
      }
    }
  }

  const BatchSchedule& best() const { return best_; }
  uint64_t steps() const { return decoder_.steps(); }

 private:
  // Worse by up to a quarter, so that the search can leave the best behind.
  Cost loosened(const Cost& from) {
    const auto slack = [this](int64_t value) {
      return value / 1024 * draws_.below(256) + value % 1024 * draws_.below(256) / 1024;
    };
    auto [first, second, third] = from;
    if (objective_.deadline_us == 0) return {first + slack(first), second, third};
    const int64_t late_us = draws_.below(2) == 0 ? 0 : slack(objective_.deadline_us);
    return {first + late_us, late_us > 0 ? INT64_MAX : second + slack(second), third};
  }

  // Orders by start what is held, and notes what its end depends on.
  void adopt(const BatchSchedule& schedule) {
    std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      return schedule.slots[a].start_us < schedule.slots[b].start_us;
    });
    for (uint32_t i = 0; i < order_.size(); ++i) position_[order_[i]] = i;
    critical_.clear();
    uint32_t at = order_.back();
    for (const uint32_t task : order_) {
      if (schedule.slots[task].finish_us > schedule.slots[at].finish_us) at = task;
    }
    for (bool found = true; found;) {
      critical_.push_back(at);
      found = false;
      const BatchSlot& slot = schedule.slots[at];
      const uint32_t place = problem_.machine(slot.machine).place;
      for (const uint32_t a : problem_.arcs_in(at)) {
        const uint32_t from = problem_.arcs()[a].from;
        const BatchSlot& before = schedule.slots[from];
        if (before.finish_us + problem_.arc_us(a, problem_.machine(before.machine).place, place) !=
            slot.start_us)
          continue;
        at = from;
        found = true;
        break;
      }
      if (found) continue;
      for (uint32_t i = position_[at]; i-- > 0;) {
        const BatchSlot& before = schedule.slots[order_[i]];
        if (before.machine != slot.machine || before.finish_us != slot.start_us ||
            before.start_us == before.finish_us)
          continue;
        at = order_[i];
        found = true;
        break;
      }
    }
  }

  uint32_t pick() {
    return draws_.below(4) > 0 && objective_.deadline_us == 0 ? critical_[draws_.below(critical_.size())]
                                                              : draws_.below(problem_.task_count());
  }

  bool change(const BatchSchedule& held) {
    order_tried_ = order_;
    machines_tried_.resize(held.slots.size());
    for (size_t t = 0; t < held.slots.size(); ++t) machines_tried_[t] = held.slots[t].machine;
    if (problem_.task_count() < 2 && movable_.empty()) return false;
    const uint32_t task = pick();
    const uint32_t kind = draws_.below(20);
    if (kind < 9) move_machine(task);
    if (kind >= 7 && kind < 14) move_order(task);
    if (kind >= 14) {
      gather_around(task, kind < 17 ? kSoonest : able_[task][draws_.below(able_[task].size())]);
      if (kind % 2 == 0) move_order(task);
    }
    return true;
  }

  void move_machine(uint32_t task) {
    const std::vector<uint32_t>& able = able_[task];
    if (able.size() < 2) return;
    uint32_t to = able[draws_.below(able.size() - 1)];
    if (to == machines_tried_[task]) to = able.back();
    machines_tried_[task] = to;
  }

  // To any place between what it needs and what needs it.
  void move_order(uint32_t task) {
    const uint32_t at = position_[task];
    uint32_t low = 0, high = static_cast<uint32_t>(order_.size()) - 1;
    for (const uint32_t a : problem_.arcs_in(task))
      low = std::max(low, position_[problem_.arcs()[a].from] + 1);
    for (const uint32_t a : problem_.arcs_out(task))
      high = std::min(high, position_[problem_.arcs()[a].to] - 1);
    if (low >= high) return;
    const uint32_t to = low + draws_.below(high - low + 1);
    const auto begin = order_tried_.begin();
    if (to < at) {
      std::rotate(begin + to, begin + at, begin + at + 1);
    } else {
      std::rotate(begin + at, begin + at + 1, begin + to + 1);
    }
  }

  // The task and some of its neighbours go to the machine together, or where each finishes first.
  void gather_around(uint32_t task, uint32_t machine) {
    machines_tried_[task] = machine;
    const auto in = problem_.arcs_in(task), out = problem_.arcs_out(task);
    for (uint32_t n = draws_.below(4); n > 0 && in.size() + out.size() > 0; --n) {
      const size_t i = draws_.below(in.size() + out.size());
      const uint32_t other =
          i < in.size() ? problem_.arcs()[in[i]].from : problem_.arcs()[out[i - in.size()]].to;
      if (machine == kSoonest || problem_.run_us(other, machine) < kNeverUs) machines_tried_[other] = machine;
    }
  }

  const BatchProblem& problem_;
  const BatchObjective objective_;
  Decoder decoder_;
  Draws draws_;
  std::vector<std::vector<uint32_t>> able_;
  std::vector<uint32_t> movable_;
  BatchSchedule best_;
  std::vector<uint32_t> order_, position_, critical_;
  std::vector<uint32_t> order_tried_, machines_tried_;
};

}  // namespace

std::vector<int64_t> upward_ranks(const BatchProblem& problem) {
  const std::vector<int64_t> transfers = mean_transfers(problem);
  return ranks_by(
      problem, [&](uint32_t task) { return mean_run(problem, task); },
      [&](uint32_t arc) { return transfers[arc]; });
}

BatchSchedule heft(const BatchProblem& problem) {
  Decoder decoder(problem);
  BatchSchedule schedule;
  decoder.decode(by_rank(problem, upward_ranks(problem)),
                 std::vector<uint32_t>(problem.task_count(), kSoonest), schedule);
  return schedule;
}

int64_t makespan_bound_us(const BatchProblem& problem) {
  const size_t tasks = problem.task_count(), places = problem.place_count();
  int64_t bound_us = 0;
  if (problem.least_run_us.empty()) {
    // soonest[task][place]: no schedule finishes the task there earlier.
    std::vector<int64_t> soonest(tasks * places, kNeverUs);
    for (const uint32_t task : problem.order()) {
      std::vector<int64_t> run(places, kNeverUs);
      for (size_t m = 0; m < problem.machine_count(); ++m) {
        int64_t& least = run[problem.machine(m).place];
        least = std::min(least, problem.run_us(task, m));
      }
      int64_t anywhere = kNeverUs;
      for (size_t p = 0; p < places; ++p) {
        if (run[p] >= kNeverUs) continue;
        int64_t ready_us = problem.ready_us(task, p);
        for (const uint32_t a : problem.arcs_in(task)) {
          int64_t arrives_us = kNeverUs;
          for (size_t q = 0; q < places; ++q) {
            const int64_t left_us = soonest[problem.arcs()[a].from * places + q];
            if (left_us < kNeverUs) arrives_us = std::min(arrives_us, left_us + problem.arc_us(a, q, p));
          }
          ready_us = std::max(ready_us, arrives_us);
        }
        soonest[task * places + p] = std::min(kNeverUs, ready_us + run[p]);
        anywhere = std::min(anywhere, soonest[task * places + p]);
      }
      bound_us = std::max(bound_us, anywhere);
    }
  } else {
    std::vector<int64_t> finish(tasks, 0);
    for (const uint32_t task : problem.order()) {
      for (const uint32_t a : problem.arcs_in(task))
        finish[task] = std::max(finish[task], finish[problem.arcs()[a].from]);
      finish[task] += problem.least_run_us[task];
      bound_us = std::max(bound_us, finish[task]);
    }
  }
  const auto area = [&](auto amount) {
    __int128 work = 0;
    for (uint32_t task = 0; task < tasks; ++task) {
      work +=
          static_cast<__int128>(std::min(least_run(problem, task), kNeverUs)) * amount(problem.need(task));
    }
    const int64_t all = amount(problem.capacity_all);
    if (all > 0)
      bound_us =
          std::max(bound_us, static_cast<int64_t>(std::min<__int128>((work + all - 1) / all, kNeverUs)));
  };
  area([](const Resources& r) { return r.cpu_milli; });
  area([](const Resources& r) { return r.memory_mib; });
  area([](const Resources& r) { return r.accelerators; });
  return bound_us;
}

Nanocredits price_bound(const BatchProblem& problem) {
  Nanocredits sum = 0;
  for (size_t task = 0; task < problem.task_count(); ++task) {
    Nanocredits least = INT64_MAX;
    for (size_t m = 0; m < problem.machine_count(); ++m) {
      if (problem.run_us(task, m) < kNeverUs) least = std::min(least, problem.run_price(task, m));
    }
    if (!problem.least_run_price.empty()) least = problem.least_run_price[task];
    sum = saturating_add(sum, least);
  }
  return sum;
}

BatchOutcome schedule_batch(const BatchProblem& problem, const BatchObjective& objective,
                            const BatchLimits& limits) {
  Search search(problem, objective);
  const size_t tasks = problem.task_count();
  BatchOutcome outcome{.bound_us = makespan_bound_us(problem), .bound_price = price_bound(problem)};
  const std::vector<uint32_t> soonest(tasks, kSoonest);
  const std::vector<int64_t> transfers = mean_transfers(problem);
  const auto none = [](uint32_t) { return int64_t{0}; };
  const auto mean = [&](uint32_t task) { return mean_run(problem, task); };
  const auto least = [&](uint32_t task) { return mean_scaled(least_run(problem, task), 1); };
  const auto transfer = [&](uint32_t arc) { return transfers[arc]; };
  search.start_from(by_rank(problem, ranks_by(problem, mean, transfer)), soonest);
  search.start_from(by_rank(problem, ranks_by(problem, least, transfer)), soonest);
  search.start_from(by_rank(problem, ranks_by(problem, least, none)), soonest);
  // All on one machine saves every transfer.
  for (uint32_t m = 0; m < problem.machine_count(); ++m) {
    bool able = true;
    for (size_t t = 0; t < tasks && able; ++t) able = problem.run_us(t, m) < kNeverUs;
    if (able) search.start_from(problem.order(), std::vector<uint32_t>(tasks, m));
  }
  if (objective.deadline_us > 0) {
    std::vector<uint32_t> cheapest(tasks, kSoonest);
    for (size_t t = 0; t < tasks; ++t) {
      for (uint32_t m = 0; m < problem.machine_count(); ++m) {
        if (problem.run_us(t, m) >= kNeverUs) continue;
        if (cheapest[t] == kSoonest || problem.run_price(t, m) < problem.run_price(t, cheapest[t]))
          cheapest[t] = m;
      }
    }
    search.start_from(by_rank(problem, ranks_by(problem, mean, transfer)), cheapest);
  }
  const Cost bound = objective.deadline_us == 0 ? Cost{outcome.bound_us, outcome.bound_price, 0}
                                                : Cost{0, outcome.bound_price, INT64_MAX};
  search.run(std::min(limits.steps, limits.steps_per_task * tasks), bound);
  outcome.schedule = search.best();
  if (outcome.schedule.slots.empty()) outcome.schedule.makespan_us = kNeverUs;
  outcome.steps = search.steps();
  return outcome;
}

Result<BatchPlan> plan_batch(const Graph& graph, const Workflow& workflow, const BatchLimits& limits,
                             const BatchProblemLimits& machines) {
  const auto problem = batch_problem(graph, workflow, machines);
  if (!problem) return tl::unexpected(problem.error());
  const BatchOutcome outcome = schedule_batch(*problem, {workflow.deadline_us}, limits);
  const BatchSchedule& schedule = outcome.schedule;
  if (schedule.makespan_us >= kNeverUs) {
    return fail(ErrorCode::kInfeasible, "the sites that can run its stages are not connected", "spec.stages",
                "allow more sites");
  }
  BatchPlan plan{.makespan_us = schedule.makespan_us,
                 .bound_us = outcome.bound_us,
                 .price = schedule.price,
                 .bound_price = outcome.bound_price,
                 .in_time = workflow.deadline_us == 0 || schedule.makespan_us <= workflow.deadline_us,
                 .steps = outcome.steps};
  const bool priced = workflow.deadline_us > 0 && plan.in_time;
  plan.quality = (priced ? plan.price == plan.bound_price : plan.makespan_us == plan.bound_us)
                     ? Quality::kExact
                     : Quality::kBounded;
  for (const BatchSlot& slot : schedule.slots) {
    const auto& machine = problem->machine(slot.machine);
    plan.runs.push_back({machine.site, machine.node, slot.start_us, slot.finish_us});
  }
  const auto move = [&](Transfer transfer, int64_t bytes, size_t from, size_t to) {
    const auto* channel = problem->channel(from, to, bytes);
    if (!channel || bytes == 0) return;
    transfer.arrive_us = transfer.start_us + problem->transfer_us(bytes, from, to);
    transfer.bps = channel->bps;
    transfer.path = channel->path;
    plan.transfers.push_back(std::move(transfer));
  };
  for (uint32_t e = 0; e < workflow.edges.size(); ++e) {
    const WorkflowEdge& edge = workflow.edges[e];
    const BatchSlot &from = schedule.slots[edge.from], &to = schedule.slots[edge.to];
    move({.item = e, .stage = edge.to, .start_us = from.finish_us}, edge.bytes,
         problem->machine(from.machine).place, problem->machine(to.machine).place);
  }
  for (uint32_t t = 0; t < workflow.stages.size(); ++t) {
    const auto& machine = problem->machine(schedule.slots[t].machine);
    for (const WorkflowInputId read : workflow.stages[t].reads) {
      const auto row = static_cast<uint32_t>(read.index());
      const WorkflowInput& input = workflow.inputs[row];
      if (const auto from = problem->nearest_copy(input, machine.place))
        move({.item = row, .stored = true, .stage = t}, input.bytes, *from, machine.place);
    }
  }
  return plan;
}

}  // namespace weir
