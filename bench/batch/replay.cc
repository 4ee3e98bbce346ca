#include "bench/batch/replay.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <tuple>

#include "bench/batch/run_times.h"

namespace weir::bench {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr uint32_t kPool = 0, kQueue = 0;

queue::Job queue_job(const TraceJob& job, uint64_t id) {
  queue::Job made;
  made.id = id;
  made.queue = kQueue;
  made.submitted = job.swf.submitted_s * kSecondUs;
  made.estimated_us = job.estimated_s * kSecondUs;
  made.limit_us = job.limit_s * kSecondUs;
  made.each.cpu_milli = 1000;
  made.count = static_cast<int32_t>(job.swf.processors);
  return made;
}

uint64_t who(const twin::SwfJob& job) {
  return static_cast<uint64_t>(job.user >= 0 ? job.user : job.queue + 2) << 1 | (job.user >= 0 ? 1 : 0);
}

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "weir bench batch: %s\n", what);
  std::abort();
}

}  // namespace

Outcome replay(const std::vector<TraceJob>& jobs, int64_t processors, const Rules& rules) {
  queue::Engine engine(rules.engine);
  engine.set_pool(kPool, {.cpu_milli = processors * 1000});
  engine.set_policy(kQueue, rules.policy);
  RunTimes run_times;
  Outcome outcome;
  double slowdowns = 0, waits_s = 0, used_s = 0;
  int64_t last_end_s = 0, busy = 0;
  size_t next = 0;
  uint64_t starts = 0;
  std::set<std::tuple<int64_t, uint64_t, size_t>> ends;  // when, in which order they began, job
  const auto pass = [&](int64_t now_s) {
    ++outcome.passes;
    for (const queue::Start& start : engine.pass(now_s * kSecondUs).starts) {
      const twin::SwfJob& job = jobs[start.job].swf;
      if (!engine.started(start.job, start.parts, now_s * kSecondUs)) broken("an offered start was refused");
      busy += job.processors;
      if (busy > processors) broken("more processors in use than there are");
      const auto wait_s = now_s - job.submitted_s;
      const auto whole_s = static_cast<double>(wait_s + job.run_s);
      slowdowns += std::max(1.0, whole_s / static_cast<double>(std::max<int64_t>(job.run_s, 10)));
      waits_s += static_cast<double>(wait_s);
      used_s += static_cast<double>(job.run_s * job.processors);
      outcome.wait_most_s = std::max(outcome.wait_most_s, wait_s);
      last_end_s = std::max(last_end_s, now_s + job.run_s);
      ends.emplace(now_s + job.run_s, starts++, start.job);
    }
  };
  while (next < jobs.size() || !ends.empty()) {
    const bool arrives =
        next < jobs.size() && (ends.empty() || jobs[next].swf.submitted_s <= std::get<0>(*ends.begin()));
    const int64_t now_s = arrives ? jobs[next].swf.submitted_s : std::get<0>(*ends.begin());
    const auto arrive = [&] {
      queue::Job job = queue_job(jobs[next], next);
      if (rules.predicted) job.estimated_us = run_times.estimate(who(jobs[next].swf), job.limit_us);
      if (!engine.submit(job)) broken("a job was refused");
      ++next;
    };
    const auto end = [&] {
      const size_t job = std::get<2>(*ends.begin());
      ends.erase(ends.begin());
      busy -= jobs[job].swf.processors;
      if (!engine.ended(job, now_s * kSecondUs)) broken("an end was refused");
      run_times.ended(who(jobs[job].swf), jobs[job].swf.run_s * kSecondUs);
    };
    if (rules.one_by_one) {
      arrives ? arrive() : end();
    } else {
      while (!ends.empty() && std::get<0>(*ends.begin()) == now_s) end();
      while (next < jobs.size() && jobs[next].swf.submitted_s == now_s) arrive();
    }
    pass(now_s);
  }
  if (engine.waiting() != 0) broken("jobs wait on an empty machine");
  if (jobs.empty()) return outcome;
  const auto count = static_cast<double>(jobs.size());
  outcome.slowdown_mean = slowdowns / count;
  outcome.wait_mean_s = waits_s / count;
  const int64_t span_s = std::max<int64_t>(last_end_s - jobs.front().swf.submitted_s, 1);
  outcome.utilisation = used_s / static_cast<double>(span_s * processors);
  return outcome;
}

}  // namespace weir::bench
