#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/graph/graph.h"

// Paths by price. A path is a sequence of duplex links; traffic returns the way it came, so one price and
// one round trip belong to it. The price of a hop is what one stream pays for both directions: the asks plus
// scarcity, weighted by the tenant's preference for cost.
namespace weir {

// What one stream sends.
struct StreamDemand {
  int64_t up_bps = 0;
  int64_t down_bps = 0;
  int64_t request_bits = 0;    // one request upward, one answer downward: what a hop must serialise
  int64_t response_bits = 0;
  int32_t cost_milli = 1000;   // Prefer::cost_milli
  friend bool operator==(const StreamDemand&, const StreamDemand&) = default;
  friend auto operator<=>(const StreamDemand&, const StreamDemand&) = default;
};
StreamDemand stream_demand(const IntentSpec& spec);

struct Hop {
  Nanocredits price = 0;       // decision price per stream and hour
  int64_t round_trip_us = 0;   // propagation and jitter, both ways
  int64_t serialisation_us = 0;
};
Hop hop(const Graph& graph, LinkId link, const StreamDemand& demand);

// Bandwidth that earlier parts of the same plan take, on top of the graph's reservations. Small: linear.
class PathUse {
 public:
  int64_t of(LinkId link) const;
  void add(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps);
  void remove(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps);
  bool empty() const { return uses_.empty(); }

 private:
  int64_t& at(LinkId link);
  std::vector<std::pair<LinkId, int64_t>> uses_;
};

struct PathOption {
  std::vector<LinkId> links;
  Nanocredits price = 0;       // per stream
  int64_t round_trip_us = 0;
  int64_t serialisation_us = 0;
  int64_t latency_us() const { return round_trip_us + serialisation_us; }
};

// Paths of equal price and latency are told apart by the sum of a fixed hash of their duplex links, so that the
// choice does not depend on the order in which a search meets them.
uint64_t tie_break(LinkId link);

// Lower bounds of the price per stream from one vertex to every other, over links that were up, ignoring
// room and latency. They stay lower bounds while Graph::path_relief() does not move: prices only rise then.
struct PathTree {
  static constexpr Nanocredits kUnreachable = INT64_MAX / 4;
  VertexId from;
  uint64_t relief = 0;            // Graph::path_relief() and routing() that it was made for
  uint64_t routing = 0;
  bool floor = false;             // of asks alone: no change of load makes it invalid, only routing() does
  bool all_steerable = true;      // no link that it met follows plain routing only
  std::vector<Nanocredits> price;
  std::vector<LinkId> by;         // last link of the best path then, by price, latency and tie break
  std::vector<Nanocredits> first; // prices then of the links out of `from`, in order
  // Labels that searches guided by it have expanded because it was out of date, or the best path full or slow. The
  // holder makes a new one when they have cost as much as that would.
  mutable uint64_t detours = 0;
};
// O(links log vertices).
PathTree price_tree(const Graph& graph, VertexId from, const StreamDemand& demand, bool floor = false);

// Round trip and serialisation of the fastest path from one vertex to every other, ignoring price, steering and
// room. Holds while Graph::routing() stands still.
struct FastestTree {
  static constexpr int64_t kUnreachable = INT64_MAX / 4;
  VertexId from;
  uint64_t routing = 0;
  std::vector<int64_t> latency_us;
  std::vector<LinkId> by;
};
FastestTree fastest_tree(const Graph& graph, VertexId from, const StreamDemand& demand);
// none: not connected.
std::optional<PathOption> fastest_path(const Graph& graph, const FastestTree& tree, VertexId to, const StreamDemand& demand);

struct PathLimits {
  int32_t streams = 1;              // every link must have room for so many
  int64_t latency_us_max = INT64_MAX;  // negative: nothing is fast enough, not even staying at home
  const PathUse* use = nullptr;     // taken already by this plan
  const std::vector<LinkId>* avoid = nullptr;  // neither these nor their twins
};

// The cheapest path within the limits, ties by latency and then by tie_break(); none if there is none. Whatever
// valid tree guides it, the answer is the same. The tree's own path is the answer while no price on it has
// risen, O(hops). Otherwise exact search: labels of (price, latency) from the target backwards (A*), dominated labels
// dropped. Only links that can be steered are used, unless the routed path is itself the answer.
std::optional<PathOption> cheapest_path(const Graph& graph, const PathTree& tree, VertexId to,
                                        const StreamDemand& demand, const PathLimits& limits);

// Up to `most` simple paths within the limits in order of price; `complete` tells whether these are all.
// `steps` is a budget of label expansions and is decreased.
struct PathList {
  std::vector<PathOption> paths;
  bool complete = false;
};
PathList paths_by_price(const Graph& graph, const PathTree& tree, VertexId to, const StreamDemand& demand,
                        const PathLimits& limits, size_t most, uint64_t& steps);

// The path that plain routing takes: least described latency, ties by vertex, whether or not its links are up: Weir
// does not see the routing tables, and a promise must not rest on their converging. None if not connected.
std::optional<std::vector<LinkId>> routed_path(const Graph& graph, VertexId from, VertexId to);

// Price, round trip and serialisation of a given path; nothing is checked.
PathOption priced(const Graph& graph, std::vector<LinkId> links, const StreamDemand& demand);
// Is there room for the streams, and is every link up?
bool fits(const Graph& graph, const PathOption& path, const StreamDemand& demand, const PathLimits& limits);

// Availability of a path in ppm: the product over its duplex links.
int32_t path_availability_ppm(const Graph& graph, const std::vector<LinkId>& path);

}  // namespace weir
