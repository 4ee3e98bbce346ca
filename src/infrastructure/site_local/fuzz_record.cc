#include <cstdint>
#include <cstdlib>

#include "infrastructure/site_local/record.h"

namespace {

template <class T>
void round_trip(weir::Result<T> (*decode)(std::string_view), std::string_view text) {
  const auto value = decode(text);
  if (value && decode(weir::site_local::encode(*value)).value() != *value) std::abort();
}

}  // namespace

// Whatever decodes must survive encoding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::site_local;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  round_trip(decode_order, text);
  round_trip(decode_control, text);
  round_trip(decode_status, text);
  round_trip(decode_sample, text);
  round_trip(decode_process, text);
  const auto id = parse_run_name(text);
  if (id && run_name(*id) != text) std::abort();
  return 0;
}
