#include <string>
#include <vector>

#include "bench/ledger/ledger_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_ledger_bench(std::vector<std::string>(argv + 1, argv + argc));
}
