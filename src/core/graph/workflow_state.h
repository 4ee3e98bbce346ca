#pragma once

#include <vector>

#include "core/graph/graph.h"

namespace weir {

// Does the stage run anything? One that does not stands for what is there by itself, and has no intent.
bool runs(const Stage& stage);

// The intent of the stage, if it was submitted for the newest generation of the workflow; null otherwise.
// Valid until the graph changes.
const IntentRow* stage_of_generation(const Graph& graph, const WorkflowRow& row, size_t stage);

// Of a batch, by stage: it has ended well, for the newest generation; one that runs nothing, when all before
// it have. What it made may be lost since. O(stages * edges).
std::vector<bool> done_stages(const Graph& graph, const WorkflowRow& row);

}  // namespace weir
