#include "bench/traffic/traffic_bench.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "bench/support/arguments.h"
#include "bench/traffic/report.h"
#include "bench/traffic/topology.h"
#include "bench/traffic/trial.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/traffic/flow_bound.h"
#include "twin/trace/repetita.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench traffic [--kind K]... [--nodes N] [--instances N] [--seed S]\n"
    "                          [--graph FILE --demands FILE]... [-o FORMAT]\n"
    "\n"
    "Segment lists for all demands of a network, such that the highest utilisation of\n"
    "a link is low. Utilisations are multiples of the least that any routing could\n"
    "reach, by the lower of two bounds of the multicommodity-flow optimum; \"bounds\"\n"
    "is the upper. Of several instances: the mean and the worst.\n"
    "  --kind K         waxman, isp or rings; may be repeated (default: all)\n"
    "  --nodes N        of each network (default 200)\n"
    "  --instances N    of each kind, seeds S to S+N-1 (default 5)\n"
    "  --seed S         first seed (default 1)\n"
    "  --graph FILE     a topology in REPETITA's format instead, and\n"
    "  --demands FILE   its demands; both may be repeated, in pairs\n"
    "  --steps N        of a search (default 1000000000: a second or two)\n"
    "  --lists N        of a demand, where there are weights (default 8)\n"
    "  --exact yes|no   also the optimum by a linear programme, for networks of some\n"
    "                   dozens of nodes (default no)\n"
    "  --write PREFIX   write the generated networks as PREFIX-KIND-SEED.graph and\n"
    "                   .demands\n"
    "  -o FORMAT        table (default), json or markdown\n"
    "\n"
    "Example: weir bench traffic --kind isp --nodes 100 --instances 1\n";

constexpr int64_t kWantedPpm = 900'000;

struct Settings {
  std::vector<std::string> kinds, graphs, demands;
  uint32_t nodes = 200;
  uint64_t instances = 5, seed = 1;
  TrafficTrialOptions trial;
  std::string exact, format = "table", write;
};

Option repeated(std::string name, std::string takes, std::vector<std::string> allowed,
                std::vector<std::string>& out) {
  return {std::move(name), std::move(takes), [allowed = std::move(allowed), &out](const std::string& value) {
            if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), value) == allowed.end())
              return false;
            out.push_back(value);
            return true;
          }};
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return fail(ErrorCode::kNotFound, "cannot be read", path);
  return text.str();
}

Result<TrafficTrial> run_files(const std::string& graph_path, const std::string& demands_path,
                               const TrafficTrialOptions& options) {
  const auto graph_text = read_file(graph_path);
  if (!graph_text) return tl::unexpected(graph_text.error());
  const auto graph = twin::parse_repetita_graph(*graph_text, graph_path);
  if (!graph) return tl::unexpected(graph.error());
  const auto demands_text = read_file(demands_path);
  if (!demands_text) return tl::unexpected(demands_text.error());
  const auto demands = twin::parse_repetita_demands(*demands_text, demands_path, graph->network.vertices);
  if (!demands) return tl::unexpected(demands.error());
  const size_t slash = demands_path.find_last_of('/');
  const std::string name = demands_path.substr(slash == std::string::npos ? 0 : slash + 1);
  auto trial = run_traffic_trial(name, graph->network, demands->demands, options);
  if (!trial) {
    Error error = trial.error();
    error.where = demands_path + (error.where.empty() ? "" : ": " + error.where);
    return tl::unexpected(error);
  }
  return trial;
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  return static_cast<bool>(file << text) && static_cast<bool>(file.flush());
}

Result<TrafficTrial> run_generated(const Settings& settings, const std::string& kind, uint64_t seed) {
  const traffic::Network network = make_network(kind, settings.nodes, seed);
  std::vector<traffic::Demand> demands = gravity_demands(network, seed);
  const traffic::FlowBound bound = bound_flow(network, demands, {.rounds_max = 60, .gap_ppm = 5'000});
  demands = scaled(std::move(demands), kWantedPpm, bound.lower_ppm);
  if (!settings.write.empty()) {
    const std::string prefix = settings.write + "-" + kind + "-" + std::to_string(seed);
    if (!write_file(prefix + ".graph", twin::repetita_graph(network, {})) ||
        !write_file(prefix + ".demands", twin::repetita_demands(demands)))
      return fail(ErrorCode::kUnavailable, "cannot be written", prefix);
  }
  return run_traffic_trial(kind, network, demands, settings.trial);
}

}  // namespace

int run_traffic_bench(const std::vector<std::string>& args) {
  Settings settings;
  const auto ended = read_arguments(
      "weir bench traffic", kHelp, args,
      {repeated("--kind", "waxman, isp or rings", {"waxman", "isp", "rings"}, settings.kinds),
       Option::number<uint32_t>("--nodes", 8, 1'000, settings.nodes),
       Option::number<uint64_t>("--instances", 1, 1'000, settings.instances),
       Option::number<uint64_t>("--seed", 0, UINT32_MAX, settings.seed),
       repeated("--graph", "a file", {}, settings.graphs),
       repeated("--demands", "a file", {}, settings.demands),
       Option::number<int64_t>("--steps", 1, INT64_MAX / 2, settings.trial.steps_max),
       Option::number<uint32_t>("--lists", 1, 64, settings.trial.lists_max),
       Option::choice("--exact", {"yes", "no"}, settings.exact), Option::text("--write", settings.write),
       Option::choice("-o", {"table", "json", "markdown"}, settings.format)});
  if (ended) return *ended;
  if (settings.graphs.size() != settings.demands.size()) {
    std::fprintf(stderr, "weir bench traffic: each --graph needs its --demands\n");
    return 2;
  }
  ClpSolver solver;
  if (settings.exact == "yes") settings.trial.exact = &solver;
  if (settings.kinds.empty() && settings.graphs.empty()) settings.kinds = {"waxman", "isp", "rings"};
  std::vector<TrafficTrial> trials;
  const auto take = [&trials](Result<TrafficTrial> trial) {
    if (!trial) {
      std::fprintf(stderr, "weir bench traffic: %s\n", trial.error().text().c_str());
      return false;
    }
    std::fprintf(stderr, "%s: %u nodes, %zu links, %zu demands\n", trial->name.c_str(), trial->vertices,
                 trial->links, trial->demands);
    trials.push_back(std::move(*trial));
    return true;
  };
  for (size_t i = 0; i < settings.graphs.size(); ++i) {
    if (!take(run_files(settings.graphs[i], settings.demands[i], settings.trial))) return 1;
  }
  for (const std::string& kind : settings.kinds) {
    for (uint64_t i = 0; i < settings.instances; ++i) {
      if (!take(run_generated(settings, kind, settings.seed + i))) return 1;
    }
  }
  const TrafficFormat format = settings.format == "json"       ? TrafficFormat::kJson
                               : settings.format == "markdown" ? TrafficFormat::kMarkdown
                                                               : TrafficFormat::kTable;
  std::fputs(report(trials, format).c_str(), stdout);
  return 0;
}

}  // namespace weir::bench
