#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "orchestration/traffic/network.h"

// Topologies and demands of REPETITA, the framework for repeatable experiments of traffic engineering (Gay,
// Schaus and Vissicchio, arXiv:1710.08665). Two files of text, in sections:
//
//   NODES 2                               DEMANDS 1
//   label x y                             label src dest bw
//   0_Paris 2.35 48.85                    demand_0 0 1 1200
//   1_Lyon 4.84 45.76
//
//   EDGES 2
//   label src dest weight bw delay
//   edge_0 0 1 10 10000000 2000
//   edge_1 1 0 10 10000000 2000
//
// Edges are directed; src and dest count the nodes from 0. bw is in kbit/s and delay in microseconds, either
// perhaps with a fraction or an exponent; weight is a whole number. The number behind a section's name may be
// missing; if it is there, it is the number of lines. Fields are divided by blanks; empty lines and lines
// that begin with '#' say nothing.
namespace weir::twin {

struct RepetitaGraph {
  traffic::Network network;
  std::vector<std::string> vertex_names, link_names;
  std::vector<int64_t> delays_us;  // by link, rounded to the nearest
  int64_t loops = 0;               // edges from a node to itself, left out
};

struct RepetitaDemands {
  std::vector<traffic::Demand> demands;
  std::vector<std::string> names;
  int64_t loops = 0;  // demands of a node to itself, left out: they cross no link
};

// kInvalid, with "FILE:LINE": a line that the format does not have, a figure outside the bounds of
// traffic::Network, a node that does not exist, a count that is wrong. bw is rounded to the nearest bit/s.
Result<RepetitaGraph> parse_repetita_graph(std::string_view text, std::string_view file);
// For a network of so many vertices.
Result<RepetitaDemands> parse_repetita_demands(std::string_view text, std::string_view file,
                                               uint32_t vertices);

// The same as text; delays of 0 where `delays_us` is empty. Bandwidths keep every bit/s.
std::string repetita_graph(const traffic::Network& network, const std::vector<int64_t>& delays_us);
std::string repetita_demands(const std::vector<traffic::Demand>& demands);

}  // namespace weir::twin
