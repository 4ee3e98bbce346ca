#pragma once

#include <vector>

#include "core/graph/graph.h"

namespace weir {

// What probes say of a path, as of now.
struct TimedPath {
  std::vector<LinkId> links;
  int64_t round_trip_us = 0;
};

// One-way latency of both directions of a duplex link.
struct LinkLatency {
  LinkId link;               // even
  int64_t latency_us = 0;
  friend bool operator==(const LinkLatency&, const LinkLatency&) = default;
};

// Which links are slower than the graph knows, or as fast as described again, from round trips of living paths. A path is
// *slow* when it takes a quarter and a millisecond more than its links' latencies and jitter say, *quick* when it takes
// so much less. Links of a path that is neither are as known. What a slow path takes too long is shared out equally among
// its links that no other path acquits (among all, if all are acquitted); what a quick one saves, among its links that
// are slower than described, and never below that. So the measured path is then known rightly; a wrongly blamed link is
// acquitted by the next path over it. Sorted by link. Pure.
std::vector<LinkLatency> judge_latencies(const Graph& graph, const std::vector<TimedPath>& paths);

// Is the link held to be slower than described, by as much as makes a path slow?
bool held_slow(const Graph& graph, LinkId link);

// Is it to be measured even where no traffic uses it, to find out when it is well again: one that is down or held slow?
bool worth_exploring(const Graph& graph, LinkId link);

}  // namespace weir
