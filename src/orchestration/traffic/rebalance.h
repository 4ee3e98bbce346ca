#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "core/result/result.h"

// Traffic engineering of what is committed: flows leave the most utilised links for others, one by one, while
// what was promised holds and nobody pays more.
namespace weir::traffic {

struct RebalanceOptions {
  int64_t utilisation_ppm_min = 600'000;  // links below this are left alone
  int64_t gain_ppm_min =
      20'000;  // a move has to lower what its flow sees, the utilisation of its worst link, by this
  size_t moves_max = 16;
  size_t searches_max = 256;           // paths that are looked for
  size_t labels_max = 20'000;          // of one search
  Nanocredits extra_per_hour_max = 0;  // by which the asks of a path may exceed what its flow is billed for
};

// A flow of an active plan on another path.
struct Reroute {
  IntentId intent;
  Position plan = 0;  // the active plan's
  uint32_t flow = 0;  // index in it
  std::vector<LinkId> path;
  int64_t latency_us_path = 0;    // round trip
  Nanocredits path_per_hour = 0;  // asks now
  friend bool operator==(const Reroute&, const Reroute&) = default;
};

struct Rebalanced {
  std::vector<Reroute> moves;  // of each flow at most one; any may be made, those of an intent in one plan
  // Of a link that can be used, by what is reserved: now, and when all moves have been made.
  int64_t before_ppm = 0, after_ppm = 0;
};

// Proposes paths such that the maximum utilisation falls, most utilised link first. A new path is steerable,
// disjoint from the flow's protection, as fast as the promise demands, no dearer than extra_per_hour_max
// allows, and has room for the flow on every link while the old path is still held. Intents whose active plan
// has parts that ended or were passed on are left alone, and so are flows that are on their protection path.
// Equal inputs give equal proposals. O(flows * links of a path + searches * (links + labels) * log).
Rebalanced rebalance(const Graph& graph, const RebalanceOptions& options);

// The active plan with these moves, all of its intent, as it may be committed: every run continues, and every
// other flow keeps its path. kConflict or kInvalid: verify() would refuse it, and why.
Result<Plan> rerouted(const Graph& graph, std::span<const Reroute> moves);

}  // namespace weir::traffic
