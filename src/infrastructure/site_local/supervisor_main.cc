#include <cstdio>

#include "infrastructure/site_local/supervisor.h"

// The supervisor alone, for those who do not start the whole of weir for each run.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: weir-run FOLDER\n");
    return 2;
  }
  return weir::site_local::supervise(argv[1]);
}
