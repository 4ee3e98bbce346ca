#include <string>
#include <vector>

#include "bench/traffic/traffic_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_traffic_bench(std::vector<std::string>(argv + 1, argv + argc));
}
