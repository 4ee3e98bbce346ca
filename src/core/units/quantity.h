#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result/result.h"

// Quantities as people write them: a decimal number with its unit and no space between ("500ms", "2Mbps").
// Exact integers, no floating point. What is finer than the stored unit, negative, over the limit, without
// its unit or followed by anything is refused (kInvalid); `what` quotes the text, `remedy` says how to write
// it. format_x chooses a readable unit and is exact: parse_x(format_x(v)) == v for every v that parse_x can
// yield.
namespace weir {

Result<int32_t> parse_cpu_milli(std::string_view text);      // cores "0.3", "2", or "300m"; at most 1e6 cores
Result<int32_t> parse_memory_mib(std::string_view text);     // Ki Mi Gi Ti, KiB..., kB MB GB TB; rounded up
Result<int64_t> parse_bytes(std::string_view text);          // B, and the units of memory; at most 2^55
Result<int64_t> parse_bandwidth_bps(std::string_view text);  // bps kbps Mbps Gbps Tbps; at most 1 Pbit/s
Result<int64_t> parse_duration_us(std::string_view text);    // us ms s m h d, "1h30m"; at most a day
Result<int64_t> parse_lifetime_us(std::string_view text);    // the same; at most 10 years
Result<int32_t> parse_fraction_ppm(std::string_view text);   // "99.9%" or "0.999"
Result<int32_t> parse_percentile_ppm(std::string_view text);     // "99", "99.9"; above 0, below 100
Result<int64_t> parse_work_us(std::string_view text);            // "30ms@reference-core"
Result<int64_t> parse_long_work_us(std::string_view text);       // the same, at most 365 days
Result<int64_t> parse_money_nanocredits(std::string_view text);  // credits, at most 9 decimals
Result<int64_t> parse_distance_m(std::string_view text);         // m km; at most 100,000 km
Result<int64_t> parse_power_mw(std::string_view text);           // mW W kW MW
Result<int64_t> parse_carbon_mg_per_kwh(std::string_view text);  // gCO2/kWh kgCO2/kWh; at most 10 kg
Result<int32_t> parse_pue_milli(std::string_view text);          // "1.25"; 1 to 10
Result<int32_t> parse_weight_milli(std::string_view text);       // "0.5"; at most 1,000
Result<int64_t> parse_per_second_milli(std::string_view text);   // "2", "0.5"; at most 2,000,000
Result<int32_t> parse_degrees_micro(std::string_view text, int32_t degrees_max);  // signed
Result<int64_t> parse_count(std::string_view text, int64_t low, int64_t high);    // whole; 0 <= low

std::string format_cpu(int64_t milli);
std::string format_memory(int64_t mib);
std::string format_bytes(int64_t bytes);  // decimal units: "1.5GB"
std::string format_bandwidth(int64_t bps);
std::string format_duration(int64_t us);  // one unit: "1.5h", "250us"
std::string format_fraction(int64_t ppm);
std::string format_percentile(int64_t ppm);
std::string format_work(int64_t us);
std::string format_money(int64_t nanocredits);
std::string format_distance(int64_t m);
std::string format_power(int64_t mw);
std::string format_carbon(int64_t mg_per_kwh);
std::string format_milli(int64_t milli);  // thousandths as a plain decimal: "1.25"
std::string format_degrees(int64_t micro);

// value / 10^decimals as a plain decimal, without trailing zeros: "-0.05". 0 <= decimals <= 18.
std::string format_decimal(int64_t value, int decimals);

}  // namespace weir
