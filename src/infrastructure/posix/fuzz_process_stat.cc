#include <cstddef>
#include <cstdlib>

#include "infrastructure/posix/process_stat.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto stat = weir::posix::parse_process_stat({reinterpret_cast<const char*>(data), size});
  if (stat && (stat->state == ' ' || stat->state == '\n')) std::abort();
  return 0;
}
