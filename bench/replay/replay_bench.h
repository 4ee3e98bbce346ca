#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// A generated trace through the production loop in virtual time, as `weir sim replay` does it: jobs per second,
// of the processor and by the wall, what a job costs in turns, events and decisions, and the most memory the
// process had. Prints a table of at most 80 columns, or JSON with "-o json"; "--help" tells the options. Returns
// the exit code: 0, 1 if the replay failed, or 2 for wrong arguments.
int run_replay_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
