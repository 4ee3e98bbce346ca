#pragma once

#include <cstdint>
#include <vector>

#include "core/graph/graph.h"

namespace weir::bench {

// What a random region looks like. The defaults are those of the published table: one setting for every
// policy and every load.
struct RegionShape {
  uint32_t routers = 30;
  uint32_t sites = 10;  // that compute; every router also has a cabinet where streams enter
  int64_t side_km = 2000;
  // Scarcity at full use, in millicredits per core-hour and per Gbit/s-hour.
  int64_t scarcity_core_milli = 1000;
  int64_t scarcity_gbps_milli = 20'000;
  // Link rates follow a traffic forecast (see below) instead of being random.
  bool dimensioned = false;
  // 0: they come until 1.4 times the capacity has been offered. Otherwise exactly so many come, and the sites keep
  // their proportions but get as many cores as make what is offered this share of the capacity.
  uint32_t intents = 0;
  int load_percent = 0;
};

// One region and the intents that arrive there, one after another.
struct Instance {
  Graph graph;
  std::vector<IntentSpec> intents;
  // Milli-cores of demand that the region can serve at most, see capacity_cpu_milli().
  int64_t capacity_cpu_milli = 0;
};

// The same seed gives the same instance on every machine.
//
// Network: routers at random points of a square, each joined to its three nearest and the components by their
// shortest gap; fibre follows 1.3 times the straight line at 5 us per km. Rates are 1, 2 or 4 units at
// random. When `dimensioned`, they are in proportion to gravity traffic (from every cabinet by its demand to
// every site by its cores, on the shortest path), rounded up to a power of two. Sites: the further west, the
// cheaper (0.02 credits per core-hour in the far west to 0.10 in the far east, give or take a fifth) and the
// larger: 1 to 3 machines of 16 cores in the eastern third, three times that in the middle, six times in the
// west. A cabinet in the eastern half has four times the demand of one in the west. Capacity: the largest
// demand, spread over the cabinets by their weights, that could be served if it were divisible and nobody
// minded latency: a maximum flow from cabinets through links to sites, where a core brings the mean bandwidth
// per core. The unit of link rates is the least at which this is 80% to 95% (drawn) of all cores, so that
// both network and compute are scarce when demand comes near it. Beyond it some work must be refused, though
// a policy may serve more than this from cabinets that happen to be well connected. Intents: one stream, one
// instance of 1 to 8 cores, 1 to 20 Mbit/s per core up and a tenth of that down, from a cabinet drawn by its
// weight. A fifth of them promise a network round trip of 8 to 15 ms, two fifths 15 to 30 ms, the rest 30 to
// 200 ms; a promise that an empty region could not keep is drawn again. They come until 1.4 times the
// capacity has been offered.
Instance make_instance(uint64_t seed, const RegionShape& shape);

}  // namespace weir::bench
