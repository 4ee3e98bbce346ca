#include <string>
#include <vector>

#include "bench/packing/packing_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_packing_bench(std::vector<std::string>(argv + 1, argv + argc));
}
