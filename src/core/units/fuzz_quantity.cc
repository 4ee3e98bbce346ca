#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/units/quantity.h"
#include "core/units/text.h"

// Every parser on any text: what is accepted survives being written and read again.
namespace {

template <class T>
void check(weir::Result<T> value, std::string (*format)(int64_t),
           weir::Result<T> (*parse)(std::string_view)) {
  if (!value) {
    if (value.error().what.empty() || !weir::valid_utf8(value.error().text())) std::abort();
    return;
  }
  const auto again = parse(format(*value));
  if (!again || *again != *value) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(parse_cpu_milli(text), format_cpu, parse_cpu_milli);
  check(parse_memory_mib(text), format_memory, parse_memory_mib);
  check(parse_bandwidth_bps(text), format_bandwidth, parse_bandwidth_bps);
  check(parse_duration_us(text), format_duration, parse_duration_us);
  check(parse_lifetime_us(text), format_duration, parse_lifetime_us);
  check(parse_fraction_ppm(text), format_fraction, parse_fraction_ppm);
  check(parse_percentile_ppm(text), format_percentile, parse_percentile_ppm);
  check(parse_work_us(text), format_work, parse_work_us);
  check(parse_long_work_us(text), format_work, parse_long_work_us);
  check(parse_bytes(text), format_bytes, parse_bytes);
  check(parse_money_nanocredits(text), format_money, parse_money_nanocredits);
  check(parse_distance_m(text), format_distance, parse_distance_m);
  check(parse_power_mw(text), format_power, parse_power_mw);
  check(parse_carbon_mg_per_kwh(text), format_carbon, parse_carbon_mg_per_kwh);
  check(parse_pue_milli(text), format_milli, parse_pue_milli);
  check(parse_weight_milli(text), format_milli, parse_weight_milli);
  check(parse_per_second_milli(text), format_milli, parse_per_second_milli);
  check<int32_t>(parse_degrees_micro(text, 180), format_degrees,
                 [](std::string_view again) { return parse_degrees_micro(again, 180); });
  check<int64_t>(parse_count(text, 1, 65'535), [](int64_t count) { return std::to_string(count); },
                 [](std::string_view again) { return parse_count(again, 1, 65'535); });
  const std::string clipped = clip_utf8(text, 20);
  if (clipped.size() > 20 || !valid_utf8(clipped)) std::abort();
  return 0;
}
