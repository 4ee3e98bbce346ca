#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

using Decision = std::variant<Plan, Refusal>;

// Answers "where, and along which path" for one intent of the snapshot. Pure: equal snapshots give equal
// decisions, on every machine; what an implementation remembers between calls may speed it up only. One
// planner serves one thread at a time.
//
// For a dry run, apply an IntentSubmitted to a copy of the graph (O(1)) and decide on the copy.
class Planner {
 public:
  virtual ~Planner() = default;
  // Requires an intent of the graph that is not withdrawn.
  virtual Decision decide(const Graph& snapshot, IntentId intent) = 0;
  // The same, as if of these sites no other were allowed; none of them being so, as without.
  virtual Decision decide_among(const Graph& snapshot, IntentId intent, const std::vector<SiteId>& sites) = 0;
};

}  // namespace weir
