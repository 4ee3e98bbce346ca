#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Workflows: batches against HEFT on random and structured task graphs, and streams over a region of many
// sites against their bound. Prints tables of at most 80 columns, or JSON with "-o json"; progress goes to
// standard error.
// "--help" tells the options. Returns the exit code: 0, or 2 for wrong arguments.
int run_workflow_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
