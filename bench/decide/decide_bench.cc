#include "bench/decide/decide_bench.h"

#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <memory>
#include <numeric>
#include <optional>

#include "bench/decide/large_region.h"
#include "orchestration/plan/decide.h"

// jemalloc's, where it is linked.
extern "C" int mallctl(const char* name, void* old, size_t* old_size, void* fresh, size_t fresh_size)
    __attribute__((weak));

namespace weir::bench {
namespace {

enum class Clock {
  kWall,
  kProcessor,  // time of this thread on a processor; asking for it may cost a microsecond
};

int64_t now_ns(Clock clock = Clock::kWall) {
  timespec t{};
  clock_gettime(clock == Clock::kWall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// How often this thread has lost its processor to others.
int64_t preemptions() {
  rusage use{};
  getrusage(RUSAGE_THREAD, &use);
  return use.ru_nivcsw;
}

// Bytes that this process has allocated and not freed.
size_t allocated_bytes() {
  if (mallctl != nullptr) {
    uint64_t epoch = 1;
    size_t bytes = 0, size = sizeof bytes;
    mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
    mallctl("stats.allocated", &bytes, &size, nullptr, 0);
    return bytes;
  }
  const struct mallinfo2 now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

constexpr const char* kHelp =
    "Usage: weir bench decide [--sites N] [--load PERCENT] [--decisions N] [--cold N]\n"
    "                         [--batch N] [--alternatives N] [--seed S]\n"
    "                         [-o table|json]\n"
    "\n"
    "Decide, verify and apply on a region of 10,000 sites, 1,000,000 nodes and 50,000\n"
    "links, one core. Steps during which other work took the processor are left out,\n"
    "and counted; of cold ones the time on the processor is measured.\n"
    "  --sites N          the rest in proportion (default 10000)\n"
    "  --load PERCENT     mean use of nodes and links at the start, 0 to 80 (default\n"
    "                     70)\n"
    "  --decisions N      measured when remembering; a tenth of it in the steady\n"
    "                     state (default 20000)\n"
    "  --cold N           by a planner that remembers nothing (default 200)\n"
    "  --batch N          commits between two snapshots that a reader keeps (default\n"
    "                     64)\n"
    "  --alternatives N   runners-up that each plan explains (default 3)\n"
    "  --seed S           (default 1)\n"
    "  -o FORMAT          table (default) or json\n"
    "\n"
    "Example: weir bench decide --sites 1000 --decisions 10000\n";

struct Settings {
  uint32_t sites = 10'000;
  uint32_t load_percent = 70;
  uint32_t decisions = 20'000;
  uint32_t cold = 200;
  uint32_t batch = 64;
  uint32_t alternatives = 3;
  uint64_t seed = 1;
  bool json = false;
};

template <class Number>
bool read(const std::string& text, Number low, Number high, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= low && out <= high;
}

std::optional<std::string> parse(const std::vector<std::string>& args, Settings& settings) {
  for (size_t i = 0; i < args.size(); i += 2) {
    const std::string& option = args[i];
    if (i + 1 == args.size()) return option + " needs a value";
    const std::string& value = args[i + 1];
    bool good = false;
    if (option == "--sites") {
      good = read<uint32_t>(value, 200, 20'000, settings.sites);
    } else if (option == "--load") {
      good = read<uint32_t>(value, 0, 80, settings.load_percent);
    } else if (option == "--cold") {
      good = read<uint32_t>(value, 1, 100'000, settings.cold);
    } else if (option == "--decisions") {
      good = read<uint32_t>(value, 100, 10'000'000, settings.decisions);
    } else if (option == "--batch") {
      good = read<uint32_t>(value, 1, 1'000'000, settings.batch);
    } else if (option == "--alternatives") {
      good = read<uint32_t>(value, 0, 8, settings.alternatives);
    } else if (option == "--seed") {
      good = read<uint64_t>(value, 0, UINT64_MAX, settings.seed);
    } else if (option == "-o") {
      good = value == "table" || value == "json";
      settings.json = value == "json";
    } else {
      return "unknown option " + option;
    }
    if (!good) return "bad value for " + option + ": '" + value + "'";
  }
  return std::nullopt;
}

// What a step is made of; the last is their sum.
enum Part : size_t { kDecide, kVerify, kApply, kWhole, kParts };
constexpr std::array<const char*, kParts> kPartNames = {"decide", "verify", "apply", "whole"};

struct Phase {
  const char* name;
  Clock clock = Clock::kWall;  // kProcessor: steps so long that most are preempted, which then count
  std::array<std::vector<double>, kParts> us;  // of each step, by part
  double snapshot_us = 0, snapshot_us_max = 0;
  // What a snapshot alone still held when it was let go, a batch of commits after it was taken: a sum.
  double retained_bytes = 0;
  uint64_t snapshots = 0, weighed = 0, refused = 0, conflicts = 0, preempted = 0;
};

constexpr uint64_t kWeighed = 16;

double us(int64_t ns) { return static_cast<double>(ns) / 1000; }

// Of one part of the steps of a phase.
struct Times {
  size_t count = 0;
  double mean = 0, p50 = 0, p99 = 0, p999 = 0, per_second = 0;
};

Times times(std::vector<double> us) {
  Times out{.count = us.size()};
  if (us.empty()) return out;
  std::sort(us.begin(), us.end());
  const auto count = static_cast<double>(us.size());
  const auto at = [&](double quantile) {
    return us[std::min(us.size() - 1, static_cast<size_t>(quantile * count))];
  };
  const double sum = std::accumulate(us.begin(), us.end(), 0.0);
  out.mean = sum / count;
  out.p50 = at(0.5);
  out.p99 = at(0.99);
  out.p999 = at(0.999);
  out.per_second = count / sum * 1e6;
  return out;
}

class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(settings),
        region_(settings.seed,
                {.sites = settings.sites, .links = settings.sites * 5, .load_percent = settings.load_percent}),
        bytes_before_(region_.graph.bytes().commitments),
        bytes_empty_(region_.graph.bytes()) {}

  const GraphBytes& bytes_empty() const { return bytes_empty_; }
  // Of the plans that were decided.
  size_t commitments_bytes() const { return region_.graph.bytes().commitments - bytes_before_; }

  // Every decision by a planner that remembers nothing.
  Phase cold(uint32_t decisions) {
    Phase phase{.name = "cold", .clock = Clock::kProcessor};
    for (uint32_t i = 0; i < decisions; ++i) {
      JointPlanner planner = make_planner();
      step(planner, phase);
    }
    return phase;
  }

  // Commits only: prices rise.
  Phase remembered(uint32_t decisions) {
    Phase phase{.name = "remembering"};
    for (uint32_t i = 0; i < decisions; ++i) step(planner_, phase);
    return phase;
  }

  // As many plans end as begin: prices rise and fall.
  Phase steady(uint32_t decisions) {
    Phase phase{.name = "steady state"};
    for (uint32_t i = 0; i < decisions; ++i) {
      step(planner_, phase);
      retire_oldest();
    }
    return phase;
  }

 private:
  JointPlanner make_planner() const {
    return JointPlanner(DecideLimits{.alternatives = settings_.alternatives});
  }

  void step(JointPlanner& planner, Phase& phase) {
    Graph& graph = region_.graph;
    const IntentSubmitted wish = region_.next_intent();
    graph.apply(Event{1, "tenant", wish});
    // The reader's copy is held until the next one, so that each commit after it copies what it changes.
    if (steps_++ % settings_.batch == 0) {
      const auto start = now_ns();
      auto fresh = std::make_unique<Graph>(graph);
      const double took = us(now_ns() - start);
      phase.snapshot_us += took;
      phase.snapshot_us_max = std::max(phase.snapshot_us_max, took);
      ++phase.snapshots;
      // Asking the allocator walks all that is free, so a few snapshots stand for all.
      const bool weigh = phase.weighed < kWeighed;
      const size_t before = weigh ? allocated_bytes() : 0;
      snapshot_ = std::move(fresh);
      if (weigh) phase.retained_bytes += static_cast<double>(before - allocated_bytes());
      phase.weighed += weigh ? 1 : 0;
    }
    const int64_t before = preemptions();
    const auto start = now_ns(phase.clock);
    Decision decision = planner.decide(graph, wish.intent);
    const auto decided = now_ns(phase.clock);
    auto* plan = std::get_if<Plan>(&decision);
    if (!plan) {
      ++phase.refused;
      return;
    }
    const Verdict verdict = verify(graph, *plan);
    const auto verified = now_ns(phase.clock);
    if (!verdict.granted) {
      ++phase.conflicts;
      return;
    }
    const Position position = graph.version();
    graph.apply(Event{1, "brain", PlanCommitted{std::move(*plan)}});
    const auto applied = now_ns(phase.clock);
    if (phase.clock == Clock::kProcessor || preemptions() == before) {
      phase.us[kDecide].push_back(us(decided - start));
      phase.us[kVerify].push_back(us(verified - decided));
      phase.us[kApply].push_back(us(applied - verified));
      phase.us[kWhole].push_back(us(applied - start));
    } else {
      ++phase.preempted;
    }
    held_.emplace_back(wish.intent, position);
  }

  void retire_oldest() {
    if (held_.empty()) return;
    const auto [intent, position] = held_.front();
    held_.pop_front();
    region_.graph.apply(Event{1, "tenant", IntentWithdrawn{intent}});
    region_.graph.apply(Event{1, "brain", PlanRetired{intent, position}});
  }

  const Settings& settings_;
  LargeRegion region_;
  size_t bytes_before_;
  GraphBytes bytes_empty_;
  JointPlanner planner_ = make_planner();
  std::unique_ptr<const Graph> snapshot_;
  std::deque<std::pair<IntentId, Position>> held_;
  uint64_t steps_ = 0;
};

double retained_bytes(const Phase& phase) {
  return phase.retained_bytes / static_cast<double>(std::max<uint64_t>(1, phase.weighed));
}

double megabytes(size_t bytes) { return static_cast<double>(bytes) / 1e6; }

void print_table(const Settings& settings, const std::vector<Phase>& phases, const GraphBytes& empty,
                 size_t commitments_bytes) {
  std::printf("%u sites, %u nodes, %u duplex links at %u %% load; %u alternatives\nexplained; snapshot every %u\n\n",
              settings.sites, settings.sites * 100, settings.sites * 5, settings.load_percent,
              settings.alternatives, settings.batch);
  std::printf("%-20s %7s %9s %9s %9s %9s %9s\n", "us", "count", "mean", "p50", "p99", "p999", "per s");
  for (const Phase& phase : phases) {
    std::printf("%s\n", phase.name);
    for (size_t part = 0; part < kParts; ++part) {
      const Times t = times(phase.us[part]);
      std::printf("  %-18s %7zu %9.2f %9.2f %9.2f %9.2f %9.0f\n", kPartNames[part], t.count, t.mean, t.p50, t.p99,
                  t.p999, t.per_second);
    }
    if (phase.refused + phase.conflicts + phase.preempted > 0) {
      std::printf("  left out: refused %llu, conflicts %llu, preempted %llu\n",
                  static_cast<unsigned long long>(phase.refused), static_cast<unsigned long long>(phase.conflicts),
                  static_cast<unsigned long long>(phase.preempted));
    }
  }
  std::printf("\nsnapshot of the graph: mean %.2f us, max %.1f us\n",
              phases[1].snapshot_us / static_cast<double>(std::max<uint64_t>(1, phases[1].snapshots)),
              phases[1].snapshot_us_max);
  std::printf("memory: scheduling %.1f MB, strings %.1f MB, commitments %.1f MB (at the end)\n",
              megabytes(empty.scheduling), megabytes(empty.strings), megabytes(commitments_bytes));
  std::printf("        each retained snapshot %.2f MB beside the graph, %u commits after it\n        was taken\n",
              retained_bytes(phases[1]) / 1e6, settings.batch);
}

void print_json(const Settings& settings, const std::vector<Phase>& phases, const GraphBytes& empty,
                size_t commitments_bytes) {
  std::printf(
      "{\"sites\":%u,\"nodes\":%u,\"links\":%u,\"load_percent\":%u,\"alternatives\":%u,\"batch\":%u,\"phases\":[",
      settings.sites, settings.sites * 100, settings.sites * 5, settings.load_percent, settings.alternatives,
      settings.batch);
  for (size_t i = 0; i < phases.size(); ++i) {
    const Phase& phase = phases[i];
    std::printf("%s\n {\"name\":\"%s\"", i ? "," : "", phase.name);
    for (size_t part = 0; part < kParts; ++part) {
      const Times t = times(phase.us[part]);
      std::printf(
          ",\n  \"%s\":{\"count\":%zu,\"mean_us\":%.3f,\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f,"
          "\"per_second\":%.1f}",
          kPartNames[part], t.count, t.mean, t.p50, t.p99, t.p999, t.per_second);
    }
    std::printf(
        ",\n  \"refused\":%llu,\"conflicts\":%llu,\"preempted\":%llu,"
        "\"snapshot_us\":%.3f,\"snapshot_us_max\":%.2f,\"retained_snapshot_bytes\":%.0f}",
        static_cast<unsigned long long>(phase.refused), static_cast<unsigned long long>(phase.conflicts),
        static_cast<unsigned long long>(phase.preempted),
        phase.snapshot_us / static_cast<double>(std::max<uint64_t>(1, phase.snapshots)), phase.snapshot_us_max,
        retained_bytes(phase));
  }
  std::printf("\n],\"scheduling_bytes\":%zu,\"strings_bytes\":%zu,\"commitments_bytes\":%zu}\n", empty.scheduling,
              empty.strings, commitments_bytes);
}

}  // namespace

int run_decide_bench(const std::vector<std::string>& args) {
  if (std::any_of(args.begin(), args.end(), [](const auto& a) { return a == "--help" || a == "-h"; })) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  Settings settings;
  if (const auto wrong = parse(args, settings)) {
    std::fprintf(stderr, "weir bench decide: %s; see --help\n", wrong->c_str());
    return 2;
  }
  Bench bench(settings);
  std::fprintf(stderr, "region built\n");
  std::vector<Phase> phases;
  phases.push_back(bench.cold(settings.cold));
  std::fprintf(stderr, "cold done\n");
  bench.remembered(std::min(4000u, settings.decisions));  // meets every ingress with every kind of intent
  phases.push_back(bench.remembered(settings.decisions));
  std::fprintf(stderr, "remembering done\n");
  bench.steady(std::min(3000u, settings.decisions));
  phases.push_back(bench.steady(std::max(100u, settings.decisions / 10)));
  if (settings.json) {
    print_json(settings, phases, bench.bytes_empty(), bench.commitments_bytes());
  } else {
    print_table(settings, phases, bench.bytes_empty(), bench.commitments_bytes());
  }
  return 0;
}

}  // namespace weir::bench
