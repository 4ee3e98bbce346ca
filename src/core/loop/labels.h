#pragma once

#include <set>

#include "core/graph/graph.h"
#include "core/result/result.h"

namespace weir {

// Gives each flow of a plan that is about to be committed labels that no path held at either of its ends has, going
// round with the version: what an agent says late about an old path must not be taken for the new one. Flows that the
// plan takes over unchanged keep theirs. kExhausted: a site has 48,896 paths. Deterministic. `holders` are those that
// hold something at the ends of the plan's flows, and may be more; without them all are looked at. O(plans of these).
Status give_labels(const Graph& head, Plan& plan, const std::set<IntentId>& holders);
Status give_labels(const Graph& head, Plan& plan);

}  // namespace weir
