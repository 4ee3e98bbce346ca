#include <string>
#include <vector>

#include "bench/loop/loop_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_loop_bench(std::vector<std::string>(argv + 1, argv + argc));
}
