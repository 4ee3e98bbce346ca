#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/event/codec.h"

// Any bytes are refused with a reason, or are the one form of a valid event.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto event = decode(bytes);
  if (!event) {
    if (event.error().what.empty() || event.error().where.empty()) std::abort();
    return 0;
  }
  if (!validate(*event)) std::abort();
  std::vector<std::byte> again;
  encode(*event, again);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
