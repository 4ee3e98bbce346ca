#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// What a rehearsal of the next four hours takes in a domain of so many sites and intents, of which one in five is a service and the others
// are jobs of the last day: milliseconds of the processor for each of four strategies, the run without any of them included. Prints a
// table of at most 80 columns, or JSON with "-o json"; "--help" tells the options. Returns the exit code: 0, 1 if nothing was
// rehearsed, or 2 for wrong arguments.
int run_rehearse_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
