#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestration/traffic/network.h"

// Networks to engineer, the same for a seed on every machine.
namespace weir::bench {

// Each has directed links in pairs, the same in both directions.
//  waxman: points on a plane, joined by chance that falls with distance (Waxman 1988), about two links for
//  each point,
//          capacities by chance; weights are distances
//  isp:    a core of one vertex in eight, meshed, with 100 and 400 Gbit/s; the others join two near core
//  vertices, and some
//          a neighbour, with 10 to 100 Gbit/s; weights are inverse to capacity
//  rings:  rings of 6 to 14 vertices, each joined to two others at two vertices, and chords: what most of the
//  Internet
//          Topology Zoo looks like; capacities by ring; all weights are equal
// 8 <= vertices.
traffic::Network make_network(const std::string& kind, uint32_t vertices, uint64_t seed);

// Between all pairs, in proportion to the product of two masses: the capacity that ends at a vertex, times a
// heavy-tailed draw. The sum is about that of all capacities; none is zero.
std::vector<traffic::Demand> gravity_demands(const traffic::Network& network, uint64_t seed);

// All demands times wanted_ppm / found_ppm, at least 1 bit/s each.
std::vector<traffic::Demand> scaled(std::vector<traffic::Demand> demands, int64_t wanted_ppm,
                                    int64_t found_ppm);

}  // namespace weir::bench
