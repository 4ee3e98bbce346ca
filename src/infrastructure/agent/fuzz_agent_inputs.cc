#include <cstddef>
#include <cstdint>
#include <string_view>

#include "infrastructure/agent/messages.h"
#include "infrastructure/agent/promise_line.h"
#include "infrastructure/agent/self_description.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = weir::agent::parse_promise_line(text);
  if (line && (line->report.samples < 0 || line->report.from < 0)) __builtin_trap();
  (void)weir::agent::decode_metering(std::string(text));
  const auto record = weir::agent::decode_usage_record(text);
  if (record && !weir::agent::decode_usage_record(
                    weir::agent::encode_usage_record(record->reported, record->waiting))) {
    __builtin_trap();
  }
  return 0;
}
