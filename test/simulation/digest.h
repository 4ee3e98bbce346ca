#pragma once

#include <cstdint>
#include <string>

#include "core/graph/graph.h"

namespace weir::simulation {

// One line for every row that the graph shows through its public accessors, in order of identifiers: two
// graphs with equal text are equal to every reader.
std::string describe(const Graph& graph);

// The same as a number.
uint64_t digest(const Graph& graph);

}  // namespace weir::simulation
