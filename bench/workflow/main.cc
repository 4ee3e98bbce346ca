#include <string>
#include <vector>

#include "bench/workflow/workflow_bench.h"

int main(int argc, char** argv) {
  return weir::bench::run_workflow_bench(std::vector<std::string>(argv + 1, argv + argc));
}
