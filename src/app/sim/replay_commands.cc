#include "app/sim/replay_commands.h"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "app/exit_code.h"
#include "app/sim/replay_session.h"
#include "app/version.h"
#include "orchestration/queue/policy.h"
#include "twin/generate/lublin.h"
#include "twin/replay/html.h"

namespace weir::app {
namespace {

struct Options {
  ReplaySettings settings;
  std::string policy = "weir", backfill = "easy", estimates = "user", policies = "fcfs,sjf,weir",
              seeds = "1..10";
  uint64_t seed = 0;
  std::string csv, html, output = "table";
  bool quiet = false;
  std::string command;  // as it was typed
  twin::LublinOptions lublin;
};

std::string duration(double s) {
  char text[48];
  if (s >= 86'400) {
    std::snprintf(text, sizeof text, "%.0f d %.0f h", std::floor(s / 86'400),
                  std::floor(std::fmod(s, 86'400) / 3'600));
  } else if (s >= 3'600) {
    std::snprintf(text, sizeof text, "%.0f h %.0f min", std::floor(s / 3'600),
                  std::floor(std::fmod(s, 3'600) / 60));
  } else if (s >= 60) {
    std::snprintf(text, sizeof text, "%.0f min %.0f s", std::floor(s / 60), std::floor(std::fmod(s, 60)));
  } else {
    std::snprintf(text, sizeof text, "%.3g s", s);
  }
  return text;
}

// Five digits, and all that stand before the point.
std::string figure(double value) {
  char text[48];
  std::snprintf(text, sizeof text, std::fabs(value) < 10'000 ? "%.5g" : "%.0f", value);
  return text;
}

std::string counted(uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

double seconds(TimeUs us) { return static_cast<double>(us) / 1e6; }

Status check_policy(const std::string& name, const char* option) {
  const auto policy = queue::make_policy(name, {});
  if (policy) return {};
  Error error = policy.error();
  error.where = option;
  return tl::unexpected(error);
}

std::string policy_names() {
  std::string all;
  for (const queue::PolicyInfo& policy : queue::policies()) all += (all.empty() ? "" : ", ") + std::string(policy.name);
  return all;
}

// Ranges let through what compares with nothing.
CLI::Validator number() {
  return CLI::Validator(
      [](const std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        return end == text.c_str() || *end != '\0' || !std::isfinite(value) ? "\"" + text + "\" is not a number" : std::string();
      },
      "");
}

Status settle(Options& options) {
  options.settings.backfill = options.backfill == "none"   ? Backfill::kNone
                              : options.backfill == "easy" ? Backfill::kEasy
                                                           : Backfill::kConservative;
  options.settings.user_estimates = options.estimates == "user";
  return prepare(options.settings);
}

class Progress {
 public:
  explicit Progress(bool quiet) : shown_(!quiet && isatty(STDERR_FILENO) == 1) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void operator()(const std::string& what, const twin::ReplayTotals& so_far, TimeUs now_us) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - said_ < std::chrono::milliseconds(200)) return;
    said_ = now;
    const double s = std::chrono::duration<double>(now - began_).count();
    char line[120];
    std::snprintf(line, sizeof line, "\r\033[K%.24s%llu jobs submitted, %llu done, %.0f jobs/s, day %.1f",
                  what.c_str(), static_cast<unsigned long long>(so_far.jobs),
                  static_cast<unsigned long long>(so_far.done),
                  static_cast<double>(so_far.done) / std::max(s, 1e-3), seconds(now_us) / 86'400);
    std::fputs(line, stderr);
    drawn_ = true;
  }
  void clear() {
    if (std::exchange(drawn_, false)) std::fputs("\r\033[K", stderr);
  }

 private:
  bool shown_, drawn_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now(), said_ = began_;
};

// ---- replay ----------------------------------------------------------------------------------------------

void print_distribution(const char* what, const twin::Distribution& d, bool time) {
  const auto text = [time, &d](double value) {
    char plain[32];
    std::snprintf(plain, sizeof plain, "%.2f", value);
    if (d.count() == 0) return std::string("-");
    return time ? duration(value) : std::string(plain);
  };
  std::printf("%-16s  %12s %12s %12s %12s %12s\n", what, text(d.mean()).c_str(),
              text(d.quantile(0.5)).c_str(), text(d.quantile(0.95)).c_str(), text(d.quantile(0.99)).c_str(),
              text(d.max()).c_str());
}

std::string json_text(const std::string& text) { return twin::script_string(text); }

std::string json_distribution(const twin::Distribution& d) {
  char text[200];
  std::snprintf(text, sizeof text,
                "{\"mean\": %.6g, \"p50\": %.6g, \"p95\": %.6g, \"p99\": %.6g, \"max\": %.6g}", d.mean(),
                d.quantile(0.5), d.quantile(0.95), d.quantile(0.99), d.max());
  return text;
}

void print_json(const Options& options, const ReplayResult& r) {
  const auto& s = r.recorder.summary();
  std::printf(
      "{\"trace\": %s, \"policy\": %s, \"backfill\": %s, \"seed\": %llu, \"machine\": %s, \"jobs\": %llu, "
      "\"done\": %llu, \"too_large\": %llu, \"refused\": %llu, \"never_started\": %llu,\n \"wait_s\": %s,\n "
      "\"bounded_slowdown\": %s,\n",
      json_text(options.settings.trace).c_str(), json_text(options.policy).c_str(),
      json_text(options.backfill).c_str(), static_cast<unsigned long long>(options.seed),
      json_text(r.machine).c_str(), static_cast<unsigned long long>(s.jobs),
      static_cast<unsigned long long>(s.done), static_cast<unsigned long long>(s.too_large),
      static_cast<unsigned long long>(s.refused),
      static_cast<unsigned long long>(s.never_started), json_distribution(s.wait_s).c_str(),
      json_distribution(s.slowdown).c_str());
  std::printf(
      " \"makespan_s\": %.6f, \"cores_in_use\": %.6g, \"accelerators_in_use\": %.6g, \"billed_credits\": "
      "%.6g, "
      "\"carbon_kg\": %.6g,\n \"events\": %llu, \"turns\": %llu, \"decisions\": %llu, \"ledger_bytes\": "
      "%llu, "
      "\"ledger_root\": \"%s\", \"seconds\": %.3f, \"jobs_per_second\": %.0f, \"notes\": [",
      seconds(s.end_us - s.first_us), s.core_share, s.accelerator_share, s.billed_credits, s.carbon_kg,
      static_cast<unsigned long long>(r.totals.loop.events),
      static_cast<unsigned long long>(r.totals.loop.turns),
      static_cast<unsigned long long>(r.totals.loop.decisions),
      static_cast<unsigned long long>(r.ledger_bytes), to_hex(r.head.root).c_str(), r.seconds,
      static_cast<double>(s.jobs) / std::max(r.seconds, 1e-9));
  for (size_t i = 0; i < r.notes.size(); ++i)
    std::printf("%s%s", i ? ", " : "", json_text(r.notes[i]).c_str());
  std::printf("]}\n");
}

void print_table(const Options& options, const ReplayResult& r) {
  const auto& s = r.recorder.summary();
  std::printf("%s: %llu of %s done on %s\n", options.settings.trace.c_str(), static_cast<unsigned long long>(s.done),
              counted(s.jobs, "job").c_str(), r.machine.c_str());
  if (s.too_large > 0)
    std::printf("%llu %s larger than any node\n", static_cast<unsigned long long>(s.too_large), s.too_large == 1 ? "is" : "are");
  if (s.refused > 0) {
    std::printf("%llu were refused while %llu waited\n", static_cast<unsigned long long>(s.refused),
                static_cast<unsigned long long>(options.settings.waiting_max));
  }
  if (s.never_started > 0)
    std::printf("%llu never started\n", static_cast<unsigned long long>(s.never_started));
  for (const std::string& note : r.notes) std::printf("%s\n", note.c_str());
  std::printf("policy %s, backfill %s, seed %llu\n\n", options.policy.c_str(), options.backfill.c_str(),
              static_cast<unsigned long long>(options.seed));
  std::printf("%-16s  %12s %12s %12s %12s %12s\n", "", "mean", "median", "95 %", "99 %", "longest");
  print_distribution("wait", s.wait_s, true);
  print_distribution("bounded slowdown", s.slowdown, false);
  std::printf("\ncores in use %.1f %%", s.core_share * 100);
  if (r.recorder.has_accelerators()) std::printf(", accelerators %.1f %%", s.accelerator_share * 100);
  std::printf("; makespan %s; billed %.6g credits; %.4g kg of carbon\n",
              duration(seconds(s.end_us - s.first_us)).c_str(), s.billed_credits, s.carbon_kg);
  std::printf("%s, %s in %.1f s: %.0f jobs/s; ledger root %.16s\n", counted(r.totals.loop.events, "event").c_str(),
              counted(r.totals.loop.decisions, "decision").c_str(), r.seconds,
              static_cast<double>(s.jobs) / std::max(r.seconds, 1e-9), to_hex(r.head.root).c_str());
}

Status written(std::ofstream& file, const std::string& name, const char* option) {
  file.flush();
  if (file) return {};
  return fail(ErrorCode::kInternal, "cannot be written", std::string(option) + " " + name);
}

Status run_replay(Options& options) {
  if (Status known = check_policy(options.policy, "--policy"); !known) return known;
  if (Status settled = settle(options); !settled) return settled;
  std::ofstream csv;
  if (!options.csv.empty()) {
    csv.open(options.csv);
    csv << twin::jobs_csv_header();
    if (Status status = written(csv, options.csv, "--csv"); !status) return status;
  }
  Progress progress(options.quiet);
  ReplayHooks hooks;
  if (!options.csv.empty()) {
    hooks.outcome = [&csv](const twin::JobOutcome& outcome, const std::string& site) {
      csv << twin::jobs_csv_row(outcome, site);
    };
  }
  hooks.progress = [&progress](const twin::ReplayTotals& so_far, TimeUs now_us) {
    progress("", so_far, now_us);
  };
  const auto result = replay(options.settings, options.policy, options.seed, hooks);
  progress.clear();
  if (!result) return tl::unexpected(result.error());
  if (!options.csv.empty()) {
    if (Status status = written(csv, options.csv, "--csv"); !status) return status;
  }
  if (!options.html.empty()) {
    std::ofstream html(options.html);
    html << twin::html_report(result->recorder, {.trace = options.settings.trace,
                                                 .policy = options.policy + ", backfill " + options.backfill,
                                                 .command = options.command,
                                                 .version = kVersion,
                                                 .ledger_root = to_hex(result->head.root),
                                                 .seed = options.seed,
                                                 .sites = result->sites,
                                                 .machine = result->machine});
    if (Status status = written(html, options.html, "--html"); !status) return status;
  }
  options.output == "json" ? print_json(options, *result) : print_table(options, *result);
  if (const auto& s = result->recorder.summary(); s.done == 0) {
    return fail(ErrorCode::kInternal, s.jobs == 0 ? "there is no job in it" : "none of its jobs was done",
                "--trace " + options.settings.trace);
  }
  return {};
}

// ---- compare ----------------------------------------------------------------------------------------------

struct Measure {
  const char* name;
  const char* key;
  double (*of)(const twin::Recorder::Summary&);
};
constexpr Measure kMeasures[] = {
    {"mean wait, s", "wait_s", [](const twin::Recorder::Summary& s) { return s.wait_s.mean(); }},
    {"mean bounded slowdown", "bounded_slowdown",
     [](const twin::Recorder::Summary& s) { return s.slowdown.mean(); }},
    {"95 % of waits, s", "wait_s_p95",
     [](const twin::Recorder::Summary& s) { return s.wait_s.quantile(0.95); }},
    {"makespan, s", "makespan_s",
     [](const twin::Recorder::Summary& s) { return seconds(s.end_us - s.first_us); }},
    {"cores in use, %", "cores_in_use_percent",
     [](const twin::Recorder::Summary& s) { return 100 * s.core_share; }},
};

Result<std::pair<uint64_t, uint64_t>> parse_seeds(const std::string& text) {
  const size_t dots = text.find("..");
  const auto number = [](std::string_view digits, uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
  };
  std::pair<uint64_t, uint64_t> range;
  const std::string_view all = text;
  if (!number(all.substr(0, dots), range.first) ||
      !number(dots == std::string::npos ? all : all.substr(dots + 2), range.second) ||
      range.first > range.second || range.second - range.first >= 1'000) {
    return fail(ErrorCode::kInvalid, "'" + text + "' is not a range of at most 1,000 seeds", "--seeds",
                "write A..B with A <= B, e.g. 1..10");
  }
  return range;
}

Status run_compare(Options& options) {
  std::vector<std::string> policies;
  for (size_t from = 0; from <= options.policies.size();) {
    const size_t comma = std::min(options.policies.find(',', from), options.policies.size());
    policies.push_back(options.policies.substr(from, comma - from));
    if (Status known = check_policy(policies.back(), "--policies"); !known) return known;
    from = comma + 1;
  }
  const auto seeds = parse_seeds(options.seeds);
  if (!seeds) return tl::unexpected(seeds.error());
  if (Status settled = settle(options); !settled) return settled;
  constexpr size_t kMeasured = std::size(kMeasures);
  // By policy, measure and seed.
  std::vector<std::vector<std::vector<double>>> values(policies.size(),
                                                       std::vector<std::vector<double>>(kMeasured));
  uint64_t jobs = 0;
  Progress progress(options.quiet);
  for (uint64_t seed = seeds->first; seed <= seeds->second; ++seed) {
    for (size_t p = 0; p < policies.size(); ++p) {
      const std::string what = policies[p] + ", seed " + std::to_string(seed) + ": ";
      const auto result =
          replay(options.settings, policies[p], seed,
                 {.outcome = {}, .progress = [&](const twin::ReplayTotals& so_far, TimeUs now_us) {
                    progress(what, so_far, now_us);
                  }});
      if (!result) return tl::unexpected(result.error());
      jobs += result->recorder.summary().jobs;
      for (size_t m = 0; m < kMeasured; ++m)
        values[p][m].push_back(kMeasures[m].of(result->recorder.summary()));
    }
  }
  progress.clear();
  // Against the first policy, seed by seed: what makes a sequence hard is hard for both.
  const auto differences = [&values](size_t p, size_t m) {
    std::vector<double> out;
    for (size_t i = 0; i < values[p][m].size(); ++i) out.push_back(values[p][m][i] - values[0][m][i]);
    return twin::confidence_95(out);
  };
  const auto finite = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value);
    return std::isfinite(value) ? std::string(text) : std::string("null");
  };
  if (options.output == "json") {
    std::printf(
        "{\"trace\": %s, \"seeds\": %s, \"length\": %llu, \"backfill\": %s, \"jobs\": %llu, \"policies\": [",
        json_text(options.settings.trace).c_str(), json_text(options.seeds).c_str(),
        static_cast<unsigned long long>(options.settings.length), json_text(options.backfill).c_str(),
        static_cast<unsigned long long>(jobs));
    for (size_t p = 0; p < policies.size(); ++p) {
      std::printf("%s\n  {\"policy\": %s", p ? "," : "", json_text(policies[p]).c_str());
      for (size_t m = 0; m < kMeasured; ++m) {
        const twin::Interval own = twin::confidence_95(values[p][m]), d = differences(p, m);
        std::printf(
            ", \"%s\": {\"mean\": %s, \"ci95\": %s, \"difference\": %s, \"difference_ci95\": %s, \"values\": "
            "[",
            kMeasures[m].key, finite(own.mean).c_str(), finite(own.half_width).c_str(),
            finite(d.mean).c_str(), finite(d.half_width).c_str());
        for (size_t i = 0; i < values[p][m].size(); ++i)
          std::printf("%s%s", i ? ", " : "", finite(values[p][m][i]).c_str());
        std::printf("]}");
      }
      std::printf("}");
    }
    std::printf("]}\n");
    return {};
  }
  std::printf("%s, seeds %s, backfill %s; 95 %% intervals\n", options.settings.trace.c_str(),
              options.seeds.c_str(), options.backfill.c_str());
  for (size_t m = 0; m < kMeasured; ++m) {
    std::printf("\n%-22s %24s   %s\n", kMeasures[m].name, "mean", ("against " + policies[0]).c_str());
    for (size_t p = 0; p < policies.size(); ++p) {
      const twin::Interval own = twin::confidence_95(values[p][m]);
      char mean[48], against[48] = "";
      const auto interval = [](char* out, size_t size, const twin::Interval& i, bool difference) {
        const std::string middle = (difference && i.mean >= 0 ? "+" : "") + figure(i.mean);
        std::snprintf(out, size, "%s", (middle + (std::isfinite(i.half_width) ? " ± " + figure(i.half_width) : "")).c_str());
      };
      interval(mean, sizeof mean, own, false);
      if (p > 0) interval(against, sizeof against, differences(p, m), true);
      // "±" is two bytes and one column.
      std::printf("  %-20s %*s   %s\n", policies[p].c_str(), std::isfinite(own.half_width) ? 25 : 24, mean,
                  against);
    }
  }
  return {};
}

// ---- generate
// ----------------------------------------------------------------------------------------------

int run_generate(const Options& options) {
  const twin::LublinOptions& l = options.lublin;
  std::printf(
      "; Version: 2.2\n; Computer: generated after Lublin and Feitelson 2003, seed %llu, load %.3g\n; "
      "MaxProcs: %d\n"
      "; MaxJobs: %llu\n",
      static_cast<unsigned long long>(l.seed), l.load, l.processors, static_cast<unsigned long long>(l.jobs));
  twin::LublinSource source(l);
  for (auto job = source.next(); job && *job && output_open(); job = source.next()) {
    const twin::TraceJob& j = **job;
    std::printf("%s %lld -1 %lld %d -1 -1 %d %lld -1 1 -1 -1 -1 -1 -1 -1 -1\n", j.id.c_str(),
                static_cast<long long>(j.submit_us / 1'000'000), static_cast<long long>(j.run_us / 1'000'000),
                j.cpu_milli / 1000, j.cpu_milli / 1000, static_cast<long long>(j.estimate_us / 1'000'000));
  }
  return kExitOk;
}

void add_trace_options(CLI::App& command, Options& o) {
  command.add_option("--trace", o.settings.trace, "The trace")->required();
  command.add_option("--format", o.settings.format, "swf, openb or csv (default: by the file's name)")
      ->check(CLI::IsMember({"swf", "openb", "csv"}));
  CLI::Option* nodes =
      command.add_option("--nodes", o.settings.nodes, "The machine's nodes, a list in openb's format");
  command
      .add_option("--processors", o.settings.processors,
                  "Cores of the machine (default: as an SWF header says)")
      ->excludes(nodes)
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}));
  command.add_option("--sites", o.settings.sites, "Sites that the machine is divided among")
      ->check(CLI::Range(1u, 10'000u))
      ->capture_default_str();
  command.add_option("--length", o.settings.length,
                     "Jobs of a window whose beginning the seed draws (default: all)")
      ->check(CLI::Range(uint64_t{1}, uint64_t{INT64_MAX}));
  command.add_option("--backfill", o.backfill, "none, easy or conservative")
      ->check(CLI::IsMember({"none", "easy", "conservative"}))
      ->capture_default_str();
  command
      .add_option("--estimates", o.estimates,
                  "Run times that schedulers know: what users said, or the true ones")
      ->check(CLI::IsMember({"user", "true"}))
      ->capture_default_str();
  command.add_flag("--predict", o.settings.predicts,
                   "Go by the mean of the last two run times of a user, once known, instead of what is said");
  command.add_flag("--shares", o.settings.shares, "Give each tenant and queue of the trace its share");
  command.add_option("--ask", o.settings.ask_core_hour, "Credits for a core-hour")
      ->check(number())
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--carbon", o.settings.carbon_g_per_kwh, "Grams of carbon for a kWh of the grid")
      ->check(number())
      ->check(CLI::Range(0.0, 10'000.0))
      ->capture_default_str();
  command
      .add_option("--waiting-max", o.settings.waiting_max,
                  "Jobs that may wait at once; more are refused, which bounds the memory")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1'000'000}))
      ->capture_default_str();
  command.add_option("-o,--output", o.output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command.add_flag("-q,--quiet", o.quiet, "No progress, which is shown on a terminal alone");
}

}  // namespace

void add_replay_commands(CLI::App& sim) {
  const auto o = std::make_shared<Options>();
  CLI::App* replay = sim.add_subcommand("replay", "Run a trace through the production loop in virtual time");
  add_trace_options(*replay, *o);
  replay->add_option("--policy", o->policy, "Who goes first: " + policy_names())
      ->capture_default_str();
  replay
      ->add_option("--seed", o->seed,
                   "0: the trace as it is; else draws the window, or shakes the trace by 5 %")
      ->capture_default_str();
  replay->add_option("--csv", o->csv, "Write every job to this file");
  replay->add_option("--html", o->html, "Write a report with charts to this file");
  replay->footer(
      "\nExamples:\n  weir sim replay --trace jobs.swf --policy fcfs --csv jobs.csv --html jobs.html\n"
      "  weir sim replay --trace pods.csv --format openb --nodes nodes.csv -o json");
  replay->callback([o, replay] {
    o->command = "weir sim replay";
    for (const CLI::Option* option : replay->parse_order()) {
      o->command += " " + option->get_name();
      if (option->get_expected_max() > 0) o->command += " " + option->as<std::string>();
    }
    finish(run_replay(*o));
  });

  const auto c = std::make_shared<Options>();
  CLI::App* compare =
      sim.add_subcommand("compare", "Run policies on the same sequences, with confidence intervals");
  add_trace_options(*compare, *c);
  compare->add_option("--policies", c->policies, "The first is compared with; of " + policy_names())->capture_default_str();
  compare->add_option("--seeds", c->seeds, "A..B, both included: one sequence each")->capture_default_str();
  compare->footer(
      "\nExample:\n  weir sim compare --trace jobs.swf --policies fcfs,sjf,weir --seeds 1..10");
  compare->callback([c] { finish(run_compare(*c)); });

  const auto g = std::make_shared<Options>();
  CLI::App* generate =
      sim.add_subcommand("generate", "Write a trace in the Standard Workload Format to standard output");
  generate->add_option("--jobs", g->lublin.jobs, "How many")
      ->check(CLI::Range(uint64_t{1}, uint64_t{100'000'000}))
      ->capture_default_str();
  generate->add_option("--processors", g->lublin.processors, "Of the machine")
      ->check(CLI::Range(2, 1'000'000))
      ->capture_default_str();
  generate->add_option("--load", g->lublin.load, "Share of the machine that is asked for")
      ->check(number())
      ->check(CLI::Range(0.01, 10.0))
      ->capture_default_str();
  generate->add_option("--seed", g->lublin.seed, "Draws the jobs")->capture_default_str();
  generate->footer("\nExample:\n  weir sim generate --jobs 1000000 --processors 256 > million.swf");
  generate->callback([g] { exit_with(run_generate(*g)); });
}

}  // namespace weir::app
