#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Sharing and preemption on generated loads: work that preemption destroys, by the choice of victims; how
// near use keeps to what queues are due, by the order of turns; and what an operation takes with 10,000
// queues and 100,000 waiting jobs. Prints tables of at most 80 columns, or JSON with "-o json". "--help"
// tells the options. Returns the exit code: 0, or 2 for wrong arguments.
int run_fairness_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
