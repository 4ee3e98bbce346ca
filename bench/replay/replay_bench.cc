#include "bench/replay/replay_bench.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "bench/support/arguments.h"
#include "bench/support/statistics.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "orchestration/queue/policy.h"
#include "twin/generate/lublin.h"
#include "twin/replay/hash_log.h"
#include "twin/replay/recorder.h"
#include "twin/replay/replay.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench replay [--jobs N] [--processors N] [--load PERCENT]\n"
    "                         [--seed N] [--policy NAME]\n"
    "                         [--backfill none|easy|conservative] [-o table|json]\n\n"
    "Generates a trace and replays it through the production loop in virtual time:\n"
    "how many jobs a second of one core, and how much memory. A million jobs are to\n"
    "take at most 60 s.\n\n"
    "Example:\n"
    "  weir bench replay --jobs 1000000\n";

rusage used() {
  rusage out{};
  getrusage(RUSAGE_SELF, &out);
  return out;
}

double processor_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

int run_replay_bench(const std::vector<std::string>& args) {
  twin::LublinOptions lublin{.jobs = 100'000};
  int32_t load_percent = 70;
  std::string policy = "weir", backfill = "easy", output = "table";
  if (const auto code = read_arguments(
          "weir bench replay", kHelp, args,
          {Option::number<uint64_t>("--jobs", 1, 100'000'000, lublin.jobs),
           Option::number<int32_t>("--processors", 2, 1'000'000, lublin.processors),
           Option::number<int32_t>("--load", 1, 1'000, load_percent),
           Option::number<uint64_t>("--seed", 0, UINT64_MAX, lublin.seed), Option::text("--policy", policy),
           Option::choice("--backfill", {"none", "easy", "conservative"}, backfill),
           Option::choice("-o", {"table", "json"}, output)})) {
    return *code;
  }
  if (const auto known = queue::make_policy(policy, {}); !known) {
    std::fprintf(stderr, "weir bench replay: %s\n", known.error().text().c_str());
    return 2;
  }
  lublin.load = load_percent / 100.0;
  twin::ReplayOptions options;
  options.policy = policy;
  options.backfill = backfill == "none"   ? Backfill::kNone
                     : backfill == "easy" ? Backfill::kEasy
                                          : Backfill::kConservative;
  options.domain = {.name = "bench", .scarcity_core_hour = kCredit};
  options.sites.push_back(
      {.spec = {.name = "machine"},
       .nodes = {NodeSpec{.name = "n", .cpu_milli = lublin.processors * 1'000, .memory_mib = 1'000'000}}});
  JointPlanner planner;
  queue::GraphQueue scheduler;
  twin::HashLog log;
  twin::Recorder recorder;
  twin::LublinSource source(lublin);
  twin::Replay replay(options, planner, &scheduler, log, needs_decision);
  uint64_t waiting_most = 0, running_most = 0;
  const double before = processor_seconds(used());
  const auto from = std::chrono::steady_clock::now();
  const auto totals = replay.run(
      source, {.outcome = [&](const twin::JobOutcome& outcome) { recorder.outcome(outcome); },
               .moment =
                   [&](const twin::Moment& moment) {
                     recorder.moment(moment);
                     waiting_most = std::max(waiting_most, moment.waiting);
                     running_most = std::max(running_most, moment.running);
                   },
               .progress = {}});
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  if (!totals) {
    std::fprintf(stderr, "weir bench replay: %s\n", totals.error().text().c_str());
    return 1;
  }
  const rusage after = used();
  const double cpu_s = processor_seconds(after) - before;
  const double peak_mb = static_cast<double>(after.ru_maxrss) * 1'024 / 1e6;
  const double n = static_cast<double>(totals->jobs);
  const auto per_job = [n](uint64_t count) { return static_cast<double>(count) / n; };
  const Loop::Counters& loop = totals->loop;
  const auto& waits = recorder.summary().wait_s;
  if (output == "json") {
    std::printf(
        "{\"jobs\": %.0f, \"processors\": %d, \"load_percent\": %d, \"policy\": \"%s\", \"backfill\": \"%s\", "
        "\"processor_s\": %.3f, \"wall_s\": %.3f, \"jobs_per_processor_s\": %.0f, \"turns_per_job\": %.3f, "
        "\"events_per_job\": %.3f, \"decisions_per_job\": %.3f, \"directives_per_job\": %.3f, "
        "\"ledger_bytes_per_job\": %.1f, \"waiting_most\": %llu, \"running_most\": %llu, \"wait_s_mean\": "
        "%.6g, \"memory_peak_mb\": %.1f}\n",
        n, lublin.processors, load_percent, policy.c_str(), backfill.c_str(), cpu_s, wall_s, n / cpu_s,
        per_job(loop.turns), per_job(loop.events), per_job(loop.decisions), per_job(loop.directives),
        static_cast<double>(log.bytes()) / n, static_cast<unsigned long long>(waiting_most),
        static_cast<unsigned long long>(running_most), waits.mean(), peak_mb);
    return 0;
  }
  std::printf("%s jobs: %.1f s of the processor, %s jobs/s; %.1f s by the wall\n", grouped(n).c_str(), cpu_s,
              grouped(n / cpu_s).c_str(), wall_s);
  std::printf("per job: %.1f us, %.1f turns, %.1f events, %.2f decisions, %.1f directives,\n",
              cpu_s / n * 1e6, per_job(loop.turns), per_job(loop.events), per_job(loop.decisions),
              per_job(loop.directives));
  std::printf("  %.0f bytes of ledger\n", static_cast<double>(log.bytes()) / n);
  std::printf("at most %s waited and %s ran at once; %.0f MB of memory at most\n",
              grouped(static_cast<double>(waiting_most)).c_str(),
              grouped(static_cast<double>(running_most)).c_str(), peak_mb);
  return 0;
}

}  // namespace weir::bench
