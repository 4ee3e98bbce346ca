#include "infrastructure/lab/quantity.h"

#include <array>
#include <initializer_list>
#include <string>

namespace weir::lab {
namespace {

struct Unit {
  std::string_view name;
  int64_t scale;  // stored units in one of these
};

struct Kind {
  std::string_view example;
  int64_t max;
  std::string_view max_text;
};

tl::unexpected<Error> refuse(std::string_view text, const std::string& why, const Kind& kind) {
  return fail(ErrorCode::kInvalid, "'" + std::string(text.substr(0, 40)) + "' " + why, {},
              "write it like " + std::string(kind.example));
}

Result<int64_t> parse(std::string_view text, std::initializer_list<Unit> units, const Kind& kind) {
  size_t at = 0;
  __int128 digits = 0;
  int fraction = -1;
  bool any = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && fraction < 0) {
      fraction = 0;
    } else if (c >= '0' && c <= '9') {
      any = true;
      if (digits > 1'000'000'000'000'000'000) return refuse(text, "has too many digits", kind);
      digits = digits * 10 + (c - '0');
      if (fraction >= 0) ++fraction;
    } else {
      break;
    }
  }
  if (!text.empty() && text[0] == '-') return refuse(text, "is negative", kind);
  if (!any || fraction == 0) return refuse(text, "is not a number with a unit", kind);
  const std::string_view suffix = text.substr(at);
  const Unit* unit = nullptr;
  for (const Unit& u : units) {
    if (u.name == suffix) unit = &u;
  }
  if (unit == nullptr) {
    std::string known;
    for (const Unit& u : units) {
      if (!u.name.empty()) known += (known.empty() ? "" : ", ") + std::string(u.name);
    }
    if (suffix.empty()) return refuse(text, "has no unit (known: " + known + ")", kind);
    if (known.empty()) return refuse(text, "has a unit, and this quantity has none", kind);
    return refuse(text, "has an unknown unit (known: " + known + ")", kind);
  }
  __int128 divisor = 1;
  for (int i = 0; i < fraction; ++i) divisor *= 10;
  const __int128 scaled = digits * unit->scale;
  if (scaled > static_cast<__int128>(kind.max) * divisor) {
    return refuse(text, "is more than " + std::string(kind.max_text), kind);
  }
  if (scaled % divisor != 0) return refuse(text, "is finer than can be stored", kind);
  return static_cast<int64_t>(scaled / divisor);
}

}  // namespace

Result<int64_t> parse_duration_us(std::string_view text) {
  return parse(text, {{"us", 1}, {"ms", 1000}, {"s", 1'000'000}}, {"20ms", 3'600'000'000, "an hour"});
}

Result<int64_t> parse_rate_bps(std::string_view text) {
  return parse(
      text,
      {{"bps", 1}, {"kbps", 1000}, {"Mbps", 1'000'000}, {"Gbps", 1'000'000'000}, {"Tbps", 1'000'000'000'000}},
      {"1Gbps", 10'000'000'000'000, "10Tbps"});
}

Result<int64_t> parse_share_ppm(std::string_view text) {
  return parse(text, {{"%", 10'000}}, {"99.9%", 1'000'000, "100%"});
}

Result<int64_t> parse_distance_m(std::string_view text) {
  return parse(text, {{"m", 1}, {"km", 1000}}, {"800km", 40'000'000, "40000km"});
}

Result<int64_t> parse_power_mw(std::string_view text) {
  return parse(text, {{"mW", 1}, {"W", 1000}, {"kW", 1'000'000}}, {"9.5W", 1'000'000'000, "1000kW"});
}

Result<int64_t> parse_carbon_mg_per_kwh(std::string_view text) {
  return parse(text, {{"gCO2/kWh", 1000}, {"kgCO2/kWh", 1'000'000}},
               {"0.5kgCO2/kWh", 10'000'000, "10kgCO2/kWh"});
}

Result<int64_t> parse_memory_mib(std::string_view text) {
  return parse(text, {{"Mi", 1}, {"Gi", 1024}, {"Ti", 1024 * 1024}}, {"256Mi", 1 << 30, "1024Ti"});
}

Result<int64_t> parse_cores_milli(std::string_view text) {
  return parse(text, {{"", 1000}, {"m", 1}}, {"0.35", 1'000'000'000, "1000000 cores"});
}

Result<int64_t> parse_credits_nano(std::string_view text) {
  return parse(text, {{"", 1'000'000'000}}, {"0.25", 1'000'000'000'000'000, "1000000 credits"});
}

Result<int64_t> parse_ratio_milli(std::string_view text) {
  return parse(text, {{"", 1000}}, {"1.4", 100'000, "100"});
}

Result<int64_t> parse_degrees_micro(std::string_view text, int64_t degrees_max) {
  const bool negative = text.starts_with('-');
  const std::string max_text = std::to_string(degrees_max) + " degrees";
  auto value = parse(negative ? text.substr(1) : text, {{"", 1'000'000}},
                     {"30.27", degrees_max * 1'000'000, max_text});
  if (value && negative) *value = -*value;
  return value;
}

Result<int64_t> parse_count(std::string_view text, int64_t min, int64_t max) {
  const std::string max_text = std::to_string(max), example = std::to_string(min);
  const Kind kind{example, max, max_text};
  auto value = parse(text, {{"", 1}}, kind);
  if (value && *value < min) return refuse(text, "is less than " + std::to_string(min), kind);
  return value;
}

}  // namespace weir::lab
