#include <cstddef>
#include <cstdint>
#include <string_view>

#include "infrastructure/lab/emulator_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::lab;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto command = decode_emulator_command(text)) {
    const auto again = decode_emulator_command(encode(*command));
    // A name that is near the limit may not fit once its characters are escaped.
    if (text.size() < 1000 && (!again || *again != *command)) __builtin_trap();
    static_cast<void>(changed({}, *command));
  }
  static_cast<void>(decode_emulator_config(text));
  static_cast<void>(decode_answer(text));
  return 0;
}
