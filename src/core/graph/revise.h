#pragma once

#include "core/graph/graph.h"
#include "core/result/result.h"

// Changing a part of what is committed: the rest of the plan goes on as it is.
namespace weir {

// Whether all that the intent wished for is held by its active plan: nothing of it was passed on or given back.
bool is_whole(const IntentRow& row);

// The active plan of an intent as a plan to be committed once more, all of whose runs go on. kConflict: it is not
// whole. O(size of the plan).
Result<Plan> continued_plan(const Graph& graph, IntentId intent);

// Fills in what follows from the placements and paths of a plan that was changed: latencies, prices, power, availability;
// then asks verify(). kConflict or kInvalid: it would not be granted, and why.
Status complete_plan(const Graph& graph, Plan& plan);

}  // namespace weir
