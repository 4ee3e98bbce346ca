#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Time to decide, to verify and to apply on a large region in use, one core: with nothing remembered, remembering, and in a
// steady state that retires a plan for each that it commits; memory of the graph; what a reader's snapshot costs
// while the writer commits. Prints a table of at most 80 columns, or JSON with "-o json"; "--help" tells the
// options. Returns the exit code: 0, or 2 for wrong arguments.
int run_decide_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
