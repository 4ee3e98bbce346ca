#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Queueing policies on traces in the Standard Workload Format, by the protocol of RLScheduler (Zhang et al.,
// SC 2020), beside its published table; with --speed, how long the queue engine takes. Prints tables of at
// most 80 columns, or markdown with "-o markdown". "--help" tells the options. Returns the exit code: 0; 1
// when a trace cannot be read; 2 for wrong arguments.
int run_batch_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
