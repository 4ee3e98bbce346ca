#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/linear_program.h"
#include "core/result/result.h"
#include "orchestration/traffic/network.h"

namespace weir::bench {

// What one way of routing achieves.
struct Routed {
  int64_t max_utilisation_ppm = 0;
  double processor_s = 0;  // of one core, routes of all pairs included
  int64_t lists = 0;       // segment lists in use
};

struct TrafficTrial {
  std::string name;
  uint32_t vertices = 0;
  size_t links = 0, demands = 0;
  int64_t lower_ppm = 0, upper_ppm = 0;  // of the multicommodity-flow optimum
  double bound_processor_s = 0;
  std::optional<int64_t> exact_ppm;  // the optimum itself
  Routed single_path;                // one shortest path by IGP weight for each demand
  Routed ecmp;                       // all shortest paths
  Routed two, three;                 // one list of at most so many segments for each demand
  Routed weighted;                   // up to lists_max lists of three segments, with weights
};

struct TrafficTrialOptions {
  int64_t steps_max = 1'000'000'000;
  uint32_t lists_max = 8;
  int32_t bound_rounds_max = 600;
  LinearSolver* exact = nullptr;  // computes the optimum too, where the network is small
};

// Fails as check() and EcmpRoutes::make() do.
Result<TrafficTrial> run_traffic_trial(const std::string& name, const traffic::Network& network,
                                       const std::vector<traffic::Demand>& demands,
                                       const TrafficTrialOptions& options);

// Loads where each demand takes one shortest path by IGP weight; of equal ones the first that Dijkstra's
// algorithm finds.
std::vector<int64_t> single_path_loads(const traffic::Network& network,
                                       const std::vector<traffic::Demand>& demands);

// The multicommodity-flow optimum of the maximum utilisation as a linear programme of one flow for each
// source and link: in ppm, rounded to the nearest. For at most some dozens of vertices. Fails as the solver
// does.
Result<int64_t> exact_optimum_ppm(const traffic::Network& network,
                                  const std::vector<traffic::Demand>& demands, LinearSolver& solver);

}  // namespace weir::bench
