#pragma once

#include <cstdint>
#include <string_view>

#include "core/result/result.h"

// Quantities of resource files: a decimal number and, where the quantity has one, a unit without a space
// between ("20ms", "1Gbps", "99.9%", "800km"). Exact: a value finer than the stored unit is refused, as is a
// missing or foreign unit, a sign, and anything over the range. Errors carry `what` and `remedy`.
namespace weir::lab {

Result<int64_t> parse_duration_us(std::string_view text);        // us ms s; at most 1 h
Result<int64_t> parse_rate_bps(std::string_view text);           // bps kbps Mbps Gbps Tbps; at most 10 Tbps
Result<int64_t> parse_share_ppm(std::string_view text);          // %; at most 100 %
Result<int64_t> parse_distance_m(std::string_view text);         // m km; at most 40,000 km
Result<int64_t> parse_power_mw(std::string_view text);           // mW W kW; at most 1 MW
Result<int64_t> parse_carbon_mg_per_kwh(std::string_view text);  // gCO2/kWh kgCO2/kWh; at most 10 kg
Result<int64_t> parse_memory_mib(std::string_view text);         // Mi Gi Ti; at most 1 Pi
Result<int64_t> parse_cores_milli(std::string_view text);        // "0.35" or "350m"; at most 1,000,000 cores
Result<int64_t> parse_credits_nano(std::string_view text);       // credits, no unit; at most 1,000,000
Result<int64_t> parse_ratio_milli(std::string_view text);        // no unit; at most 100
Result<int64_t> parse_degrees_micro(std::string_view text, int64_t degrees_max);  // may be negative
Result<int64_t> parse_count(std::string_view text, int64_t min, int64_t max);

}  // namespace weir::lab
