#include "bench/fairness/sharing.h"

#include <algorithm>
#include <deque>
#include <queue>
#include <tuple>
#include <vector>

#include "core/units/dice.h"
#include "orchestration/queue/preempt.h"

namespace weir::bench {
namespace {

using namespace queue;

constexpr int64_t kMinuteUs = 60'000'000;
constexpr uint32_t kTenants = 4, kProjects = 4;
constexpr Amount kDomain{1'024'000, 4'096 * 1024, 128'000};

struct SimJob {
  queue::QueueId queue;
  Amount amount;
  int64_t minutes = 0;
  int64_t submitted = 0;  // in jobs
  int64_t started = -1;
  uint32_t epoch = 0;
};

queue::QueueId project(uint32_t tenant, uint32_t index) {
  return queue::QueueId(kTenants + tenant * kProjects + index);
}

class Simulation {
 public:
  Simulation(uint64_t seed, SharePolicy policy, int days)
      : dice_(seed), policy_(policy), horizon_minutes_(days * 24 * 60), budget_(1'000'000, 1'000'000) {
    const int64_t half_life_us = policy == SharePolicy::kMemory ? 6 * 60 * kMinuteUs : 0;
    for (QueueTree* tree : {&turns_, &dues_}) tree->set_capacity(kDomain);
    int64_t weights = 0;
    std::vector<int32_t> weight;
    for (uint32_t t = 0; t < kTenants; ++t)
      weights += weight.emplace_back(static_cast<int32_t>(1000 * dice_.roll(1, 4)));
    for (uint32_t t = 0; t < kTenants; ++t) {
      Amount guaranteed;
      if (policy == SharePolicy::kReclaim) {
        for (int r = 0; r < kResources; ++r) guaranteed[r] = kDomain[r] * weight[t] / weights;
      }
      (void)turns_.define(
          queue::QueueId(t),
          {.weight_milli = weight[t], .guaranteed = guaranteed, .half_life_us = half_life_us});
      (void)dues_.define(queue::QueueId(t), {.weight_milli = weight[t]});
      int64_t within = 0;
      std::vector<int32_t> of;
      for (uint32_t p = 0; p < kProjects; ++p)
        within += of.emplace_back(static_cast<int32_t>(1000 * dice_.roll(1, 4)));
      for (uint32_t p = 0; p < kProjects; ++p) {
        Amount part;
        for (int r = 0; r < kResources; ++r) part[r] = guaranteed[r] * of[p] / within;
        (void)turns_.define(project(t, p), {.parent = queue::QueueId(t),
                                            .weight_milli = of[p],
                                            .guaranteed = part,
                                            .half_life_us = half_life_us});
        (void)dues_.define(project(t, p), {.parent = queue::QueueId(t), .weight_milli = of[p]});
        busy_until_.push_back(0);
        used_.push_back(0);
        due_.push_back(0);
      }
    }
    lines_.resize(busy_until_.size());
  }

  Sharing run() {
    for (now_ = 0; now_ < horizon_minutes_; ++now_) {
      while (!ends_.empty() && std::get<0>(ends_.top()) <= now_) {
        const auto [at, j, epoch] = ends_.top();
        ends_.pop();
        if (jobs_[j].epoch == epoch && jobs_[j].started >= 0) stop(j);
      }
      submit();
      turns_.advance(at());
      pass();
      if (policy_ == SharePolicy::kReclaim) reclaim();
      measure();
    }
    finish();
    return result_;
  }

 private:
  TimeUs at() const { return (now_ + 1) * kMinuteUs; }
  size_t line(queue::QueueId queue) const { return queue.index() - kTenants; }

  // Each queue submits in bursts: some hours on, some off.
  void submit() {
    for (size_t q = 0; q < lines_.size(); ++q) {
      if (now_ >= std::abs(busy_until_[q])) {
        const int64_t length = dice_.roll(60, 720);
        busy_until_[q] = busy_until_[q] > 0 ? -(now_ + length) : now_ + length;
      }
      if (busy_until_[q] < 0 || dice_.roll(0, 9) >= 5) continue;
      SimJob job{.queue = queue::QueueId(static_cast<uint32_t>(q) + kTenants)};
      const int64_t cores = dice_.roll(1, 8);
      job.amount = {cores * 1000, cores * dice_.roll(1, 6) * 1024, q % 4 == 0 ? 1000 * dice_.roll(0, 1) : 0};
      job.minutes = dice_.roll(10, 240);
      job.submitted = static_cast<int64_t>(jobs_.size());
      jobs_.push_back(job);
      wait(jobs_.size() - 1);
    }
  }
  void wait(size_t j) {
    lines_[line(jobs_[j].queue)].push_back(j);
    turns_.wait(jobs_[j].queue, jobs_[j].amount);
    dues_.wait(jobs_[j].queue, jobs_[j].amount);
  }
  void start(size_t j) {
    SimJob& job = jobs_[j];
    std::erase(lines_[line(job.queue)], j);
    for (QueueTree* tree : {&turns_, &dues_}) {
      tree->stop_waiting(job.queue, job.amount);
      tree->take(job.queue, job.amount, at());
    }
    free_ -= job.amount;
    job.started = now_;
    running_.push_back(j);
    ends_.push({now_ + job.minutes, j, job.epoch});
  }
  void stop(size_t j) {
    SimJob& job = jobs_[j];
    for (QueueTree* tree : {&turns_, &dues_}) tree->give(job.queue, job.amount, at());
    free_ += job.amount;
    std::erase(running_, j);
    job.started = -1;
    ++job.epoch;
  }

  void pass() {
    if (policy_ == SharePolicy::kArrival) {
      std::vector<size_t> order;
      for (const auto& jobs : lines_) order.insert(order.end(), jobs.begin(), jobs.end());
      std::sort(order.begin(), order.end());
      for (const size_t j : order) {
        if (jobs_[j].amount.fits(free_)) start(j);
      }
      return;
    }
    while (const auto turn = turns_.next()) {
      const auto& jobs = lines_[line(*turn)];
      const auto fitting =
          std::find_if(jobs.begin(), jobs.end(), [this](size_t j) { return jobs_[j].amount.fits(free_); });
      if (fitting == jobs.end()) {
        turns_.block(*turn);
      } else {
        start(*fitting);
      }
    }
    turns_.unblock();
  }

  void reclaim() {
    for (const queue::QueueId queue : turns_.order()) {
      while (!lines_[line(queue)].empty()) {
        const size_t j = lines_[line(queue)].front();
        const SimJob& job = jobs_[j];
        const Need need{queue, 0, job.amount, {{{0, Amount::most({}, job.amount - free_)}}}};
        std::vector<Running> all;
        for (const size_t r : running_) {
          const int64_t ran_us = (now_ - jobs_[r].started) * kMinuteUs;
          all.push_back({.job = r,
                         .queue = jobs_[r].queue,
                         .holds = {{0, jobs_[r].amount}},
                         .lost_us = ran_us,
                         .preemptions = static_cast<int32_t>(jobs_[r].epoch)});
        }
        const Preemption found = choose_victims(turns_, need, all, {kCredit, kCredit / 8, 10 * kCredit, 0},
                                                {.steps_max = 200}, budget_, at());
        if (!found.found) break;
        for (const uint64_t victim : found.victims) {
          lost_core_minutes_ += jobs_[victim].amount.cpu_milli / 1000 * (now_ - jobs_[victim].started);
          ++result_.preemptions;
          stop(victim);
          wait(victim);
        }
        start(j);
      }
    }
  }

  void measure() {
    dues_.entitle();
    double off = 0, owed = 0, sum = 0, squares = 0, worst = 1;
    int count = 0;
    for (size_t q = 0; q < lines_.size(); ++q) {
      const Standing standing = dues_.standing(queue::QueueId(static_cast<uint32_t>(q) + kTenants));
      const auto due = static_cast<double>(standing.entitlement_share),
                 used = static_cast<double>(standing.share);
      off += used > due ? used - due : due - used;
      owed += due;
      used_[q] += std::min(used, 2 * due);
      due_[q] += due;
      if (due <= 0) continue;
      const double ratio = used / due;
      sum += ratio;
      squares += ratio * ratio;
      worst = std::min(worst, ratio);
      ++count;
    }
    const auto busy = static_cast<double>(kDomain.cpu_milli - free_.cpu_milli);
    busy_ += busy;
    result_.utilisation +=
        busy / static_cast<double>(kDomain.cpu_milli) / static_cast<double>(horizon_minutes_);
    if (count == 0 || squares == 0) return;
    ++measured_;
    result_.error += off / 2 / owed;
    result_.jain += sum * sum / (count * squares);
    result_.worst += worst;
  }
  void finish() {
    const auto n = static_cast<double>(std::max<int64_t>(measured_, 1));
    result_.error /= n;
    result_.jain /= n;
    result_.worst /= n;
    double sum = 0, squares = 0;
    for (size_t q = 0; q < used_.size(); ++q) {
      const double ratio = due_[q] > 0 ? used_[q] / due_[q] : 1;
      sum += ratio;
      squares += ratio * ratio;
    }
    result_.jain_long = sum * sum / (static_cast<double>(used_.size()) * squares);
    result_.wasted = static_cast<double>(lost_core_minutes_) / (busy_ / 1000);
  }

  Dice dice_;
  SharePolicy policy_;
  int64_t horizon_minutes_;
  PreemptBudget budget_;
  QueueTree turns_, dues_;
  Amount free_ = kDomain;
  int64_t now_ = 0;
  std::vector<SimJob> jobs_;
  std::vector<std::deque<size_t>> lines_;  // by queue
  std::vector<size_t> running_;
  std::vector<int64_t> busy_until_;  // below 0: pauses until
  using End = std::tuple<int64_t, size_t, uint32_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::vector<double> used_, due_;
  double busy_ = 0;
  int64_t measured_ = 0;
  int64_t lost_core_minutes_ = 0;
  Sharing result_;
};

}  // namespace

Sharing run_sharing(uint64_t seed, SharePolicy policy, int days) {
  return Simulation(seed, policy, days).run();
}

}  // namespace weir::bench
