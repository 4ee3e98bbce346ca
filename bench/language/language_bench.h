#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// How well and how fast sentences are understood, on the set written by hand or on another of its form; or how well the learners do on a
// set that others publish. Prints a table, or JSON with "-o json"; "--help" tells the options. Returns the exit code: 0, or 2 for wrong
// arguments or a wrong file.
int run_language_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
