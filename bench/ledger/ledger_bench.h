#pragma once

#include <string>
#include <vector>

namespace weir::bench {

// Durable 300-byte appends by the ledger, with and without hashing, against plain write and fdatasync of the
// same bytes, all interleaved in one run; then replay. Prints a table, or JSON with "-o json"; "--help" tells
// the options. Returns the exit code: 0, 1 if the disk failed, 2 for wrong arguments.
int run_ledger_bench(const std::vector<std::string>& args);

}  // namespace weir::bench
