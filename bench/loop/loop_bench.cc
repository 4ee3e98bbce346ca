#include "bench/loop/loop_bench.h"

#include <time.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "bench/loop/alike.h"
#include "bench/support/arguments.h"
#include "bench/support/statistics.h"
#include "core/event/limits.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/replay/hash_log.h"
#include "twin/replay/replay.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench loop [--jobs N] [--running N]\n"
    "                       [--queued yes|no] [-o table|json]\n"
    "       weir bench loop --tasks N [--running N] [-o table|json]\n\n"
    "Runs N jobs through the production loop in virtual time, with so many at once on\n"
    "one site, through the queues or each as it comes, and says what bounds it:\n"
    "deciding, hashing, the rest. Times are of the processor. With --tasks an array\n"
    "of so many beside as many jobs, all submitted at once.\n\n"
    "Examples:\n"
    "  weir bench loop --jobs 100000 --running 32\n"
    "  weir bench loop --tasks 10000 --running 32\n";

// Of the processor: other programs may share the machine.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<Clock, duration>;
  static time_point now() {
    timespec at{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return time_point(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
  }
};
double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * 4096;
}

class TimedPlanner final : public Planner {
 public:
  Decision decide(const Graph& snapshot, IntentId intent) override {
    const auto from = Clock::now();
    Decision decision = planner_.decide(snapshot, intent);
    seconds += seconds_since(from);
    return decision;
  }
  Decision decide_among(const Graph& snapshot, IntentId intent, const std::vector<SiteId>& sites) override {
    const auto from = Clock::now();
    Decision decision = planner_.decide_among(snapshot, intent, sites);
    seconds += seconds_since(from);
    return decision;
  }
  double seconds = 0;

 private:
  JointPlanner planner_;
};

class TimedLog final : public LogStore {
 public:
  Position durable_end() const override { return log_.durable_end(); }
  Status read(Position from, Position to,
              const std::function<Status(Position, Bytes)>& visit) const override {
    return log_.read(from, to, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint() const override { return log_.newest_checkpoint(); }
  Position end() const override { return log_.end(); }
  Status append(std::span<const Bytes> records, Urgency urgency) override {
    const auto from = Clock::now();
    Status status = log_.append(records, urgency);
    seconds += seconds_since(from);
    return status;
  }
  Status flush() override { return log_.flush(); }
  Status save_checkpoint(const Checkpoint& checkpoint) override { return log_.save_checkpoint(checkpoint); }

  const twin::HashLog& log() const { return log_; }
  double seconds = 0;

 private:
  twin::HashLog log_;
};

// One job a second, of one core, each as long as makes so many run at a time.
class Steady final : public twin::JobSource {
 public:
  Steady(uint64_t jobs, uint32_t running) : jobs_(jobs), running_(running) {}
  Result<std::optional<twin::TraceJob>> next() override {
    if (submitted_ == jobs_) return std::nullopt;
    const auto at_s = static_cast<TimeUs>(submitted_++);
    return twin::TraceJob{.id = std::to_string(at_s),
                          .submit_us = at_s * 1'000'000,
                          .run_us = running_ * 1'000'000 - 500'000,
                          .cpu_milli = 1000};
  }

 private:
  uint64_t jobs_, submitted_ = 0;
  TimeUs running_;
};

int run_tasks_bench(uint32_t tasks, uint32_t running, bool json) {
  for (const bool array : {true, false}) {
    const Alike one = run_alike(tasks, running, array);
    const char* what = array ? "array" : "jobs";
    if (!one.done) {
      std::fprintf(stderr, "weir bench loop: the %s did not end\n", what);
      return 1;
    }
    const auto number = [](uint64_t count) { return grouped(static_cast<double>(count)); };
    if (json) {
      std::printf(
          "{\"as\": \"%s\", \"tasks\": %u, \"running\": %u, \"submit_ms\": %.2f, \"submit_events\": %lu, "
          "\"submit_ledger_bytes\": %lu, \"submit_memory_bytes\": %.0f, \"seconds\": %.3f, \"turns\": %lu, "
          "\"events\": %lu, \"ledger_bytes\": %lu, \"memory_bytes\": %.0f}\n",
          what, tasks, running, one.submit_seconds * 1e3, one.submit_events, one.submit_bytes, one.submit_memory_bytes,
          one.seconds, one.turns, one.events, one.bytes, one.memory_bytes);
      continue;
    }
    std::printf("%s %s, %u at a time\n", number(tasks).c_str(), array ? "tasks of an array" : "jobs", running);
    std::printf("  submitted: %.2f ms, %s events, %s bytes of ledger, %s bytes of memory\n", one.submit_seconds * 1e3,
                number(one.submit_events).c_str(), number(one.submit_bytes).c_str(), grouped(one.submit_memory_bytes).c_str());
    std::printf("  done: %.2f s, %s turns, %s events, %s bytes of ledger, %s of memory kept\n", one.seconds,
                number(one.turns).c_str(), number(one.events).c_str(), number(one.bytes).c_str(), grouped(one.memory_bytes).c_str());
  }
  return 0;
}

}  // namespace

int run_loop_bench(const std::vector<std::string>& args) {
  uint64_t jobs = 100'000;
  uint32_t running = 32, tasks = 0;
  std::string output = "table", queued = "yes";
  if (const auto code = read_arguments("weir bench loop", kHelp, args,
                                       {Option::number<uint64_t>("--jobs", 1, 10'000'000, jobs),
                                        Option::number<uint32_t>("--running", 1, 100'000, running),
                                        Option::number<uint32_t>("--tasks", 2, static_cast<uint32_t>(limits::kTasksMax), tasks),
                                        Option::choice("--queued", {"yes", "no"}, queued),
                                        Option::choice("-o", {"table", "json"}, output)})) {
    return *code;
  }
  if (tasks > 0) return run_tasks_bench(tasks, running, output == "json");
  twin::ReplayOptions options;
  options.domain = {.name = "bench", .scarcity_core_hour = kCredit};
  options.sites.push_back(
      {.spec = {.name = "site"},
       .nodes = {NodeSpec{
           .name = "n", .cpu_milli = static_cast<int32_t>(running + 1) * 1000, .memory_mib = 1024}}});
  TimedPlanner planner;
  queue::GraphQueue scheduler;
  TimedLog log;
  twin::Replay replay(options, planner, queued == "yes" ? &scheduler : nullptr, log, needs_decision);
  Steady source(jobs, running);
  const double before = resident_bytes();
  const auto from = Clock::now();
  const auto totals = replay.run(source, {});
  const double seconds = seconds_since(from);
  if (!totals) {
    std::fprintf(stderr, "weir bench loop: %s\n", totals.error().text().c_str());
    return 1;
  }
  const double n = static_cast<double>(jobs);
  const double bytes_per_job = (resident_bytes() - before) / n;
  const double other = seconds - planner.seconds - log.seconds;
  const auto per_job = [n](uint64_t count) { return static_cast<double>(count) / n; };
  if (output == "json") {
    std::printf(
        "{\"jobs\": %.0f, \"running\": %u, \"seconds\": %.3f, \"jobs_per_second\": %.0f, "
        "\"decide_us_per_job\": %.2f, \"hash_us_per_job\": %.2f, \"other_us_per_job\": %.2f, "
        "\"turns_per_job\": %.2f, \"events_per_job\": %.2f, \"ledger_bytes_per_job\": %.1f, "
        "\"memory_bytes_per_job\": %.1f}\n",
        n, running, seconds, n / seconds, planner.seconds / n * 1e6, log.seconds / n * 1e6, other / n * 1e6,
        per_job(totals->loop.turns), per_job(totals->loop.events), static_cast<double>(log.log().bytes()) / n,
        bytes_per_job);
    return 0;
  }
  std::printf("%s jobs, %u at a time: %.1f s, %s jobs/s\n", grouped(n).c_str(), running, seconds,
              grouped(n / seconds).c_str());
  std::printf("per job: %.1f us to decide, %.1f us for the ledger's hashes, %.1f us else\n",
              planner.seconds / n * 1e6, log.seconds / n * 1e6, other / n * 1e6);
  std::printf("per job: %.1f turns, %.1f events, %.0f bytes of ledger, %.0f bytes of memory kept\n",
              per_job(totals->loop.turns), per_job(totals->loop.events),
              static_cast<double>(log.log().bytes()) / n, bytes_per_job);
  return 0;
}

}  // namespace weir::bench
