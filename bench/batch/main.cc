#include <string>
#include <vector>

#include "bench/batch/batch_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_batch_bench(std::vector<std::string>(argv + 1, argv + argc));
}
