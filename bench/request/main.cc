#include <string>
#include <vector>

#include "bench/request/request_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_request_bench(std::vector<std::string>(argv + 1, argv + argc));
}
