#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/graph/graph.h"
#include "core/result/result.h"

// Running instances led to other nodes of their site, so that what is free comes together, or so that a node
// can be taken out of service. Inside a site nothing else of a plan changes: its paths end at the site.
namespace weir {

// A kind of task that may come, and how often against the others.
struct ExpectedTask {
  Workload workload;
  int64_t weight = 1;  // 1 to 1,000,000
};

struct Move {
  IntentId intent;
  uint32_t placement = 0;  // of its active plan
  NodeId from, to;         // of one site
  Nanocredits cost = 0;
  friend bool operator==(const Move&, const Move&) = default;
};

// What moving a placement costs once, its lost work, restart and data: queue::preemption_cost(). nullopt: it
// stays.
using MoveCost = std::function<std::optional<Nanocredits>(IntentId intent, uint32_t placement)>;

struct DefragmentPolicy {
  int32_t moves_max = 10;              // in one pass
  int64_t horizon_us = 3'600'000'000;  // for how long what is gained counts; 1 us to 10 years
  int64_t steps_max = 1'000'000;       // looks at an instance and a node that could take it
  Asks worth;                          // what capacity that can be used is worth
};

struct Defragmentation {
  std::vector<Move> moves;        // in the order in which they have to be made
  Nanocredits usable_before = 0;  // by the hour: see usable_per_hour(), over all nodes in service
  Nanocredits usable_after = 0;
  Nanocredits cost = 0;  // of all moves
  bool complete = true;  // false: the steps ended
};

// What the free part of a node is worth by the hour to a task drawn from the mix: of each kind as many as
// fit, rounded down. Free capacity that no kind fits into is worth nothing: fragmentation, in the currency of
// the other prices.
Nanocredits usable_per_hour(const Graph& graph, NodeId node, const NodeFree& free,
                            std::span<const ExpectedTask> mix, const Asks& worth);

// Moves that gain more in the horizon than they cost. Node by node the cheapest of its instances are led
// away, each to where it takes least of what is usable, as long as the whole gains; the best node first,
// until moves_max. Only running instances move, to nodes of the same site that are as fast, have the model
// and are not `cordoned`; each at most once; sites that are down or drained are left alone. Ties go to the
// lowest NodeId. A heuristic: with moves_max = 1 it is the best move. O(moves_max · instances · nodes of a
// site).
Defragmentation defragment(const Graph& graph, std::span<const ExpectedTask> mix,
                           const DefragmentPolicy& policy, const MoveCost& cost,
                           const std::vector<NodeId>& cordoned = {});

// The active plan with these moves, all of its intent, as it may be committed: the moved instances begin anew on their
// nodes before the old ones end, and everything else goes on. kConflict or kInvalid: verify() would refuse it, and why.
Result<Plan> relocated(const Graph& graph, std::span<const Move> moves);

// The kinds of work that the domain has now: what every intent that is not withdrawn asks for, each counting once.
std::vector<ExpectedTask> present_mix(const Graph& graph);

// How a drained node gets empty: the largest instances first, each to the node of its site where least is
// left over.
struct Evacuation {
  std::vector<Move> moves;                               // at most moves_max
  std::vector<std::pair<IntentId, uint32_t>> elsewhere;  // no node of the site takes them: to be decided anew
  bool complete = true;                                  // false: moves_max ended it
};
// `cordoned`, ascending: the nodes to empty, which take nothing either, nor do others that the graph has
// cordoned. Instances that `cost` leaves where they are wait for their own end.
Evacuation evacuate(const Graph& graph, const std::vector<NodeId>& cordoned, int32_t moves_max,
                    const MoveCost& cost);

}  // namespace weir
