#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Packing of accelerators by the protocol of the FGD paper: named policies on the same sequences of tasks,
// against the published results and an upper bound. Prints a table of at most 80 columns, or JSON or
// Markdown; progress goes to standard error. "--help" tells the options. Returns the exit code: 0; 2 for
// wrong arguments or data.
int run_packing_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
