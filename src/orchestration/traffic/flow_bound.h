#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/traffic/network.h"

namespace weir::traffic {

// What no routing can undercut, however it divides its traffic: the optimum of the maximum-concurrent-flow
// problem, which is the multicommodity-flow optimum of the maximum utilisation.

// A proof for any lengths of links: sum(demand * shortest distance) / sum(capacity * length), in ppm, rounded
// down. Every bit of a demand crosses links of at least that length, and a utilisation of u carries at most u
// * capacity over each (the linear programme's dual; Shahrokhi and Matula 1990). Lengths are from 0 to 2^40,
// not all of them 0. Exact; the network and demands pass check(). O(vertices * links log vertices).
int64_t lower_bound_ppm(const Network& network, const std::vector<Demand>& demands,
                        const std::vector<int64_t>& lengths);

struct FlowBoundOptions {
  int32_t rounds_max = 200;
  int64_t gap_ppm = 2'000;  // stop once the two bounds are as near, in ppm of the lower
};

struct FlowBound {
  int64_t lower_ppm = 0;  // proven by `lengths`
  int64_t upper_ppm = 0;  // of a flow that was found
  std::vector<int64_t> lengths;
  int32_t rounds = 0;
};

// Both bounds. Flow moves from each demand's dearer paths to its cheapest, source by source, until the prices
// of LinkPotential are equal on all that it uses (gradient projection; Jayakrishnan et al. 1994); the prices
// met are the lengths. O(rounds * (vertices * links log vertices + links of all paths in use)).
FlowBound bound_flow(const Network& network, const std::vector<Demand>& demands,
                     const FlowBoundOptions& options);

}  // namespace weir::traffic
