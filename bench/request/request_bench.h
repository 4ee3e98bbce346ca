#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// From a client's request over loopback to the durable plan: the production gateway, loop and ledger, asked
// over gRPC and over REST by clients in a closed loop, against plain write and fdatasync of the same bytes on
// the same disk, interleaved in one run. Prints a table, or JSON with "-o json"; "--help" tells the options.
// Returns the exit code: 0, 1 if something failed, 2 for wrong arguments.
int run_request_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
