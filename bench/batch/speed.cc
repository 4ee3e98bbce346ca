#include "bench/batch/speed.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <random>
#include <vector>

#include "bench/support/statistics.h"
#include "orchestration/queue/engine.h"

namespace weir::bench {
namespace {

using queue::Engine;
using queue::Job;

constexpr int64_t kSecondUs = 1'000'000;

// Of this thread: the machine may be shared.
double processor_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

class Jobs {
 public:
  // Of 1 to 64 cores, for 1 minute to 10 hours, half of them for less than an hour.
  Job next() {
    Job job;
    job.id = ++id_;
    job.each.cpu_milli = 1000;
    job.count = static_cast<int32_t>(1 + engine_() % 64);
    job.limit_us = static_cast<int64_t>(60 + engine_() % (engine_() % 2 == 0 ? 3'600 : 36'000)) * kSecondUs;
    job.estimated_us = job.limit_us / static_cast<int64_t>(1 + engine_() % 5);
    return job;
  }

 private:
  std::mt19937_64 engine_{1};
  uint64_t id_ = 0;
};

void row(const char* what, std::vector<double> us) {
  std::sort(us.begin(), us.end());
  std::printf("%-46s %9.1f %9.1f %9.1f\n", what, quantile(us, 0.5), quantile(us, 0.99), us.back());
  std::fflush(stdout);
}

void reprioritise() {
  Engine engine;
  Jobs jobs;
  engine.set_pool(0, {.cpu_milli = 1'000'000});
  engine.set_policy(0, queue::PolicyKind::kFcfs);
  for (int i = 0; i < 100'000; ++i) {
    Job job = jobs.next();
    job.submitted = i * kSecondUs;
    if (!engine.submit(job)) return;
  }
  for (const queue::PolicyKind kind :
       {queue::PolicyKind::kWeir, queue::PolicyKind::kWfp3, queue::PolicyKind::kF1}) {
    std::vector<double> us;
    for (int i = 0; i < 20; ++i) {
      engine.set_policy(0, queue::PolicyKind::kFcfs);
      const double begin = processor_us();
      engine.set_policy(0, kind);
      us.push_back(processor_us() - begin);
    }
    row(("100,000 queued jobs put in the order of " + std::string(queue::policy_info(kind).name)).c_str(),
        us);
  }
}

// A machine that stays full with 10,000 jobs waiting: one ends early, one arrives.
void events(Backfill backfill, const char* what) {
  Engine engine({.backfill = backfill});
  Jobs jobs;
  engine.set_pool(0, {.cpu_milli = 4'000'000});
  std::vector<std::pair<int64_t, uint64_t>> ends;  // a heap
  std::mt19937_64 dice{2};
  int64_t now = 0;
  const auto pass = [&] {
    for (const queue::Start& start : engine.pass(now).starts) {
      const int64_t limit = engine.job(start.job)->limit_us;
      if (!engine.started(start.job, start.parts, now)) continue;
      ends.emplace_back(now + limit / static_cast<int64_t>(1 + dice() % 4), start.job);
      std::push_heap(ends.begin(), ends.end(), std::greater<>());
    }
  };
  const auto fill = [&](size_t waiting) {
    while (engine.waiting() < waiting) {
      Job job = jobs.next();
      job.submitted = now;
      if (!engine.submit(job)) return;
    }
  };
  for (size_t waiting = 1'000; waiting <= 10'000; waiting += 1'000) {
    fill(waiting);
    pass();
  }
  fill(10'000);
  pass();
  std::vector<double> us, each_us;
  for (int i = 0; i < 2'000; ++i) {
    const size_t known = engine.running() + engine.waiting();
    std::pop_heap(ends.begin(), ends.end(), std::greater<>());
    const auto [at, id] = ends.back();
    ends.pop_back();
    now = std::max(now, at);
    const double begin = processor_us();
    engine.ended(id, now);
    fill(10'000);
    const size_t arrived = engine.running() + engine.waiting() + 1 - known;
    const size_t before = engine.running();
    pass();
    us.push_back(processor_us() - begin);
    each_us.push_back(us.back() / static_cast<double>(1 + arrived + (engine.running() - before)));
  }
  row(what, us);
  row("  by each end, arrival and start", each_us);
}

}  // namespace

int measure_speed() {
  std::printf("%-46s %9s %9s %9s\n", "processor time, microseconds", "p50", "p99", "most");
  reprioritise();
  events(Backfill::kEasy, "an end and arrivals, 10,000 wait, EASY");
  events(Backfill::kConservative, "an end and arrivals, 10,000 promised starts");
  return 0;
}

}  // namespace weir::bench
