#include <string>
#include <vector>

#include "bench/emulator/emulator_bench.h"
#include "infrastructure/lab/emulator.h"

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 3 && args[0] == "lab" && args[1] == "emulate") return weir::lab::run_emulator(args[2]);
  return weir::bench::run_emulator_bench(args);
}
