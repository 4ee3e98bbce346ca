#pragma once

#include <cstdint>
#include <vector>

#include "core/result/result.h"
#include "orchestration/traffic/ecmp.h"
#include "orchestration/traffic/network.h"
#include "orchestration/traffic/segment_list.h"

namespace weir::traffic {

struct EngineerOptions {
  uint32_t segments_max = kSegmentsMax;  // of a list, 1 to kSegmentsMax
  uint32_t lists_max = 1;                // of a demand, 1 to 64; with more, large demands are divided
  bool link_segments = true;             // lists may name links (End.X) beside vertices
  int64_t steps_max = 1'000'000'000;     // a second or two; 0: all on shortest paths
  int64_t goal_ppm = 0;                  // stop once the maximum utilisation is at most this
};

struct Engineered {
  std::vector<Way> ways;           // by demand; those of one demand have different lists
  std::vector<int64_t> loads_bps;  // by link, as loads_bps() gives them
  int64_t max_utilisation_ppm = 0;
  int32_t rounds = 0;  // in which all lists were priced
  int64_t moves = 0;
  int64_t steps = 0;  // additions, about
};

// Gives each demand one segment list (or up to lists_max, with weights) such that the maximum link
// utilisation is low.
//
// A descent on LinkPotential: under the prices of the links all lists are priced at once (ListPrices);
// demands whose list is dearer than the cheapest are moved there, those that gain most first, each if the
// potential falls, which is computed exactly. Where that stalls the potential is made steeper, until it is as
// good as the maximum. Then large demands that cross the most utilised link try every detour, and some are
// taken off it by force to start again from there. The best routing met is returned. The budget counts steps,
// so that equal inputs give equal routings.
//
// Demands of zero get the shortest paths. The network and demands pass check(); `routes` are the network's.
Engineered engineer(const Network& network, const EcmpRoutes& routes, const std::vector<Demand>& demands,
                    const EngineerOptions& options);

}  // namespace weir::traffic
