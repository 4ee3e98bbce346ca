#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Traffic engineering by segment lists against shortest paths and against the multicommodity-flow optimum, on
// generated networks or on files of REPETITA. Prints a table of at most 80 columns, Markdown or JSON;
// progress goes to standard error.
// "--help" tells the options. Returns the exit code: 0; 1 for files that cannot be read; 2 for wrong
// arguments.
int run_traffic_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
