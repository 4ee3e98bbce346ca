#include "bench/batch/batch_bench.h"

#include <array>
#include <cstdio>
#include <optional>

#include "bench/batch/sequences.h"
#include "bench/batch/speed.h"
#include "bench/support/arguments.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench batch [--data DIR] [--trace FILE]...\n"
    "                        [--starts published|other]\n"
    "                        [--estimates exact|user|predicted] [-o table|markdown]\n"
    "       weir bench batch --speed\n"
    "\n"
    "Mean bounded slowdown (threshold 10 s) of sequences of 1,024 jobs, each on an\n"
    "empty machine, by the protocol of RLScheduler (SC 2020), with its published\n"
    "figures.\n"
    "  --data DIR         where lublin_256.swf and lublin_256_new2.swf are, or a\n"
    "                     folder swf with them\n"
    "  --trace FILE       another trace in the Standard Workload Format\n"
    "  --starts S         published: the protocol's ten starts (default); other:\n"
    "                     twelve others\n"
    "  --estimates E      exact: run times are known (default, as published); user:\n"
    "                     users overestimate up to fivefold, in round figures;\n"
    "                     predicted: as user, and jobs are ordered by the mean of\n"
    "                     their user's last two run times\n"
    "  --speed            how long the engine takes: 100,000 queued jobs put in a new\n"
    "                     order, and an event with 10,000 promised starts\n"
    "  -o FORMAT          table (default) or markdown\n"
    "\n"
    "Example: weir bench batch --data ../shared/data\n";

constexpr size_t kJobs = 1024;
constexpr std::array<size_t, 10> kPublishedStarts = {1981, 2756, 4299, 8850, 3316,
                                                     2714, 5228, 7762, 4022, 7085};
constexpr std::array<size_t, 12> kOtherStarts = {150,  900,  1400, 3000, 3600, 4600,
                                                 4950, 5600, 6100, 6600, 8300, 8900};

using queue::EngineOptions;
using queue::Policy;
using queue::PolicyKind;

struct Row {
  const char* name;
  Policy policy;
};

struct Table {
  const char* title;
  const char* about;
  EngineOptions engine;
  bool one_by_one;
  std::vector<std::array<const char*, 3>> published;  // policy, Lublin-1, Lublin-2
};

Policy without_look_ahead() {
  Policy policy;
  policy.values[queue::kLookAhead] = 0;
  return policy;
}

Policy passing_freely() {
  Policy policy;
  policy.values[queue::kPassPermille] = 1000;
  return policy;
}

std::vector<Table> tables() {
  EngineOptions none, theirs, ours, again, again_easy;
  none.backfill = Backfill::kNone;
  none.blocks = true;
  theirs.blocks = true;
  theirs.spare = false;
  theirs.passing_fcfs = true;
  ours.blocks = true;
  again.backfill = Backfill::kNone;
  for (EngineOptions* options : {&none, &theirs, &ours, &again, &again_easy}) options->overrun_us = 1;
  return {
      {"blocking, no backfill",
       "the chosen job is kept to until it starts",
       none,
       true,
       {{"fcfs", "7273.77", "7842.47"},
        {"sjf", "277.35", "787.89"},
        {"f1", "258.37", "698.34"},
        {"RL", "254.67", "724.51"}}},
      {"blocking, published backfill",
       "meanwhile jobs pass that end before it starts, by submission",
       theirs,
       true,
       {{"fcfs", "235.82", "247.61"},
        {"sjf", "73.31", "91.99"},
        {"f1", "75.07", "148.25"},
        {"RL", "58.64", "118.79"}}},
      {"blocking, EASY backfill", "meanwhile jobs pass that do not delay it, by the policy", ours, true, {}},
      {"re-evaluating, no backfill",
       "the first job in the order is chosen anew at each event",
       again,
       false,
       {}},
      {"re-evaluating, EASY backfill",
       "as before, and jobs pass that do not delay it",
       again_easy,
       false,
       {}},
  };
}

std::vector<Row> rows(const Table& table) {
  std::vector<Row> rows = {{"fcfs", PolicyKind::kFcfs},
                           {"sjf", PolicyKind::kSjf},
                           {"saf", PolicyKind::kSmallestArea},
                           {"wfp3", PolicyKind::kWfp3},
                           {"unicep", PolicyKind::kUnicep},
                           {"f1", PolicyKind::kF1},
                           {"weir", table.engine.passing_fcfs ? passing_freely() : Policy()}};
  if (table.engine.blocks && table.engine.backfill == Backfill::kNone) {
    rows.push_back({"weir, no look", without_look_ahead()});
  }
  return rows;
}

struct Settings {
  std::string data, starts, estimates, format = "table";
  std::vector<std::string> traces;
  bool speed = false;
};

int measure(const Settings& settings) {
  std::vector<Trace> traces;
  const auto add = [&traces](const std::string& path) -> std::optional<Error> {
    auto trace = read_trace(path);
    if (!trace) return trace.error();
    traces.push_back(std::move(*trace));
    return std::nullopt;
  };
  std::vector<std::string> paths = settings.traces;
  if (!settings.data.empty()) {
    for (const char* file : {"lublin_256.swf", "lublin_256_new2.swf"}) {
      const std::string nested = settings.data + "/swf/" + file;
      std::FILE* there = std::fopen(nested.c_str(), "r");
      paths.push_back(there != nullptr ? nested : settings.data + "/" + file);
      if (there != nullptr) std::fclose(there);
    }
  }
  for (const std::string& path : paths) {
    if (const auto error = add(path)) {
      std::fprintf(stderr, "weir bench batch: %s\n", error->text().c_str());
      return 1;
    }
  }
  const std::vector<size_t> starts =
      settings.starts == "other" ? std::vector<size_t>(kOtherStarts.begin(), kOtherStarts.end())
                                 : std::vector<size_t>(kPublishedStarts.begin(), kPublishedStarts.end());
  const Estimates estimates = settings.estimates == "user" || settings.estimates == "predicted"
                                  ? Estimates::kUser
                                  : Estimates::kExact;
  const bool published =
      settings.starts != "other" && estimates == Estimates::kExact && settings.traces.empty();
  const bool markdown = settings.format == "markdown";
  for (const Table& table : tables()) {
    std::printf(markdown ? "\n**%s**: %s\n\n| policy |" : "\n%s: %s\n%-16s", table.title, table.about,
                "policy");
    for (const Trace& trace : traces) std::printf(markdown ? " %s |" : " %20s", trace.name.c_str());
    if (published && !table.published.empty()) std::printf(markdown ? " published |" : "  published");
    if (markdown) {
      std::printf("\n|---|");
      for (size_t i = 0; i < traces.size() + (published && !table.published.empty() ? 1 : 0); ++i)
        std::printf("---|");
    }
    std::printf("\n");
    for (const Row& row : rows(table)) {
      std::printf(markdown ? "| %s |" : "%-16s", row.name);
      for (const Trace& trace : traces) {
        double sum = 0;
        for (const size_t start : starts) {
          const auto jobs = sequence(trace, start, kJobs, estimates);
          sum += replay(jobs, trace.processors,
                        {row.policy, table.engine, table.one_by_one, settings.estimates == "predicted"})
                     .slowdown_mean;
        }
        std::printf(markdown ? " %.2f |" : " %20.2f", sum / static_cast<double>(starts.size()));
      }
      if (published && !table.published.empty()) {
        for (const auto& [name, first, second] : table.published) {
          if (std::string(name) == row.name) std::printf(markdown ? " %s, %s |" : "  %s, %s", first, second);
        }
      }
      std::printf("\n");
      std::fflush(stdout);
    }
    for (const auto& [name, first, second] : table.published) {
      if (published && std::string(name) == "RL") {
        std::printf(markdown ? "| RL | – | – | %s, %s |\n" : "%-16s %20s %20s  %s, %s\n",
                    markdown ? first : "RL", markdown ? second : "-", "-", first, second);
      }
    }
  }
  return 0;
}

}  // namespace

int run_batch_bench(const std::vector<std::string>& args) {
  Settings settings;
  std::vector<std::string> rest;
  for (const std::string& arg : args) {
    if (arg == "--speed") {
      settings.speed = true;
    } else {
      rest.push_back(arg);
    }
  }
  const auto ended =
      read_arguments("weir bench batch", kHelp, rest,
                     {Option::text("--data", settings.data),
                      {"--trace", "a file",
                       [&settings](const std::string& path) {
                         settings.traces.push_back(path);
                         return !path.empty();
                       }},
                      Option::choice("--starts", {"published", "other"}, settings.starts),
                      Option::choice("--estimates", {"exact", "user", "predicted"}, settings.estimates),
                      Option::choice("-o", {"table", "markdown"}, settings.format)});
  if (ended) return *ended;
  if (settings.speed) return measure_speed();
  if (settings.data.empty() && settings.traces.empty()) {
    std::fprintf(stderr, "weir bench batch: --data DIR or --trace FILE says what to run; see --help\n");
    return 2;
  }
  return measure(settings);
}

}  // namespace weir::bench
