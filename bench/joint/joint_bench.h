#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Deciding place and path together against deciding one after the other: four policies on the same random
// regions, fed the same intents one after another until a share of the region's capacity has been offered.
// Prints a table of at most 80 columns, or JSON with "-o json"; progress goes to standard error. "--help"
// tells the options. Returns the exit code: 0, or 2 for wrong arguments.
int run_joint_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
