#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/sim/replay_commands.h"
#include "simulation/sweep.h"

namespace weir::app {
namespace {

struct SimOptions {
  std::string seeds = "0..99";
  unsigned jobs = 0;
  bool verbose = false;
  std::string output = "table";
};

Status parse_seeds(const std::string& text, simulation::Sweep& sweep) {
  const auto number = [](std::string_view digits, uint64_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
  };
  const size_t dots = text.find("..");
  const std::string_view all = text;
  const std::string_view first = all.substr(0, dots);
  const std::string_view last = dots == std::string::npos ? first : all.substr(dots + 2);
  if (!number(first, sweep.first) || !number(last, sweep.last) || sweep.first > sweep.last || sweep.last == UINT64_MAX) {
    return fail(ErrorCode::kInvalid, "'" + text + "' is not a range of seeds", "--seeds", "write A..B with A <= B, e.g. 0..999");
  }
  return {};
}

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

void print_json(const simulation::SweepResult& r, double seconds) {
  std::cout << "{\"seeds\": " << r.seeds << ", \"failed\": " << r.failed << ", \"run_twice\": " << r.twice
            << ", \"events\": " << r.events << ", \"turns\": " << r.turns << ", \"crashes\": " << r.crashes
            << ", \"plans\": " << r.commits << ", \"refusals\": " << r.refusals << ", \"conflicts\": " << r.conflicts
            << ", \"wrong_decisions\": " << r.defects << ", \"moves\": " << r.moves << ", \"virtual_seconds\": " << r.virtual_us / 1'000'000
            << ", \"converged_seconds_max\": " << static_cast<double>(r.converged_us_max) / 1e6
            << ", \"seconds\": " << seconds << ", \"failures\": [";
  const char* separator = "";
  for (const auto& failure : r.failures) {
    std::cout << separator << "\n  {\"seed\": " << failure.seed << ", \"why\": " << json_string(failure.why)
              << ", \"reproduce\": " << json_string(simulation::reproduce(failure.seed)) << "}";
    separator = ",";
  }
  std::cout << "]}\n";
}

int run(const SimOptions& options) {
  simulation::Sweep wanted;
  if (Status parsed = parse_seeds(options.seeds, wanted); !parsed) {
    print_error(parsed.error());
    return kExitUsage;
  }
  wanted.jobs = options.jobs != 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  wanted.options.trace = options.verbose && wanted.first == wanted.last;
  const uint64_t count = wanted.last - wanted.first + 1;
  const auto began = std::chrono::steady_clock::now();
  auto said = began;
  uint64_t done = 0, failed = 0;
  const auto result = simulation::sweep(wanted, [&](const simulation::Outcome& outcome) {
    ++done;
    failed += !outcome.ok;
    if (!outcome.ok) {
      std::cerr << "seed " << outcome.seed << ": " << outcome.why << "\n  " << simulation::reproduce(outcome.seed) << "\n";
      if (options.verbose) {
        std::cerr << "  faults: " << outcome.faults << "\n";
        for (const std::string& line : outcome.last) std::cerr << "    " << line << "\n";
      }
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - said < std::chrono::seconds(5) && done != count) return;
    said = now;
    std::cerr << done << " of " << count << " seeds, " << failed << " failed\n";
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (options.output == "json") {
    print_json(result, seconds);
  } else {
    std::printf("%llu seeds (%llu run twice) in %.1f s: %llu failed\n", static_cast<unsigned long long>(result.seeds),
                static_cast<unsigned long long>(result.twice), seconds, static_cast<unsigned long long>(result.failed));
    std::printf("%lld s of virtual time, %llu events, %llu plans, %llu refusals, %llu late and %llu wrong decisions\n",
                static_cast<long long>(result.virtual_us / 1'000'000), static_cast<unsigned long long>(result.events),
                static_cast<unsigned long long>(result.commits), static_cast<unsigned long long>(result.refusals),
                static_cast<unsigned long long>(result.conflicts), static_cast<unsigned long long>(result.defects));
    std::printf("%llu moves of passes over the domain, %llu crashes of the brain; slowest convergence %.1f s\n",
                static_cast<unsigned long long>(result.moves), static_cast<unsigned long long>(result.crashes),
                static_cast<double>(result.converged_us_max) / 1e6);
  }
  return result.failed == 0 ? kExitOk : kExitFailed;
}

}  // namespace

void add_sim_commands(CLI::App& app) {
  CLI::App* sim = app.add_subcommand("sim", "Run the production loop in simulated worlds, or on traces");
  sim->require_subcommand(1);
  sim->footer("\nExample:\n  weir sim run --seeds 0..999");
  const auto options = std::make_shared<SimOptions>();
  CLI::App* command = sim->add_subcommand("run", "Run seeds; a seed decides everything that happens in its world");
  command->add_option("--seeds", options->seeds, "A..B, both included, or one number")->capture_default_str();
  command->add_option("--jobs", options->jobs, "Seeds at a time (default: one per core)")->check(CLI::Range(1u, 1024u));
  command->add_flag("-v,--verbose", options->verbose, "Show what led to a failure; of a single seed, everything that happens");
  command->add_option("-o,--output", options->output, "table or json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
  command->footer("\nExamples:\n  weir sim run --seeds 0..999\n  weir sim run --seeds 4711..4711 --verbose");
  command->callback([options] { exit_with(run(*options)); });
  add_replay_commands(*sim);
}

}  // namespace weir::app
