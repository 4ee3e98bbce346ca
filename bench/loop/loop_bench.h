#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Jobs through the production loop in virtual time, on one site with room for all of them: jobs per second of
// one core, what of that goes to deciding, to the ledger's hashes and to the rest, and the memory that a
// finished job leaves; or what an array takes beside as many jobs submitted at once. Prints a table of at most 80
// columns, or JSON with "-o json"; "--help" tells the
// options. Returns the exit code: 0, 1 if the replay failed, or 2 for wrong arguments.
int run_loop_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
