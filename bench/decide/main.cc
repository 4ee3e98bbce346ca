#include <string>
#include <vector>

#include "bench/decide/decide_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_decide_bench(std::vector<std::string>(argv + 1, argv + argc));
}
