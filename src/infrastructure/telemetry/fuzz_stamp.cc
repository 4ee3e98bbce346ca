#include <cstdlib>

#include "infrastructure/telemetry/stamp.h"

// Whatever decodes must encode to the same fields again.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::telemetry;
  const std::span packet(reinterpret_cast<const std::byte*>(data), size);
  if (const auto probe = decode_probe(packet)) {
    if (decode_probe(encode(*probe)).value() != *probe) std::abort();
  }
  if (const auto reply = decode_reply(packet)) {
    // The sender's own error estimate is echoed as it came, even when its multiplier is 0.
    if (decode_reply(encode(*reply)).value() != *reply) std::abort();
    stamp_unix_ns(reply->timestamp, reply->error.clock, 1'700'000'000'000'000'000);
  }
  return 0;
}
