#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// The agent's meter several times over, with its repeatability. Prints a table, or JSON with "-o json";
// "--help" tells the options. Returns the exit code: 0, or 2 for wrong arguments.
int run_metering_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
