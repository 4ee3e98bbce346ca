#include "bench/fairness/timing.h"

#include <ctime>

#include "core/units/dice.h"
#include "bench/support/statistics.h"
#include "orchestration/queue/preempt.h"

namespace weir::bench {
namespace {

using namespace queue;

// Of this thread: what else runs on the machine does not count.
double processor_microseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

template <class Body>
double microseconds(int rounds, int per_round, Body body) {
  std::vector<double> all;
  for (int i = 0; i < rounds; ++i) {
    const double from = processor_microseconds();
    for (int k = 0; k < per_round; ++k) body(i * per_round + k);
    all.push_back((processor_microseconds() - from) / per_round);
  }
  return median(all);
}

}  // namespace

std::vector<Timing> run_timing(int queues, int jobs) {
  Dice dice(1);
  QueueTree tree;
  const Amount capacity{int64_t{64'000} * 10'000, int64_t{262'144} * 10'000, int64_t{8'000} * 1'000};
  tree.set_capacity(capacity);
  std::vector<queue::QueueId> leaves;
  std::vector<Timing> out;
  const auto count = static_cast<uint32_t>(queues);
  const uint32_t tenants = std::max(1u, count / 100), projects = std::max(1u, count / 10);
  const double from = processor_microseconds();
  for (uint32_t q = 0; q < count; ++q) {
    queue::QueueSpec spec{.weight_milli = static_cast<int32_t>(dice.roll(1, 4) * 1000),
                          .half_life_us = 24 * TokenBucket::kHourUs};
    if (q >= tenants + projects) {
      spec.parent = queue::QueueId(tenants + q % projects);
      leaves.emplace_back(q);
    } else if (q >= tenants) {
      spec.parent = queue::QueueId(q % tenants);
    }
    (void)tree.define(queue::QueueId(q), spec);
  }
  out.push_back({"define a queue", (processor_microseconds() - from) / count});
  std::vector<std::pair<queue::QueueId, Amount>> work;
  const auto draw = [&] {
    const int64_t cores = dice.roll(1, 32);
    const queue::QueueId queue =
        leaves[static_cast<size_t>(dice.roll(0, static_cast<int64_t>(leaves.size()) - 1))];
    return std::pair{queue,
                     Amount{cores * 1000, cores * dice.roll(1, 8) * 1024, 1000 * (dice.roll(0, 9) / 9)}};
  };
  TimeUs at = TokenBucket::kHourUs;
  for (int i = 0; i < jobs / 2; ++i) {
    const auto [queue, amount] = draw();
    tree.take(queue, amount, at += 1000);
  }
  for (int i = 0; i < jobs; ++i) work.push_back(draw());
  out.push_back({"a job begins to wait", microseconds(1, jobs, [&](int i) {
                   tree.wait(work[static_cast<size_t>(i)].first, work[static_cast<size_t>(i)].second);
                 })});
  int64_t sink = 0;
  out.push_back({"check a job against its quotas", microseconds(5, 10'000, [&](int i) {
                   const auto& [queue, amount] = work[static_cast<size_t>(i) % work.size()];
                   sink += tree.admits(queue, amount).has_value();
                 })});
  out.push_back({"whose turn it is", microseconds(5, 10'000, [&](int) { sink += tree.next()->value; })});
  out.push_back({"a job starts", microseconds(5, 1'000, [&](int i) {
                   const auto& [queue, amount] = work[static_cast<size_t>(i) % work.size()];
                   tree.stop_waiting(queue, amount);
                   tree.take(queue, amount, at += 1000);
                 })});
  out.push_back({"a job ends", microseconds(5, 1'000, [&](int i) {
                   const auto& [queue, amount] = work[static_cast<size_t>(i) % work.size()];
                   tree.give(queue, amount, at += 1000);
                 })});
  out.push_back({"the order of all queues",
                 microseconds(5, 1, [&](int) { sink += static_cast<int64_t>(tree.order().size()); })});
  out.push_back({"what all queues are due", microseconds(5, 1, [&](int) { tree.entitle(); })});
  out.push_back(
      {"bring all memories to now", microseconds(5, 1, [&](int) { tree.advance(at += 60'000'000); })});
  out.push_back({"a queue's price", microseconds(5, 10'000, [&](int i) {
                   sink += tree.price_multiplier_ppm(leaves[static_cast<size_t>(i) % leaves.size()]);
                 })});
  std::vector<Running> running;
  Need need{leaves[0], 2, {16'000, 65'536, 0}, {}};
  for (uint32_t node = 0; node < 64; ++node) {
    need.options.push_back({{node, {16'000, 32'768, 0}}});
    for (int i = 0; i < 16; ++i) {
      const auto [queue, amount] = draw();
      running.push_back({.job = running.size(),
                         .queue = queue,
                         .priority = static_cast<int32_t>(dice.roll(0, 2)),
                         .holds = {{node, {amount.cpu_milli / 4, amount.memory_mib / 4, 0}}},
                         .lost_us = dice.roll(0, TokenBucket::kHourUs),
                         .restart_us = 60'000'000});
    }
  }
  const PreemptBudget budget(100, 100);
  out.push_back({"victims among 1,024 jobs on 64 nodes", microseconds(5, 10, [&](int) {
                   const auto found = choose_victims(tree, need, running,
                                                     {kCredit, kCredit / 8, 10 * kCredit, 0}, {}, budget, at);
                   sink += found.steps;
                 })});
  if (sink == 42) out.push_back({"", 0});  // so that nothing is left out as unused
  return out;
}

}  // namespace weir::bench
