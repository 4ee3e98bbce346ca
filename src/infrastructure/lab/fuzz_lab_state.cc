#include <cstdint>
#include <cstdlib>

#include "infrastructure/lab/lab_state.h"

// What is read is written back the same, and names processes only.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::lab;
  const auto state = decode_lab_state({reinterpret_cast<const char*>(data), size}, "state.json");
  if (!state) {
    if (state.error().where != "state.json") std::abort();
    return 0;
  }
  for (const LabState::Process& process : state->processes) {
    if (process.process.pid <= 0) std::abort();
  }
  const auto again = decode_lab_state(encode(*state), "state.json");
  if (!again || *again != *state) std::abort();
  return 0;
}
