#include <string>
#include <vector>

#include "bench/fairness/fairness_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_fairness_bench(std::vector<std::string>(argv + 1, argv + argc));
}
