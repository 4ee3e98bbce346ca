#pragma once

#include <memory>

#include "core/ports/planner.h"
#include "orchestration/plan/solver.h"

namespace weir {

struct DecideLimits {
  SolverLimits solver;
  size_t alternatives = 3;         // feasible runners-up to name, at most 8 reasons in all
};

// Picks sites, nodes and paths together: a cheap site behind a full link is not cheap. The answer is the
// cheapest plan under the price (asks, scarcity, carbon; see core/price) that keeps the promise, or the
// constraints that stand in the way and what would have to change.
//
// An intent that has a plan is repaired: what still keeps the promise stays, broken flows are led around,
// and only streams whose instance is gone are placed anew.
class JointPlanner : public Planner {
 public:
  explicit JointPlanner(DecideLimits limits = {}) : limits_(limits) {}
  Decision decide(const Graph& snapshot, IntentId intent) override;
  Decision decide_among(const Graph& snapshot, IntentId intent, const std::vector<SiteId>& sites) override;

 private:
  DecideLimits limits_;
  PlanCache cache_;
};

// Is the intent's active plan broken or at odds with the intent: a site down or draining, a run that ended,
// a dead link, a path slower than promised, another generation? Pure; O(size of the plan).
bool needs_decision(const Graph& graph, IntentId intent);

}  // namespace weir
