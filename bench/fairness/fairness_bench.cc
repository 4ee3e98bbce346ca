#include "bench/fairness/fairness_bench.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "bench/fairness/sharing.h"
#include "bench/fairness/timing.h"
#include "bench/fairness/wasted.h"
#include "bench/support/arguments.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench fairness [--seeds N] [--seed S] [--load PERCENT]\n"
    "                           [--urgent PERCENT]\n"
    "                           [--part wasted|sharing|timing|all] [-o table|json]\n"
    "\n"
    "Sharing and preemption on generated loads: the work that preemption destroys by\n"
    "the choice of victims, how near use keeps to what queues are due by the order of\n"
    "turns, and what an operation takes.\n"
    "  --seeds N       loads, seeds S to S+N-1 (default 10)\n"
    "  --seed S        first seed (default 1)\n"
    "  --load PERCENT  of the cores asked for where victims are chosen (default 120)\n"
    "  --urgent PERCENT  of the jobs have a higher priority than most (default 15)\n"
    "  --part PART     wasted, sharing, timing or all (default)\n"
    "  -o FORMAT       table (default) or json\n"
    "\n"
    "Example: weir bench fairness --part wasted --seeds 20\n";

struct Column {
  const char* name;  // in JSON
  const char* head;
  int digits;
};

struct Mean {
  double mean = 0, half = 0;  // 95% confidence
};
Mean mean(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  for (const double v : values) squares += (v - sum / n) * (v - sum / n);
  return {sum / n, n < 2 ? 0 : 1.96 * std::sqrt(squares / (n - 1) / n)};
}

// One row for each policy: the mean of each column over the seeds.
class Table {
 public:
  Table(std::string title, std::vector<Column> columns)
      : title_(std::move(title)), columns_(std::move(columns)) {}
  void row(const char* policy, const std::vector<std::vector<double>>& by_seed) {
    auto& [name, means] = rows_.emplace_back(policy, std::vector<Mean>());
    for (size_t c = 0; c < columns_.size(); ++c) {
      std::vector<double> values;
      for (const auto& seed : by_seed) values.push_back(seed[c]);
      means.push_back(mean(values));
    }
  }
  void print() const {
    std::printf("%s\n%-16s", title_.c_str(), "");
    for (const Column& column : columns_) std::printf(" %14s", column.head);
    std::printf("\n");
    for (const auto& [name, means] : rows_) {
      std::printf("%-16s", name.c_str());
      for (size_t c = 0; c < means.size(); ++c) {
        char cell[48];
        std::snprintf(cell, sizeof cell, "%.*f ±%.*f", columns_[c].digits, means[c].mean, columns_[c].digits,
                      means[c].half);
        std::printf(" %15s", cell);  // ± takes two bytes
      }
      std::printf("\n");
    }
    std::printf("\n");
  }
  void print_json(const char* key) const {
    std::printf("  \"%s\": [", key);
    for (size_t r = 0; r < rows_.size(); ++r) {
      std::printf("%s\n    {\"policy\": \"%s\"", r == 0 ? "" : ",", rows_[r].first.c_str());
      for (size_t c = 0; c < columns_.size(); ++c) {
        std::printf(", \"%s\": %.6g, \"%s_half\": %.6g", columns_[c].name, rows_[r].second[c].mean,
                    columns_[c].name, rows_[r].second[c].half);
      }
      std::printf("}");
    }
    std::printf("\n  ]");
  }

 private:
  std::string title_;
  std::vector<Column> columns_;
  std::vector<std::pair<std::string, std::vector<Mean>>> rows_;
};

struct Settings {
  uint64_t seeds = 10, seed = 1;
  WastedLoad load;
  std::string part = "all", format = "table";
};

double hours(int64_t us) { return static_cast<double>(us) / 3.6e9; }

Table wasted_table(const Settings& settings) {
  Table table("Work destroyed by preemption, load " + std::to_string(settings.load.load_percent) + "%, " +
                  std::to_string(settings.load.urgent_percent) + "% urgent",
              {{"wasted_percent", "wasted %", 2},
               {"moved_tib", "moved TiB", 1},
               {"preemptions", "preemptions", 0},
               {"urgent_wait_minutes", "urgent wait min", 1}});
  const std::array<std::pair<const char*, VictimPolicy>, 3> policies{
      {{"least waste", VictimPolicy::kLeastWaste},
       {"newest first", VictimPolicy::kNewestFirst},
       {"lowest priority", VictimPolicy::kLowestPriority}}};
  for (const auto& [name, policy] : policies) {
    std::vector<std::vector<double>> by_seed;
    for (uint64_t s = 0; s < settings.seeds; ++s) {
      const Wasted wasted = run_wasted(settings.seed + s, policy, settings.load);
      by_seed.push_back(
          {100 * hours(wasted.wasted_core_us) / hours(wasted.delivered_core_us + wasted.wasted_core_us),
           static_cast<double>(wasted.moved_gib) / 1024, static_cast<double>(wasted.preemptions),
           hours(wasted.urgent_wait_us) * 60 / static_cast<double>(std::max<int64_t>(wasted.urgent, 1))});
    }
    std::fprintf(stderr, "victims: %s\n", name);
    table.row(name, by_seed);
  }
  return table;
}

Table sharing_table(const Settings& settings) {
  Table table("Use against what is due, by the minute", {{"error_percent", "error %", 1},
                                                         {"jain", "Jain", 3},
                                                         {"worst", "worst", 2},
                                                         {"wasted_percent", "wasted %", 2}});
  const std::array<std::pair<const char*, SharePolicy>, 4> policies{
      {{"arrival", SharePolicy::kArrival},
       {"turns", SharePolicy::kTurns},
       {"turns, memory", SharePolicy::kMemory},
       {"turns, reclaim", SharePolicy::kReclaim}}};
  for (const auto& [name, policy] : policies) {
    std::vector<std::vector<double>> by_seed;
    for (uint64_t s = 0; s < settings.seeds; ++s) {
      const Sharing sharing = run_sharing(settings.seed + s, policy);
      by_seed.push_back({100 * sharing.error, sharing.jain, sharing.worst, 100 * sharing.wasted});
    }
    std::fprintf(stderr, "turns: %s\n", name);
    table.row(name, by_seed);
  }
  return table;
}

}  // namespace

int run_fairness_bench(const std::vector<std::string>& args) {
  Settings settings;
  const auto ended =
      read_arguments("weir bench fairness", kHelp, args,
                     {Option::number<uint64_t>("--seeds", 1, 10'000, settings.seeds),
                      Option::number<uint64_t>("--seed", 0, UINT32_MAX, settings.seed),
                      Option::number<int>("--load", 10, 300, settings.load.load_percent),
                      Option::number<int>("--urgent", 1, 99, settings.load.urgent_percent),
                      Option::choice("--part", {"wasted", "sharing", "timing", "all"}, settings.part),
                      Option::choice("-o", {"table", "json"}, settings.format)});
  if (ended) return *ended;
  const bool json = settings.format == "json";
  const auto wants = [&settings](const char* part) {
    return settings.part == "all" || settings.part == part;
  };
  if (json)
    std::printf("{\n  \"seeds\": %llu,\n  \"seed\": %llu", static_cast<unsigned long long>(settings.seeds),
                static_cast<unsigned long long>(settings.seed));
  const auto show = [json](const Table& table, const char* key) {
    if (json) std::printf(",\n");
    json ? table.print_json(key) : table.print();
  };
  if (wants("wasted")) show(wasted_table(settings), "wasted");
  if (wants("sharing")) show(sharing_table(settings), "sharing");
  if (wants("timing")) {
    const std::vector<Timing> timings = run_timing(10'000, 100'000);
    std::printf(json ? ",\n  \"timing_us\": {"
                     : "10,000 queues, 100,000 waiting jobs: microseconds of processor time\n");
    for (size_t i = 0; i < timings.size(); ++i) {
      if (json) {
        std::printf("%s\n    \"%s\": %.3f", i == 0 ? "" : ",", timings[i].what.c_str(),
                    timings[i].microseconds);
      } else {
        std::printf("%-40s %12.2f\n", timings[i].what.c_str(), timings[i].microseconds);
      }
    }
    if (json) std::printf("\n  }");
  }
  if (json) std::printf("\n}\n");
  return 0;
}

}  // namespace weir::bench
