#pragma once

#include "core/graph/graph.h"
#include "core/result/result.h"

namespace weir {

// Gives each flow of a plan that is about to be committed labels that no path held at either of its ends has:
// the lowest free ones. Flows that the plan takes over unchanged keep theirs. kExhausted: a site has 48,896
// paths. Deterministic; O(plans that touch the plan's sites).
Status give_labels(const Graph& head, Plan& plan);

}  // namespace weir
