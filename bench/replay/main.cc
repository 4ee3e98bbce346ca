#include <string>
#include <vector>

#include "bench/replay/replay_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_replay_bench(std::vector<std::string>(argv + 1, argv + argc));
}
