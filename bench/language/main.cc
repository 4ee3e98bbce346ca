#include <string>
#include <vector>

#include "bench/language/language_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_language_bench(std::vector<std::string>(argv + 1, argv + argc));
}
