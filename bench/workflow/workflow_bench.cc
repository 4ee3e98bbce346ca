#include "bench/workflow/workflow_bench.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>

#include "bench/support/arguments.h"
#include "bench/support/statistics.h"
#include "bench/workflow/generate.h"
#include "orchestration/workflow/batch.h"
#include "orchestration/workflow/stream.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench workflow [--instances N] [--seed S] [--machines M]\n"
    "                           [--steps N] [--streams N] [--sites N] [-o FORMAT]\n"
    "\n"
    "Batches: our schedules against HEFT's on the same task graphs, by the makespan.\n"
    "Streams: chains, trees and other graphs over a region, against their bound.\n"
    "  --instances N  task graphs of each family (default 300)\n"
    "  --seed S       first seed (default 1)\n"
    "  --machines M   that run a batch (default 8)\n"
    "  --steps N      placements tried for each task of a batch (default 20000)\n"
    "  --streams N    of each kind (default 20)\n"
    "  --sites N      of the region (default 1000)\n"
    "  -o FORMAT      table (default) or json\n"
    "\n"
    "Example: weir bench workflow --instances 50 --streams 5\n";

struct Settings {
  uint64_t instances = 300, seed = 1, steps = 20'000, streams = 20;
  int machines = 8, sites = 1'000;
  std::string format = "table";
};

// Processor time, so that other work on the machine does not count.
class Watch {
 public:
  double ms() const { return 1000 * static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC; }

 private:
  std::clock_t start_ = std::clock();
};

struct BatchRow {
  std::string family;
  uint64_t graphs = 0, tasks = 0, wins = 0, ties = 0, proved = 0;
  double ratio_sum = 0, above_bound_sum = 0, heft_above_bound_sum = 0, heft_ms = 0;
  std::vector<double> ours_ms;
};

struct StreamRow {
  std::string kind;
  uint64_t streams = 0, placed = 0, refused = 0, given_up = 0, exact = 0;
  double gap_sum = 0, gap_most = 0;
  std::vector<double> ms;
};

double mean(double sum, uint64_t count) { return count == 0 ? 0 : sum / static_cast<double>(count); }

void schedule(const BatchProblem& problem, uint64_t steps, BatchRow& row) {
  const Watch heft_watch;
  const BatchSchedule theirs = heft(problem);
  row.heft_ms += heft_watch.ms();
  const Watch watch;
  const BatchOutcome ours = schedule_batch(problem, {}, {.steps = UINT64_MAX, .steps_per_task = steps});
  row.ours_ms.push_back(watch.ms());
  const auto us = static_cast<double>(ours.schedule.makespan_us),
             heft_us = static_cast<double>(theirs.makespan_us), bound_us = static_cast<double>(ours.bound_us);
  ++row.graphs;
  row.tasks += problem.task_count();
  row.ratio_sum += us / heft_us;
  row.above_bound_sum += us / bound_us - 1;
  row.heft_above_bound_sum += heft_us / bound_us - 1;
  row.wins += us < heft_us;
  row.ties += us == heft_us;
  row.proved += us == bound_us;
}

std::vector<BatchRow> batches(const Settings& settings) {
  constexpr int kSizes[] = {20, 40, 60, 80, 100};
  constexpr int kAlphas[] = {50, 100, 200};
  constexpr int kOutDegrees[] = {1, 2, 3, 4, 5, 100};
  constexpr int kCcrs[] = {10, 50, 100, 500, 1000};
  constexpr int kBetas[] = {10, 25, 50, 75, 100};
  struct Family {
    const char* name;
    std::function<TaskGraph(Dice&)> make;
    int ccr_percent;  // 0: any
  };
  const auto random = [&](Dice& dice) {
    const int tasks = dice.of(kSizes);
    const int alpha = dice.of(kAlphas);
    return random_graph(dice, tasks, alpha, std::min(tasks, dice.of(kOutDegrees)));
  };
  std::vector<Family> families;
  for (const int ccr : kCcrs) {
    static constexpr const char* kNames[] = {"random, CCR 0.1", "random, CCR 0.5", "random, CCR 1",
                                             "random, CCR 5", "random, CCR 10"};
    families.push_back({kNames[families.size()], random, ccr});
  }
  families.push_back({"Gauss, m 5 to 15",
                      [](Dice& dice) { return gaussian_elimination(static_cast<int>(dice.roll(5, 15))); },
                      0});
  families.push_back(
      {"FFT, 4 to 32 points", [](Dice& dice) { return fourier_transform(1 << dice.roll(2, 5)); }, 0});
  families.push_back(
      {"Montage-like", [](Dice& dice) { return montage_like(dice, static_cast<int>(dice.roll(6, 20))); }, 0});
  families.push_back({"Epigenomics-like",
                      [](Dice& dice) {
                        const int lanes = static_cast<int>(dice.roll(1, 4));
                        return epigenomics_like(dice, lanes, static_cast<int>(dice.roll(2, 6)));
                      },
                      0});
  std::vector<BatchRow> rows;
  for (const Family& family : families) {
    BatchRow& row = rows.emplace_back();
    row.family = family.name;
    for (uint64_t i = 0; i < settings.instances; ++i) {
      Dice dice((settings.seed + i) * 1'000 + rows.size());
      const TaskGraph graph = family.make(dice);
      const int ccr = family.ccr_percent > 0 ? family.ccr_percent : dice.of(kCcrs);
      schedule(problem_of(dice, graph, settings.machines, ccr, dice.of(kBetas)), settings.steps, row);
    }
    std::fprintf(stderr, "%s\n", family.name);
  }
  return rows;
}

void decompose(const Graph& graph, const Workflow& workflow, StreamRow& row) {
  const Watch watch;
  const auto plan = plan_stream(graph, workflow);
  row.ms.push_back(watch.ms());
  ++row.streams;
  if (!plan) {
    ++(plan.error().code == ErrorCode::kInfeasible ? row.refused : row.given_up);
    return;
  }
  ++row.placed;
  row.exact += plan->quality == Quality::kExact;
  const double gap =
      static_cast<double>(plan->price - plan->bound) / static_cast<double>(std::max<int64_t>(1, plan->price));
  row.gap_sum += gap;
  row.gap_most = std::max(row.gap_most, gap);
}

std::vector<StreamRow> streams(const Settings& settings) {
  Dice dice(settings.seed);
  const StreamRegion region = stream_region(dice, settings.sites, std::max(2, settings.sites / 5));
  struct Kind {
    const char* name;
    StreamShape shape;
    int stages;
    int promise_percent;  // of what the cheapest takes; 0: none
  };
  std::vector<StreamRow> rows;
  for (const Kind& kind : {Kind{"chain of 20", StreamShape::kChain, 20, 0},
                           Kind{"chain of 20, promise 90%", StreamShape::kChain, 20, 90},
                           Kind{"chain of 20, promise 75%", StreamShape::kChain, 20, 75},
                           Kind{"tree of 12", StreamShape::kTree, 12, 0},
                           Kind{"tree of 12, promise 90%", StreamShape::kTree, 12, 90},
                           Kind{"tree of 12, promise 75%", StreamShape::kTree, 12, 75},
                           Kind{"graph of 10", StreamShape::kDag, 10, 0},
                           Kind{"graph of 10, promise 90%", StreamShape::kDag, 10, 90}}) {
    StreamRow& row = rows.emplace_back();
    row.kind = kind.name;
    for (uint64_t i = 0; i < settings.streams; ++i) {
      Dice draws((settings.seed + i) * 1'000 + static_cast<uint64_t>(kind.stages));
      Workflow workflow = random_stream(draws, region.graph, kind.shape, kind.stages);
      if (kind.promise_percent > 0) {
        const auto cheapest = plan_stream(region.graph, workflow);
        if (!cheapest) continue;
        workflow.latency_us_max = cheapest->latency_us * kind.promise_percent / 100;
      }
      decompose(region.graph, workflow, row);
    }
    std::fprintf(stderr, "%s\n", kind.name);
  }
  return rows;
}

double middle(const std::vector<double>& values) { return median(values); }
double most(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}
double percent(uint64_t part, uint64_t whole) { return 100 * mean(static_cast<double>(part), whole); }

void print_tables(const std::vector<BatchRow>& batch_rows, const std::vector<StreamRow>& stream_rows) {
  std::printf("Batches, ours / HEFT\n%-20s %5s %7s %6s %6s %8s %8s %7s\n", "family", "tasks", "ratio", "won",
              "tied", "above", "HEFT", "ms");
  for (const BatchRow& row : batch_rows) {
    std::printf("%-20s %5.0f %7.4f %5.1f%% %5.1f%% %7.1f%% %7.1f%% %7.1f\n", row.family.c_str(),
                mean(static_cast<double>(row.tasks), row.graphs), mean(row.ratio_sum, row.graphs),
                percent(row.wins, row.graphs), percent(row.ties, row.graphs),
                100 * mean(row.above_bound_sum, row.graphs), 100 * mean(row.heft_above_bound_sum, row.graphs),
                middle(row.ours_ms));
  }
  std::printf("above, HEFT: mean excess over the lower bound; ms: median processor time\n\n");
  std::printf("Streams\n%-26s %6s %7s %7s %8s %8s %8s %8s\n", "kind", "placed", "refused", "exact", "gap",
              "worst", "ms", "most");
  for (const StreamRow& row : stream_rows) {
    std::printf("%-26s %6llu %7llu %6.1f%% %7.3f%% %7.3f%% %8.1f %8.1f\n", row.kind.c_str(),
                static_cast<unsigned long long>(row.placed), static_cast<unsigned long long>(row.refused),
                percent(row.exact, row.placed), 100 * mean(row.gap_sum, row.placed), 100 * row.gap_most,
                middle(row.ms), most(row.ms));
  }
  std::printf("gap: mean distance to the lower bound; ms, most: median and longest processor time\n");
}

void print_json(const std::vector<BatchRow>& batch_rows, const std::vector<StreamRow>& stream_rows) {
  std::printf("{\"batches\":[");
  for (size_t i = 0; i < batch_rows.size(); ++i) {
    const BatchRow& row = batch_rows[i];
    std::printf(
        "%s{\"family\":\"%s\",\"graphs\":%llu,\"ratio\":%.5f,\"won\":%.4f,\"tied\":%.4f,\"above_bound\":%.5f,"
        "\"heft_above_bound\":%.5f,\"at_bound\":%.4f,\"ms\":%.3f,\"heft_ms\":%.4f}",
        i == 0 ? "" : ",", row.family.c_str(), static_cast<unsigned long long>(row.graphs),
        mean(row.ratio_sum, row.graphs), percent(row.wins, row.graphs) / 100,
        percent(row.ties, row.graphs) / 100, mean(row.above_bound_sum, row.graphs),
        mean(row.heft_above_bound_sum, row.graphs), percent(row.proved, row.graphs) / 100,
        middle(row.ours_ms), mean(row.heft_ms, row.graphs));
  }
  std::printf("],\"streams\":[");
  for (size_t i = 0; i < stream_rows.size(); ++i) {
    const StreamRow& row = stream_rows[i];
    std::printf(
        "%s{\"kind\":\"%s\",\"placed\":%llu,\"refused\":%llu,\"given_up\":%llu,\"exact\":%.4f,\"gap\":%.6f,"
        "\"gap_worst\":%.6f,"
        "\"ms\":%.3f,\"ms_most\":%.3f}",
        i == 0 ? "" : ",", row.kind.c_str(), static_cast<unsigned long long>(row.placed),
        static_cast<unsigned long long>(row.refused), static_cast<unsigned long long>(row.given_up),
        percent(row.exact, row.placed) / 100, mean(row.gap_sum, row.placed), row.gap_most, middle(row.ms),
        most(row.ms));
  }
  std::printf("]}\n");
}

}  // namespace

int run_workflow_bench(const std::vector<std::string>& args) {
  Settings settings;
  const auto ended = read_arguments("weir bench workflow", kHelp, args,
                                    {Option::number<uint64_t>("--instances", 0, 100'000, settings.instances),
                                     Option::number<uint64_t>("--seed", 0, UINT32_MAX, settings.seed),
                                     Option::number<int>("--machines", 1, 64, settings.machines),
                                     Option::number<uint64_t>("--steps", 0, 10'000'000, settings.steps),
                                     Option::number<uint64_t>("--streams", 0, 10'000, settings.streams),
                                     Option::number<int>("--sites", 10, 20'000, settings.sites),
                                     Option::choice("-o", {"table", "json"}, settings.format)});
  if (ended) return *ended;
  const std::vector<BatchRow> batch_rows =
      settings.instances > 0 ? batches(settings) : std::vector<BatchRow>();
  const std::vector<StreamRow> stream_rows =
      settings.streams > 0 ? streams(settings) : std::vector<StreamRow>();
  if (settings.format == "json") {
    print_json(batch_rows, stream_rows);
  } else {
    print_tables(batch_rows, stream_rows);
  }
  return 0;
}

}  // namespace weir::bench
