#include "bench/traffic/trial.h"

#include <time.h>

#include <cmath>
#include <utility>

#include "orchestration/traffic/ecmp.h"
#include "orchestration/traffic/engineer.h"
#include "orchestration/traffic/flow_bound.h"

namespace weir::bench {
namespace {

using traffic::Adjacency;
using traffic::Demand;
using traffic::Network;
using traffic::ShortestPaths;

// Of this thread, so that other work on the machine does not count.
double processor_s() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace

std::vector<int64_t> single_path_loads(const Network& network, const std::vector<Demand>& demands) {
  std::vector<int64_t> loads(network.links.size(), 0), weights;
  for (const traffic::Link& link : network.links) weights.push_back(link.weight);
  std::vector<std::vector<int64_t>> sent(network.vertices, std::vector<int64_t>(network.vertices, 0));
  for (const Demand& demand : demands) sent[demand.to][demand.from] += demand.bps;
  ShortestPaths paths(network, Adjacency::By::kTo);
  for (uint32_t to = 0; to < network.vertices; ++to) {
    paths.run(to, weights);
    for (size_t i = paths.order().size(); i-- > 1;) {
      const uint32_t vertex = paths.order()[i], link = paths.tree()[vertex];
      loads[link] += sent[to][vertex];
      sent[to][network.links[link].to] += sent[to][vertex];
    }
  }
  return loads;
}

Result<int64_t> exact_optimum_ppm(const Network& network, const std::vector<Demand>& demands,
                                  LinearSolver& solver) {
  // Rows: for each source and vertex but itself, what stays there is its demand; for each link, the flow of
  // all sources less capacity * utilisation is at most 0. Columns: the utilisation, then a flow for each
  // source and link. In Gbit/s.
  constexpr double kGbps = 1e9;
  const uint32_t n = network.vertices;
  const auto m = static_cast<uint32_t>(network.links.size());
  std::vector<std::vector<double>> wanted(n);
  for (const Demand& demand : demands) {
    if (demand.bps == 0) continue;
    wanted[demand.from].resize(n, 0);
    wanted[demand.from][demand.to] += static_cast<double>(demand.bps) / kGbps;
  }
  std::vector<LinearRow> rows(m, LinearRow{.upper = 0});
  std::vector<std::vector<int32_t>> stays(n);
  for (uint32_t s = 0; s < n; ++s) {
    for (uint32_t v = 0; v < wanted[s].size(); ++v) {
      stays[s].push_back(v == s ? -1 : static_cast<int32_t>(rows.size()));
      if (v != s) rows.push_back({.lower = wanted[s][v], .upper = wanted[s][v]});
    }
  }
  LinearColumn utilisation{.cost = 1};
  for (uint32_t e = 0; e < m; ++e) {
    utilisation.rows.push_back(static_cast<int32_t>(e));
    utilisation.values.push_back(-static_cast<double>(network.links[e].capacity_bps) / kGbps);
  }
  std::vector<LinearColumn> columns = {utilisation};
  for (uint32_t s = 0; s < n; ++s) {
    for (uint32_t e = 0; e < m && !stays[s].empty(); ++e) {
      LinearColumn flow{.rows = {static_cast<int32_t>(e)}, .values = {1}};
      const auto add = [&](uint32_t vertex, double value) {
        if (stays[s][vertex] < 0) return;
        flow.rows.push_back(stays[s][vertex]);
        flow.values.push_back(value);
      };
      add(network.links[e].to, 1);
      add(network.links[e].from, -1);
      columns.push_back(std::move(flow));
    }
  }
  const auto program = solver.program();
  if (auto added = program->add_rows(rows); !added) return tl::unexpected(added.error());
  if (auto added = program->add_columns(columns); !added) return tl::unexpected(added.error());
  const auto solution = program->solve();
  if (!solution) return tl::unexpected(solution.error());
  if (solution->status != LinearStatus::kOptimal)
    return fail(ErrorCode::kInternal, "the optimum was not found");
  return static_cast<int64_t>(std::llround(solution->cost * 1e6));
}

Result<TrafficTrial> run_traffic_trial(const std::string& name, const Network& network,
                                       const std::vector<Demand>& demands,
                                       const TrafficTrialOptions& options) {
  if (auto good = check(network, demands); !good) return tl::unexpected(good.error());
  TrafficTrial trial{
      .name = name, .vertices = network.vertices, .links = network.links.size(), .demands = demands.size()};
  double began = processor_s();
  const auto routes = traffic::EcmpRoutes::make(network);
  if (!routes) return tl::unexpected(routes.error());
  const double routes_s = processor_s() - began;
  const auto engineered = [&](const traffic::EngineerOptions& how) {
    const double start = processor_s();
    const traffic::Engineered result = engineer(network, *routes, demands, how);
    return Routed{result.max_utilisation_ppm, routes_s + processor_s() - start,
                  static_cast<int64_t>(result.ways.size())};
  };
  trial.single_path.max_utilisation_ppm = max_utilisation_ppm(network, single_path_loads(network, demands));
  trial.ecmp = engineered({.steps_max = 0});
  trial.two = engineered({.segments_max = 2, .steps_max = options.steps_max});
  trial.three = engineered({.steps_max = options.steps_max});
  trial.weighted = engineered({.lists_max = options.lists_max, .steps_max = options.steps_max});
  began = processor_s();
  const traffic::FlowBound bound =
      bound_flow(network, demands, {.rounds_max = options.bound_rounds_max, .gap_ppm = 2'000});
  trial.bound_processor_s = processor_s() - began;
  trial.lower_ppm = bound.lower_ppm;
  trial.upper_ppm = bound.upper_ppm;
  if (options.exact) {
    const auto exact = exact_optimum_ppm(network, demands, *options.exact);
    if (!exact) return tl::unexpected(exact.error());
    trial.exact_ppm = *exact;
  }
  return trial;
}

}  // namespace weir::bench
