#include "bench/decide/decide_bench.h"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "bench/decide/large_region.h"
#include "orchestration/plan/decide.h"

// jemalloc's, where it is linked.
extern "C" int mallctl(const char* name, void* old, size_t* old_size, void* fresh, size_t fresh_size)
    __attribute__((weak));

namespace weir::bench {
namespace {

// Time of this thread on a processor: what others do on the machine is not counted.
int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
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
    "Usage: weir bench decide [--sites N] [--decisions N] [--batch N]\n"
    "                         [--alternatives N] [--seed S] [-o table|json]\n"
    "\n"
    "Decide, verify and apply on a region of 10,000 sites, 1,000,000 nodes and 50,000\n"
    "links, one core; processor time, so that other work on the machine does not\n"
    "count.\n"
    "  --sites N          the rest in proportion (default 10000)\n"
    "  --decisions N      measured when remembering; a tenth of it in the steady\n"
    "                     state (default 100000)\n"
    "  --batch N          commits between two snapshots that a reader keeps (default\n"
    "                     64)\n"
    "  --alternatives N   runners-up that each plan explains (default 3)\n"
    "  --seed S           (default 1)\n"
    "  -o FORMAT          table (default) or json\n"
    "\n"
    "Example: weir bench decide --sites 1000 --decisions 10000\n";

struct Settings {
  uint32_t sites = 10'000;
  uint32_t decisions = 100'000;
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

struct Phase {
  const char* name;
  std::vector<double> total_us;                       // decide, verify and apply of one intent
  double decide_us = 0, verify_us = 0, apply_us = 0;  // sums
  double snapshot_us = 0, snapshot_us_max = 0;
  // What a snapshot alone still held when it was let go, a batch of commits after it was taken: a sum.
  double retained_bytes = 0;
  uint64_t snapshots = 0, weighed = 0, refused = 0, conflicts = 0;
};

constexpr uint64_t kWeighed = 16;

double us(int64_t ns) { return static_cast<double>(ns) / 1000; }

double at(std::vector<double>& sorted, double quantile) {
  return sorted.empty()
             ? 0
             : sorted[std::min(sorted.size() - 1,
                               static_cast<size_t>(quantile * static_cast<double>(sorted.size())))];
}

class Bench {
 public:
  explicit Bench(const Settings& settings)
      : settings_(settings),
        region_(settings.seed, {.sites = settings.sites, .links = settings.sites * 5}),
        bytes_empty_(region_.graph.bytes()) {}

  const GraphBytes& bytes_empty() const { return bytes_empty_; }
  GraphBytes bytes() const { return region_.graph.bytes(); }

  // Every decision by a planner that remembers nothing.
  Phase cold(uint32_t decisions) {
    Phase phase{.name = "cold"};
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
    const auto start = now_ns();
    Decision decision = planner.decide(graph, wish.intent);
    const auto decided = now_ns();
    auto* plan = std::get_if<Plan>(&decision);
    if (!plan) {
      ++phase.refused;
      return;
    }
    const Verdict verdict = verify(graph, *plan);
    const auto verified = now_ns();
    if (!verdict.granted) {
      ++phase.conflicts;
      return;
    }
    const Position position = graph.version();
    graph.apply(Event{1, "brain", PlanCommitted{std::move(*plan)}});
    const auto applied = now_ns();
    phase.decide_us += us(decided - start);
    phase.verify_us += us(verified - decided);
    phase.apply_us += us(applied - verified);
    phase.total_us.push_back(us(applied - start));
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

void print_table(const Settings& settings, std::vector<Phase>& phases, const GraphBytes& empty,
                 const GraphBytes& full) {
  std::printf("%u sites, %u nodes, %u duplex links; %u alternatives explained; snapshot every %u\n\n",
              settings.sites, settings.sites * 100, settings.sites * 5, settings.alternatives,
              settings.batch);
  std::printf("%-13s %8s %8s %8s %8s %9s   %s\n", "us", "count", "p50", "p99", "p999", "per s",
              "mean decide+verify+apply");
  for (Phase& phase : phases) {
    const auto n = static_cast<double>(phase.total_us.size());
    const double sum = phase.decide_us + phase.verify_us + phase.apply_us;
    std::sort(phase.total_us.begin(), phase.total_us.end());
    std::printf("%-13s %8zu %8.1f %8.1f %8.1f %9.0f   %.1f+%.1f+%.1f\n", phase.name, phase.total_us.size(),
                at(phase.total_us, 0.5), at(phase.total_us, 0.99), at(phase.total_us, 0.999), n / sum * 1e6,
                phase.decide_us / n, phase.verify_us / n, phase.apply_us / n);
    if (phase.refused + phase.conflicts > 0) {
      std::printf("%13s refused %llu, conflicts %llu\n", "", static_cast<unsigned long long>(phase.refused),
                  static_cast<unsigned long long>(phase.conflicts));
    }
  }
  std::printf("\nsnapshot of the graph: mean %.2f us, max %.1f us\n",
              phases[1].snapshot_us / static_cast<double>(std::max<uint64_t>(1, phases[1].snapshots)),
              phases[1].snapshot_us_max);
  std::printf("memory: scheduling %.1f MB, strings %.1f MB, commitments %.1f MB (at the end)\n",
              megabytes(empty.scheduling), megabytes(empty.strings), megabytes(full.commitments));
  std::printf("        each retained snapshot %.2f MB beside the graph, %u commits after it was taken\n",
              retained_bytes(phases[1]) / 1e6, settings.batch);
}

void print_json(const Settings& settings, std::vector<Phase>& phases, const GraphBytes& empty,
                const GraphBytes& full) {
  std::printf("{\"sites\":%u,\"nodes\":%u,\"links\":%u,\"alternatives\":%u,\"batch\":%u,\"phases\":[",
              settings.sites, settings.sites * 100, settings.sites * 5, settings.alternatives,
              settings.batch);
  for (size_t i = 0; i < phases.size(); ++i) {
    Phase& phase = phases[i];
    const auto n = static_cast<double>(phase.total_us.size());
    std::sort(phase.total_us.begin(), phase.total_us.end());
    std::printf(
        "%s\n "
        "{\"name\":\"%s\",\"count\":%zu,\"p50_us\":%.2f,\"p99_us\":%.2f,\"p999_us\":%.2f,\"per_second\":%.1f,"
        "\"decide_us\":%.2f,\"verify_us\":%.2f,\"apply_us\":%.2f,\"refused\":%llu,\"conflicts\":%llu,"
        "\"snapshot_us\":%.3f,\"snapshot_us_max\":%.2f,\"retained_snapshot_bytes\":%.0f}",
        i ? "," : "", phase.name, phase.total_us.size(), at(phase.total_us, 0.5), at(phase.total_us, 0.99),
        at(phase.total_us, 0.999), n / (phase.decide_us + phase.verify_us + phase.apply_us) * 1e6,
        phase.decide_us / n, phase.verify_us / n, phase.apply_us / n,
        static_cast<unsigned long long>(phase.refused), static_cast<unsigned long long>(phase.conflicts),
        phase.snapshot_us / static_cast<double>(std::max<uint64_t>(1, phase.snapshots)),
        phase.snapshot_us_max, retained_bytes(phase));
  }
  std::printf("\n],\"scheduling_bytes\":%zu,\"strings_bytes\":%zu,\"commitments_bytes\":%zu}\n",
              empty.scheduling, empty.strings, full.commitments);
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
  phases.push_back(bench.cold(std::min(200u, settings.decisions)));
  std::fprintf(stderr, "cold done\n");
  bench.remembered(std::min(4000u, settings.decisions));  // meets every ingress with every kind of intent
  phases.push_back(bench.remembered(settings.decisions));
  std::fprintf(stderr, "remembering done\n");
  bench.steady(std::min(3000u, settings.decisions));
  phases.push_back(bench.steady(std::max(100u, settings.decisions / 10)));
  const GraphBytes full = bench.bytes();
  if (settings.json) {
    print_json(settings, phases, bench.bytes_empty(), full);
  } else {
    print_table(settings, phases, bench.bytes_empty(), full);
  }
  return 0;
}

}  // namespace weir::bench
