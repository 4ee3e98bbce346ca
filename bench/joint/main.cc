#include <string>
#include <vector>

#include "bench/joint/joint_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_joint_bench(std::vector<std::string>(argv + 1, argv + argc));
}
