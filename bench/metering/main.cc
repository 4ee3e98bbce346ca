#include <string>
#include <vector>

#include "bench/metering/metering_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_metering_bench(std::vector<std::string>(argv + 1, argv + argc));
}
