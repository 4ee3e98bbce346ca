#include "bench/rehearse/rehearse_bench.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "bench/support/arguments.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/rehearse/rehearse.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench rehearse [--sites N] [--intents N] [--rounds N]\n"
    "                           [-o table|json]\n\n"
    "Rehearses four strategies over the next four hours in a domain of so many sites\n"
    "and intents, and says what of the processor that takes for each.\n\n"
    "Example:\n"
    "  weir bench rehearse --sites 6 --intents 50\n";

constexpr TimeUs kSecond = 1'000'000, kHour = 3'600 * kSecond;
constexpr int kCoresPerSite = 32;
constexpr int kFrom_h = 30;  // so long the domain is known

// Of this thread.
double processor_ms() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e3 + static_cast<double>(at.tv_nsec) / 1e6;
}

IntentSpec spec_of(WorkKind kind, uint32_t number, int32_t cores, uint32_t ingress) {
  IntentSpec spec{.name = "i" + std::to_string(number)};
  spec.workload.kind = kind;
  spec.workload.artifact = "program-" + std::to_string(number % 7);
  spec.workload.cpu_milli = cores * 1'000;
  spec.workload.memory_mib = 512;
  if (kind == WorkKind::kJob) {
    spec.schedule.run_time_us_max = kHour / 2 * (1 + number % 4);
    spec.schedule.run_time_us_estimated = spec.schedule.run_time_us_max / 2;
    return spec;
  }
  spec.from = {{SiteId(ingress), 4}};
  spec.workload.port = 80;
  spec.workload.streams_per_instance = 2;
  spec.traffic = {2'000'000, 50'000, 2'000, 30'000};
  spec.promise = {500'000, 990'000, 0};
  return spec;
}

class Domain {
 public:
  Domain(uint32_t sites, uint32_t intents) : sites_(sites) {
    const TimeUs until = now, from = until - kFrom_h * kHour;
    now = from;
    add(DomainCreated{.name = "bench", .scarcity_core_hour = kCredit});
    add(TenantDefined{TenantId(0u), "city"});
    add(RouterDefined{VertexId(0u), "core"});
    for (uint32_t s = 0; s < sites; ++s) {
      SiteSpec spec{.name = "s" + std::to_string(s)};
      spec.asks.per_core_hour = kCredit / 10 * (1 + s % 5);
      add(SiteDefined{SiteId(s), VertexId(s + 1), spec});
      add(NodesReported{SiteId(s), NodeId(s), {NodeSpec{"n", kCoresPerSite * 1'000, 262'144, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
      add(LinkDefined{LinkId(2 * s), {.name = "l" + std::to_string(s), .a = VertexId(s + 1), .b = VertexId(0u), .bandwidth_bps = 10'000'000'000, .latency_us = 500 + 100 * s}});
    }
    // Jobs come evenly; those of which the run time is over have ended.
    for (uint32_t i = 0; i < intents; ++i) {
      now = from + static_cast<TimeUs>(i) * kFrom_h * kHour / intents;
      const bool service = i % 5 == 0;
      const IntentId id(i);
      const IntentSpec spec = spec_of(service ? WorkKind::kService : WorkKind::kJob, i, 1 + static_cast<int32_t>(i % 8), i % sites);
      add(IntentSubmitted{id, TenantId(0u), 1, spec});
      if (!service && now + spec.schedule.run_time_us_estimated < until) {
        add(IntentWithdrawn{id, true});
      } else {
        run(id);
      }
    }
    now = until;
  }
  IntentSubmitted wish(uint32_t number) const {
    return {{}, TenantId(0u), 0, spec_of(number % 2 == 0 ? WorkKind::kService : WorkKind::kJob, 1'000'000 + number, 4, number % sites_)};
  }

  Graph graph;
  TimeUs now = 1'800'000'000 * kSecond;

 private:
  void add(EventBody body) { (void)graph.apply({now, "bench", std::move(body)}); }
  void run(IntentId id) {
    Decision decision = planner_.decide(graph, id);
    const auto* plan = std::get_if<Plan>(&decision);
    if (plan == nullptr) return;
    const Position at = graph.version();
    const auto runs = static_cast<uint32_t>(plan->placements.size());
    add(PlanCommitted{*plan});
    for (uint32_t k = 0; k < runs; ++k) add(RunStateChanged{{at, k}, id, RunState::kRunning, 0, ""});
  }

  JointPlanner planner_;
  uint32_t sites_;
};

}  // namespace

int run_rehearse_bench(const std::vector<std::string>& args) {
  uint32_t sites = 6, intents = 50, rounds = 5;
  std::string output = "table";
  if (const auto code = read_arguments("weir bench rehearse", kHelp, args,
                                       {Option::number<uint32_t>("--sites", 1, 10'000, sites),
                                        Option::number<uint32_t>("--intents", 0, 100'000, intents),
                                        Option::number<uint32_t>("--rounds", 1, 1'000, rounds),
                                        Option::choice("-o", {"table", "json"}, output)})) {
    return *code;
  }
  const Domain domain(sites, intents);
  std::vector<IntentSubmitted> wishes;
  for (uint32_t i = 0; i < 4; ++i) wishes.push_back(domain.wish(i));
  std::vector<double> times;
  std::vector<Rehearsal> found;
  for (uint32_t round = 0; round < rounds; ++round) {
    const double from = processor_ms();
    found = twin::rehearse(domain.graph, domain.now, wishes,
                           {.planner = [] { return std::make_unique<JointPlanner>(); },
                            .scheduler = [] { return std::make_unique<queue::GraphQueue>(); },
                            .needs_decision = needs_decision});
    times.push_back((processor_ms() - from) / static_cast<double>(wishes.size()));
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2], most = times.back();
  for (const Rehearsal& one : found) {
    if (one.problem.empty()) continue;
    std::fprintf(stderr, "weir bench rehearse: %s\n", one.problem.c_str());
    return 1;
  }
  const double reached_h = static_cast<double>(found[0].reached_us) / static_cast<double>(kHour);
  if (output == "json") {
    std::printf("{\"sites\": %u, \"intents\": %u, \"arrivals\": %d, \"reached_hours\": %.2f, \"ms_per_strategy\": %.2f, \"ms_per_strategy_max\": %.2f}\n",
                sites, intents, found[0].arrivals, reached_h, median, most);
    return 0;
  }
  std::printf("%u sites, %u intents, %d arrivals, %.1f h reached\n", sites, intents, found[0].arrivals, reached_h);
  std::printf("each of 4 strategies: %.1f ms of the processor, at most %.1f of %u rounds\n", median, most, rounds);
  return 0;
}

}  // namespace weir::bench
