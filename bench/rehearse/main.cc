#include <string>
#include <vector>

#include "bench/rehearse/rehearse_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_rehearse_bench(std::vector<std::string>(argv + 1, argv + argc));
}
