#include "bench/fairness/wasted.h"

#include <algorithm>
#include <map>
#include <queue>
#include <tuple>
#include <vector>

#include "core/units/dice.h"
#include "orchestration/queue/preempt.h"

namespace weir::bench {
namespace {

using namespace queue;

constexpr int64_t kMinuteUs = 60'000'000;
constexpr uint32_t kNodes = 64;
constexpr Amount kNode{32'000, 128 * 1024, 0};
constexpr uint32_t kQueues = 4;
constexpr size_t kLookedAt = 2'000;  // waiting jobs in one pass
constexpr PreemptPrices kPrices{kCredit / 20, kCredit / 200, 0, kCredit / 100};

struct SimJob {
  queue::QueueId queue;
  int32_t priority = 0;
  Amount amount;
  int64_t left_us = 0;        // to run, restarts included
  int64_t work_us = 0;        // as submitted
  int64_t checkpoint_us = 0;  // 0: never
  int64_t restart_us = 0;
  int64_t data_bytes = 0;
  int64_t submitted = 0;
  int64_t waiting_since = 0;
  int64_t started = 0;
  int32_t node = -1;
  int32_t preemptions = 0;
  uint32_t epoch = 0;
  bool tried = false;  // to make room for it, since it waits
};

SimJob draw(Dice& dice, int urgent_percent) {
  SimJob job;
  const int64_t cores = int64_t{1} << std::min(dice.roll(0, 5), dice.roll(0, 5));
  job.amount = {cores * 1000, cores * dice.roll(1, 4) * 1024, 0};
  job.work_us = (int64_t{1} << dice.roll(2, 10)) * dice.roll(50, 150) * kMinuteUs / 100;
  job.left_us = job.work_us;
  const int64_t kind = dice.roll(0, 2);
  job.checkpoint_us = kind == 0 ? 0 : kind == 1 ? 10 * kMinuteUs : 60 * kMinuteUs;
  job.restart_us = dice.roll(1, 15) * kMinuteUs;
  job.data_bytes = dice.roll(0, 64) << 30;
  const int64_t urgency = dice.roll(1, 400);
  job.priority = urgency > 4 * urgent_percent ? 0 : urgency > urgent_percent ? 1 : 2;
  const int64_t who = dice.roll(0, 7);  // half of the load is one queue's
  job.queue = queue::QueueId(static_cast<uint32_t>(who < 4 ? 0 : who < 6 ? 1 : who < 7 ? 2 : 3));
  return job;
}

// Core-microseconds of a job.
int64_t mean_work() {
  constexpr int kSample = 20'000;
  Dice dice(7);
  int64_t core_minutes = 0;
  for (int i = 0; i < kSample; ++i) {
    const SimJob job = draw(dice, 0);
    core_minutes += job.amount.cpu_milli / 1000 * (job.work_us / kMinuteUs);
  }
  return core_minutes / kSample * kMinuteUs;
}

class Simulation {
 public:
  Simulation(uint64_t seed, VictimPolicy policy, const WastedLoad& load)
      : dice_(seed), policy_(policy), load_(load), budget_(60, 120), free_(kNodes, kNode) {
    tree_.set_capacity(kNode * kNodes);
    for (uint32_t q = 0; q < kQueues; ++q) {
      (void)tree_.define(queue::QueueId(q),
                         {.guaranteed = {kNode.cpu_milli * kNodes / 5, kNode.memory_mib * kNodes / 5, 0}});
    }
    gap_us_ = mean_work() * 100 / load.load_percent / (kNode.cpu_milli / 1000 * kNodes);
  }

  Wasted run() {
    int64_t next_arrival = 0;
    while (true) {
      const int64_t next_end = ends_.empty() ? INT64_MAX : ends_.top().at;
      now_ = std::min(next_arrival, next_end);
      if (now_ >= load_.days * 24 * 60 * kMinuteUs) break;
      if (next_end <= next_arrival) {
        const End end = ends_.top();
        ends_.pop();
        if (jobs_[end.job].epoch != end.epoch || jobs_[end.job].node < 0) continue;
        finish(end.job);
      } else {
        arrive();
        next_arrival = now_ + dice_.roll(0, 2 * gap_us_);
      }
      pass();
    }
    return result_;
  }

 private:
  struct End {
    int64_t at;
    size_t job;
    uint32_t epoch;
    bool operator<(const End& other) const { return std::tie(at, job) > std::tie(other.at, other.job); }
  };

  void arrive() {
    SimJob job = draw(dice_, load_.urgent_percent);
    job.submitted = job.waiting_since = now_;
    jobs_.push_back(job);
    wait(jobs_.size() - 1);
  }
  void wait(size_t j) {
    waiting_.emplace(std::make_tuple(-jobs_[j].priority, jobs_[j].submitted, j), j);
    tree_.wait(jobs_[j].queue, jobs_[j].amount);
    jobs_[j].tried = false;
  }
  void start(size_t j, uint32_t node) {
    SimJob& job = jobs_[j];
    waiting_.erase(std::make_tuple(-job.priority, job.submitted, j));
    tree_.stop_waiting(job.queue, job.amount);
    tree_.take(job.queue, job.amount, now_);
    free_[node] -= job.amount;
    job.node = static_cast<int32_t>(node);
    job.started = now_;
    running_[node].push_back(j);
    ends_.push({now_ + job.left_us, j, job.epoch});
    if (job.priority > 0 && job.preemptions == 0) {
      ++result_.urgent;
      result_.urgent_wait_us += now_ - job.submitted;
    }
  }
  void leave(size_t j) {
    SimJob& job = jobs_[j];
    const auto node = static_cast<uint32_t>(job.node);
    tree_.give(job.queue, job.amount, now_);
    free_[node] += job.amount;
    std::erase(running_[node], j);
    job.node = -1;
    ++job.epoch;
  }
  void finish(size_t j) {
    leave(j);
    ++result_.ended;
    result_.delivered_core_us += jobs_[j].amount.cpu_milli / 1000 * jobs_[j].work_us;
  }
  int64_t lost_us(const SimJob& job) const {
    const int64_t ran = now_ - job.started;
    return job.checkpoint_us == 0 ? ran : ran % job.checkpoint_us;
  }
  void preempt(size_t j) {
    SimJob& job = jobs_[j];
    const int64_t lost = lost_us(job), cores = job.amount.cpu_milli / 1000;
    ++result_.preemptions;
    result_.wasted_core_us += cores * (lost + job.restart_us);
    result_.moved_gib += job.data_bytes >> 30;
    job.left_us -= now_ - job.started - lost;
    job.left_us += job.restart_us;
    ++job.preemptions;
    budget_.spend(job.queue, 1, now_);
    leave(j);
    job.waiting_since = now_;
    wait(j);
  }

  void pass() {
    int64_t largest = 0;  // hole, or what room could be made for
    for (const Amount& free : free_) largest = std::max(largest, free.cpu_milli);
    std::vector<size_t> order;
    size_t looked_at = 0;
    for (const auto& [key, j] : waiting_) {
      if (!jobs_[j].tried || jobs_[j].amount.cpu_milli <= largest) order.push_back(j);
      if (++looked_at == kLookedAt) break;
    }
    for (const size_t j : order) {
      if (const int node = best_fit(jobs_[j].amount); node >= 0) {
        start(j, static_cast<uint32_t>(node));
      } else if (!jobs_[j].tried) {
        jobs_[j].tried = true;
        make_room(j);
      }
    }
  }
  int best_fit(const Amount& amount) const {
    int best = -1;
    for (uint32_t n = 0; n < kNodes; ++n) {
      if (amount.fits(free_[n]) &&
          (best < 0 || free_[n].cpu_milli < free_[static_cast<size_t>(best)].cpu_milli)) {
        best = static_cast<int>(n);
      }
    }
    return best;
  }

  Running running(size_t j) const {
    const SimJob& job = jobs_[j];
    return {.job = j,
            .queue = job.queue,
            .priority = job.priority,
            .holds = {{static_cast<uint32_t>(job.node), job.amount}},
            .lost_us = lost_us(job),
            .restart_us = job.restart_us,
            .moved_bytes = job.data_bytes,
            .preemptions = job.preemptions};
  }
  void make_room(size_t j) {
    const SimJob& job = jobs_[j];
    Need need{job.queue, job.priority, job.amount, {}};
    std::vector<uint64_t> victims;
    int node = -1;
    if (policy_ == VictimPolicy::kLeastWaste) {
      std::vector<Running> all;
      for (uint32_t n = 0; n < kNodes; ++n) {
        need.options.push_back({{n, Amount::most({}, job.amount - free_[n])}});
        for (const size_t r : running_[n]) all.push_back(running(r));
      }
      const Preemption found = choose_victims(tree_, need, all, kPrices, rules_, budget_, now_);
      if (!found.found) return;
      ++result_.searches;
      result_.exact += found.quality == Quality::kExact;
      victims = found.victims;
      node = static_cast<int>(found.option);
    } else {
      node = choose_naively(need, victims);
      if (node < 0) return;
      ++result_.searches;
    }
    for (const uint64_t victim : victims) preempt(victim);
    start(j, static_cast<uint32_t>(node));
  }

  // Those of a node that may go, one after another as `before` says, while the rules allow each.
  template <class Before>
  bool take_from(uint32_t node, const Need& need, Before before, std::vector<size_t>& taken) {
    std::vector<size_t> order = running_[node];
    std::sort(order.begin(), order.end(), before);
    Amount room = free_[node];
    std::map<queue::QueueId, int32_t> count;
    for (const size_t r : order) {
      if (need.whole.fits(room)) break;
      const SimJob& victim = jobs_[r];
      if (victim.preemptions >= rules_.preemptions_max ||
          count[victim.queue] >= budget_.left(victim.queue, now_))
        continue;
      if (right_to_preempt(tree_, need, running(r), rules_) == Right::kNone) continue;
      tree_.give(victim.queue, victim.amount, now_);
      room += victim.amount;
      ++count[victim.queue];
      taken.push_back(r);
    }
    for (const size_t r : taken) tree_.take(jobs_[r].queue, jobs_[r].amount, now_);
    return need.whole.fits(room);
  }
  int choose_naively(const Need& need, std::vector<uint64_t>& victims) {
    int best = -1;
    std::tuple<int32_t, int64_t, size_t, int64_t> best_rank;
    for (uint32_t n = 0; n < kNodes; ++n) {
      std::vector<size_t> taken;
      const bool newest = policy_ == VictimPolicy::kNewestFirst;
      const auto before = [&](size_t a, size_t b) {
        const SimJob &x = jobs_[a], &y = jobs_[b];
        const int32_t px = newest ? 0 : x.priority, py = newest ? 0 : y.priority;
        return std::make_tuple(px, -x.started, a) < std::make_tuple(py, -y.started, b);
      };
      if (!take_from(n, need, before, taken)) continue;
      spare(n, need, taken);
      int32_t highest = INT32_MIN;
      int64_t sum = 0, latest = 0;
      for (const size_t r : taken) {
        highest = std::max(highest, jobs_[r].priority);
        sum += jobs_[r].priority;
        latest = std::max(latest, jobs_[r].started);
      }
      const auto rank = newest ? std::make_tuple(0, int64_t{0}, taken.size(), -latest)
                               : std::make_tuple(highest, sum, taken.size(), -latest);
      if (best >= 0 && rank >= best_rank) continue;
      best = static_cast<int>(n);
      best_rank = rank;
      victims.assign(taken.begin(), taken.end());
    }
    return best;
  }
  // Those taken first are spared last.
  void spare(uint32_t node, const Need& need, std::vector<size_t>& taken) const {
    Amount room = free_[node];
    for (const size_t r : taken) room += jobs_[r].amount;
    for (size_t i = taken.size(); i-- > 0;) {
      if (!need.whole.fits(room - jobs_[taken[i]].amount)) continue;
      room -= jobs_[taken[i]].amount;
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  Dice dice_;
  VictimPolicy policy_;
  WastedLoad load_;
  PreemptRules rules_;
  PreemptBudget budget_;
  QueueTree tree_;
  int64_t gap_us_ = 1;
  int64_t now_ = 0;
  std::vector<SimJob> jobs_;
  std::map<std::tuple<int32_t, int64_t, size_t>, size_t> waiting_;
  std::priority_queue<End> ends_;
  std::vector<Amount> free_;
  std::vector<std::vector<size_t>> running_ = std::vector<std::vector<size_t>>(kNodes);
  Wasted result_;
};

}  // namespace

Wasted run_wasted(uint64_t seed, VictimPolicy policy, const WastedLoad& load) {
  return Simulation(seed, policy, load).run();
}

}  // namespace weir::bench
