#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// What the link emulator was asked for against what packets met: delay at several loads, jitter, loss and
// rate. Brings up a lab of two sites of its own, and takes it down. Needs root, and a program that answers to
// `lab emulate CONFIG`. Prints tables of at most 80 columns, or JSON with "-o json"; "--help" tells the
// options. Returns the exit code: 0, 1 if the lab did not come up, 2 for wrong arguments.
int run_emulator_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
